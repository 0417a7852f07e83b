// Everything here is on the endpoint's loop. A session lives in its websocket's handlers.
#include "endpoint.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/url/parse.hpp>
#include <boost/url/url.hpp>
#include <fmt/format.h>

#include <list>
#include <map>
#include <thread>

#include "tests/net/certificates.hpp"
#include <adieu/adieu.hpp>

namespace adieu::conformance {

namespace {

enum class habit : std::uint8_t {
  usual,
  impatient,  // a keep-alive of 300 ms
  tolerant,   // any number of Pings
};

/// What the query says: ?close=1001&reason=bye&after=1&name=x, ?about=x.
struct wishes {
  wishes() = default;
  explicit wishes(std::string_view target) {
    const auto parsed = boost::urls::parse_uri_reference(target);
    if (!parsed) return;
    for (const auto each : parsed->params()) {
      if (each.key == "close") code = static_cast<close_status>(std::stoi(each.value));
      if (each.key == "reason") reason = each.value;
      if (each.key == "after") after = std::stoi(each.value);
      if (each.key == "half") half = true;
      if (each.key == "name") name = each.value;
      if (each.key == "about") about = each.value;
      if (each.key == "departing") departing = true;
      if (each.key == "shutdown") shutdown = true;
      if (each.key == "impatient") how = habit::impatient;
      if (each.key == "tolerant") how = habit::tolerant;
    }
  }
  std::optional<close_status> code;
  std::string reason;
  int after = 0;
  bool half = false, departing = false, shutdown = false;
  habit how = habit::usual;
  std::string name, about;
};

websocket_options options_of(habit how) {
  websocket_options out;
  out.close_timeout = std::chrono::seconds(2);
  out.deflate.emplace();
  out.deflate->threshold = 0;
  if (how == habit::tolerant) out.max_control_frames_per_second = 0;
  if (how == habit::impatient) {
    out.ping_interval = std::chrono::milliseconds(300);
    out.pong_timeout = std::chrono::milliseconds(300);
  }
  return out;
}

server_options serving(habit how) {
  server_options out;
  out.websocket = options_of(how);
  return out;
}

}  // namespace

class endpoint::implementation {
 public:
  implementation()
      : plain_(loop_.get_executor(), serving(habit::usual)),
        impatient_(loop_.get_executor(), serving(habit::impatient)),
        tolerant_(loop_.get_executor(), serving(habit::tolerant)),
        tls_(loop_.get_executor(), with_tls()) {
    for (server* each : {&plain_, &impatient_, &tolerant_, &tls_}) {
      each->on_open(
          [this](websocket& socket, const request& asked) { serve(socket, wishes(asked.target)); });
    }
    port = plain_.listen("127.0.0.1", 0).port();
    impatient_port = impatient_.listen("127.0.0.1", 0).port();
    tolerant_port = tolerant_.listen("127.0.0.1", 0).port();
    tls_port = tls_.listen("127.0.0.1", 0).port();
    thread_ = std::thread([this] { loop_.run(); });
  }
  ~implementation() {
    loop_.stop();
    thread_.join();
  }

  void connect(const std::string& url) {
    asio::post(loop_, [this, url] {
      const wishes asked(url);
      connect_options how;
      how.websocket = options_of(asked.how);
      how.tls.ca_file = certificates_.ca_file();
      async_connect(loop_.get_executor(), url, how, [this, asked](error_code ec, websocket opened) {
        if (ec) {  // the suite sees it from its side
          if (const auto why = opened.record()) known_[asked.name] = ended_as(*why);
          return;
        }
        const auto socket = std::make_shared<websocket>(std::move(opened));
        // Behind the end, for the socket is destroyed with its last handler.
        socket->on_end([this, socket](const disconnect_record&) {
          asio::post(loop_, [socket] { socket->on_message({}); });
        });
        serve(*socket, asked);
      });
    });
  }

  [[nodiscard]] const test::certificates& certificates() const { return certificates_; }

  std::uint16_t port = 0, impatient_port = 0, tolerant_port = 0, tls_port = 0;

