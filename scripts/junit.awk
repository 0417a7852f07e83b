# Reads the JUnit file that ctest writes: one <testcase …> a line, then what it printed.
# what=count prints "passed failed skipped"; what=skips prints each skipped case with its reason;
# what=figures prints the lines that begin with "── ", which is how suites tell what they counted.
# A case that ctest could not start (no program, say) is also "notrun"; it counts as failed.

function attribute(name,    value) {
  value = $0
  if (!sub(".* " name "=\"", "", value)) return ""
  sub("\".*", "", value)
  return value
}

function plain(text) {
  gsub(/&lt;/, "<", text); gsub(/&gt;/, ">", text); gsub(/&quot;/, "\"", text)
  gsub(/&amp;/, "\\&", text)
  return text
}

function report() {
  reason = plain(reason)
  if (what == "skips" && skip) print "   skipped: " test (reason == "" ? "" : " (" reason ")")
}

/^[ \t]*<testcase / {
  report()
  test = attribute("name"); status = attribute("status")
  skip = 0; reason = ""; waiting = 0
  if (status == "run") passed++
  else if (status == "fail") failed++
  else if (status == "disabled") { skipped++; skip = 1; reason = "disabled" }
  else pending = 1
}
pending && /<skipped / {
  pending = 0
  if (attribute("message") ~ /^SKIP_/) { skipped++; skip = 1 }
  else failed++
}
what == "figures" && sub(/^── /, "") { print "   " plain($0) }
skip && waiting && NF { reason = $0; waiting = 0 }
skip && reason == "" && /: Skipped$/ { waiting = 1 }

END {
  if (pending) failed++
  report()
  if (what == "count") print passed + 0, failed + 0, skipped + 0
}
