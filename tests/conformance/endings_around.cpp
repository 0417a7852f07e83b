// C17, C18: the HTTP around a connection, and what stays behind in the kernel.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <stdexcept>
#include <thread>

#include "script.hpp"

namespace adieu::conformance {
namespace {

using std::chrono::milliseconds;

// ── C17: the HTTP around it ──────────────────────────────────────────────────────────────────────

void close_with_the_101(script& s) {
  opening how(s.id);
  how.early = encode(frame(op_close, close_payload(1001, "at once")), std::nullopt);
  wire& w = s.open(how);
  w.remark("the Close 1001 left in the segment of the 101");
  if (!s.peer_close(s.how.patience)) return;
  if (w.peer_close()->code.value_or(1001) != 1001 && w.peer_close()->code != 1000) {
    s.out.close_wrongly(closing::wrong_code, "it answers another code");
  }
  w.fin();
  if (!w.until_ended(s.soon())) s.out.close_wrongly(closing::unclean, "it did not end TCP");
}

void left_without_frames(script& s, const opening& how) {
  wire& w = s.open(how);
  if (how.response->empty()) w.fin();
  if (!w.until_ended(s.soon())) return s.out.fail("the client did not leave");
  if (!w.events().empty() || w.peer_close()) s.out.fail("the client sent frames");
}

void refused_with_503(script& s) {
  opening how(s.id, s.named());
  how.response =
      "HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
  left_without_frames(s, how);
  const std::string told = s.report();
  if (!told.empty() && told.find("503") == std::string::npos) {
    s.out.fail("its record does not tell the status");
  }
}

void hung_up_on(script& s) {
  opening how(s.id, s.named());
  how.response = "";
  left_without_frames(s, how);
  s.report();
}

// ── C17.5, C17.6: a server that is being shut down ───────────────────────────────────────────────

constexpr std::string_view request_begins =
    "GET / HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n";
constexpr std::string_view request_ends =
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n";

std::uint16_t port_of_a_departing_server(script& s) {
  wire& w = s.open("departing=1");
  w.until([&w] { return !w.events().empty() || w.closing(); }, s.soon());
  if (w.events().empty()) throw std::runtime_error("the endpoint starts no server");
  const int port = std::stoi(w.events().front().payload);
  s.close_cleanly();
  return static_cast<std::uint16_t>(port);
}

/// Opens the connection that shuts the server down: its Close has come, and waits for an answer.
wire& shut_down(script& s, std::uint16_t port) {
  opening how(s.id, "shutdown=1");
  how.port = port;
  wire& w = s.open(how);
  if (!s.peer_close(s.how.patience)) throw std::runtime_error("the shutdown sent no Close");
  return w;
}

/// What the server made of a request: the first line of its response, or the end of TCP.
void want_no_upgrade(script& s, stream& from) {
  const auto latest = s.soon();
  std::string got;
  stream::status now = stream::status::open;
  while (now == stream::status::open && got.find("\r\n") == std::string::npos) {
    if (!from.wait(true, false, latest)) return s.out.fail("the request was left without an end");
    now = from.read(got);
  }
  if (got.starts_with("HTTP/1.1 101")) s.out.fail("the server took a client while it shut down");
  s.out.notes.push_back(!got.empty()                 ? "it answers " + got.substr(0, got.find('\r'))
                        : now == stream::status::fin ? "it ends TCP with a FIN"
                                                     : "it ends TCP with a reset");
}

void connects_during_a_shutdown(script& s) {
  const std::uint16_t port = port_of_a_departing_server(s);
  wire& w = shut_down(s, port);
  std::unique_ptr<stream> late;
  try {
    late = s.at.dial(port, s.how.patience);
  } catch (const std::runtime_error& refused) {
    s.out.notes.emplace_back(refused.what());
  }
  if (late) {
    late->write(std::string(request_begins) + std::string(request_ends));
    want_no_upgrade(s, *late);
  }
  finish(w, s.out, {.by_peer = true, .codes = {1001}, .clean = true}, s.how);
}

void half_a_request_at_a_shutdown(script& s) {
  const std::uint16_t port = port_of_a_departing_server(s);
  const std::unique_ptr<stream> half = s.at.dial(port, s.how.patience);
  half->write(request_begins);
  wire& w = shut_down(s, port);
  half->write(request_ends);
  want_no_upgrade(s, *half);
  finish(w, s.out, {.by_peer = true, .codes = {1001}, .clean = true}, s.how);
}

void bad_requests(script& s) {
  const std::string rest = "Host: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n";
  const std::string key = "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";
  const std::string version = "Sec-WebSocket-Version: 13\r\n";
  const std::array<std::pair<const char*, std::string>, 5> wrong{{
      {"version 12", "GET / HTTP/1.1\r\n" + rest + key + "Sec-WebSocket-Version: 12\r\n\r\n"},
      {"no key", "GET / HTTP/1.1\r\n" + rest + version + "\r\n"},
      {"a short key",
       "GET / HTTP/1.1\r\n" + rest + version + "Sec-WebSocket-Key: c2hvcnQ=\r\n\r\n"},
      {"POST", "POST / HTTP/1.1\r\nContent-Length: 0\r\n" + rest + key + version + "\r\n"},
      {"no Upgrade", "GET / HTTP/1.1\r\nHost: a\r\n" + key + version + "\r\n"},
  }};
  for (const auto& [what, request] : wrong) {
    const std::string head = s.at.ask(request, s.how.patience);
    s.out.notes.push_back(fmt::format("{}: {}", what, head.substr(0, head.find("\r\n"))));
    if (head.starts_with("HTTP/1.1 101")) s.out.fail(fmt::format("{} was accepted", what));
  }
}

void frames_with_the_request(script& s) {
  opening how(s.id);
  how.early = encode(frame(op_text, "too early?"), mask_key{1, 2, 3, 4});
  wire& w = s.open(how);
  w.remark("a text frame left in the segment of the request");
  if (!w.until([&w] { return !w.events().empty() || w.closing(); }, s.soon()) || w.closing()) {
    return s.tell("frames that come with the request are not taken");
  }
  s.close_cleanly();
}

// ── C18: what stays behind ───────────────────────────────────────────────────────────────────────

/// Whether the kernel has this pair in TIME_WAIT; only on this machine.
bool in_time_wait(std::uint16_t local, std::uint16_t remote) {
  for (const char* file : {"/proc/net/tcp", "/proc/net/tcp6"}) {
    std::ifstream in(file);
    for (std::string line; std::getline(in, line);) {
      std::istringstream words(line);
      std::string number, here, there, state;
      words >> number >> here >> there >> state;
      if (state == "06" && here.ends_with(fmt::format(":{:04X}", local)) &&
          there.ends_with(fmt::format(":{:04X}", remote))) {
        return true;
      }
    }
  }
  return false;
}

void who_keeps_time_wait(script& s) {
  wire& w = s.open();
  const std::uint16_t ours = w.carrier().local_port(), theirs = w.carrier().remote_port();
  s.close_cleanly();
  const auto latest = s.soon();
  do {
    if (in_time_wait(theirs, ours)) {
      s.out.notes.emplace_back("TIME_WAIT is on the server's side");
      return;
    }
    if (in_time_wait(ours, theirs)) return s.out.weaken("TIME_WAIT is on the client's side");
    std::this_thread::sleep_for(milliseconds(20));
  } while (clock::now() < latest);
  s.tell("no TIME_WAIT: a reset, or another machine");
}

long descriptors(int process) {
  const std::filesystem::directory_iterator files(fmt::format("/proc/{}/fd", process));
  return std::distance(begin(files), end(files));
}

void descriptors_left(script& s) {
  const long before = descriptors(s.at.able.process);
  constexpr int cycles = 50;
  for (int i = 0; i < cycles; ++i) {
    s.open();
    if (i % 2 == 0) {
      s.close_cleanly();
    } else {
      s.w().reset();
    }
  }
  s.w().close();
  const auto latest = in(3 * s.how.patience);
  while (descriptors(s.at.able.process) > before && clock::now() < latest) {
    std::this_thread::sleep_for(milliseconds(20));
  }
  const long left = descriptors(s.at.able.process) - before;
  s.out.measure("connections", cycles);
  s.out.measure("descriptors more than before", static_cast<double>(std::max(left, 0L)));
  if (left > 0) s.out.fail("descriptors are left open");
}

}  // namespace

std::vector<ending> surrounding_endings() {
  using who = ending::suite;
  using needs = ending::needs;
  return {
      {"C17.1", "a Close with the 101", who::server, needs::nothing, close_with_the_101},
      {"C17.2", "503", who::server, needs::nothing, refused_with_503},
      {"C17.3", "requests that are none", who::client, needs::nothing, bad_requests},
      {"C17.4", "a frame with the request", who::client, needs::nothing, frames_with_the_request},
      {"C17.5",
       "a client that comes during a shutdown",
       who::client,
       needs::departing,
       connects_during_a_shutdown},
      {"C17.6",
       "half a request when a shutdown begins",
       who::client,
       needs::departing,
       half_a_request_at_a_shutdown},
      {"C17.7", "a FIN instead of a response", who::server, needs::nothing, hung_up_on},
      {"C18.1", "TIME_WAIT", who::client, needs::nothing, who_keeps_time_wait},
      {"C18.2", "descriptors", who::either, needs::process, descriptors_left},
  };
}

}  // namespace adieu::conformance
