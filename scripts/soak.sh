# `adieu serve` under the fuzzers' worst inputs over real sockets (fuzz/soak; docs/proofs.md).

# soak [--minutes N | --seconds N]
soak() {
  local seconds=60
  case ${1-} in
    --minutes) seconds=$(($2 * 60)) ;;
    --seconds) seconds=$2 ;;
    "") ;;
    *) die "unknown option: $1 (known: --minutes N, --seconds N)" ;;
  esac
  build release adieu_soak || return 1
  # What longer runs of the fuzzers found is worse still.
  local corpora=(fuzz/corpus)
  [[ ! -d build/fuzz/corpus ]] || corpora+=(build/fuzz/corpus)
  timed "soak, $seconds s" build/release/adieu_soak "$seconds" build/release/adieu "${corpora[@]}"
}
