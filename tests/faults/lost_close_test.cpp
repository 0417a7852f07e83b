// No Close frame is lost to a reset (D9). A reset makes the peer's kernel forget what it has not
// sent, and tells the peer's next write that all is over, although our Close lies in its buffer. So
// each peer here is one that really loses a Close:
//   busy       it writes and writes, and gives up reading at its first write error;
//   full       its receive window is full, so that our Close is unsent when the app has finished;
//   slow       busy, behind a cable of 1 Mbit/s either way.
// We close first in the midst of its data, or it closes first and its writer goes on regardless, or
// it breaks a rule and its writer goes on (D14).
// The same peers meet a naive endpoint, which writes its Close and calls close(2): if that lost
// none, the harness would prove nothing.
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <gtest/gtest.h>

#include <fcntl.h>

#include <array>
#include <atomic>
#include <functional>
#include <future>
#include <thread>

#include "adieu/adieu.hpp"
#include "tests/faults/frame_watch.hpp"
#include "tests/faults/running_loop.hpp"
#include "tests/faults/scale.hpp"
#include "tests/faults/tcp_pair.hpp"

namespace adieu::test {
namespace {

namespace asio = boost::asio;

enum class peer_kind : std::uint8_t { busy, full, slow };
enum class opening : std::uint8_t { we_close, peer_closes, peer_breaks_a_rule };

struct script {
  peer_kind peer;
  role self;
  opening first;

