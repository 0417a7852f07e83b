# Lays out every C++ file of the tree, tracked or new, by .clang-format.

# format [--check]: --check changes nothing, names the files that differ, and fails if there are any.
format() {
  local each='clang-format --style=file -i "$@"' file present=() wrong
  case ${1-} in
    --check) each='for f; do clang-format --style=file "$f" | cmp -s - "$f" || echo "$f"; done' ;;
    "") ;;
    *) die "unknown option: $1 (known: --check)" ;;
  esac
  while IFS= read -r -d '' file; do
    [[ ! -f $file ]] || present+=("$file") # git may know files that are gone
  done < <(git ls-files -z --cached --others --exclude-standard -- '*.cpp' '*.hpp')
  ((${#present[@]} > 0)) || return 0
  wrong=$(printf '%s\0' "${present[@]}" | xargs -0 -n 8 -P "$(nproc)" bash -c "$each" format) || return 1
  [[ -z $wrong ]] || {
    printf '   not as ./dev format would have it: %s\n' $wrong
    return 1
  }
}
