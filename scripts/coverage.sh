# Which lines of core its own tests reach: core_tests built by clang, counted by llvm-cov.
# Rules: src/core and include/adieu/core alone; below 98 % it fails, and names what was not reached.

COVERAGE_LEAST=98

coverage() {
  local folder=build/coverage summary
  build coverage core_tests || return 1
  rm -f $folder/tests.profraw
  timed "core's tests" run_covered || {
    tail -n 20 $folder/tests.log
    return 1
  }
  llvm-profdata merge -sparse $folder/tests.profraw -o $folder/tests.profdata || return 1
  llvm-cov export $folder/core_tests -instr-profile=$folder/tests.profdata -format=lcov \
    >$folder/lines.info || return 1
  summary=$(awk -v root="$PWD/" -f scripts/coverage.awk $folder/lines.info)
  printf '%s\n' "$summary"
  say "not reached:"
  awk -v what=unreached -v root="$PWD/" -f scripts/coverage.awk $folder/lines.info
  awk -v least=$COVERAGE_LEAST '$1 == "total" { exit !($4 + 0 >= least) }' <<<"$summary"
}

run_covered() {
  build/coverage/core_tests --gtest_brief=1 >build/coverage/tests.log 2>&1
}
