// One client of a crowd: opens without blocking, takes whole frames, answers Ping and Close.
//
// Rules of this file: what a frame means for the measurement is crowd.cpp's affair.
#pragma once

#include <fcntl.h>
#include <sys/epoll.h>
#include <unistd.h>

#include <optional>
#include <string>
#include <string_view>

#include "../load/messages.hpp"
#include "../support.hpp"

namespace bench::crowd {

enum class stage { connecting, upgrading, open, close_received };

struct frame {
  std::uint8_t opcode;
  std::string_view payload;
};

inline constexpr std::uint32_t masking_key = 0x2545f491;

class visitor {
 public:
  visitor() = default;
  visitor(const visitor&) = delete;
  visitor& operator=(const visitor&) = delete;
  ~visitor() { leave(); }

  [[nodiscard]] bool is_here() const { return socket_ >= 0; }
  [[nodiscard]] stage where() const { return stage_; }
  [[nodiscard]] int close_code() const { return close_code_; }

  /// Starts to connect. An address has 28,000 ports to connect from: a large crowd needs several.
  void come(std::uint16_t port, std::size_t number, int set) {
    socket_ = checked(::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), "socket");
    const int on = 1;
    checked(::setsockopt(socket_, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof on),
            "IP_BIND_ADDRESS_NO_PORT");
    sockaddr_in from = loopback(0);
    from.sin_addr.s_addr = htonl(INADDR_LOOPBACK + static_cast<std::uint32_t>(number / 20'000));
    checked(::bind(socket_, reinterpret_cast<const sockaddr*>(&from), sizeof from), "bind");
    no_delay(socket_);
    const sockaddr_in to = loopback(port);
    if (::connect(socket_, reinterpret_cast<const sockaddr*>(&to), sizeof to) < 0 &&
        errno != EINPROGRESS) {
      fail_errno("connect");
    }
    stage_ = stage::connecting;
    epoll_event interest{};
    interest.events = EPOLLIN | EPOLLOUT | EPOLLET;
    interest.data.ptr = this;
    checked(::epoll_ctl(set, EPOLL_CTL_ADD, socket_, &interest), "epoll_ctl");
  }

  void leave() {
    if (socket_ >= 0) {
      ::close(socket_);
      socket_ = -1;
    }
    std::string().swap(kept_);
    close_code_ = 0;
  }

  /// After the connect: the request goes out. The key and answer are those of RFC 6455 section 1.3.
  void ask() {
    stage_ = stage::upgrading;
    write(
        "GET /echo HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n");
  }

  void send(std::uint8_t opcode, std::string_view payload) {
    std::string bytes;
    load::append_masked_frame(bytes, opcode, payload, masking_key);
    write(bytes);
  }

  enum class input { more, end, reset };

  /// Reads all there is.
  input read() {
    char bytes[16 * 1024];
    while (true) {
      const auto got = ::recv(socket_, bytes, sizeof bytes, 0);
      if (got > 0) {
        kept_.append(bytes, static_cast<std::size_t>(got));
      } else if (got == 0) {
        return input::end;
      } else {
        return errno == EAGAIN ? input::more : input::reset;
      }
    }
  }

  /// Takes the server's answer, once it is whole: the websocket is open then.
  bool take_response() {
    const auto end = kept_.find("\r\n\r\n");
    if (end == std::string::npos) return false;
    if (!kept_.starts_with("HTTP/1.1 101") ||
        kept_.find("s3pPLMBiTxaQ9kYGzzhZRbK+xOo=") == std::string::npos) {
      fail("the opening handshake was refused:\n" + kept_);
    }
    kept_.erase(0, end + 4);
    stage_ = stage::open;
    return true;
  }

  /// Calls `each` with every whole frame; answers Ping (section 5.5.3) and Close (5.5.1).
  template <typename Each>
  void take_frames(Each each) {
    std::string_view bytes = kept_;
    while (const auto one = next_frame(bytes)) {
      if (one->opcode == 0x9) {
        send(0xA, one->payload);
      } else if (one->opcode == load::opcode_close) {
        close_code_ = one->payload.size() < 2 ? 1005
                                              : static_cast<unsigned char>(one->payload[0]) << 8 |
                                                    static_cast<unsigned char>(one->payload[1]);
        if (!close_sent_) send(load::opcode_close, one->payload);
        stage_ = stage::close_received;
      }
      each(*one);
    }
    kept_.erase(0, kept_.size() - bytes.size());
    if (kept_.empty()) std::string().swap(kept_);
  }

  void say_goodbye() {
    close_sent_ = true;
    send(load::opcode_close, "\x03\xe8");
  }

 private:
  static std::optional<frame> next_frame(std::string_view& bytes) {
    if (bytes.size() < 2) return std::nullopt;
    const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(bytes[i]); };
    const std::size_t header = byte(1) < 126 ? 2 : byte(1) == 126 ? 4 : 10;
    if (bytes.size() < header) return std::nullopt;
    std::uint64_t length = byte(1);
    if (header > 2) {
      length = 0;
      for (std::size_t i = 2; i < header; ++i) length = length << 8 | byte(i);
    }
    if ((byte(0) & 0xf0) != load::fin_bit || byte(1) > 127) {
      fail("a reply that is masked, in pieces, or has a reserved bit");
    }
    if (bytes.size() - header < length) return std::nullopt;
    const frame one{static_cast<std::uint8_t>(byte(0) & 0x0f), bytes.substr(header, length)};
    bytes.remove_prefix(header + length);
    return one;
  }

  // What is written is small, and nothing else waits to be written: it fits.
  void write(std::string_view bytes) {
    if (::send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL) !=
        static_cast<ssize_t>(bytes.size())) {
      fail_errno("send");
    }
  }

  int socket_ = -1;
  stage stage_ = stage::connecting;
  int close_code_ = 0;
  bool close_sent_ = false;
  std::string kept_;
};

}  // namespace bench::crowd
