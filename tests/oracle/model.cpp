// Differences between the two models, and their rows.
#include "tests/oracle/model.hpp"

#include <algorithm>
#include <stdexcept>

namespace oracle {
namespace {

std::vector<std::string> texts(const std::vector<fact>& all) {
  std::vector<std::string> out;
  for (const fact& one : all) out.push_back(one.text);
  return out;
}

/// What `all` shows and `others` do not.
std::vector<fact> surplus(const std::vector<fact>& all, const std::vector<fact>& others) {
  std::vector<std::string> rest = texts(others);
  std::vector<fact> out;
  for (const fact& one : all) {
    if (const auto same = std::find(rest.begin(), rest.end(), one.text); same != rest.end()) {
      rest.erase(same);
    } else {
      out.push_back(one);
    }
  }
  return out;
}

std::vector<fact> sorted(std::vector<fact> all) {
  std::ranges::sort(all, {}, &fact::text);
  return all;
}

void explain(const std::string& part,
             const std::vector<fact>& dotnet,
             const std::vector<fact>& adieu,
             row since,
             std::vector<row>& rows) {
  if (texts(dotnet) == texts(adieu)) return;
  row why = 0;
  for (const fact& one : surplus(adieu, dotnet)) why = why == 0 ? one.why : why;
  for (const fact& one : surplus(dotnet, adieu)) why = why == 0 ? one.why : why;
  if (why == 0) why = since;
  if (why == 0) throw std::logic_error("no row explains a difference in " + part);
  rows.push_back(why);
}

}  // namespace

outcome facts::as_outcome() const {
  outcome out{texts(done), state.text, status.text, texts(wire), tcp.text};
  std::sort(out.done.begin(), out.done.end());
  return out;
}

std::vector<row> rows_between(const facts& dotnet, const facts& adieu) {
  std::vector<row> rows;
  const row since = dotnet.since != 0 ? dotnet.since : adieu.since;
  explain("what completed", sorted(dotnet.done), sorted(adieu.done), since, rows);
  explain("the state", {dotnet.state}, {adieu.state}, since, rows);
  explain("the close status", {dotnet.status}, {adieu.status}, since, rows);
  explain("the frames on the wire", dotnet.wire, adieu.wire, since, rows);
  explain("the end of TCP", {dotnet.tcp}, {adieu.tcp}, since, rows);
  return rows;
}

std::set<row> rows_of(const script& all) {
  const adieu_play adieu = as_adieu(all);
  const std::vector<facts> dotnet = as_dotnet(all, adieu.unanswered);
  std::set<row> out;
  for (std::size_t i = 0; i < dotnet.size(); ++i) {
    const std::vector<row> here = rows_between(dotnet[i], adieu.steps[i]);
    out.insert(here.begin(), here.end());
  }
  return out;
}

}  // namespace oracle
