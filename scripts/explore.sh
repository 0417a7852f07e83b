# The explorer (docs/proofs.md): two cores through every interleaving, mistakes that it has to catch,
# and random schedules against the driver.
# Rules: each form prints its figures and fails when an invariant breaks or a mistake survives.

# explore [--full | --mutants [NAME…] | --seed N | --runs N | --menu NAME | --bound N | --replay FILE]
explore() {
  case ${1-} in
    --mutants)
      shift
      build release adieu_explore_mutants
      build/release/adieu_explore_mutants "$@"
      ;;
    --seed | --runs)
      build release adieu_explore_driver
      build/release/adieu_explore_driver "$@"
      ;;
    "" | --full)
      build release adieu_explore adieu_explore_driver
      build/release/adieu_explore "$@"
      build/release/adieu_explore_driver --runs "$([[ ${1-} == --full ]] && echo 1000000 || echo 20000)"
      ;;
    *)
      build release adieu_explore
      build/release/adieu_explore "$@"
      ;;
  esac
}
