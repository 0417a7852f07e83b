# How ./dev speaks: one short line a step, and how long each step took.

if [[ -t 1 ]]; then
  BOLD=$'\e[1m' PLAIN=$'\e[0m'
else
  BOLD='' PLAIN=''
fi

say() { printf '%s── %s%s\n' "$BOLD" "$*" "$PLAIN"; }

die() {
  printf '── %s\n' "$*" >&2
  exit 1
}

# timed TEXT COMMAND…: runs COMMAND between two lines about it; its status is COMMAND's.
timed() {
  local text=$1 from=$SECONDS status=0
  shift
  say "$text"
  "$@" || status=$?
  if ((status == 0)); then
    say "$text: done in $((SECONDS - from)) s"
  else
    say "$text: FAILED after $((SECONDS - from)) s (status $status)"
  fi
  return "$status"
}
