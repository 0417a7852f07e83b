// How a cell is set up, directed, and taken down.
#include "tests/faults/matrix_trial.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <csignal>
#include <filesystem>

namespace adieu::test {

using asio::awaitable;
using namespace std::chrono_literals;

namespace {

sockaddr_in ip_name(const std::string& address, std::uint16_t port) {
  sockaddr_in out{};
  out.sin_family = AF_INET;
  out.sin_port = htons(port);
  ::inet_pton(AF_INET, address.c_str(), &out.sin_addr);
  return out;
}

sockaddr_un unix_name(const std::string& path) {
  sockaddr_un out{};
  out.sun_family = AF_UNIX;
  path.copy(out.sun_path, sizeof out.sun_path - 1);
  return out;
}

// Its window is small, so that it soon closes.
int raw_socket_of(int family) {
  const int out = ::socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const int room = 16 * 1024;
  if (family == AF_INET) ::setsockopt(out, SOL_SOCKET, SO_RCVBUF, &room, sizeof room);
  return out;
}

template <typename Name>
void expect_ok(int result, const Name& what) {
  if (result != 0) throw std::runtime_error(std::string(what) + ": " + std::strerror(errno));
}

const std::string& far_too_much() {
  static const std::string out(too_much, 'a');
  return out;
}

auto now() { return std::chrono::system_clock::now(); }

}  // namespace

matrix_stage::matrix_stage()
    : files("IP:10.77.0.2,IP:10.77.0.1,IP:127.0.0.1,DNS:localhost"),
      processes(files.certificate_file(), files.key_file()),
      tls(make_peer_context(files.certificate_file(), files.key_file())),
      folder(std::filesystem::path(files.ca_file()).parent_path()) {
  if (network::missing()) return;
  net.emplace();
  at_home.emplace(*net, network::host::near);
}

std::string matrix_stage::near_address() const {
  return net ? network::address(network::host::near) : "127.0.0.1";
}
std::string matrix_stage::far_address() const {
  return net ? network::address(network::host::far) : "127.0.0.1";
}

awaitable<void> matrix_stage::measure_lag(matrix_stage& on) {
  asio::steady_timer tick(co_await asio::this_coro::executor);
  while (on.workers > 0) {
    tick.expires_after(5ms);
    const auto due = tick.expiry();
    co_await tick.async_wait(asio::use_awaitable);
    on.lag += std::chrono::steady_clock::now() - due;
  }
}

awaitable<std::vector<std::string>> trial::run(std::shared_ptr<trial> self) {
  trial& me = *self;
  me.notes_.began = me.notes_.faulted = now();
  me.lag_before_ = me.on_.lag;
  if (me.cell_.where == place::connecting) {
    me.refuse_us();
    me.connect();
  } else {
    const int data = co_await me.meet();
    me.start_peer(data);
    asio::co_spawn(me.on_.loop, direct(self), asio::detached);
  }
  (void)co_await until([&] { return me.record_.has_value(); }, 20s);
  (void)co_await until([&] { return !me.closing_ || me.notes_.close_answer; }, 2s);
  if (me.peer_) {
    const bool reads_on = me.cell_.how == fault::half_close || me.cell_.how == fault::garbage ||
                          me.cell_.how == fault::no_close_notify;
    const bool deaf =
        me.cell_.where == place::unsent_data || me.cell_.where == place::closes_crossing;
    if (me.cell_.opens() && reads_on && !deaf && me.record_) {
      me.notes_.peer_read_to_the_end =
          co_await until([&] { return me.peer_->read_to_the_end(); }, 5s);
    }
    me.notes_.peer = me.peer_->notes();
  }
  me.notes_.loop_lag = me.on_.lag - me.lag_before_;
  me.clean_up();
  if (!me.record_) co_return std::vector<std::string>{"no record came"};
  co_return differences(me.cell_, expect(me.cell_, me.notes_), *me.record_, me.notes_);
}

// ── Opening ─────────────────────────────────────────────────────────────────────────────────────

/// The peer's socket, connected with ours.
awaitable<int> trial::meet() {
  if (cell_.over == carrier::unix_socket) {
    path_ = on_.folder / ("s" + std::to_string(on_.next_name++));
  }
  if (cell_.we == role::server) {
    serve();
    co_return reach_our_server();
  }
  listen_for_us();
  connect();
  boost::system::error_code ec;
  co_await listener_->async_wait(asio::posix::stream_descriptor::wait_read,
                                 asio::redirect_error(asio::use_awaitable, ec));
  const int out = ::accept4(listener_->native_handle(), nullptr, nullptr, SOCK_CLOEXEC);
  if (out < 0) throw std::runtime_error("accept");
  co_return out;
}

void trial::listen_for_us() {
  const bool ip = cell_.is_ip();
  const int out = on_.far([&] { return raw_socket_of(ip ? AF_INET : AF_UNIX); });
  if (ip) {
    const bool drops = cell_.how == fault::black_hole;
    sockaddr_in name = ip_name(on_.far_address(), drops ? on_.next_port_to_drop++ : 0);
    socklen_t size = sizeof name;
    expect_ok(::bind(out, reinterpret_cast<sockaddr*>(&name), size), "bind");
    ::getsockname(out, reinterpret_cast<sockaddr*>(&name), &size);
    port_ = ntohs(name.sin_port);
  } else {
    const sockaddr_un name = unix_name(path_);
    expect_ok(::bind(out, reinterpret_cast<const sockaddr*>(&name), sizeof name), "bind");
  }
  expect_ok(::listen(out, cell_.where == place::connecting ? 0 : 16), "listen");
  listener_.emplace(on_.loop, out);
}

// Nobody listens, or somebody who takes nobody in any more: its one place is taken.
void trial::refuse_us() {
  if (!cell_.is_ip()) path_ = on_.folder / ("s" + std::to_string(on_.next_name++));
  listen_for_us();
  if (cell_.how == fault::reset || cell_.how == fault::killed) {
    listener_.reset();
  } else if (cell_.how == fault::black_hole) {
    drop_packets();
  } else if (cell_.is_ip()) {
    filler_ = on_.far([&] { return raw_socket_of(AF_INET); });
    const sockaddr_in name = ip_name(on_.far_address(), port_);
    expect_ok(::connect(filler_, reinterpret_cast<const sockaddr*>(&name), sizeof name), "connect");
  } else {
    filler_ = raw_socket_of(AF_UNIX);
    const sockaddr_un name = unix_name(path_);
    expect_ok(::connect(filler_, reinterpret_cast<const sockaddr*>(&name), sizeof name), "connect");
  }
}

void trial::connect() {
  connect_options options;
  options.websocket = options_of(cell_);
  options.timeout = handshake_limit(cell_);
  options.tls.ca_file = on_.files.ca_file();
  const std::string url = !cell_.is_ip() ? "ws+unix:" + path_
                                         : (cell_.over == carrier::tls ? "wss://" : "ws://") +
                                               on_.far_address() + ":" + std::to_string(port_);
  async_connect(on_.loop.get_executor(),
                url,
                options,
                [self = shared_from_this()](error_code ec, websocket socket) {
                  self->notes_.connect_answer = ec;
                  if (ec) {
                    self->record_ = socket.record();
                  } else {
                    self->opened(std::move(socket));
                  }
                });
}

void trial::serve() {
  server_options options;
  options.websocket = options_of(cell_);
  options.handshake_timeout = handshake_limit(cell_);
  if (cell_.over == carrier::tls) {
    options.tls.emplace();
    options.tls->certificate_file = on_.files.certificate_file();
    options.tls->key_file = on_.files.key_file();
  }
  server_.emplace(on_.loop.get_executor(), options);
  std::weak_ptr<trial> weak = weak_from_this();
  server_->on_open([weak](websocket& socket, const request&) {
    if (const auto self = weak.lock()) self->opened(std::move(socket));
  });
  server_->on_end([weak](const disconnect_record& record) {
    if (const auto self = weak.lock(); self && !self->record_) self->record_ = record;
  });
  if (cell_.is_ip()) {
    const bool drops = cell_.how == fault::black_hole;
    port_ = server_->listen(on_.near_address(), drops ? on_.next_port_to_drop++ : 0).port();
  } else {
    server_->listen_unix(path_);
  }
}

int trial::reach_our_server() const {
  const bool ip = cell_.is_ip();
  const int out = on_.far([&] { return raw_socket_of(ip ? AF_INET : AF_UNIX); });
  const sockaddr_in by_ip = ip_name(on_.near_address(), port_);
  const sockaddr_un by_path = unix_name(path_);
  const auto* const name =
      ip ? reinterpret_cast<const sockaddr*>(&by_ip) : reinterpret_cast<const sockaddr*>(&by_path);
  expect_ok(::connect(out, name, ip ? sizeof by_ip : sizeof by_path), "connect");
  return out;
}

void trial::start_peer(int data) {
  int ends[2];
  expect_ok(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), "socketpair");
  const asio::local::stream_protocol local;
  line_.emplace(on_.loop, local, ends[0]);
  if (cell_.takes_a_process()) {
    child_ = on_.processes.start(cell_, data, ends[1]);
    return;
  }
  peer_ = std::make_shared<peer>(
      on_.loop.get_executor(), cell_, data, phone(on_.loop, local, ends[1]), *on_.tls);
  asio::co_spawn(on_.loop, peer::play(peer_), asio::detached);
}

