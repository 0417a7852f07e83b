#!/usr/bin/env bash
# Prints the figures of docs/decisions/0001-readiness.md: CPU time and system calls a message of
# spike_readiness in each of its ways. Run it as `./dev bench --spike`.
#   --rounds N (11)  --ms N (400)  --build FOLDER (build/release)  --only WAY
# System calls are counted by perf's tracepoints, or, where those are not allowed, not at all
# (strace slows the server so much that it changes what is counted).
set -euo pipefail
cd "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")/../.."
export LC_ALL=C.UTF-8

rounds=11 ms=400 build=build/release only=
while [[ $# -gt 0 ]]; do
  case $1 in
    --rounds) rounds=$2 ;;
    --ms) ms=$2 ;;
    --build) build=$2 ;;
    --only) only=$2 ;;
    *) printf 'unknown option %s\n' "$1" >&2; exit 2 ;;
  esac
  shift 2
done
source bench/spike/harness.sh

ways=(raw read_some read_some_any read_some_small wait edge edge_again)
[[ -z $only ]] || ways=(raw "$only")

# name | options of the load generator
scenarios=(
  "16 B × 64 connections × 1 in flight|--connections 64 --inflight 1 --size 16"
  "16 B × 64 × 32|--connections 64 --inflight 32 --size 16"
  "16 KiB × 16 × 4|--connections 16 --inflight 4 --size 16384"
  "16 B × 1 × 1|--connections 1 --inflight 1 --size 16"
  "16 B × 64, 20,000 messages/s in all|--connections 64 --inflight 1 --size 16 --rate 20000"
)

results=$scratch/results
for scenario in "${scenarios[@]}"; do
  read -ra options <<<"${scenario#*|}"
  for ((round = 1; round <= rounds; ++round)); do
    for way in "${ways[@]}"; do
      start_server "$build/spike_readiness" "$way"
      line=$(load "$build/bench_load" --raw "${options[@]}" --ms "$ms" --warmup-ms 200)
      stop_server
      printf '%s|%s|%d|%s|%s|%s|%s\n' "${scenario%%|*}" "$way" "$round" \
        "$(value cpu_us_per_message "$line")" "$(value rate "$line")" \
        "$(value p50_us "$line")" "$(value p99_us "$line")" >>"$results"
    done
  done
done
table "$results" raw read_some

calls=(epoll_wait epoll_ctl recvfrom sendto)
events=raw_syscalls:sys_enter
for call in "${calls[@]}"; do
  events+=,syscalls:sys_enter_$call
done
if ! perf stat -x, -e "$events" true >/dev/null 2>&1; then
  printf '\nsystem calls a message: not counted (perf has no tracepoints here)\n'
  exit 0
fi
for scenario in "${scenarios[@]}"; do
  read -ra options <<<"${scenario#*|}"
  printf '\nsystem calls a message, %s\n' "${scenario%%|*}"
  printf '%-18s %8s' '' all
  printf ' %10s' "${calls[@]}"
  printf '\n'
  for way in "${ways[@]}"; do
    start_server "$build/spike_readiness" "$way"
    perf stat -x, -o "$scratch/calls" -e "$events" -p "$server_pid" &
    perf_pid=$!
    sleep 0.3
    line=$(load "$build/bench_load" --raw "${options[@]}" --ms 500 --warmup-ms 100)
    kill -INT "$perf_pid"
    wait "$perf_pid" || true
    stop_server
    printf '%-18s' "$way"
    awk -F, -v total="$(value total "$line")" '
      /^[0-9]/ { printf "%s%*.3f", n++ ? " " : " ", n == 1 ? 8 : 10, $1 / total }
      END { printf "\n" }' "$scratch/calls"
  done
done
