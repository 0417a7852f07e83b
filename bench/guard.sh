#!/usr/bin/env bash
# Counts the instructions of fixed work (bench/guard.cpp) with callgrind and compares them with
# bench/guard.txt: more than TOLERANCE per cent more is a failure. Run it as `./dev bench --guard`;
# --update writes the counts instead. `./dev test` runs it too.
#   bench/guard.sh [--update] [--build FOLDER]
# Counts depend on the compiler, the C library and the processor's vector width: guard.txt names
# those that it is for; elsewhere the counts are shown and nothing fails (status 77, "skipped").
set -euo pipefail
cd "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")/.."
export LC_ALL=C.UTF-8
TOLERANCE=3
WORKS=(parse unmask validate echo)

update=no build=build/release
while [[ $# -gt 0 ]]; do
  case $1 in
    --update) update=yes ;;
    --build) build=$2 && shift ;;
    *) sed -n '2,/^set /{/^#/s/^# \{0,1\}//p}' bench/guard.sh >&2; exit 2 ;;
  esac
  shift
done
command -v valgrind >/dev/null || { echo "SKIPPED: no valgrind here"; exit 77; }

vectors=$(grep -qw avx2 /proc/cpuinfo && echo avx2 || echo "no avx2")
here="g++ $(g++ -dumpfullversion), libc $(ldd --version | grep -oP '[0-9.]+$' | head -1),"
here+=" $(valgrind --version), $(uname -m) $vectors"
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

declare -A counted expected
for work in "${WORKS[@]}"; do
  valgrind --tool=callgrind --callgrind-out-file=/dev/null \
    --toggle-collect='*guarded_work*' "$build/bench_guard" "$work" 2>"$scratch/said" || {
    cat "$scratch/said" >&2
    exit 1
  }
  counted[$work]=$(sed -n 's/^==.*Collected : //p' "$scratch/said")
done

if [[ $update == yes ]]; then
  {
    echo "# Instructions of fixed work, as \`./dev bench --guard --update\` counted them with:"
    echo "$here"
    for work in "${WORKS[@]}"; do echo "$work ${counted[$work]}"; done
  } >bench/guard.txt
  cat bench/guard.txt
  exit
fi

while read -r work count; do
  [[ -z ${counted[$work]-} ]] || expected[$work]=$count
done <bench/guard.txt
status=0
for work in "${WORKS[@]}"; do
  now=${counted[$work]} then=${expected[$work]:?no count in bench/guard.txt}
  change=$(awk -v a="$now" -v b="$then" 'BEGIN { printf "%+.1f", 100 * (a - b) / b }')
  verdict="as expected"
  if ((now * 100 > then * (100 + TOLERANCE))); then
    verdict="MORE than the $TOLERANCE % that are allowed"
    status=1
  elif ((now * 100 < then * (100 - TOLERANCE))); then
    verdict="fewer: ./dev bench --guard --update keeps it so"
  fi
  printf '%-9s %12d instructions, %s %%: %s\n' "$work" "$now" "$change" "$verdict"
done
if [[ $(sed -n 2p bench/guard.txt) != "$here" ]]; then
  echo "SKIPPED: the counts are for $(sed -n 2p bench/guard.txt); this is $here"
  exit 77
fi
exit $status