void trial::opened(websocket socket) {
  socket_ = std::move(socket);
  open_ = true;
  if (cell_.we == role::client) {
    socket_.on_end([weak = weak_from_this()](const disconnect_record& record) {
      if (const auto self = weak.lock()) self->record_ = record;
    });
  }
  if (cell_.ours == app::receiving) receive();
}

// ── Our app ─────────────────────────────────────────────────────────────────────────────────────

void trial::receive() {
  socket_.async_receive(
      asio::buffer(space_), [self = shared_from_this()](error_code ec, receive_result got) {
        if (ec) return;
        if (got.type != message_type::close) return self->receive();
        if (self->cell_.where != place::both_closes_peers) return;
        self->socket_.async_close_output(
            got.close_status.value(), got.close_description, [self](error_code) {});
      });
}

void trial::send_too_much() {
  socket_.async_send(asio::buffer(far_too_much()),
                     message_type::binary,
                     end_of_message::yes,
                     [self = shared_from_this()](error_code) {});
}

void trial::close() {
  closing_ = true;
  notes_.app_closed = now();
  socket_.async_close(
      close_status::normal_closure, "bye", [self = shared_from_this()](error_code ec) {
        self->notes_.close_answer = ec;
      });
}

void trial::our_part() {
  const bool our_close = cell_.where == place::our_close || cell_.where == place::our_close_output;
  if (cell_.where == place::unsent_data) send_too_much();
  if (our_close && cell_.how == fault::zero_window) send_too_much();
  if (cell_.where == place::our_close || cell_.where == place::both_closes_ours ||
      cell_.where == place::closes_crossing) {
    close();
  } else if (cell_.where == place::our_close_output) {
    socket_.async_close_output(
        close_status::normal_closure, "bye", [self = shared_from_this()](error_code) {});
  }
}

