# clang-tidy over every source but the tests, by .clang-tidy; what it finds fails. The tests would take
# six times as long as the rest; they are compiled with every warning and run under the sanitizers.
# Rules: a file is checked again when it, a header of ours that it reads, or the way of checking has
# changed. Its stamp says what it was checked with: the hashes of exactly those.

TIDY_FOLDERS=(src tool examples bench fuzz)
TIDY_HEADERS=(include 'tests/*.hpp') # what those read besides

# tidy [FILE…]: those files, whatever their stamps say; or all that need it.
tidy() {
  local log=build/tidy/configure.log stamps=build/tidy/stamps file found=0 files=()
  mkdir -p "$stamps"
  cmake --preset tidy >"$log" 2>&1 || {
    cat "$log" >&2
    return 1
  }
  tidy_stamps "$stamps"
  if (($# > 0)); then
    files=("$@")
  else
    while IFS= read -r file; do
      cmp -s "$stamps/${file//\//+}".{now,ok} || files+=("$file")
    done < <(tidy_sources)
  fi
  say "clang-tidy: ${#files[@]} files to check"
  ((${#files[@]} > 0)) || return 0
  export -f tidy_file
  printf '%s\0' "${files[@]}" | xargs -0 -n 1 -P "$(nproc)" bash -c 'tidy_file "$@"' tidy "$stamps" \
    || found=1
  return "$found"
}

# tidy_file STAMPS FILE
tidy_file() {
  local stamp=$1/${2//\//+} said
  if said=$(clang-tidy -p build/tidy --quiet --extra-arg=-Wno-unknown-warning-option "$2" 2>&1); then
    mv "$stamp.now" "$stamp.ok"
  else
    grep -vE '^[0-9]+ warnings? (generated|treated)|^Suppressed|^Use -header-filter' <<<"$said"
    return 1
  fi
}

tidy_files() { git ls-files --cached --others --exclude-standard -- "$@"; }
# The bench's peers need packages that only the bench installs.
tidy_sources() { tidy_files "${TIDY_FOLDERS[@]/%//*.cpp}" ':!bench/peers'; }

# Writes STAMPS/FILE.now for every source: the hashes of all that decides what clang-tidy says of it.
tidy_stamps() {
  local way='.clang-tidy CMakeLists.txt CMakePresets.json scripts/tidy.sh'
  {
    clang-tidy --version | sha256sum | sed 's/-$/clang-tidy/'
    sha256sum $way
    tidy_files "${TIDY_HEADERS[@]}" "${TIDY_FOLDERS[@]}" | grep -E '\.[ch]pp$' | xargs -d '\n' sha256sum
    echo
    tidy_files "${TIDY_HEADERS[@]}" "${TIDY_FOLDERS[@]}" | grep -E '\.[ch]pp$' \
      | xargs -d '\n' grep -HoP '^#include [<"]\K[^>"]+'
  } | awk -v stamps="$1" -v way="clang-tidy $way" -f scripts/tidy.awk
}
