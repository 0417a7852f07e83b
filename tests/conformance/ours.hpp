// The library's endpoint as a target of the suite, in both roles.
#pragma once

#include <unistd.h>

#include <memory>
#include <string>

#include "endpoint.hpp"
#include "target.hpp"

namespace adieu::conformance {

inline abilities abilities_of_ours() {
  abilities out;
  out.control = out.reports = out.impatient = true;
  out.close_deadline = 30;  // its own is 2 s
  out.max_message = std::size_t{16} * 1024 * 1024;
  out.process = ::getpid();
  return out;
}

inline std::unique_ptr<target> our_server(const endpoint& at) {
  auto out = std::make_unique<server_target>("ws://127.0.0.1:" + std::to_string(at.port()));
  out->name = "Adieu as a server";
  out->able = abilities_of_ours();
  out->able.tls = true;
  out->tls_port = at.tls_port();
  out->impatient_port = at.impatient_port();
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

}  // namespace adieu::conformance
