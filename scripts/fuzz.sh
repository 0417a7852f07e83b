# The fuzzers (fuzz/, docs/proofs.md), by libFuzzer with the address and undefined sanitizers.
# Rules: a target is a file fuzz/NAME.cpp; it starts from fuzz/corpus/NAME and what earlier runs
# found (build/fuzz/corpus/NAME); whatever breaks is kept in build/fuzz/findings, and fails. The tests
# begin at the same seed and the repository's corpus each time: they are no lottery.

FUZZ_TARGETS=(server_bytes client_bytes frame_header handshake_request handshake_response
  deflate_negotiation inflate close_payload utf8 session moves url arguments)
FUZZ_FOLDER=build/fuzz
FUZZ_BROKEN=0

# fuzz [TARGET…] [--seconds N | --minutes N] | --seeds
fuzz() {
  local seconds=60 targets=()
  while (($# > 0)); do
    case $1 in
      --seconds) seconds=$2 && shift ;;
      --minutes) seconds=$(($2 * 60)) && shift ;;
      --seeds) fuzz_seeds && return ;;
      -*) die "unknown option: $1 (known: --seconds N, --minutes N, --seeds)" ;;
      *)
        [[ " ${FUZZ_TARGETS[*]} " == *" $1 "* ]] || die "no such target: $1 (${FUZZ_TARGETS[*]})"
        targets+=("$1")
        ;;
    esac
    shift
  done
  ((${#targets[@]} > 0)) || targets=("${FUZZ_TARGETS[@]}")
  build fuzz fuzzers
  fuzz_all "$seconds" by_chance "${targets[@]}"
}

# fuzz_all SECONDS by_chance|same_seed TARGET…: as many at once as there are processors, then a table.
# Sets FUZZ_BROKEN.
fuzz_all() {
  local seconds=$1 way=$2 target row=%-20s%12s%10s%8s%9s%10s'\n'
  shift 2
  mkdir -p $FUZZ_FOLDER/findings
  say "fuzzing: $# targets, $seconds s each, $(nproc) at once"
  printf '%s\0' "$@" | xargs -0 -P "$(nproc)" -I{} bash -c "$(declare -f fuzz_one)
    FUZZ_FOLDER=$FUZZ_FOLDER fuzz_one {} $seconds $way" || true
  printf "$row" target executions per_s edges corpus findings
  FUZZ_BROKEN=0
  for target in "$@"; do
    fuzz_row "$target" "$row" || FUZZ_BROKEN=$((FUZZ_BROKEN + 1))
  done
  ((FUZZ_BROKEN == 0))
}

# One target; its figures are in its log. It is stopped two minutes late at the latest.
fuzz_one() {
  local target=$1 seconds=$2 corpus=$FUZZ_FOLDER/corpus/$1 seed=0
  if [[ $3 == same_seed ]]; then
    corpus=$FUZZ_FOLDER/corpus-of-tests/$1 seed=1
    rm -rf "$corpus"
  fi
  mkdir -p "$corpus"
  ASAN_OPTIONS=quarantine_size_mb=16:detect_stack_use_after_return=1 \
    UBSAN_OPTIONS=print_stacktrace=1 \
    timeout -k 5 $((seconds + 120)) "$FUZZ_FOLDER/fuzz_$target" -seed=$seed -max_total_time="$seconds" \
    -max_len=512 -timeout=20 -rss_limit_mb=1024 -print_final_stats=1 \
    -artifact_prefix="$FUZZ_FOLDER/findings/$target-" "$corpus" "fuzz/corpus/$target" \
    >"$FUZZ_FOLDER/$target.log" 2>&1
  echo $? >"$FUZZ_FOLDER/$target.status"
}

# A line of the table; fails, and says where the input is, when something broke.
fuzz_row() {
  local target=$1 log=$FUZZ_FOLDER/$1.log last found=0
  [[ $(<"$FUZZ_FOLDER/$target.status") == 0 ]] || found=1
  last=$(grep -E '^#[0-9]+.* cov: ' "$log" | tail -n 1)
  printf "$2" "$target" "$(sed -n 's/^stat::number_of_executed_units: *//p' "$log")" \
    "$(sed -n 's/^stat::average_exec_per_sec: *//p' "$log")" \
    "$(sed -n 's/.* cov: \([0-9]*\).*/\1/p' <<<"$last")" \
    "$(sed -n 's/.* corp: \([0-9]*\).*/\1/p' <<<"$last")" $found
  ((found == 0)) || {
    grep -E -A12 'what\(\)|ERROR: |runtime error: ' "$log" | grep -v '^ *#' | head -n 20 | cut -c1-400
    sed -n "s|.*Test unit written to |   reproduce: $FUZZ_FOLDER/fuzz_$target |p" "$log"
    echo "   its log: $log"
    return 1
  }
}

# Makes fuzz/corpus anew: what the conformance cases send, and what earlier runs found, cut down to
# the smallest set that reaches as much.
fuzz_seeds() {
  local target largest=200
  build fuzz fuzzers adieu_fuzz_seeds
  rm -rf $FUZZ_FOLDER/seeds
  $FUZZ_FOLDER/adieu_fuzz_seeds $FUZZ_FOLDER/seeds tests/conformance/cases.txt
  for target in "${FUZZ_TARGETS[@]}"; do
    rm -rf "fuzz/corpus/$target"
    mkdir -p "fuzz/corpus/$target" "$FUZZ_FOLDER/corpus/$target"
    "$FUZZ_FOLDER/fuzz_$target" -merge=1 -use_counters=0 -max_len=$largest "fuzz/corpus/$target" \
      "$FUZZ_FOLDER/seeds/$target" "$FUZZ_FOLDER/corpus/$target" >"$FUZZ_FOLDER/$target.log" 2>&1 \
      || die "merging failed: $FUZZ_FOLDER/$target.log"
    say "$target: $(find "fuzz/corpus/$target" -type f | wc -l) seeds"
  done
}
