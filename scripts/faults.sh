# Real faults on real networks: the fault matrix, and the endings that must not fail.
# Rules: the long forms unless --quick, which is what the tests run; figures go to the screen, and
# the status tells whether every one of them was right.

run_faults() {
  local form=long
  case ${1-} in
    --quick) form=quick ;;
    "") ;;
    *) die "unknown option: $1 (known: --quick)" ;;
  esac
  build release faults_tests
  ((EUID == 0)) || say "not root: what needs network namespaces is left out"
  [[ $form == quick ]] || export ADIEU_FAULTS_IN_FULL=1
  timed "faults, $form form" build/release/faults_tests --gtest_brief=1
}
