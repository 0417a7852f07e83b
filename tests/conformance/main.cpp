// adieu_conformance: the suite as a program. It ends with 0 when every case of every run is OK;
// of somebody else's endpoint also what no rule judges, or the endpoint can't play.
#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <fstream>
#include <vector>

#include "foreign.hpp"
#include "ours.hpp"
#include "report.hpp"

namespace adieu::conformance {
namespace {

struct command {
  std::string url, peer, html;
  int listen = -1;
  std::vector<std::string> only, roles{"server", "client"};
  bool full = false, show = false, control = false;
  double patience = 3, wait = 45;
  std::size_t limit = 0;
};

class program {
 public:
  explicit program(command said) : said_(std::move(said)) {
    plan_.only = said_.only;
    plan_.patience = said_.patience;
    if (said_.full) plan_.budget = 0;
  }

  int run() {
    if (!said_.url.empty()) {
      server_target at(said_.url);
      at.name = said_.url;
      play(at);
    } else if (said_.listen >= 0) {
      client_target at({}, static_cast<std::uint16_t>(said_.listen));
      at.name = "a client";
      plan_.at_once = plan_.heavy_at_once = 1;  // it comes when it likes
      fmt::print("connect again and again to ws://127.0.0.1:{}/ until it answers 410\n", at.port());
      std::fflush(stdout);
      play(at);
    } else if (!said_.peer.empty()) {
      play_peer();
    } else {
      play_ours();
    }
    if (!said_.html.empty()) std::ofstream(said_.html) << to_html(runs_, cases_);
    return all_ok_ ? 0 : 1;
  }

 private:
  [[nodiscard]] bool plays(std::string_view role) const {
    return std::ranges::find(said_.roles, role) != said_.roles.end();
  }

  void play_ours() {
    endpoint ours;
    if (plays("server")) play_as_they_are(*our_server(ours), is_right_for_ours);
    if (plays("client")) play_as_they_are(*our_client(ours), is_right_for_ours);
  }

  void play_peer() {
    if (plays("server")) {
      foreign server(said_.peer, "serve", ADIEU_SOURCE_DIR);
      server_target at(fmt::format("ws://127.0.0.1:{}/", server.port));
      at.name = server.name + ", as a server";
      at.able.control = true;
      at.able.max_message = std::size_t{16} * 1024 * 1024;
      play(at);
    }
    if (plays("client")) {
      foreign clients(said_.peer, "connect", ADIEU_SOURCE_DIR);
      client_target at([&clients](const std::string& url) { clients.connect(url); });
      at.name = clients.name + ", as a client";
      at.able.control = true;
      at.able.max_message = std::size_t{16} * 1024 * 1024;
      play(at);
    }
  }

  void play(target& at) {
    at.able.close_deadline = said_.wait;
    at.able.control |= said_.control;
    if (said_.limit != 0) at.able.max_message = said_.limit;
    play_as_they_are(at, [](const result& it, side) {
      return it.is.perfect() || it.is.behaved == behaviour::skipped;
    });
  }

  void play_as_they_are(target& at, bool (*right)(const result&, side)) {
    runs_.push_back(conformance::run(cases_, at, plan_));
    fmt::print("{}\n", to_text(runs_.back(), cases_));
    for (const result& each : runs_.back().results) {
      if (said_.show) fmt::print("{}\n", in_full(each));
      all_ok_ = all_ok_ && right(each, at.suite());
    }
    std::fflush(stdout);
  }

  const command said_;
  const table cases_ = read_table(ADIEU_SOURCE_DIR "/tests/conformance/cases.txt");
  plan plan_;
  std::vector<run_report> runs_;
  bool all_ok_ = true;
};

}  // namespace
}  // namespace adieu::conformance

int main(int argc, char** argv) {
  adieu::conformance::command said;
  CLI::App app{"The conformance suite: against Adieu in both roles, or against another endpoint"};
  auto* url = app.add_option("--url", said.url, "a foreign echo server: ws://host:port/path");
  auto* listen = app.add_option(
      "--listen", said.listen, "a foreign echo client, that comes again and again to this port");
  auto* peer =
      app.add_option("--peer", said.peer, "node (ws) or python (websockets), in both roles");
  url->excludes(listen)->excludes(peer);
  listen->excludes(peer);
  app.add_option("--role", said.roles, "only: server, client (which the endpoint plays)");
  app.add_option("--case", said.only, "only these cases or groups: 3.2 12 C1");
  app.add_flag("--full", said.full, "a thousand messages in every case of 9.7, 9.8, 12 and 13");
  app.add_flag(
      "--control", said.control, "the endpoint understands ?close=CODE&reason=TEXT&after=N");
  app.add_option("--patience", said.patience, "what the seconds of the table are multiplied by");
  app.add_option("--wait", said.wait, "seconds until a peer that does not give up is left");
  app.add_option("--limit", said.limit, "the largest message that the endpoint takes, in bytes");
  app.add_option("--html", said.html, "write a page with every case and its frames");
  app.add_flag("--show", said.show, "print every case with its frames");
  CLI11_PARSE(app, argc, argv);
  try {
    return adieu::conformance::program(std::move(said)).run();
  } catch (const std::exception& error) {
    fmt::print(stderr, "adieu_conformance: {}\n", error.what());
    return 2;
  }
}
