# Proves that a bare Debian 12 is enough: clones HEAD into one, and runs demo and test in there.
# Rules: everything mounted lives in a mount namespace of its own, so that nothing can stay behind;
# the new system gets apt's and npm's way to the network from this one, and nothing else of it.

fresh() {
  ((EUID == 0)) || die "fresh makes a Debian and needs root: sudo ./dev fresh"
  need_packages debootstrap debian-archive-keyring git
  local root
  root=$(mktemp -d "${TMPDIR:-/var/tmp}/adieu-fresh.XXXXXX")
  trap "fresh_ends '$root'" EXIT
  trap 'exit 130' INT TERM HUP

  [[ -z $(git status --porcelain) ]] || say "changes that are not committed are left out"
  timed "making a bare Debian 12 in $root" private make_debian "$root" || die "no Debian, no test"
  timed "cloning $(git rev-parse --short HEAD)" \
    git clone --quiet --no-local . "$root/root/adieu" || die "cannot clone HEAD"

  local from=$SECONDS demo=0 test=0 demo_time
  timed "in there: ./dev demo" private inside "$root" ./dev demo || demo=$?
  demo_time=$((SECONDS - from)) from=$SECONDS
  timed "in there: ./dev test" private inside "$root" ./dev test || test=$?
  say "bare Debian 12: demo $(verdict $demo) in $demo_time s, test $(verdict $test) in $((SECONDS - from)) s"
  ((demo == 0 && test == 0))
}

FRESH_CHILD=''
fresh_ends() {
  # unshare ignores a polite request while it waits; the namespace ends with it, and all in there
  [[ -z $FRESH_CHILD ]] || kill -KILL "$FRESH_CHILD" 2>/dev/null || true
  wait 2>/dev/null
  rm -rf --one-file-system "$1" "$1.log"
}

verdict() { if (($1 == 0)); then echo passed; else echo "FAILED (status $1)"; fi; }

# private FUNCTION ARG…: runs it where mounts and processes end with it.
private() {
  unshare --mount --propagation private --pid --fork --kill-child \
    bash -c 'set -euo pipefail; source scripts/fresh.sh; "$@"' private "$@" </dev/null &
  FRESH_CHILD=$! # in the background, because bash obeys no signal while it runs something in front
  local status=0
  wait "$FRESH_CHILD" || status=$?
  FRESH_CHILD=''
  return "$status"
}

make_debian() {
  local root=$1 mirror security proxy
  mirror=$(debian_address '/debian/?$' http://deb.debian.org/debian)
  security=$(debian_address 'security' http://security.debian.org/debian-security)
  proxy=$(apt-config shell proxy Acquire::http::Proxy)
  if [[ -n $proxy ]]; then # debootstrap asks wget, not apt
    eval "$proxy"
    export http_proxy=$proxy
  fi
  # shellcheck disable=SC2015
  debootstrap --variant=minbase --include=ca-certificates bookworm "$root" "$mirror" >"$root.log" 2>&1 \
    && rm "$root.log" || {
    tail -20 "$root.log" "$root/debootstrap/debootstrap.log" 2>/dev/null || true
    rm -f "$root.log"
    return 1
  }
  printf 'deb %s main\n' "$mirror bookworm" "$mirror bookworm-updates" \
    "$security bookworm-security" >"$root/etc/apt/sources.list"
  apt-config dump | grep -E '^Acquire::(https?::|Check-|Retries|ForceIPv)' \
    >"$root/etc/apt/apt.conf.d/99host" || true

  # How this system reaches its network: names, addresses, whom it trusts.
  cp -L /etc/hosts /etc/resolv.conf "$root/etc/"
  cp -L /etc/ssl/certs/ca-certificates.crt "$root/etc/ssl/certs/"
  mkdir -p "$root/usr/local/share/ca-certificates"
  cp -rL /usr/local/share/ca-certificates/. "$root/usr/local/share/ca-certificates/" 2>/dev/null || true
  [[ ! -f ~/.npmrc ]] || cp ~/.npmrc "$root/root/"
}

# debian_address PATTERN OTHERWISE: the first address of Debian's in apt's sources that matches.
debian_address() {
  local found
  found=$(apt-get indextargets --format '$(ORIGIN) $(REPO_URI)' 2>/dev/null \
    | sed -n 's/^Debian //p' | grep -E "$1" | head -1) || true
  found=${found:-$2}
  echo "${found%/}"
}

# inside ROOT COMMAND…: runs COMMAND in the clone, with nothing of this shell's environment but the
# way to the network.
inside() {
  local root=$1 certificates=/etc/ssl/certs/ca-certificates.crt name keep=()
  shift
  mount -t proc proc "$root/proc"
  mount --rbind /sys "$root/sys"
  mount --rbind /dev "$root/dev"
  for name in {http,https,no}_proxy {HTTP,HTTPS,NO}_PROXY; do
    [[ -z ${!name-} ]] || keep+=("$name=${!name}")
  done
  chroot "$root" /usr/bin/env -i HOME=/root TERM=dumb LC_ALL=C.UTF-8 \
    PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
    NODE_EXTRA_CA_CERTS=$certificates npm_config_cafile=$certificates \
    "${keep[@]}" /bin/bash -c 'cd /root/adieu && exec "$@"' bash "$@"
}
