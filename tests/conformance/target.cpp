#include "target.hpp"

#include <fmt/format.h>
#include <openssl/evp.h>
#include <openssl/sha.h>

#include <algorithm>
#include <cctype>
#include <stdexcept>

namespace adieu::conformance {
namespace {

constexpr double handshake_limit = 5;  // seconds

clock::time_point in(double length) {
  return clock::now() + std::chrono::duration_cast<duration>(seconds(length));
}

std::string base64(std::string_view bytes) {
  std::string out(4 * ((bytes.size() + 2) / 3) + 1, '\0');
  const int size = ::EVP_EncodeBlock(reinterpret_cast<unsigned char*>(out.data()),
                                     reinterpret_cast<const unsigned char*>(bytes.data()),
                                     static_cast<int>(bytes.size()));
  out.resize(static_cast<std::size_t>(size));
  return out;
}

std::string accept_for(const std::string& key) {
  const std::string text = key + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
  std::string digest(SHA_DIGEST_LENGTH, '\0');
  ::SHA1(reinterpret_cast<const unsigned char*>(text.data()),
         text.size(),
         reinterpret_cast<unsigned char*>(digest.data()));
  return base64(digest);
}

std::string random_key() {
  std::random_device random;
  std::string bytes;
  for (int i = 0; i < 16; ++i) bytes += static_cast<char>(random());
  return base64(bytes);
}

/// A header field's value; several of the name are joined.
std::string field(std::string_view head, std::string name) {
  std::ranges::transform(name, name.begin(), [](unsigned char c) { return std::tolower(c); });
  std::string out;
  for (std::size_t at = head.find("\r\n"); at != std::string_view::npos;) {
    const std::size_t end = head.find("\r\n", at + 2);
    const std::string_view line = head.substr(at + 2, end - at - 2);
    at = end;
    const std::size_t colon = line.find(':');
    if (colon == std::string_view::npos) continue;
    std::string key(line.substr(0, colon));
    std::ranges::transform(key, key.begin(), [](unsigned char c) { return std::tolower(c); });
    if (key != name) continue;
    std::string_view value = line.substr(colon + 1);
    while (value.starts_with(' ')) value.remove_prefix(1);
    while (value.ends_with(' ')) value.remove_suffix(1);
    if (!out.empty()) out += ", ";
    out += value;
  }
  return out;
}

bool write_all(stream& to, std::string_view bytes, clock::time_point latest) {
  while (!bytes.empty()) {
    bytes.remove_prefix(to.write(bytes));
    if (!bytes.empty() && !to.wait(false, true, latest)) return false;
  }
  return true;
}

/// Reads a head up to its empty line; what came behind it goes to `rest`. Empty: it did not come.
std::string read_head(stream& from, std::string& rest, clock::time_point latest) {
  std::string got;
  for (;;) {
    const stream::status now = from.read(got);
    if (const auto end = got.find("\r\n\r\n"); end != std::string::npos) {
      rest = got.substr(end + 4);
      got.resize(end + 2);
      return got;
    }
    if (now != stream::status::open || !from.wait(true, false, latest)) return {};
  }
}

std::string first_line(const std::string& head) { return head.substr(0, head.find("\r\n")); }

opened refused(std::string why) {
  opened out;
  out.problem = std::move(why);
  return out;
}

}  // namespace

// ── The suite as a client ────────────────────────────────────────────────────────────────────────

server_target::server_target(const std::string& url) {
  constexpr std::string_view scheme = "ws://";
  if (!url.starts_with(scheme)) throw std::runtime_error("not a ws:// URL: " + url);
  std::string rest = url.substr(scheme.size());
  if (const auto slash = rest.find('/'); slash != std::string::npos) {
    path_ = rest.substr(slash);
    rest.resize(slash);
  }
  if (const auto colon = rest.rfind(':'); colon != std::string::npos && !rest.ends_with(']')) {
    port_ = static_cast<std::uint16_t>(std::stoi(rest.substr(colon + 1)));
    rest.resize(colon);
  }
  if (rest.starts_with('[')) rest = rest.substr(1, rest.size() - 2);
  host_ = rest;
}

std::uint16_t server_target::port_for(const opening& how) const {
  if (how.port != 0) return how.port;
  if (how.tls) return tls_port;
  if (how.impatient) return impatient_port;
  return how.tolerant ? tolerant_port : port_;
}

opened server_target::open(const opening& how, double patience) {
  const auto latest = in(handshake_limit * patience);
  const std::uint16_t port = port_for(how);
  std::unique_ptr<stream> carrier = stream::connect(host_, port, latest);
  if (how.tls) carrier->start_tls(how.versions, latest);
  const std::string key = random_key();
  std::string path = path_;
  if (!how.control.empty()) path += "?" + how.control;
  std::string request = fmt::format(
      "GET {} HTTP/1.1\r\nHost: {}:{}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
      "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {}\r\n",
      path,
      host_,
      port,
      key);
  if (!how.offer.empty()) request += "Sec-WebSocket-Extensions: " + how.offer + "\r\n";
  if (!write_all(*carrier, request + "\r\n" + how.early, latest))
    return refused("no request went out");

  std::string rest;
  const std::string head = read_head(*carrier, rest, latest);
  if (head.empty()) return refused("no response came");
  if (!head.starts_with("HTTP/1.1 101")) return refused("the response is " + first_line(head));
  if (field(head, "Sec-WebSocket-Accept") != accept_for(key)) return refused("a wrong accept key");
  opened out;
  out.offered = how.offer;
  out.answered = field(head, "Sec-WebSocket-Extensions");
  if (!out.answered.empty() && how.offer.empty()) {
    return refused("the server chose an extension that was not offered: " + out.answered);
  }
  out.with = std::make_unique<wire>(std::move(carrier), side::client, rest);
  return out;
}

std::string server_target::ask(const std::string& request, double patience) {
  const auto latest = in(handshake_limit * patience);
  const std::unique_ptr<stream> carrier = dial(port_, patience);
  write_all(*carrier, request, latest);
  std::string rest;
  return read_head(*carrier, rest, latest);
}

std::unique_ptr<stream> server_target::dial(std::uint16_t port, double patience) {
  return stream::connect(host_, port, in(handshake_limit * patience));
}

// ── The suite as a server ────────────────────────────────────────────────────────────────────────

client_target::client_target(std::function<void(const std::string& url)> launch, std::uint16_t port)
    : listener_(port),
      launch_(std::move(launch)),
      acceptor_([this] { accept_all(listener_, tls_versions::any); }),
      acceptor_1_2_([this] { accept_all(listener_1_2_, tls_versions::only_1_2); }) {}

client_target::~client_target() {
  {
    const std::lock_guard lock(mutex_);
    over_ = true;
  }
  acceptor_.join();
  acceptor_1_2_.join();
  for (auto& [id, waiting] : visitors_) {
    for (visitor& each : waiting) {
      write_all(*each.carrier, "HTTP/1.1 410 Gone\r\nContent-Length: 0\r\n\r\n", in(1));
    }
  }
}

void client_target::accept_all(listener& from, tls_versions versions) {
  for (;;) {
    {
      const std::lock_guard lock(mutex_);
      if (over_) return;
    }
    visitor made;
    made.carrier = from.accept(std::chrono::milliseconds(50));
    if (!made.carrier) continue;
    const auto latest = in(handshake_limit);
    try {
      if (made.carrier->begins_with_tls(latest)) {
        made.carrier->accept_tls(certificate_file, key_file, versions, latest);
      }
    } catch (const std::runtime_error&) {
      continue;  // the case waits in vain, and says so
    }
    made.request = read_head(*made.carrier, made.early, latest);
    const std::string line = first_line(made.request);  // GET /ID?… HTTP/1.1
    const std::size_t slash = line.find('/');
    if (slash == std::string::npos) continue;
    const std::string id = line.substr(slash + 1, line.find_first_of("? ", slash) - slash - 1);
    const std::lock_guard lock(mutex_);
    visitors_[id].push_back(std::move(made));
    came_.notify_all();
  }
}

std::optional<client_target::visitor> client_target::wait_for(const std::string& id,
                                                              double patience) {
  std::unique_lock lock(mutex_);
  std::vector<visitor>& mine = visitors_[id];
  if (!came_.wait_until(lock, in(handshake_limit * patience), [&] { return !mine.empty(); })) {
    return std::nullopt;
  }
  visitor out = std::move(mine.front());
  mine.erase(mine.begin());
  return out;
}

opened client_target::open(const opening& how, double patience) {
  if (launch_) {
    const std::string query = how.control.empty() ? "" : "?" + how.control;
    const listener& at = how.versions == tls_versions::only_1_2 ? listener_1_2_ : listener_;
    const char* scheme = how.tls ? "wss" : "ws";
    launch_(fmt::format("{}://127.0.0.1:{}/{}{}", scheme, at.port(), how.id, query));
  }
  std::optional<visitor> came = wait_for(launch_ ? how.id : "", launch_ ? patience : 12 * patience);
  if (!came) return refused("no client came");
  const auto latest = in(handshake_limit * patience);
  opened out;
  out.offered = field(came->request, "Sec-WebSocket-Extensions");
  if (how.answer) out.answered = how.answer(out.offered);
  const std::string key = field(came->request, "Sec-WebSocket-Key");
  if (key.size() != 24) return refused("the request has no Sec-WebSocket-Key of 16 bytes");
  std::string response = how.response.value_or("");
  if (!how.response) {
    response = fmt::format(
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        "Sec-WebSocket-Accept: {}\r\n",
        accept_for(key));
    if (!out.answered.empty()) response += "Sec-WebSocket-Extensions: " + out.answered + "\r\n";
    response += "\r\n";
  }
  write_all(*came->carrier, response + how.early, latest);
  out.with = std::make_unique<wire>(std::move(came->carrier), side::server, came->early);
  return out;
}

}  // namespace adieu::conformance
