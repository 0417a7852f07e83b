// Graceful shutdown (P5, async_shutdown): thousands of connections to one server, and clients of
// all tempers. Every polite one gets our Close and ends cleanly; the rest are cut at the deadline;
// the report, the records and what the clients saw agree to the last one.
#include <gtest/gtest.h>

#include <sys/resource.h>

#include <map>

#include "adieu/adieu.hpp"
#include "tests/faults/crowd.hpp"
#include "tests/faults/running_loop.hpp"
#include "tests/faults/scale.hpp"

namespace adieu::test {
namespace {

namespace asio = boost::asio;
using namespace std::chrono_literals;
using clock = std::chrono::steady_clock;
using seconds = std::chrono::duration<double>;
using host = network::host;

class Shutdown : public testing::Test {
 protected:
  struct endings {
    std::size_t clean = 0, cut = 0;
  };

  void SetUp() override {
    if (const auto why = network::missing()) GTEST_SKIP() << *why;
    rlimit descriptors{};
    ::getrlimit(RLIMIT_NOFILE, &descriptors);
    descriptors.rlim_cur = descriptors.rlim_max;
    ::setrlimit(RLIMIT_NOFILE, &descriptors);
    ASSERT_GT(descriptors.rlim_cur, count + 100) << "ulimit -n";
    cable.emplace();
    loop.emplace(*cable, host::near);
    loop->call([this] { serve(); });
  }

  void serve() {
    server_options many;
    many.max_connections = many.max_connections_per_address = 0;
    serving.emplace(loop->executor(), many);
    serving->on_open([this](websocket& socket, const request& asked) {
      if (++opened == count) all_opened.set_value();
      const std::string who = asked.target.substr(1);
      socket.on_message([](const message_view&) {});
      socket.on_end([this, who](const disconnect_record& record) {
        ++(record.clean ? seen[who].clean : seen[who].cut);
        if (!record.clean) ++phases[{who, record.timeout_phase}];
        EXPECT_TRUE(record.sent.has_value() || who == "not_reading") << to_line(record);
      });
      if (who == "not_reading") {  // until our Close has to wait behind data
        socket.async_send(
            asio::buffer(much), message_type::binary, end_of_message::yes, [](error_code ec) {
              EXPECT_EQ(ec, errc::close_timeout);
            });
      }
    });
    const std::string here = network::address(host::near);
    living = address_of(here, serving->listen(here, 0).port());
    lost = address_of(here, serving->listen(here, 0).port());
  }

  void gather(const std::vector<std::pair<temper, std::size_t>>& who) {
    std::vector<crowd::group> groups;
    for (const auto& [how, number] : who) {
      groups.push_back({how, number, how == temper::gone ? lost : living});
    }
    clients = cable->at(host::far, [&] { return std::make_unique<crowd>(groups, 1001); });
    ASSERT_TRUE(clients->open(60s)) << "not all of them could connect";
    ASSERT_EQ(all_opened.get_future().wait_for(10s), std::future_status::ready);
    ASSERT_EQ(serving->connections(), count);
  }

  struct outcome {
    shutdown_report report;
    seconds took{};
  };
  outcome shut_down(std::chrono::milliseconds within) {
    std::promise<shutdown_report> done;
    const auto from = clock::now();
    serving->async_shutdown(close_status::endpoint_unavailable,
                            "restarting",
                            within,
                            [&](error_code ec, shutdown_report report) {
                              EXPECT_FALSE(ec) << ec.message();
                              done.set_value(std::move(report));
                            });
    outcome out;
    out.report = done.get_future().get();
    out.took = clock::now() - from;
    EXPECT_EQ(serving->connections(), 0U);
    return out;
  }

