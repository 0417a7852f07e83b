# Which of our files each source reads. In: lines "HASH PATH", an empty line, lines "PATH:INCLUDED".
# Out: for each source a file of its own with the hashes of all that it reads, and of `way`.
# An include that none of our folders has is somebody else's header.

NF == 0 { reading_includes = 1; next }
!reading_includes { hash[$2] = $1; next }
{
  colon = index($0, ":")
  file = substr($0, 1, colon - 1)
  included = substr($0, colon + 1)
  folder = file
  sub(/[^\/]*$/, "", folder)
  count = split(folder included "|include/" included "|src/" included "|" included, places, "|")
  for (i = 1; i <= count; ++i) {
    place = places[i]
    while (sub(/[^\/]+\/\.\.\//, "", place)) {}
    if (place in hash) {
      includes[file] = includes[file] " " place
      break
    }
  }
}

function visit(file, out,   each, n, i) {
  if (file in seen) return
  seen[file]
  print hash[file], file >out
  n = split(includes[file], each, " ")
  for (i = 1; i <= n; ++i) visit(each[i], out)
}

END {
  for (file in hash) {
    if (file !~ /\.cpp$/) continue
    out = file
    gsub(/\//, "+", out)
    out = stamps "/" out ".now"
    delete seen
    n = split(way, each, " ")
    for (i = 1; i <= n; ++i) print hash[each[i]], each[i] >out
    visit(file, out)
    close(out)
  }
}