 private:
  struct seen {
    int messages = 0;
    int after_our_close = 0;
    bool closes = false;
    std::string record;
  };

  server_options with_tls() {
    server_options out = serving(habit::usual);
    out.tls.emplace();
    out.tls->certificate_file = certificates_.certificate_file();
    out.tls->key_file = certificates_.key_file();
    return out;
  }

  void serve(websocket& socket, const wishes& asked) {
    if (asked.departing) return start_departing(socket);
    if (!asked.about.empty()) return tell(socket, asked.about, 0);
    const auto counts = std::make_shared<seen>();
    if (!asked.name.empty()) {
      known_[asked.name] = counts;
      socket.on_end(
          [counts](const disconnect_record& record) { counts->record = to_line(record); });
    }
    socket.on_message([this, counts, asked, &socket](const message_view& message) {
      ++counts->messages;
      if (counts->closes) {
        ++counts->after_our_close;
        return;
      }
      socket.send(message);
      if (asked.code && counts->messages == asked.after) close(socket, asked, *counts);
    });
    if (asked.code && asked.after == 0) close(socket, asked, *counts);
  }

  static std::shared_ptr<seen> ended_as(const disconnect_record& record) {
    const auto out = std::make_shared<seen>();
    out->record = to_line(record);
    return out;
  }

  // A server of its own, which is shut down by the first who asks for it. Its port is the answer.
  void start_departing(websocket& socket) {
    server& made = departing_.emplace_back(loop_.get_executor(), serving(habit::usual));
    made.on_open([this, &made](websocket& guest, const request& asked) {
      const wishes said(asked.target);
      serve(guest, said);
      if (!said.shutdown) return;
      made.async_shutdown(close_status::endpoint_unavailable,
                          "shutting down",
                          std::chrono::seconds(10),
                          [](error_code, const shutdown_report&) {});
    });
    socket.on_message([](const message_view&) {});  // so that its Close is answered
    socket.send(std::to_string(made.listen("127.0.0.1", 0).port()));
  }

  static void close(websocket& socket, const wishes& asked, seen& counts) {
    counts.closes = true;
    if (asked.half) {
      socket.async_close_output(*asked.code, asked.reason, [](error_code) {});
    } else {
      socket.async_close(*asked.code, asked.reason, [](error_code) {});
    }
  }

  // The record is there when TCP is gone, which is perhaps a moment after the suite asks.
  void tell(websocket& socket, const std::string& name, int tries) {
    if (tries == 0) socket.on_message([](const message_view&) {});  // so that Closes are answered
    const auto found = known_.find(name);
    if (found != known_.end() && (!found->second->record.empty() || tries > 500)) {
      const seen& is = *found->second;
      socket.send(fmt::format("{} messages, {} of them after our Close; {}",
                              is.messages,
                              is.after_our_close,
                              is.record));
      return;
    }
    const auto timer = std::make_shared<asio::steady_timer>(loop_, std::chrono::milliseconds(20));
    const connection_handle alive = socket.handle();
    timer->async_wait([this, timer, &socket, alive, name, tries](error_code) {
      if (!alive.record() && tries <= 1000) tell(socket, name, tries + 1);
    });
  }

  asio::io_context loop_{1};
  test::certificates certificates_{"IP:127.0.0.1"};
  server plain_, impatient_, tolerant_, tls_;
  std::list<server> departing_;
  std::map<std::string, std::shared_ptr<seen>> known_;
  std::thread thread_;
};

endpoint::endpoint() : self_(std::make_unique<implementation>()) {}
endpoint::~endpoint() = default;
std::uint16_t endpoint::port() const { return self_->port; }
std::uint16_t endpoint::tls_port() const { return self_->tls_port; }
std::uint16_t endpoint::impatient_port() const { return self_->impatient_port; }
std::uint16_t endpoint::tolerant_port() const { return self_->tolerant_port; }
std::string endpoint::certificate_file() const { return self_->certificates().certificate_file(); }
std::string endpoint::key_file() const { return self_->certificates().key_file(); }
void endpoint::connect(const std::string& url) { self_->connect(url); }

}  // namespace adieu::conformance
