// Adieu's side of a script: a websocket over TCP, on a loop that runs only until it is at rest.
#include <boost/asio.hpp>
#include <fmt/format.h>

#include <map>
#include <thread>

#include "adieu/adieu.hpp"
#include "tests/oracle/kernel_view.hpp"
#include "tests/oracle/player.hpp"
#include "tests/oracle/words.hpp"

namespace oracle {
namespace {

namespace asio = boost::asio;
using clock = std::chrono::steady_clock;
using tcp = asio::ip::tcp;
using namespace std::chrono_literals;

class adieu_side final : public side {
 public:
  void open(const script& how, std::uint16_t port) override {
    socket_.reset();
    loop_ = std::make_unique<asio::io_context>(1);  // the old one knows of the old calls
    pending_.clear();
    tcp::socket stream(*loop_);
    stream.connect({asio::ip::address_v4::loopback(), port});
    stream.set_option(tcp::no_delay(true));
    stream.set_option(asio::socket_base::send_buffer_size(64 * 1024));  // soon full
    kernel_.watch(stream.native_handle());
    adieu::websocket_options options;
    if (how.keep_alive != 0) options.ping_interval = std::chrono::milliseconds(how.keep_alive);
    if (how.pong_timeout != 0) options.pong_timeout = std::chrono::milliseconds(how.pong_timeout);
    if (how.close_timeout != 0) {
      options.close_timeout = std::chrono::milliseconds(how.close_timeout);
    }
    socket_.emplace(adieu::websocket::adopt(std::move(stream), how.role, options));
    handle_ = socket_->handle();
    status_ = "-";
  }

  at_rest play(const step& one, std::size_t number, const peer_facts& peer) override {
    answer_ = {};
    start(one, number);
    settle(peer);
    if (one.what == verb::wait) wait(std::chrono::milliseconds(one.size));
    answer_.state = adieu::to_string(handle_.state());
    if (socket_ && socket_->close_status()) {
      status_ = fmt::format(
          "{} {}", static_cast<int>(*socket_->close_status()), shown(socket_->close_description()));
    }
    answer_.status = status_;
    answer_.over = !kernel_.look() || kernel_.fin_sent();
    answer_.written = kernel_.bytes_sent();
    return std::move(answer_);
  }

 private:
  /// A call that was started: its buffer, and where it can be cancelled.
  struct call {
    std::string memory;
    asio::cancellation_signal cancel;
    bool is_send = false;
  };

  void start(const step& one, std::size_t number) {
    const auto code = static_cast<adieu::close_status>(one.code);
    switch (one.what) {
      case verb::send: {
        call& made = pending_[number];
        made.memory = letters(one.size);
        made.is_send = true;
        socket_->async_send(
            asio::buffer(made.memory),
            one.as_close ? adieu::message_type::close
            : one.binary ? adieu::message_type::binary
                         : adieu::message_type::text,
            one.more ? adieu::end_of_message::no : adieu::end_of_message::yes,
            asio::bind_cancellation_slot(made.cancel.slot(), [this, number](adieu::error_code ec) {
              tell(number, ec, "ok");
            }));
        break;
      }
      case verb::receive: {
        call& made = pending_[number];
        made.memory.resize(one.size);
        socket_->async_receive(
            asio::buffer(made.memory),
            asio::bind_cancellation_slot(
                made.cancel.slot(),
                [this, number](adieu::error_code ec, const adieu::receive_result& got) {
                  tell(number, ec, ec ? "" : in_words(got, pending_[number].memory));
                }));
        break;
      }
      case verb::close:
        pending_[number];
        socket_->async_close(code, unescaped(one.text), [this, number](adieu::error_code ec) {
          tell(number, ec, "ok");
        });
        break;
      case verb::close_output:
        pending_[number];
        socket_->async_close_output(
            code, unescaped(one.text), [this, number](adieu::error_code ec) {
              tell(number, ec, "ok");
            });
        break;
      case verb::cancel:
      case verb::cancel_send:
        for (auto& [of, made] : pending_) {
          if (made.is_send == (one.what == verb::cancel_send)) {
            made.cancel.emit(asio::cancellation_type::all);
          }
        }
        break;
      case verb::abort: socket_->abort(); break;
      case verb::dispose: socket_.reset(); break;
      case verb::wait:
      case verb::peer:
      case verb::fin:
      case verb::rst:
      case verb::stall:
      case verb::go: break;
    }
  }

  static std::string in_words(const adieu::receive_result& got, std::string_view memory) {
    const std::string_view end = got.end_of_message ? "end" : "more";
    if (got.type == adieu::message_type::close) {
      const auto code = static_cast<int>(got.close_status.value());
      return fmt::format("close {} {} {} {}", code, shown(got.close_description), got.count, end);
    }
    return fmt::format(
        "{} {} {}", adieu::to_string(got.type), end, shown(memory.substr(0, got.count)));
  }

  void tell(std::size_t number, adieu::error_code ec, const std::string& result) {
    answer_.done.push_back(fmt::format("{}: {}", number, ec ? error_in_words(ec) : result));
    pending_.erase(number);
  }

  [[nodiscard]] bool has_arrived(const peer_facts& peer) {
    if (!kernel_.look() || kernel_.is_gone()) return true;
    if (peer.reset || (peer.fin && !kernel_.fin_received())) return false;
    return kernel_.bytes_received() >= peer.sent;
  }

  std::size_t run_what_is_ready() {
    loop_->restart();
    return loop_->poll();
  }

  void settle(const peer_facts& peer) {
    const auto latest = clock::now() + 10s;
    while (!has_arrived(peer)) {
      if (clock::now() > latest) throw std::runtime_error("the peer's bytes do not arrive");
      if (run_what_is_ready() == 0) std::this_thread::yield();
    }
    for (int quiet = 0; quiet < 2;) quiet = run_what_is_ready() == 0 ? quiet + 1 : 0;
  }

  void wait(std::chrono::milliseconds time) {
    const auto until = clock::now() + time;
    const bool for_calls = !pending_.empty();
    while (clock::now() < until && !(for_calls && pending_.empty())) {
      loop_->restart();
      loop_->run_one_until(until);
    }
    while (run_what_is_ready() != 0) {
    }
  }

  std::map<std::size_t, call> pending_;
  std::unique_ptr<asio::io_context> loop_;
  std::optional<adieu::websocket> socket_;
  adieu::connection_handle handle_;
  kernel_view kernel_;
  std::string status_;
  at_rest answer_;
};

}  // namespace

std::unique_ptr<side> make_adieu_side() { return std::make_unique<adieu_side>(); }

}  // namespace oracle
