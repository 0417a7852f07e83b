// The network itself: what the other tests of this folder take for granted about it.
#include "tests/faults/network.hpp"

#include <gtest/gtest.h>

#include <arpa/inet.h>
#include <fcntl.h>

#include <filesystem>

#include "tests/net/raw_peer.hpp"

namespace adieu::test {
namespace {

using namespace std::chrono_literals;
using host = network::host;

class Network : public testing::Test {
 protected:
  void SetUp() override {
    if (const auto why = network::missing()) GTEST_SKIP() << *why;
    cable.emplace();
    listener = raw_socket(cable->at(host::far, [] { return ::socket(AF_INET, SOCK_STREAM, 0); }));
    sockaddr_in where{};
    where.sin_family = AF_INET;
    ::inet_pton(AF_INET, network::address(host::far).c_str(), &where.sin_addr);
    socklen_t size = sizeof where;
    ASSERT_EQ(::bind(listener.descriptor(), reinterpret_cast<sockaddr*>(&where), size), 0);
    ASSERT_EQ(::listen(listener.descriptor(), 8), 0);
    ::getsockname(listener.descriptor(), reinterpret_cast<sockaddr*>(&where), &size);
    port = ntohs(where.sin_port);
    near = raw_socket(cable->at(host::near, [] { return ::socket(AF_INET, SOCK_STREAM, 0); }));
    ASSERT_EQ(::connect(near.descriptor(), reinterpret_cast<sockaddr*>(&where), size), 0);
    far = raw_socket(::accept(listener.descriptor(), nullptr, nullptr));
  }
  [[nodiscard]] static bool comes(raw_socket& to, std::size_t size, int milliseconds) {
    const auto latest = std::chrono::steady_clock::now() + std::chrono::milliseconds(milliseconds);
    for (;;) {
      (void)to.read_now();
      if (to.got.size() >= size) return true;
      const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(
          latest - std::chrono::steady_clock::now());
      pollfd ask{to.descriptor(), POLLIN, 0};
      if (left.count() <= 0 || ::poll(&ask, 1, static_cast<int>(left.count())) <= 0) return false;
    }
  }

  std::optional<network> cable;
  raw_socket listener, near, far;
  std::uint16_t port = 0;
};

TEST_F(Network, loses_what_arrives_on_one_side_and_brings_it_when_the_hole_is_closed) {
  near.send("a");
  EXPECT_TRUE(comes(far, 1, 1000));
  for (const bool by_port : {false, true}) {
    by_port ? cable->drop_port(host::far, port) : cable->drop_all(host::far);
    const std::size_t before_far = far.got.size(), before_near = near.got.size();
    far.send("b");
    EXPECT_TRUE(comes(near, before_near + 1, 1000)) << "the other direction is open";
    near.send("c");
    EXPECT_FALSE(comes(far, before_far + 1, 50));
    by_port ? cable->pass_port(host::far, port) : cable->pass_all(host::far);
    EXPECT_TRUE(comes(far, before_far + 1, 3000)) << "TCP sends it again";
  }
}

TEST_F(Network, slows_down_to_what_was_asked) {
  cable->limit(host::near, 1000);
  const int more = 1 << 20;
  ::setsockopt(near.descriptor(), SOL_SOCKET, SO_SNDBUF, &more, sizeof more);
  const auto from = std::chrono::steady_clock::now();
  near.send(std::string(50'000, 'x'));  // 0.4 s, and headers
  EXPECT_TRUE(comes(far, 50'000, 5000));
  const auto took = std::chrono::steady_clock::now() - from;
  EXPECT_GT(took, 350ms);
  EXPECT_LT(took, 900ms);
  cable->unlimit(host::near);
}

TEST(NetworkEnd, nothing_is_left_of_it) {
  if (const auto why = network::missing()) GTEST_SKIP() << *why;
  const auto descriptors = [] {
    const std::filesystem::directory_iterator each("/proc/self/fd");
    return std::distance(begin(each), end(each));
  };
  const auto home = std::filesystem::read_symlink("/proc/thread-self/ns/net");
  const auto before = descriptors();
  {
    const network gone;
    EXPECT_NE(gone.at(host::near,
                      [] { return std::filesystem::read_symlink("/proc/thread-self/ns/net"); }),
              home);
  }
  EXPECT_EQ(std::filesystem::read_symlink("/proc/thread-self/ns/net"), home);
  EXPECT_EQ(descriptors(), before);
}

}  // namespace
}  // namespace adieu::test