  [[nodiscard]] bool writes_much() const noexcept { return peer != peer_kind::full; }
  /// Something of the peer's comes before our Close.
  [[nodiscard]] bool waits() const noexcept { return first != opening::we_close || writes_much(); }
  /// The code of our Close.
  [[nodiscard]] unsigned code() const noexcept {
    return first == opening::peer_breaks_a_rule ? 1002 : 1000;
  }
  /// What the peer writes, in messages of 1 KiB.
  [[nodiscard]] int messages() const noexcept { return peer == peer_kind::slow ? 16 : 256; }
  /// What our app sends before its Close.
  [[nodiscard]] std::size_t ours() const noexcept {
    return peer == peer_kind::full ? 512 * 1024 : peer == peer_kind::slow ? 2048 : 0;
  }
  [[nodiscard]] buffers sizes() const noexcept {
    if (peer == peer_kind::full) return {32 * 1024, 0, 32 * 1024};
    return {0, 4096, 0};  // so that its writes wait for us
  }
};

// ── The peer ────────────────────────────────────────────────────────────────────────────────────

/// Opened when our app has done all that it ever does.
using gate = std::shared_ptr<std::promise<void>>;

struct outcome {
  unsigned code = 0;  // of our Close; 0: it never read one
  bool write_failed = false;
  bool fin = false;  // how the stream ended
};

class peer {
 public:
  peer(int socket, const script& what) : socket_(socket), what_(what) {
    const timeval patience{30, 0};
    ::setsockopt(socket_, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    ::setsockopt(socket_, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
  }

  outcome play(std::future<void> our_side_is_done) {
    const std::string message = frame(0x82, std::string(1024, 'x'));
    const std::string close = frame(0x88, close_body(1000, "from the peer"));
    bool goes = true;
    if (what_.first == opening::peer_closes) goes = write(message) && write(close);
    if (what_.first == opening::peer_breaks_a_rule) goes = write(frame(0x83, "no such opcode"));
    for (int i = 0; goes && what_.writes_much() && i < what_.messages(); ++i) {
      goes = write(message);
    }
    if (!goes) return out_;  // given up
    if (what_.peer == peer_kind::full) our_side_is_done.wait();
    while (watch_.closes() == 0) {
      if (!read()) return out_;
    }
    out_.code = watch_.close_code();
    if (what_.first != opening::peer_closes && !write(close)) return out_;
    if (what_.self == role::client) ::shutdown(socket_, SHUT_WR);  // we are the server: first
    while (read()) {
    }
    return out_;
  }

 private:
  [[nodiscard]] std::string frame(unsigned char first, std::string_view payload) const {
    return what_.self == role::client ? bare_frame(first, payload) : masked_frame(first, payload);
  }
  bool write(std::string_view bytes) {
    while (!bytes.empty()) {
      const auto sent = ::send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (sent <= 0) return out_.write_failed = true, false;
      bytes.remove_prefix(static_cast<std::size_t>(sent));
    }
    return true;
  }
  bool read() {
    std::array<char, 16384> space;
    const auto got = ::recv(socket_, space.data(), space.size(), 0);
    out_.fin = got == 0;
    if (got <= 0) return false;
    watch_.take({space.data(), static_cast<std::size_t>(got)});
    return true;
  }

  int socket_;
  script what_;
  frame_watch watch_;
  outcome out_;
};

// ── Our side: Adieu, or a naive endpoint ────────────────────────────────────────────────────────

struct tally {
  std::atomic<std::size_t> clean{0}, unsent{0}, cut_off{0};
};

/// Two rounds of the loop: then the connection has had its turn to write.
void after_a_turn(const asio::any_io_executor& loop, std::function<void()> what) {
  asio::post(loop, [loop, what = std::move(what)] { asio::post(loop, what); });
}

/// The app of a connection. It ends as the article's does: the websocket goes out of scope.
asio::awaitable<void> app(websocket socket, script what, gate done, tally* counts) {
  constexpr auto token = asio::as_tuple(asio::use_awaitable);
  const asio::any_io_executor loop = socket.get_executor();
  socket.on_end([counts](const disconnect_record& record) {
    counts->clean += record.clean;
    counts->cut_off += record.tcp == tcp_end::timed_out;
  });
  // The Close was called; has the kernel got it?
  const auto finish = [done, counts, handle = socket.handle(), first = what.first] {
    const auto sent = first == opening::we_close ? state::close_sent : state::closed;
    counts->unsent += handle.state() < sent;
    done->set_value();
  };
  if (what.ours() != 0) socket.send(std::string(what.ours(), 'y'));
  message received;
  bool waits = what.waits();
  while (waits) {
    const auto [ec, result] = co_await socket.async_receive_message(received, token);
    waits = !ec && what.first != opening::we_close && result.type != message_type::close;
  }
  after_a_turn(loop, finish);
  if (what.first == opening::we_close) {
    (void)co_await socket.async_close(close_status::normal_closure, "adieu", token);
  } else if (what.first == opening::peer_breaks_a_rule) {
    co_return;  // the Close is Adieu's own
  } else if (what.peer == peer_kind::full) {
    socket.async_close_output(close_status::normal_closure, "adieu", asio::detached);
  } else {
    (void)co_await socket.async_close_output(close_status::normal_closure, "adieu", token);
  }
}

/// Does the same with system calls: writes its Close, if that goes without waiting, and calls
/// close(2).
void play_naively(raw_socket socket, const script& what, const gate& done) {
  const auto frame = [&](unsigned char first, std::string_view payload) {
    return what.self == role::client ? masked_frame(first, payload) : bare_frame(first, payload);
  };
  const std::string data = what.ours() == 0 ? "" : frame(0x82, std::string(what.ours(), 'y'));
  for (std::string_view rest = data; !rest.empty();) {
    const std::size_t sent = socket.send_some(rest);
    if (sent == 0) break;
    rest.remove_prefix(sent);
  }
  frame_watch watch;
  bool waits = what.waits();
  while (waits) {
    std::array<char, 1024> space;
    const auto got = ::recv(socket.descriptor(), space.data(), space.size(), 0);
    if (got <= 0) break;
    watch.take({space.data(), static_cast<std::size_t>(got)});
    waits = what.first == opening::peer_closes ? watch.closes() == 0 : watch.data() == 0;
  }
  socket.send_some(frame(0x88, close_body(what.code(), "adieu")));
  socket.close();
  done->set_value();
}

// ── The runs ────────────────────────────────────────────────────────────────────────────────────

struct sums {
  std::size_t closes = 0, lost = 0, fins = 0;

  sums& operator+=(const sums& other) noexcept {
    closes += other.closes;
    lost += other.lost;
    fins += other.fins;
    return *this;
  }
};

using endpoint = std::function<void(raw_socket, const script&, const gate&)>;

/// `each` closes of each script of this kind, several at a time.
sums run(peer_kind kind, std::size_t each, const endpoint& ours) {
  std::vector<script> scripts;
  for (std::size_t i = 0; i < each; ++i) {
    for (const role self : {role::client, role::server}) {
      for (const opening first :
           {opening::we_close, opening::peer_closes, opening::peer_breaks_a_rule}) {
        scripts.push_back({kind, self, first});
      }
    }
  }
  // Many cables, because one would carry 1 Mbit/s for all.
  std::vector<std::unique_ptr<network>> cables(kind == peer_kind::slow ? 8 : 0);
  for (auto& cable : cables) {
    cable = std::make_unique<network>();
    cable->limit(network::host::near, 1000);
    cable->limit(network::host::far, 1000);
  }
  constexpr std::size_t workers = 16;
  std::atomic<std::size_t> next{0};
  std::vector<std::future<sums>> parts;
  for (std::size_t worker = 0; worker < workers; ++worker) {
    const network* const cable = cables.empty() ? nullptr : cables[worker % cables.size()].get();
    parts.push_back(std::async(std::launch::async, [&, cable] {
      sums part;
      const pair_maker pairs(cable);
      for (std::size_t at = next++; at < scripts.size(); at = next++) {
        const script& what = scripts[at];
        pair_maker::ends ends = pairs.make(what.sizes());
        const gate done = std::make_shared<std::promise<void>>();
        std::future<void> our_end = done->get_future();
        ours(std::move(ends.ours), what, done);
        const outcome seen = peer(ends.theirs.descriptor(), what).play(std::move(our_end));
        part += {1, seen.code == what.code() ? 0U : 1U, seen.fin ? 1U : 0U};
      }
      return part;
    }));
  }
  sums all;
  for (auto& part : parts) all += part.get();
  return all;
}

void prove(peer_kind kind, std::string_view name, std::size_t each) {
  const auto from = std::chrono::steady_clock::now();
  tally counts;
  sums adieu;
  {
    running_loop loop;
    adieu = run(kind, each, [&](raw_socket socket, const script& what, const gate& done) {
      asio::post(loop.context(), [&, fd = socket.release(), what, done] {
        asio::ip::tcp::socket tcp(loop.context(), asio::ip::tcp::v4(), fd);
        websocket_options options;
        // D9 gives a peer one second after both Closes; on a busy machine a slow one takes longer.
        if (what.peer == peer_kind::slow) options.linger = std::chrono::seconds(10);
        websocket ours = websocket::adopt(std::move(tcp), what.self, options);
        asio::co_spawn(loop.context(), app(std::move(ours), what, done, &counts), asio::detached);
      });
    });
  }
  const double seconds =
      std::chrono::duration<double>(std::chrono::steady_clock::now() - from).count();
  const std::size_t naive_each = std::max<std::size_t>(each / 10, 10);
  const sums naive =
      run(kind, naive_each, [](raw_socket socket, const script& what, const gate& done) {
        std::thread(play_naively, std::move(socket), what, done).detach();
      });
  figures(
      "no Close lost, {}: Adieu lost {} of {} ({} clean, {} ended with FIN, {} Closes unsent "
      "when the app had finished; {:.1f} s); close(2) lost {} of {}",
      name,
      adieu.lost,
      adieu.closes,
      counts.clean.load(),
      adieu.fins,
      counts.unsent.load(),
      seconds,
      naive.lost,
      naive.closes);
  EXPECT_EQ(adieu.closes, 6 * each);
  EXPECT_EQ(adieu.lost, 0U);
  EXPECT_EQ(counts.cut_off, 0U);
  EXPECT_EQ(counts.clean, 4 * each) << "all but those after a broken rule";
  EXPECT_EQ(adieu.fins, adieu.closes);
  EXPECT_GT(naive.lost, 0U) << "the harness can't lose a Close: it proves nothing";
  if (kind == peer_kind::full) {
    EXPECT_EQ(counts.unsent, 4 * each);
  }
}

TEST(NoCloseLost, D9_to_a_peer_that_gives_up_at_its_first_write_error) {
  prove(peer_kind::busy, "busy peer", scaled<std::size_t>(200, 1000));
}

TEST(NoCloseLost, P6_to_a_peer_whose_window_is_full) {
  prove(peer_kind::full, "full window", scaled<std::size_t>(200, 1000));
}

TEST(NoCloseLost, D9_to_a_peer_behind_a_slow_cable) {
  if (const auto why = network::missing()) GTEST_SKIP() << *why;
  prove(peer_kind::slow, "cable of 1 Mbit/s", scaled<std::size_t>(30, 1000));
}

}  // namespace
}  // namespace adieu::test
