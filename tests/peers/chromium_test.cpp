// Headless Chromium's WebSocket as the peer: a page (chromium/page.html) that is led over a
// WebSocket of its own, which ends at a server of ours too. A browser is only ever a client.
//
// Its report is the CloseEvent: `code` 1006 when no Close came; `clean` is its wasClean.
#include <filesystem>

#include "tests/peers/scenarios.hpp"

namespace peers {
namespace {

/// The browser, in a new empty profile, with our page in it.
class browser : public peer {
 public:
  browser()
      : control_server_(std::make_unique<adieu_side>()),
        process_({"chromium",
                  "--headless",
                  "--no-sandbox",  // root has none
                  "--disable-gpu",
                  "--disable-dev-shm-usage",
                  "--disable-quic",
                  "--no-first-run",
                  "--no-default-browser-check",
                  "--disable-background-networking",
                  "--disable-component-update",
                  "--disable-default-apps",
                  "--disable-domain-reliability",
                  "--disable-extensions",
                  "--disable-sync",
                  "--no-proxy-server",
                  "--user-data-dir=" + profile_.path + "/profile",
                  "file://" ADIEU_SOURCE_DIR "/tests/peers/chromium/page.html?control=" +
                      url_of(control_server_->serve())},
                 profile_.path + "/errors") {
    control_ = control_server_->accepted();
  }

  void kill() { process_.kill(); }

  static std::string in_path() {
    const char* path = std::getenv("PATH");
    for (std::string_view rest = path == nullptr ? "" : path; !rest.empty();) {
      const auto end = rest.find(':');
      const std::string file = std::string(rest.substr(0, end)) + "/chromium";
      if (::access(file.c_str(), X_OK) == 0) return file;
      rest = end == rest.npos ? std::string_view() : rest.substr(end + 1);
    }
    return {};
  }

 protected:
  void write(const std::string& line) override {
    if (control_->send({message_type::text, line})) throw std::runtime_error("the page has gone");
  }
  std::string read_line(std::chrono::steady_clock::time_point deadline) override {
    auto coming = control_->start_receive();
    if (coming.wait_until(deadline) != std::future_status::ready) {
      throw std::runtime_error("the page said nothing in time");
    }
    const received got = coming.get();
    if (got.ec || got.result.type == message_type::close) {
      throw std::runtime_error("the page has gone");
    }
    return got.message.payload;
  }

 private:
  temporary_folder profile_;
  std::unique_ptr<adieu_side> control_server_;
  child process_;
  our_end_ptr control_;
};

// Starting it takes a second or two, so one browser plays the scenarios of one test in a row.
class Chromium : public testing::Test {
 protected:
  void SetUp() override {
    if (browser::in_path().empty()) {
      if (must_be_there()) FAIL() << "CI has no chromium";
      GTEST_SKIP() << "no chromium here";
    }
    if (!one()) {
      one() = std::make_unique<browser>();
      std::cout << "peer: " << text(one()->event("", "ready"), "version") << std::endl;
    }
  }

  static std::unique_ptr<browser>& one() {
    static std::unique_ptr<browser> running;
    return running;
  }
  static void TearDownTestSuite() { one().reset(); }

  link talk(json::object how = {}, route by = route::direct) {
    return open(side_, *one(), way::client, std::move(how), by);
  }

  static void expect_closed(const json::object& told,
                            const std::string& code,
                            const std::string& reason) {
    EXPECT_EQ(text(told, "code"), code);
    EXPECT_EQ(text(told, "reason"), reason);
    EXPECT_EQ(text(told, "clean"), code == "1006" ? "false" : "true");
    EXPECT_EQ(text(told, "errors"), "0");  // an `error` event is for failed connections only
  }

  adieu_side side_;
};

TEST_F(Chromium, EchoesAndClosesCleanlyInEveryOrder) {
  {
    SCOPED_TRACE("echoes");
    link with = talk({{"echo", true}});
    exchange_echoes(with);
    expect_closed(we_close(with), "4001", "bye");
  }
  {
    SCOPED_TRACE("is closed by us");
    link with = talk();
    expect_closed(we_close(with), "4001", "bye");
  }
  {
    SCOPED_TRACE("is closed by us without a code");
    link with = talk();
    expect_closed(we_close_without_code(with), "1005", "");
  }
  {
    SCOPED_TRACE("closes");
    link with = talk();
    expect_closed(peer_closes(with), "4002", "see you, 再见");
  }
  {
    SCOPED_TRACE("closes without a code");
    link with = talk();
    expect_closed(peer_closes_without_code(with), "1005", "");
  }
  {
    SCOPED_TRACE("closes while we close");
    link with = talk({}, route::relayed);
    expect_closed(closes_cross(with), "4001", "ours");
  }
  {
    SCOPED_TRACE("races our close");
    for (int i = 0; i < races; ++i) {
      link with = talk();
      expect_closed(closes_race(with), "4001", "ours");
    }
  }
  {
    SCOPED_TRACE("our handler returns");
    link with = talk();
    expect_closed(we_let_go(with), "1000", "");
  }
}

TEST_F(Chromium, LosesNothing) {
  {
    SCOPED_TRACE("sends after our half-close");
    link with = talk({}, route::relayed);
    expect_closed(peer_sends_after_our_close(with), "4003", "half");
  }
  {
    SCOPED_TRACE("is deaf after its own close(), as the HTML standard has it");
    link with = talk();
    peer_hears_after_its_close(with, "close", 0);
  }
  {
    SCOPED_TRACE("sends much and closes");
    link with = talk();
    expect_closed(peer_sends_and_closes(with), "1000", "all heard");
  }
  {
    SCOPED_TRACE("gets everything that we sent before the Close");
    link with = talk();
    expect_closed(we_send_and_close(with), "1000", "all said");
  }
}

TEST_F(Chromium, EndsUncleanly) {
  {
    SCOPED_TRACE("sees our abort");
    link with = talk();
    expect_closed(we_abort(with), "1006", "");
  }
  {
    // The page that owns the WebSocket goes away: "going away", and the browser waits for nothing.
    SCOPED_TRACE("the page goes away");
    link with(*one(), way::client);
    with.tell("frame", {{"url", url_of(side_.serve())}});
    with.ours = side_.accepted();
    auto receiving = with.ours->start_receive();
    with.tell("unframe");
    const received got = wait_for(std::move(receiving), "the Close");
    expect_close_received(got, 1001, "");
    EXPECT_FALSE(with.ours->close_output(*got.result.close_status, ""));
    const disconnect_record record = with.ours->record();
    EXPECT_TRUE(record.clean);
    EXPECT_EQ(record.initiator, initiator::remote);
    expect_frame(record.sent, {1001, ""});
    expect_frame(record.received, {1001, ""});
    EXPECT_FALSE(record.teardown_timed_out);  // but who ends TCP first, and how, is a race
  }
  {
    SCOPED_TRACE("is killed");
    link with = talk();
    auto receiving = with.ours->start_receive();
    one()->kill();
    EXPECT_EQ(wait_for(std::move(receiving), "the error").ec, errc::connection_closed_prematurely);
    expect_unclean(with.ours->record(), cause::peer_vanished, tcp_end::peer_fin_first);
    one().reset();
  }
}

}  // namespace
}  // namespace peers