  const std::size_t count = scaled<std::size_t>(1800, 10'000);
  const std::string much = std::string(1 << 20, 'x');
  std::optional<network> cable;
  std::optional<running_loop> loop;
  sockaddr_in living{}, lost{};
  std::size_t opened = 0;
  std::promise<void> all_opened;
  std::map<std::string, endings> seen;
  std::map<std::pair<std::string, std::optional<close_phase>>, std::size_t> phases;
  std::optional<server> serving;
  std::unique_ptr<crowd> clients;
};

TEST_F(Shutdown, P5_the_polite_end_cleanly_and_the_rest_are_cut_at_the_deadline) {
  const std::size_t each = count / tempers;
  const std::size_t polite = count - (tempers - 1) * each;
  gather({{temper::polite, polite},
          {temper::busy, each},
          {temper::chattering, each},
          {temper::not_reading, each},
          {temper::silent, each},
          {temper::gone, each}});
  if (HasFatalFailure()) return;
  cable->drop_port(host::near, ntohs(lost.sin_port));
  cable->drop_port(host::far, ntohs(lost.sin_port));
  const auto deadline = scaled<std::chrono::milliseconds>(3s, 10s);
  const outcome all = shut_down(deadline);
  const auto reported = clients->end(30s);
  ASSERT_TRUE(reported) << "the clients did not all see an end";
  const crowd::all_sums& theirs = *reported;

  const std::size_t clean = polite + each, cut = count - clean;
  EXPECT_EQ(all.report.clean, clean);
  EXPECT_EQ(all.report.unclean, cut);
  const std::map<cause, std::size_t> causes{{cause::handshake, clean}, {cause::close_timeout, cut}};
  EXPECT_EQ(all.report.causes, causes);
  EXPECT_GE(all.took, deadline);
  EXPECT_LE(all.took, deadline + 2s)
      << "thousands are cut one by one, on a machine that may be busy";
  for (std::size_t i = 0; i < tempers; ++i) {
    const std::string name(temper_names[i]);
    const bool answers = i <= static_cast<std::size_t>(temper::busy);
    const std::size_t number = i == 0 ? polite : each;
    EXPECT_EQ(theirs[i].opened, number) << name;
    EXPECT_EQ(seen[name].clean, answers ? number : 0) << name;
    EXPECT_EQ(seen[name].cut, answers ? 0 : number) << name;
    EXPECT_EQ(theirs[i].fins, answers ? number : 0) << name;
    const auto how = static_cast<temper>(i);
    EXPECT_EQ(theirs[i].resets, answers || how == temper::gone ? 0 : number) << name;
    const bool reads = how != temper::not_reading && how != temper::gone;
    EXPECT_EQ(theirs[i].closes, reads ? number : 0) << name << ": one Close, with 1001";
    if (answers) continue;
    const auto phase =
        how == temper::not_reading ? close_phase::sending_close : close_phase::awaiting_peer_close;
    EXPECT_EQ((phases[{name, phase}]), number) << name;
  }
  figures(
      "graceful shutdown: {} connections, {} polite and {} busy ones ended cleanly with 1001, {} "
      "(chattering, not reading, silent, gone) cut, {:.2f} s after the call (deadline {} s)",
      count,
      seen["polite"].clean,
      seen["busy"].clean,
      all.report.unclean,
      all.took.count(),
      deadline / 1s);
}

TEST_F(Shutdown, P5_of_polite_clients_waits_for_nobody) {
  gather({{temper::polite, count}});
  if (HasFatalFailure()) return;
  const outcome all = shut_down(10s);
  const auto reported = clients->end(30s);
  ASSERT_TRUE(reported) << "the clients did not all see an end";
  const crowd::all_sums& theirs = *reported;
  EXPECT_EQ(all.report.clean, count);
  EXPECT_EQ(all.report.unclean, 0U);
  EXPECT_EQ(seen["polite"].clean, count);
  EXPECT_EQ(theirs[0].closes, count);
  EXPECT_EQ(theirs[0].fins, count);
  EXPECT_LT(all.took, 5s);
  figures("graceful shutdown: {} polite ones ended cleanly in {:.3f} s", count, all.took.count());
}

}  // namespace
}  // namespace adieu::test
