// The library's endpoint as a target of the suite, in both roles.
#pragma once

#include <unistd.h>

#include <algorithm>
#include <memory>
#include <set>
#include <string>

#include "endpoint.hpp"
#include "suite.hpp"

namespace adieu::conformance {

inline abilities abilities_of_ours() {
  abilities out;
  out.control = out.reports = out.impatient = true;
  out.close_deadline = 30;  // its own is 2 s
  out.max_message = std::size_t{16} * 1024 * 1024;
  out.max_pings = 1000;
  out.process = ::getpid();
  return out;
}

inline std::unique_ptr<target> our_server(const endpoint& at) {
  auto out = std::make_unique<server_target>("ws://127.0.0.1:" + std::to_string(at.port()));
  out->name = "Adieu as a server";
  out->able = abilities_of_ours();
  out->able.tls = out->able.departs = true;
  out->tls_port = at.tls_port();
  out->impatient_port = at.impatient_port();
  out->tolerant_port = at.tolerant_port();
  return out;
}

inline std::unique_ptr<target> our_client(endpoint& at) {
  auto out = std::make_unique<client_target>([&at](const std::string& url) { at.connect(url); });
  out->name = "Adieu as a client";
  out->able = abilities_of_ours();
  out->able.tls = true;
  out->certificate_file = at.certificate_file();
  out->key_file = at.key_file();
  return out;
}

/// OK, strictly; only told where nobody says what is right; skipped if it is for the other role.
inline bool is_right_for_ours(const result& it, side suite) {
  static const std::set<std::string> nobody_says{"7.1.6", "7.13.1", "7.13.2"};
  const auto other = suite == side::client ? ending::suite::server : ending::suite::client;
  const bool for_the_other_role = std::ranges::any_of(
      endings(), [&](const ending& each) { return each.id == it.id && each.side == other; });
  if (it.is.closed != closing::ok) return false;
  if (for_the_other_role) return it.is.behaved == behaviour::skipped;
  return it.is.behaved == (nobody_says.contains(it.id) ? behaviour::informational : behaviour::ok);
}

}  // namespace adieu::conformance
