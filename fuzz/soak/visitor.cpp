// Visits by coroutines over bare sockets. A visit is over within a few seconds, whatever happens:
// its timer closes the socket.
#include "fuzz/soak/visitor.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <memory>
#include <random>
#include <sstream>

namespace adieu::soak {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using std::chrono::milliseconds;
constexpr auto told = asio::as_tuple(asio::use_awaitable);

constexpr std::string_view good_request =
    "GET /soak HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n";
constexpr std::string_view offer = "Sec-WebSocket-Extensions: permessage-deflate\r\n";
// Close 1000, and "hello" as a text, masked with four zeros.
constexpr std::string_view close_frame{"\x88\x82\0\0\0\0\x03\xe8", 8};
constexpr std::string_view hello_frame{"\x81\x85\0\0\0\0hello", 11};

std::string http_of(std::string_view fuzzed) {
  std::string out;
  for (const char c : fuzzed) {
    if (c == '\n') out += '\r';
    out += c;
  }
  const std::size_t line = std::min(out.find('\r'), out.size());
  return out.substr(0, line) + " HTTP/1.1" + out.substr(line) + "\r\n\r\n";
}

class visitor {
 public:
  visitor(const asio::any_io_executor& executor,
          const phrases& say,
          std::uint64_t seed,
          tally& sums)
      : say_(say),
        random_(seed),
        sums_(sums),
        socket_(std::make_shared<tcp::socket>(executor)),
        late_(executor),
        nap_(executor) {}

  asio::awaitable<bool> connect(unsigned short port) {
    boost::system::error_code ec;
    socket_->open(tcp::v4(), ec);
    // An address of its own each, so that ports don't run out.
    const auto own = 0x7F000000U | static_cast<std::uint32_t>(2 + roll(0xFFFFF0));
    socket_->bind({asio::ip::address_v4(own), 0}, ec);
    if (ec) co_return false;
    const auto [failed] =
        co_await socket_->async_connect({asio::ip::address_v4::loopback(), port}, told);
    if (failed) co_return false;
    ++sums_.connected;
    give_up_after(milliseconds(1500));
    co_return true;
  }

  asio::awaitable<void> speak() {
    if (!co_await shake_hands()) co_return;
    ++sums_.shook_hands;
    for (std::size_t left = 1 + roll(roll(4) == 0 ? 60 : 3); left != 0; --left) {
      if (!co_await greet_often()) co_return;
      if (!co_await write(one_of(roll(12) == 0 ? say_.garbage : say_.frames))) co_return;
    }
    if (roll(3) == 0) co_await write(close_frame);
  }

  asio::awaitable<void> leave() {
    boost::system::error_code ignored;
    switch (roll(5)) {
      case 0: socket_->set_option(asio::socket_base::linger(true, 0), ignored); break;
      case 1: break;  // with unread bytes: a reset as well
      case 2: co_await sleep(milliseconds(roll(1000))); break;
      default: socket_->shutdown(tcp::socket::shutdown_send, ignored); co_await read_to_the_end();
    }
    socket_->close(ignored);
    late_.cancel();
  }

  asio::awaitable<bool> greet() {
    if (!co_await shake_hands_well("")) co_return false;
    if (!co_await put(hello_frame)) co_return false;
    std::string heard(7, '\0');
    const auto [failed, size] = co_await asio::async_read(*socket_, asio::buffer(heard), told);
    if (failed || heard != "\x81\x05hello" || !co_await put(close_frame)) co_return false;
    std::string close(4, '\0');
    const auto [cut, got] = co_await asio::async_read(*socket_, asio::buffer(close), told);
    late_.cancel();
    co_return !cut && close == std::string_view("\x88\x02\x03\xe8", 4);
  }

 private:
  std::size_t roll(std::size_t sides) { return random_() % sides; }
  const std::string& one_of(const std::vector<std::string>& list) {
    return list[roll(list.size())];
  }

  void give_up_after(milliseconds time) {
    late_.expires_after(time);
    late_.async_wait([socket = socket_](boost::system::error_code cancelled) {
      if (cancelled) return;
      boost::system::error_code ignored;
      socket->close(ignored);
    });
  }