// ── The director ────────────────────────────────────────────────────────────────────────────────

awaitable<void> trial::direct(std::shared_ptr<trial> self) {
  trial& me = *self;
  for (;;) {
    const word what = co_await hear(*me.line_);
    if (what == word::hung_up) co_return;
    if (what == word::ready) {
      const auto there = [&me] { return me.open_ || me.record_; };
      (void)co_await until(there, 5s);
      // Two Closes that cross in a black hole: it is there before them.
      if (me.cell_.where == place::closes_crossing && me.cell_.how == fault::black_hole) {
        me.drop_packets();
      }
      me.our_part();
      say(*me.line_, word::go);
    } else if (what == word::here) {
      me.strike();
      if (app_must_close(me.cell_))
        asio::co_spawn(me.on_.loop, give_up_later(self), asio::detached);
    }
  }
}

// Long enough to see that nothing else ends it: longer than a Ping and its limit.
awaitable<void> trial::give_up_later(std::shared_ptr<trial> self) {
  asio::steady_timer pause(co_await asio::this_coro::executor);
  pause.expires_after(900ms);
  co_await pause.async_wait(asio::use_awaitable);
  if (!self->record_) self->close();
}

void trial::strike() {
  notes_.faulted = now();
  switch (cell_.how) {
    case fault::killed: ::kill(child_, SIGKILL); return;
    case fault::stopped: ::kill(child_, SIGSTOP); return;
    case fault::black_hole: drop_packets(); break;
    case fault::zero_window:
      if (cell_.where != place::our_close && cell_.where != place::our_close_output &&
          cell_.where != place::unsent_data) {
        send_too_much();
      }
      break;
    default: break;
  }
  say(*line_, word::now);
}

void trial::drop_packets() {
  if (std::exchange(dropped_, true)) return;
  on_.net->drop_port(network::host::near, port_);
  on_.net->drop_port(network::host::far, port_);
}

void trial::clean_up() {
  boost::system::error_code ignored;
  if (line_) line_->close(ignored);
  if (peer_) peer_->leave();
  if (child_ > 0 && cell_.how != fault::killed) ::kill(child_, SIGKILL);
  if (filler_ >= 0) ::close(filler_);
  listener_.reset();
  server_.reset();
  if (!record_) socket_.abort();
  socket_ = {};
  if (!path_.empty()) std::filesystem::remove(path_);
}

}  // namespace adieu::test
