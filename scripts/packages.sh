# Which packages the house needs, and how they get here: Debian's by apt-get, the peers' by npm.
# Rule: what is there already is left alone, so that a second run asks nobody.

BUILD_PACKAGES=(g++ cmake ninja-build ccache clang-format git ca-certificates libssl-dev zlib1g-dev
  libsimdjson-dev libcli11-dev libfmt-dev libgtest-dev libgmock-dev librapidcheck-dev)
TEST_PACKAGES=(python3 python3-websockets openssl iproute2 nftables valgrind)
CLANG_PACKAGES=(clang libclang-rt-dev llvm) # for the fuzzers and for coverage

installed() { [[ $(dpkg-query -W -f '${db:Status-Abbrev}' "$1" 2>/dev/null) == "ii "* ]]; }

as_root() {
  if ((EUID == 0)); then
    "$@"
  elif command -v sudo >/dev/null; then
    sudo "$@"
  else
    die "not root, and no sudo: cannot run $*"
  fi
}

# apt-get without questions; what it says is shown only when it fails.
apt_get() {
  local said
  said=$(as_root env DEBIAN_FRONTEND=noninteractive apt-get -q -o Dpkg::Use-Pty=0 \
    -o DPkg::Lock::Timeout=300 -o Acquire::Retries=3 "$@" 2>&1) || {
    printf '%s\n' "$said" >&2
    return 1
  }
}

# apt's lists are fetched once a run, and only when something has to be installed.
apt_lists_fetched=no
fetch_apt_lists() {
  [[ $apt_lists_fetched == no ]] || return 0
  apt_lists_fetched=yes
  timed "apt-get update" apt_get update
}

# Prints the newest Boost from 1.81 up that has all three of our packages: "1.81", or nothing.
# Reads names (libboost1.81-dev …) from standard input.
newest_boost() {
  local names version
  names=$(cat)
  for version in $(grep -oP '^libboost\K1\.[0-9]+(?=-dev$)' <<<"$names" | sort -rV); do
    ((${version#1.} >= 81)) || continue
    if grep -qx "libboost-url$version-dev" <<<"$names" \
      && grep -qx "libboost-json$version-dev" <<<"$names"; then
      echo "$version"
      return
    fi
  done
}

installed_packages() { dpkg-query -W -f '${db:Status-Abbrev} ${Package}\n' | sed -n 's/^ii  *//p'; }

# Sets BOOST_PACKAGES: those of the newest Boost that is installed, or else that apt knows.
choose_boost() {
  local version
  version=$(installed_packages | newest_boost)
  if [[ -z $version ]]; then
    fetch_apt_lists
    version=$(apt-cache pkgnames libboost | newest_boost)
  fi
  [[ -n $version ]] || die "apt knows no Boost from 1.81 up (libboost1.81-dev or later)"
  BOOST_PACKAGES=("libboost$version-dev" "libboost-url$version-dev" "libboost-json$version-dev")
}

# What a build needs, and what else is named.
need_build_packages() {
  command -v dpkg-query >/dev/null || die "neither Debian nor Ubuntu: CMakeLists.txt says what to install"
  choose_boost
  need_packages "${BUILD_PACKAGES[@]}" "${BOOST_PACKAGES[@]}" "$@"
}

need_packages() {
  local package missing=()
  for package in "$@"; do
    installed "$package" || missing+=("$package")
  done
  ((${#missing[@]} == 0)) || install_packages "${missing[@]}"
}

install_packages() {
  say "missing: $*"
  fetch_apt_lists
  timed "apt-get install" apt_get install -y --no-install-recommends "$@"
}

# Node may come from elsewhere and bring its npm along; then Debian's packages would conflict.
need_node() {
  local missing=()
  command -v node >/dev/null || missing+=(nodejs)
  command -v npm >/dev/null || missing+=(npm)
  ((${#missing[@]} == 0)) || install_packages "${missing[@]}"
}

# A browser is a peer too. Ubuntu has none in apt (it is a snap there): then its tests are skipped.
need_browser() {
  if installed chromium; then return; fi
  fetch_apt_lists
  if [[ -n $(apt-cache madison chromium) ]]; then
    need_packages chromium
  else
    say "apt knows no chromium: the browser's tests will be skipped"
  fi
}

# need_npm_modules FOLDER: the peers written in JavaScript, at the versions of its lock file.
need_npm_modules() {
  local folder=$1
  [[ -f $folder/package-lock.json ]] || return 0
  ! grep '"resolved"' $folder/package-lock.json | grep -v '"https://registry.npmjs.org/' \
    || die "$folder/package-lock.json names another registry than npm's"
  [[ $folder/node_modules/.package-lock.json -nt $folder/package-lock.json ]] \
    || timed "npm ci in $folder" npm_ci "$folder"
}

npm_ci() {
  (cd "$1" && npm ci --no-audit --no-fund --loglevel=error) \
    && touch "$1/node_modules/.package-lock.json"
}