  asio::awaitable<bool> shake_hands() {
    switch (roll(12)) {
      case 0: co_await write(one_of(say_.requests)); co_return false;
      case 1: co_await write(one_of(say_.garbage)); co_return false;
      case 2: co_return false;  // says nothing at all
      case 3: co_await write(good_request.substr(0, roll(good_request.size()))); co_return false;
      default: co_return co_await shake_hands_well(roll(2) == 0 ? offer : "");
    }
  }

  asio::awaitable<bool> shake_hands_well(std::string_view more) {
    if (!co_await put(std::string(good_request) + std::string(more) + "\r\n")) co_return false;
    std::string heard;
    while (heard.find("\r\n\r\n") == std::string::npos) {
      char c = 0;  // a byte at a time, so that what follows stays unread
      const auto [failed, size] = co_await socket_->async_read_some(asio::buffer(&c, 1), told);
      if (failed) co_return false;
      heard += c;
    }
    co_return heard.starts_with("HTTP/1.1 101 ");
  }

  /// Whole, in two pieces, or a byte at a time; slowly, sometimes.
  asio::awaitable<bool> write(std::string_view bytes) {
    const std::size_t how = roll(8);
    const std::size_t piece = how == 0 ? 1 : how == 1 ? 1 + bytes.size() / 2 : bytes.size();
    while (!bytes.empty()) {
      if (!co_await put(bytes.substr(0, piece))) co_return false;
      bytes.remove_prefix(std::min(piece, bytes.size()));
      if (how <= 1 && roll(8) == 0) co_await sleep(milliseconds(roll(40)));
    }
    co_return true;
  }

  /// Messages whose echoes nobody reads yet.
  asio::awaitable<bool> greet_often() {
    if (roll(3) != 0) co_return true;
    std::string many;
    for (std::size_t left = roll(roll(4) == 0 ? 5000 : 20); left != 0; --left) many += hello_frame;
    co_return co_await put(many);
  }

  asio::awaitable<bool> put(std::string_view bytes) {
    const std::string kept(bytes);
    const auto [failed, size] = co_await asio::async_write(*socket_, asio::buffer(kept), told);
    sums_.bytes_sent += size;
    co_return !failed;
  }

  asio::awaitable<void> read_to_the_end() {
    std::vector<char> space(16384);
    for (;;) {
      const auto [failed, size] = co_await socket_->async_read_some(asio::buffer(space), told);
      sums_.bytes_received += size;
      if (failed) co_return;
    }
  }

  asio::awaitable<void> sleep(milliseconds time) {
    nap_.expires_after(time);
    co_await nap_.async_wait(told);
  }

  const phrases& say_;
  std::mt19937_64 random_;
  tally& sums_;
  std::shared_ptr<tcp::socket> socket_;  // shared with a timer that may fire behind our back
  asio::steady_timer late_, nap_;
};

}  // namespace

phrases::phrases(const std::vector<std::string>& corpora) {
  for (const std::string& corpus : corpora) {
    for (const auto& each : std::filesystem::recursive_directory_iterator(corpus)) {
      if (!each.is_regular_file()) continue;
      std::ostringstream bytes;
      bytes << std::ifstream(each.path(), std::ios::binary).rdbuf();
      const std::string target = each.path().parent_path().filename();
      const std::string text = bytes.str();
      // What stands before the bytes are choices of the target's.
      if (target == "server_bytes" && text.size() > 4) frames.push_back(text.substr(4));
      if (target == "handshake_request" && !text.empty()) {
        requests.push_back(http_of(std::string_view(text).substr(1)));
      }
      if (!text.empty()) garbage.push_back(text);
    }
  }
}

asio::awaitable<void> visit(unsigned short port,
                            const phrases& say,
                            std::uint64_t seed,
                            tally& sums) {
  visitor here(co_await asio::this_coro::executor, say, seed, sums);
  if (!co_await here.connect(port)) co_return;
  co_await here.speak();
  co_await here.leave();
}

asio::awaitable<bool> echo_works(unsigned short port, tally& sums) {
  static const phrases nothing{{}};
  visitor here(co_await asio::this_coro::executor, nothing, 1, sums);
  co_return co_await here.connect(port) && co_await here.greet();
}

}  // namespace adieu::soak
