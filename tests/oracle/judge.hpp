// Plays scripts with both, and says which differences there are and which rows they are owed to.
#pragma once

#include <array>
#include <functional>
#include <optional>

#include "tests/oracle/model.hpp"
#include "tests/oracle/referee.hpp"

namespace oracle {

struct tally {
  std::uint64_t scripts = 0;
  std::uint64_t steps = 0;
  std::uint64_t raced = 0;  ///< scripts that .NET had to play again, because it raced with itself
  std::uint64_t late = 0;   ///< runs that were held up, and repeated
  std::array<std::uint64_t, last_row + 1> by_row{};

  void add(const tally& other);
};

[[nodiscard]] std::string to_text(const tally& all);

/// One thread's.
class judge {
 public:
  explicit judge(const referee& net) : judge(net.make_side(), make_adieu_side()) {}
  judge(std::unique_ptr<side> theirs, std::unique_ptr<side> ours)
      : theirs_(std::move(theirs)), ours_(std::move(ours)) {}

  /// Nothing, or what no row explains: the script, cut down to what is needed, and both results.
  [[nodiscard]] std::optional<std::string> try_one(const script& all, tally& counts);

  /// All that was seen, side by side.
  [[nodiscard]] std::string show(const script& all);

 private:
  [[nodiscard]] std::optional<std::string> differs(const script& all, tally& counts);
  [[nodiscard]] run played(player& by, const script& all, tally& counts);

  player theirs_;
  player ours_;
};

/// Tries `count` scripts on several threads; the complaints come in any order.
[[nodiscard]] tally try_many(
    const referee& net,
    std::uint64_t count,
    const std::function<script(std::uint64_t)>& make,
    const std::function<void(std::uint64_t, const std::string&)>& complain);

}  // namespace oracle
