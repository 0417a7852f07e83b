// C14, C17, C18: TLS, the HTTP around a connection, and what stays behind in the kernel.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <thread>

#include "script.hpp"

namespace adieu::conformance {
namespace {

using std::chrono::milliseconds;

// ── C14: TLS ─────────────────────────────────────────────────────────────────────────────────────

wire& open_tls(script& s) {
  opening how(s.id, s.named());
  how.tls = true;
  wire& w = s.open(how);
  s.echo("hello");
  return w;
}

void tls_close(script& s) {
  wire& w = open_tls(s);
  w.put_close(1000);
  if (!s.peer_close(s.how.patience)) return;
  if (s.is_client()) {
    w.until_ended(s.soon());
    w.carrier().send_close_notify();
  } else {  // the server ends TLS and TCP first
    w.carrier().send_close_notify();
    w.fin();
    w.until_ended(s.soon());
  }
  if (!w.carrier().got_close_notify()) s.out.weaken("no close_notify came before its FIN");
  finish(w, s.out, {.codes = {1000}, .clean = true}, s.how);
  s.report();
}
void tls_close_notify_without_close(script& s) {
  wire& w = open_tls(s);
  w.carrier().send_close_notify();
  s.end_tcp();
  s.report();
}
void tls_truncated(script& s) {
  open_tls(s);
  s.end_tcp();
  const std::string told = s.report();
  if (!told.empty() && told.find("close_notify") == std::string::npos) {
    s.out.weaken("its record does not tell a truncated end from a proper one");
  }
}
void tls_without_close_notify_after_both(script& s) {
  wire& w = open_tls(s);
  w.put_close(1000);
  if (!s.peer_close(s.how.patience)) return;
  finish(w, s.out, {.codes = {1000}, .clean = true}, s.how);
  const std::string told = s.report();
  if (!told.empty() && told.find("; clean") == std::string::npos) {
    s.out.weaken("a missing close_notify behind both Closes makes its end unclean");
  }
}

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

void refused_with_503(script& s) {
  opening how(s.id);
  how.response =
      "HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
  wire& w = s.open(how);
  w.remark("the response was 503");
  if (!w.until_ended(s.soon())) return s.out.fail("the client did not leave");
  if (!w.events().empty() || w.peer_close()) s.out.fail("the client sent frames");
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
      {"C14.1", "Closes, then close_notify", who::either, needs::tls, tls_close},
      {"C14.2", "close_notify, no Close", who::either, needs::tls, tls_close_notify_without_close},
      {"C14.3", "neither", who::either, needs::tls, tls_truncated},
      {"C14.4",
       "Closes, no close_notify",
       who::either,
       needs::tls,
       tls_without_close_notify_after_both},
      {"C17.1", "a Close with the 101", who::server, needs::nothing, close_with_the_101},
      {"C17.2", "503", who::server, needs::nothing, refused_with_503},
      {"C17.3", "requests that are none", who::client, needs::nothing, bad_requests},
      {"C17.4", "a frame with the request", who::client, needs::nothing, frames_with_the_request},
      {"C18.1", "TIME_WAIT", who::client, needs::nothing, who_keeps_time_wait},
      {"C18.2", "descriptors", who::either, needs::process, descriptors_left},
  };
}

}  // namespace adieu::conformance
