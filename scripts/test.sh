# Runs every suite in every build, and counts from the JUnit files that ctest writes.
# Rules: the last line is the count; a step that breaks before its tests (a build, the format check,
# clang-tidy) counts as one failure and the other steps still run; nothing that failed or was skipped is
# silent; what suites print in lines that begin with "── ", their figures, is printed here too.

PASSED=0 FAILED=0 SKIPPED=0

run_tests() {
  local full=no
  case ${1-} in
    --full) full=yes ;;
    "") ;;
    *) die "unknown option: $1 (known: --full)" ;;
  esac
  announce_dotnet
  export UBSAN_OPTIONS=${UBSAN_OPTIONS-print_stacktrace=1}
  export ASAN_OPTIONS=${ASAN_OPTIONS-detect_stack_use_after_return=1:strict_string_checks=1}
  export TSAN_OPTIONS=${TSAN_OPTIONS-second_deadlock_stack=1}

  local from=$SECONDS
  check_format
  check_tidy
  test_build release all
  if [[ $full == yes ]]; then
    test_build asan all
    test_build tsan all
  else
    test_build asan library
    test_build tsan library
  fi
  test_fuzz
  test_step soak --seconds 15
  test_step coverage
  say "tests: $((SECONDS - from)) s in all"
  echo "$PASSED passed, $FAILED failed, $SKIPPED skipped"
  ((FAILED == 0))
}

# test_step FUNCTION ARG…: a proof of its own, which counts as one test.
test_step() {
  if "$@"; then PASSED=$((PASSED + 1)); else FAILED=$((FAILED + 1)); fi
}

# The fuzzers, 20 s each; each counts as one test.
test_fuzz() {
  build fuzz fuzzers || {
    FAILED=$((FAILED + 1))
    return
  }
  fuzz_all 20 same_seed "${FUZZ_TARGETS[@]}" || true
  PASSED=$((PASSED + ${#FUZZ_TARGETS[@]} - FUZZ_BROKEN)) FAILED=$((FAILED + FUZZ_BROKEN))
}

# clang-format's versions differ in details; the tree is kept in the words of Debian 12's.
check_format() {
  if [[ $(clang-format --version 2>/dev/null) == *" version 14."* ]]; then
    timed "checking the format" format --check || FAILED=$((FAILED + 1))
  else
    say "the format is not checked: that takes clang-format 14"
  fi
}

# Its versions find different things; the tree is clean to Debian 12's.
check_tidy() {
  if [[ $(clang-tidy --version 2>/dev/null) == *" version 14."* ]]; then
    timed "clang-tidy" tidy || FAILED=$((FAILED + 1))
  else
    say "clang-tidy is not asked: that takes version 14"
  fi
}

# .NET is not in Debian. In CI its absence is a failure; elsewhere its tests are skipped, and say so.
announce_dotnet() {
  [[ -z ${CI-} ]] || export ADIEU_REQUIRE_DOTNET=1
  command -v dotnet >/dev/null || say "no dotnet here: the comparison with .NET cannot run"
}

# test_build PRESET all|library: builds it and runs its tests; the sanitizers' usual share is
# "library", the suites that start no other program, shape no network and are not the long one.
test_build() {
  local preset=$1 share=$2 aslr=() targets=() choice=()
  if [[ $share == library ]]; then
    targets=(library_tests)
    local others='faults|tool|peers|oracle|conformance'
    choice=(-LE "^($others)\$" -E "^($others)_tests_NOT_BUILT\$")
  fi
  # GCC's ThreadSanitizer refuses to start under wide address randomisation (vm.mmap_rnd_bits > 28).
  if [[ $preset == tsan ]] && setarch -R true 2>/dev/null; then
    aslr=(setarch -R)
  fi
  WRAP=("${aslr[@]}")
  if build "$preset" "${targets[@]}"; then
    timed "testing $preset" run_ctest "$preset" "${choice[@]}" || true
  else
    FAILED=$((FAILED + 1))
  fi
}

run_ctest() {
  local preset=$1 folder=$PWD/build/$1 status=0
  shift
  rm -f "$folder/junit.xml"
  "${WRAP[@]}" ctest --test-dir "$folder" --parallel "$(nproc)" --output-on-failure \
    --test-output-size-passed 65536 --no-tests=error --output-junit "$folder/junit.xml" "$@" >"$folder/ctest.log" 2>&1 || status=$?
  count_junit "$preset" "$folder/junit.xml" "$status" || {
    grep -vE '^ *([0-9]+/[0-9]+ Test .*( Passed|\*\*\*Skipped) |Start +[0-9]+: )' "$folder/ctest.log" || true
    return 1
  }
}

# count_junit PRESET FILE STATUS: adds FILE's cases to the sums, and fails if any case or ctest did.
count_junit() {
  local preset=$1 file=$2 status=$3 passed=0 failed=0 skipped=0
  if [[ -s $file ]]; then
    read -r passed failed skipped < <(awk -f scripts/junit.awk -v what=count "$file")
    awk -f scripts/junit.awk -v what=skips "$file"
    awk -f scripts/junit.awk -v what=figures "$file"
  fi
  # ctest failed, yet no case tells why (it found no tests, or was stopped): that is a failure too.
  if ((failed == 0 && (status != 0 || passed + skipped == 0))); then
    failed=1
  fi
  PASSED=$((PASSED + passed)) FAILED=$((FAILED + failed)) SKIPPED=$((SKIPPED + skipped))
  say "$preset: $((passed + failed)) ran, $failed of them failed; $skipped skipped"
  ((failed == 0))
}
