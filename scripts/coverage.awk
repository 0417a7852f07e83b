# Reads lcov's lines of src/core and include/adieu/core: a table of files with lines, lines reached and their share, and the total; or,
# with what=unreached, file:line of each that was not reached. root is the repository, with its last slash.
BEGIN { FS = "[:,]" }
$1 == "SF" {
  file = $2
  sub(".*/\\.\\./", "", file) # relative to the build's folder, which is what ccache may make of it
  if (index(file, root) == 1) file = substr(file, length(root) + 1)
  ours = file ~ "^(src|include/adieu)/core/"
}
$1 == "DA" && ours {
  lines[file]++
  if ($3 + 0 > 0) reached[file]++
  else if (what == "unreached") print "   " file ":" $2
}
END {
  if (what == "unreached") exit
  order = "sort"
  printf "%-44s%8s%9s%9s\n", "file", "lines", "reached", "share"
  for (each in lines) {
    all += lines[each]
    got += reached[each]
    printf "%-44s%8d%9d%8.2f%%\n", each, lines[each], reached[each], 100 * reached[each] / lines[each] | order
  }
  close(order)
  printf "%-44s%8d%9d%8.2f%%\n", "total", all, got, all ? 100 * got / all : 0
}
