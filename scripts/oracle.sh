# Adieu and the real .NET play the same scripts: tests/oracle, at a length of one's choice.

oracle() {
  local scripts=1000 seed=1 tests='*'
  while [[ $# -gt 0 ]]; do
    case $1 in
      --full) scripts=100000 ;;
      --scripts) scripts=${2?a number} && shift ;;
      --seed) seed=${2?a number} && shift ;;
      --script) export ADIEU_ORACLE_SCRIPT=${2?a script} && tests='*ByChance' && shift ;;
      *) die "unknown option: $1 (known: --full, --scripts N, --seed N, --script TEXT)" ;;
    esac
    shift
  done
  command -v dotnet >/dev/null || die "the referee is .NET: install the .NET SDK, 10 or later"
  build release oracle_tests
  ADIEU_REQUIRE_DOTNET=1 ADIEU_ORACLE_SCRIPTS=$scripts ADIEU_ORACLE_SEED=$seed \
    exec build/release/oracle_tests --gtest_brief=1 --gtest_filter="$tests"
}
