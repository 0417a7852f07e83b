// The ceiling: the least a WebSocket echo can cost on epoll. Not a server for anybody to use.
//
// It unmasks, re-frames and sends; it checks nothing, limits nothing, times nothing out. Frames are
// passed on as they arrive (a large message is never assembled), and everything that one read
// brought goes out in one send. What a library costs above this is its own doing.

#include <openssl/evp.h>
#include <openssl/sha.h>

#include <sys/epoll.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "support.hpp"

namespace {

constexpr std::size_t read_size = 512 * 1024;
constexpr int reads_a_turn = 4;
constexpr std::size_t longest_header = 14;
constexpr unsigned char opcode_bits = 0x0f;
constexpr unsigned char opcode_close = 0x8;
constexpr unsigned char opcode_ping = 0x9;
constexpr unsigned char opcode_pong = 0xA;

// RFC 6455 section 1.3: the key and a fixed GUID, hashed, in base64.
std::string accept_key(std::string_view key) {
  const std::string text = std::string(key) + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
  std::array<unsigned char, SHA_DIGEST_LENGTH> digest{};
  SHA1(reinterpret_cast<const unsigned char*>(text.data()), text.size(), digest.data());
  std::array<unsigned char, 32> encoded{};
  const int length = EVP_EncodeBlock(encoded.data(), digest.data(), digest.size());
  return {reinterpret_cast<const char*>(encoded.data()), static_cast<std::size_t>(length)};
}

std::string handshake_response(std::string_view request) {
  static constexpr std::string_view name = "\r\nsec-websocket-key:";
  const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; };
  const auto found =
      std::search(request.begin(), request.end(), name.begin(), name.end(), [&](char a, char b) {
        return lower(a) == b;
      });
  if (found == request.end()) {
    return {};
  }
  auto key = request.substr(static_cast<std::size_t>(found - request.begin()) + name.size());
  key = key.substr(0, key.find('\r'));
  key.remove_prefix(std::min(key.find_first_not_of(' '), key.size()));
  return "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
         "Sec-WebSocket-Accept: " +
         accept_key(key) + "\r\n\r\n";
}

// Unmasks `length` bytes from `from` to `to`, which may overlap when `to` lies before `from`.
void unmask(char* to, const char* from, std::size_t length, std::uint32_t key) {
  std::array<std::uint32_t, 16> keys;
  keys.fill(key);
  while (length >= sizeof keys) {
    std::array<std::uint32_t, 16> block;
    std::memcpy(block.data(), from, sizeof block);
    for (std::size_t i = 0; i < block.size(); ++i) {
      block[i] ^= keys[i];
    }
    std::memcpy(to, block.data(), sizeof block);
    from += sizeof block;
    to += sizeof block;
    length -= sizeof block;
  }
  for (; length >= 4; from += 4, to += 4, length -= 4) {
    std::uint32_t word = 0;
    std::memcpy(&word, from, 4);
    word ^= key;
    std::memcpy(to, &word, 4);
  }
  for (std::size_t i = 0; i < length; ++i) {
    to[i] = static_cast<char>(from[i] ^ static_cast<char>(key >> (8 * i)));
  }
}

static_assert(std::endian::native == std::endian::little);

struct connection {
  explicit connection(int accepted) : socket(accepted) {}

  int socket;
  bool upgraded = false;
  bool closing = false;
  std::uint64_t payload_left = 0;
  std::uint32_t key = 0;  // rotated so that its first byte is the next to use
  std::string kept;       // of the request, or of a frame's header
  std::string unsent;
};

class echo_server {
 public:
  explicit echo_server(int listener)
      : listener_(listener), set_(bench::checked(::epoll_create1(EPOLL_CLOEXEC), "epoll_create1")) {
    watch(listener_, EPOLLIN, nullptr);
  }

  [[noreturn]] void run() {
    while (true) {
      const int count = ::epoll_wait(
          set_, events_.data(), static_cast<int>(events_.size()), again_.empty() ? -1 : 0);
      auto again = std::exchange(again_, {});
      for (int i = 0; i < count; ++i) {
        const auto& event = events_[static_cast<std::size_t>(i)];
        if (event.data.ptr == nullptr) {
          accept_one();
        } else {
          auto* const which = static_cast<connection*>(event.data.ptr);
          std::erase(again, which);
          on_ready(*which, event.events);
        }
      }
      for (auto* which : again) {
        on_ready(*which, EPOLLIN);
      }
    }
  }

 private:
  void watch(int descriptor, unsigned what, connection* which) const {
    epoll_event interest{};
    interest.events = what;
    interest.data.ptr = which;
    bench::checked(::epoll_ctl(set_, EPOLL_CTL_ADD, descriptor, &interest), "epoll_ctl");
  }

