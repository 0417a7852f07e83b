// Where connections to the endpoint under test come from: the suite connects to a server, or
// listens for a client; with an opening handshake of its own (RFC 6455 §4), written by hand.
#pragma once

#include <condition_variable>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "wire.hpp"

namespace adieu::conformance {

/// What an endpoint can do beyond the protocol (docs/conformance.md, "The test endpoint").
struct abilities {
  bool control = false;    // closes when the URL says so: ?close=1001&reason=bye&after=1
  bool reports = false;    // tells of an earlier connection: ?about=NAME
  bool impatient = false;  // keep-alive of 300 ms
  int max_pings = 0;       // a second, unless the URL says tolerant=1; 0: nobody knows of a limit
  bool tls = false;
  bool departs = false;         // starts a server that can be shut down: ?departing=1, ?shutdown=1
  double close_deadline = 45;   // seconds: how long it may take to notice that nothing comes
  std::size_t max_message = 0;  // bytes; 0: nobody knows
  int process = 0;              // its id, to count its descriptors; 0: nobody knows
};

struct opening {
  opening() = default;
  opening(std::string case_id, std::string query = {})
      : id(std::move(case_id)), control(std::move(query)) {}

  std::string id;
  std::string control;  // the URL's query, for endpoints that understand it
  std::string offer;    // the suite as a client: Sec-WebSocket-Extensions
  std::function<std::string(std::string)> answer;  // the suite as a server: to what was offered
  std::string early;                    // bytes that leave in the segment of the handshake
  std::optional<std::string> response;  // the suite as a server: instead of the upgrade
  std::uint16_t port = 0;               // the suite as a client: instead of the target's own
  tls_versions versions = tls_versions::any;
  bool impatient = false, tolerant = false, tls = false;
};

struct opened {
  std::unique_ptr<wire> with;     // null: `problem` says why
  std::string offered, answered;  // Sec-WebSocket-Extensions
  std::string problem;
};

class target {
 public:
  target() = default;
  target(const target&) = delete;
  target& operator=(const target&) = delete;
  virtual ~target() = default;

  [[nodiscard]] virtual side suite() const = 0;
  virtual opened open(const opening& how, double patience) = 0;
  /// Sends a request as it is and returns the response's head; servers only.
  virtual std::string ask(const std::string& request, double patience) = 0;
  /// A TCP connection to the host, and nothing sent yet; servers only. Throws std::runtime_error.
  virtual std::unique_ptr<stream> dial(std::uint16_t port, double patience) = 0;

  std::string name;  // "Adieu, as a server"
  abilities able;
};

/// A server, at a URL: ws://host[:port][/path]. Its variants (TLS, impatient, …) at ports of their
/// own.
class server_target : public target {
 public:
  explicit server_target(const std::string& url);
  [[nodiscard]] side suite() const override { return side::client; }
  opened open(const opening& how, double patience) override;
  std::string ask(const std::string& request, double patience) override;
  std::unique_ptr<stream> dial(std::uint16_t port, double patience) override;

  std::uint16_t tls_port = 0, impatient_port = 0, tolerant_port = 0;

 private:
  [[nodiscard]] std::uint16_t port_for(const opening& how) const;

  std::string host_, path_ = "/";
  std::uint16_t port_ = 80;
};

/// A client, which `launch` makes connect to a URL. Without one, a client that comes again and
/// again, by itself, until it gets 410.
class client_target : public target {
 public:
  explicit client_target(std::function<void(const std::string& url)> launch,
                         std::uint16_t port = 0);
  ~client_target() override;
  [[nodiscard]] side suite() const override { return side::server; }
  opened open(const opening& how, double patience) override;
  std::string ask(const std::string&, double) override { return {}; }
  std::unique_ptr<stream> dial(std::uint16_t, double) override { return nullptr; }
  [[nodiscard]] std::uint16_t port() const noexcept { return listener_.port(); }

  std::string certificate_file, key_file;  // for clients that come with TLS

 private:
  struct visitor {
    std::unique_ptr<stream> carrier;
    std::string request, early;
  };
  void accept_all(listener& from, tls_versions versions);
  std::optional<visitor> wait_for(const std::string& id, double patience);

  listener listener_, listener_1_2_;  // the second for TLS 1.2 alone
  std::function<void(const std::string& url)> launch_;
  std::mutex mutex_;
  std::condition_variable came_;
  std::map<std::string, std::vector<visitor>> visitors_;
  bool over_ = false;
  std::jthread acceptor_, acceptor_1_2_;
};

}  // namespace adieu::conformance
