// Opens the load generator's connections: TCP, and the opening handshake of RFC 6455 section 4.1.
#pragma once

#include <fcntl.h>
#include <unistd.h>

#include <memory>
#include <string>
#include <string_view>

#include "channel.hpp"

namespace bench::load {

inline constexpr std::string_view alone =
    "; client_no_context_takeover; server_no_context_takeover";

// RFC 7692 section 7.1: all are measured with the same contexts, and with windows of 32 KiB.
inline void check_extensions(const std::string& response, const options& chosen) {
  const auto has = [&](std::string_view what) { return response.find(what) != std::string::npos; };
  if (has("permessage-deflate") != (chosen.deflate != compression::none)) {
    fail("compression was not agreed as wanted:\n" + response);
  }
  if (chosen.deflate == compression::none) {
    return;
  }
  const bool forgets = has("server_no_context_takeover") || has("client_no_context_takeover");
  if (has("max_window_bits") || forgets != (chosen.deflate == compression::each_alone)) {
    fail("the server compresses in another way:\n" + response);
  }
}

// The key and answer of RFC 6455 section 1.3: the answer is checked without computing it.
inline void handshake(channel& with, const options& chosen) {
  std::string request =
      "GET /echo HTTP/1.1\r\n"
      "Host: 127.0.0.1:" +
      std::to_string(chosen.port) +
      "\r\n"
      "Upgrade: websocket\r\n"
      "Connection: Upgrade\r\n"
      "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
      "Sec-WebSocket-Version: 13\r\n";
  if (chosen.deflate != compression::none) {
    request += "Sec-WebSocket-Extensions: permessage-deflate";
    if (chosen.deflate == compression::each_alone) request += alone;
    request += "\r\n";
  }
  request += "\r\n";
  if (with.send(request) != static_cast<ssize_t>(request.size())) {
    fail_errno("sending the opening handshake");
  }
  std::string response;
  while (!response.ends_with("\r\n\r\n")) {
    char byte = 0;  // one at a time: nothing after the header is taken
    if (with.recv(&byte, 1) != 1) {
      fail("no answer to the opening handshake");
    }
    response.push_back(byte);
  }
  if (!response.starts_with("HTTP/1.1 101") ||
      response.find("s3pPLMBiTxaQ9kYGzzhZRbK+xOo=") == std::string::npos) {
    fail("the opening handshake was refused:\n" + response);
  }
  check_extensions(response, chosen);
}

/// A connected, non-blocking socket; a WebSocket unless the options say raw TCP.
inline std::unique_ptr<channel> open_connection(const options& chosen) {
  const int socket = checked(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), "socket");
  auto opened = std::make_unique<channel>(socket);
  const sockaddr_in address = loopback(chosen.port);
  checked(::connect(socket, reinterpret_cast<const sockaddr*>(&address), sizeof address),
          "connect");
  no_delay(socket);
  if (chosen.security == security::tls) {
    opened->start_tls();
  }
  if (chosen.speaks == protocol::websocket) {
    handshake(*opened, chosen);
  }
  checked(::fcntl(socket, F_SETFL, O_NONBLOCK), "O_NONBLOCK");
  return opened;
}

}  // namespace bench::load