  void accept_one() const {
    const int socket = ::accept4(listener_, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (socket >= 0) {
      bench::no_delay(socket);
      watch(socket, EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET, new connection(socket));
    }
  }

  void on_ready(connection& which, unsigned events) {
    if (!which.unsent.empty()) {
      std::string unsent;
      unsent.swap(which.unsent);
      send(which, unsent.data(), unsent.size());
      if (!which.unsent.empty()) {
        return;
      }
    } else if ((events & ~static_cast<unsigned>(EPOLLOUT)) == 0) {
      return;
    }
    const bool to_the_end = (events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0;
    for (int reads = 0; which.unsent.empty(); ++reads) {
      if (reads == reads_a_turn && !to_the_end) {
        again_.push_back(&which);  // more than its share: the others first
        return;
      }
      // Room in front for what was kept, so that a header is always whole when it is read.
      const auto got = ::recv(which.socket, received_.data() + front, read_size, 0);
      if (got == 0 || (got < 0 && errno != EAGAIN)) {
        ::close(which.socket);
        delete &which;
        return;
      }
      if (got < 0) {
        return;
      }
      on_bytes(which, static_cast<std::size_t>(got));
      if (static_cast<std::size_t>(got) < read_size && !to_the_end) {
        return;  // drained: the next bytes raise the next edge
      }
    }
  }

  void on_bytes(connection& which, std::size_t got) {
    if (!which.upgraded) {
      which.kept.append(received_.data() + front, got);
      if (which.kept.ends_with("\r\n\r\n")) {
        const auto response = handshake_response(which.kept);
        which.kept.clear();
        which.upgraded = true;
        send(which, response.data(), response.size());
      }
      return;
    }
    char* const start = received_.data() + front - which.kept.size();
    // NOLINTNEXTLINE(bugprone-not-null-terminated-result): bytes, not a C string
    std::memcpy(start, which.kept.data(), which.kept.size());
    which.kept.clear();
    const auto length = reframe(which, start, received_.data() + front + got);
    if (length != 0) {
      send(which, start, length);
    }
    if (which.closing) {
      ::shutdown(which.socket, SHUT_WR);
    }
  }

  // Turns the client's bytes from `in` to `end` into the server's, in place; says how many they
  // are. A server's header is 4 bytes shorter than a client's: what is written never overtakes what
  // is read.
  static std::size_t reframe(connection& which, char* in, const char* end) {
    char* out = in;
    const char* const start = in;
    while (in != end) {
      if (which.payload_left == 0 && !reframe_header(which, in, out, end)) {
        break;
      }
      const auto part = static_cast<std::size_t>(
          std::min<std::uint64_t>(which.payload_left, static_cast<std::uint64_t>(end - in)));
      unmask(out, in, part, which.key);
      which.key = std::rotr(which.key, static_cast<int>(8 * (part % 4)));
      which.payload_left -= part;
      in += part;
      out += part;
    }
    return static_cast<std::size_t>(out - start);
  }

  static bool reframe_header(connection& which, char*& in, char*& out, const char* end) {
    const auto have = static_cast<std::size_t>(end - in);
    const auto byte = [&in](std::size_t i) { return static_cast<unsigned char>(in[i]); };
    const unsigned short_length = have < 2 ? 0 : byte(1) & 0x7fU;
    const std::size_t header = short_length < 126 ? 2 : short_length == 126 ? 4 : 10;
    if (have < header + 4) {
      which.kept.assign(in, have);
      return false;
    }
    std::uint64_t length = short_length;
    if (short_length >= 126) {
      length = 0;
      for (std::size_t i = 2; i < header; ++i) {
        length = length << 8 | byte(i);
      }
    }
    std::memcpy(&which.key, in + header, 4);
    which.payload_left = length;
    const unsigned opcode = byte(0) & opcode_bits;
    which.closing = which.closing || opcode == opcode_close;
    if (opcode == opcode_ping) {
      in[0] = static_cast<char>(byte(0) ^ opcode_ping ^ opcode_pong);
    }
    in[1] = static_cast<char>(short_length);
    std::memmove(out, in, header);
    in += header + 4;
    out += header;
    return true;
  }

  static void send(connection& which, const char* bytes, std::size_t length) {
    while (length != 0) {
      const auto sent = ::send(which.socket, bytes, length, MSG_NOSIGNAL);
      if (sent < 0) {
        if (errno == EAGAIN) {
          which.unsent.assign(bytes, length);
        }
        return;  // another error shows at the next read
      }
      bytes += sent;
      length -= static_cast<std::size_t>(sent);
    }
  }

  static constexpr std::size_t front = 64;
  static_assert(front >= longest_header);

  int listener_;
  int set_;
  std::array<epoll_event, 256> events_{};
  std::vector<connection*> again_;
  std::vector<char> received_ = std::vector<char>(front + read_size);
};

}  // namespace

int main(int argc, char** argv) {
  const int listener = bench::listen_on(bench::port_argument(argc, argv));
  bench::announce(listener);
  echo_server(listener).run();
}
