#!/usr/bin/env bash
# Measures WebSocket echo servers: CPU time a message, and what that is against Boost.Beast and
# against the ceiling. Run it as `./dev bench`.
#   --quick        the first three scenarios, 3 rounds of 1.5 s   (otherwise all, 7 rounds of 2 s)
#   --deflate      permessage-deflate instead, beside Beast and Node's ws: the same JSON, level, memory
#                  level and windows for all; every reply is inflated and compared
#   --only NAME    that server, beside the ceiling and Beast (a part of its name will do)
#   --rounds N   --ms N   --build FOLDER (build/release)
#   --spike [ARG…] the measurement of docs/decisions/0001-readiness.md instead
# SERVER_CORE and LOAD_CORE choose the cores (0 and 1). How it measures: bench/harness.sh.
set -euo pipefail
cd "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")/.."
export LC_ALL=C.UTF-8

# name | program in the build folder, or node, with arguments. It prints `listening PORT`, and echoes
# until SIGTERM. Those called ceiling and beast are the references.
servers=(
  "ceiling|bench_epoll_ws_echo"
  "beast|bench_beast_echo"
  "adieu callback|bench_adieu_echo_callback"
  "adieu co_await|bench_adieu_echo_coroutine"
  "adieu try_receive|bench_adieu_echo_drain"
)
deflate_servers=(
  "beast|bench_beast_echo --deflate"
  "adieu callback|bench_adieu_echo_callback"
  "ws|node bench/ws_echo.mjs"
)

# name | options of the load generator
scenarios=(
  "16 B × 64 connections × 1 in flight|--connections 64 --inflight 1 --size 16"
  "16 B × 64 × 32|--connections 64 --inflight 32 --size 16"
  "16 KiB × 16 × 4|--connections 16 --inflight 4 --size 16384"
)
more_scenarios=(
  "1 KiB × 64 × 1|--connections 64 --inflight 1 --size 1024"
  "16 KiB ASCII text × 16 × 4|--connections 16 --inflight 4 --size 16384 --kind text"
  "16 KiB mixed text × 16 × 4|--connections 16 --inflight 4 --size 16384 --kind mixed"
  "1 MiB × 4 × 1|--connections 4 --inflight 1 --size 1048576"
  "16 B × 1 × 1|--connections 1 --inflight 1 --size 16"
  "16 B × 64, 20,000 messages/s in all|--connections 64 --inflight 1 --size 16 --rate 20000"
)
deflate_scenarios=(
  "JSON 1 KiB × 64 × 1, no context takeover|--connections 64 --inflight 1 --size 1024 --kind json --deflate alone"
  "JSON 1 KiB × 64 × 1, context takeover|--connections 64 --inflight 1 --size 1024 --kind json --deflate takeover"
  "JSON 64 KiB × 8 × 2, no context takeover|--connections 8 --inflight 2 --size 65536 --kind json --deflate alone"
  "JSON 64 KiB × 8 × 2, context takeover|--connections 8 --inflight 2 --size 65536 --kind json --deflate takeover"
)

if [[ ${1-} == --spike ]]; then
  shift
  exec bench/spike/run.sh "$@"
fi

quick=no deflate=no rounds= ms= build=build/release only=
while [[ $# -gt 0 ]]; do
  case $1 in
    --quick) quick=yes; shift; continue ;;
    --deflate) deflate=yes; shift; continue ;;
    --only) only=${2-} ;;
    --rounds) rounds=${2-} ;;
    --ms) ms=${2-} ;;
    --build) build=${2-} ;;
    *) sed -n '2,/^set /{/^#/s/^# \{0,1\}//p}' bench/run.sh >&2; exit 2 ;;
  esac
  [[ $# -ge 2 ]] || { printf '%s needs a value\n' "$1" >&2; exit 2; }
  shift 2
done
if [[ $quick == yes ]]; then
  rounds=${rounds:-3} ms=${ms:-1500}
else
  rounds=${rounds:-7} ms=${ms:-2000}
  scenarios+=("${more_scenarios[@]}")
fi
if [[ $deflate == yes ]]; then
  servers=("${deflate_servers[@]}")
  scenarios=("${deflate_scenarios[@]}")
fi
source bench/harness.sh

[[ -x $build/bench_load ]] || die "no $build/bench_load: build it first (./dev build)"
# command_of "PROGRAM ARG…": sets command.
command_of() {
  read -ra command <<<"$1"
  [[ ${command[0]} == node ]] || command[0]=$build/${command[0]}
}
present=()
for server in "${servers[@]}"; do
  name=${server%%|*}
  command_of "${server#*|}"
  if [[ -n $only && $name != ceiling && $name != beast && $name != *"$only"* ]]; then
    continue
  fi
  if command -v "${command[0]}" >/dev/null; then
    present+=("$server")
  else
    printf 'SKIPPED: %s (there is no %s)\n' "$name" "${command[0]}"
  fi
done
[[ ${#present[@]} -gt 0 ]] || die "no server to measure"

printf 'CPU µs a message of the server: median [lowest–highest] of %d rounds of %s ms;\n' \
  "$rounds" "$ms"
printf 'each ratio is the median of the ratios within a round. %s, %s cores, load average %s.\n' \
  "$(uname -sm)" "$(nproc)" "$(cut -d' ' -f1 /proc/loadavg)"

results=$scratch/results
for scenario in "${scenarios[@]}"; do
  read -ra options <<<"${scenario#*|}"
  for ((round = 1; round <= rounds; ++round)); do
    for server in "${present[@]}"; do
      name=${server%%|*}
      command_of "${server#*|}"
      start_server "${command[@]}"
      line=$(load "$build/bench_load" "${options[@]}" --ms "$ms") ||
        die "$name failed in: ${scenario%%|*}"
      stop_server
      printf '%s|%s|%d|%s|%s|%s|%s|%s\n' "${scenario%%|*}" "$name" "$round" \
        "$(value cpu_us_per_message "$line")" "$(value rate "$line")" \
        "$(value p50_us "$line")" "$(value p99_us "$line")" \
        "$(value reply_ratio "$line")" >>"$results"
    done
  done
done
table "$results" ceiling beast
