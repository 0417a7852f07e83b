# Configures and builds a preset of CMakePresets.json.

WRAP=() # what runs the programs that were built, where they need something around them

# build PRESET [TARGET…]
build() {
  local preset=$1
  shift
  [[ $preset =~ ^(release|asan|tsan|fuzz|coverage)$ ]] \
    || die "no such preset: $preset (release, asan, tsan, fuzz, coverage)"
  timed "building $preset" cmake_build "$preset" "$@"
}

cmake_build() {
  local preset=$1 folder=build/$1 log quiet=()
  shift
  # Configured once: Ninja runs CMake again by itself when CMakeLists.txt or the set of files changes.
  if [[ ! -f $folder/build.ninja || CMakePresets.json -nt $folder/build.ninja ]]; then
    mkdir -p "$folder"
    log=$folder/configure.log
    cmake --preset "$preset" >"$log" 2>&1 || {
      cat "$log" >&2
      return 1
    }
    touch "$folder/build.ninja"
  fi
  [[ -t 1 ]] || quiet=(--quiet) # to a file only what compilers say is worth a line
  NINJA_STATUS='[%f/%t %es] ' "${WRAP[@]}" \
    cmake --build "$folder" --parallel "$(nproc)" ${1:+--target "$@"} -- "${quiet[@]}"
}
