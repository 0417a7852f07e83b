// That the judge can say no: sides that lie are caught, and the script is cut down to what shows
// it.
#include "tests/oracle/judge.hpp"

#include "tests/oracle/fixture.hpp"

namespace oracle {
namespace {

/// Plays as Adieu does, and says something else.
class liar final : public side {
 public:
  using lie = void (*)(at_rest&);
  explicit liar(lie how) : how_(how) {}
  void open(const script& all, std::uint16_t port) override { honest_->open(all, port); }
  at_rest play(const step& one, std::size_t number, const peer_facts& peer) override {
    at_rest out = honest_->play(one, number, peer);
    how_(out);
    return out;
  }

 private:
  std::unique_ptr<side> honest_ = make_adieu_side();
  lie how_;
};

class Judge : public Oracle {};

TEST_F(Judge, catches_whoever_lies) {
  const script all = parse(
      "client: send text end 5; receive 9; peer ping:p, text:hello; receive 9; close 1000; "
      "peer close:1001 x; fin; receive 9");
  tally counts;
  EXPECT_FALSE(judge(*net_).try_one(all, counts));

  const liar::lie lies[] = {
      [](at_rest& told) {
        if (told.state == "closed") told.state = "aborted";
      },
      [](at_rest& told) {
        if (told.status != "-") told.status = "1000 \"x\"";
      },
      [](at_rest& told) {
        if (told.state == "closed") told.done.clear();
      },
      [](at_rest& told) {
        for (auto& one : told.done)
          if (one == "4: ok") one = "4: faulted";
      },
      [](at_rest& told) {
        for (auto& one : told.done)
          if (one.starts_with("7:")) one += "!";
      },
      [](at_rest& told) {
        if (told.state == "open") told.done.push_back("9: ok");
      },
  };
  for (const liar::lie how : lies) {
    judge skeptic(net_->make_side(), std::make_unique<liar>(how));
    const auto complaint = skeptic.try_one(all, counts);
    ASSERT_TRUE(complaint);
    EXPECT_NE(complaint->find("Adieu is not as expected"), std::string::npos) << *complaint;
  }
}

TEST_F(Judge, cuts_the_script_down) {
  judge skeptic(net_->make_side(), std::make_unique<liar>([](at_rest& told) {
                  if (told.state == "close_sent") told.state = "open";
                }));
  tally counts;
  const auto complaint = skeptic.try_one(
      parse("server: receive 9; send text end 3; peer text:a; close 1000 x; send text end 1"),
      counts);
  ASSERT_TRUE(complaint);
  EXPECT_TRUE(complaint->starts_with("  server: close 1000 x\n")) << *complaint;
}

}  // namespace
}  // namespace oracle
