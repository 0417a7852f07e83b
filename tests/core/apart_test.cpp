// Parts that a connection has only at times (docs/decisions/0008-idle-memory.md).
#include "adieu/core/apart.hpp"

#include <vector>

#include "tests/core/pair.hpp"

namespace adieu::test {
namespace {

struct list {
  std::vector<int> of;
  [[nodiscard]] bool idle() const noexcept { return of.empty(); }
};
using part = core::apart<list>;

TEST(Apart, reads_as_an_idle_one_without_the_part) {
  const part x;
  EXPECT_FALSE(x);
  EXPECT_TRUE(x->of.empty());
}

TEST(Apart, is_passed_on_with_its_memory) {
  part x, y;
  x.need().of.assign(100, 1);
  const list* const where = &*x;
  x.rest();
  ASSERT_TRUE(x);  // it is not idle
  x.need().of.clear();
  x.rest();
  EXPECT_FALSE(x);
  EXPECT_EQ(&y.need(), where);
  EXPECT_GE(y->of.capacity(), 100U);
}

TEST(Apart, is_begun_once) {
  part x;
  int begun = 0;
  for (int i = 0; i < 3; ++i) (void)x.need([&](list&) { ++begun; });
  EXPECT_EQ(begun, 1);
}

TEST(Apart, copies_are_deep) {
  part x;
  x.need().of = {1, 2};
  part y = x;
  y.need().of.push_back(3);
  EXPECT_EQ(x->of.size(), 2U);
  EXPECT_EQ(y->of.size(), 3U);
}

TEST(Apart, stays_when_nobody_needs_it_until_it_is_let_go) {
  std::vector<part> many(20);
  for (part& each : many) (void)each.need();
  for (part& each : many) each.rest();
  ASSERT_TRUE(many.back());
  many.back().let_go();
  EXPECT_FALSE(many.back());
  many.front().need().of = {1};
  many.front().let_go();
  EXPECT_TRUE(many.front());
}

class AtRest : public BothRoles {
 protected:
  endpoint e{self()};
};
ADIEU_BOTH_ROLES(AtRest);

// Another connection of the thread takes up what this one has laid down, and the reverse.
TEST_P(AtRest, a_connection_remembers_how_much_it_has_read) {
  const std::string good = encode(other(self()), {text_op, "good"});
  endpoint another{self()};
  e.feed(good);
  EXPECT_EQ(e.data(e.receive()), "good");
  for (int i = 0; i < 3; ++i) {
    another.feed(good);
    EXPECT_EQ(another.data(another.receive()), "good");
  }
  e.feed({3, "reserved"});
  EXPECT_EQ(e.record().broken_at, good.size());
  another.feed({3, "reserved"});
  EXPECT_EQ(another.record().broken_at, 3 * good.size());
}

}  // namespace
}  // namespace adieu::test
