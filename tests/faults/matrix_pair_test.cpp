// Two of Adieu's websockets on real sockets, each of whose records is compared in every field.
// ADIEU_MATRIX=text as in matrix_test.cpp.
#include "tests/faults/matrix_pair.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>

#include "tests/faults/matrix_trial.hpp"
#include "tests/faults/scale.hpp"

namespace adieu::test {
namespace {

using asio::awaitable;
using namespace std::chrono_literals;

struct end_of_pair {
  websocket socket;
  std::optional<disconnect_record> record;
  trial_notes notes;
  std::array<char, our_buffer> space{};
  core::duration round_trip{};
  bool answers = false;
};

class pair_trial : public std::enable_shared_from_this<pair_trial> {
 public:
  pair_trial(matrix_stage& on, const pair_cell& in) : on_(on), cell_(in) {}

  static awaitable<std::vector<std::string>> run(std::shared_ptr<pair_trial> self);
  [[nodiscard]] std::string records() const {
    const auto line = [](const end_of_pair& of) {
      return of.record ? to_line(*of.record) : "none";
    };
    return "actor: " + line(actor()) + "\n    other: " + line(other());
  }

 private:
  end_of_pair& end(role which) { return which == role::client ? client_ : server_end_; }
  const end_of_pair& actor() const { return cell_.actor == role::client ? client_ : server_end_; }
  const end_of_pair& other() const { return cell_.actor == role::client ? server_end_ : client_; }
  end_of_pair& actor() { return end(cell_.actor); }
  end_of_pair& other() { return end(cell_.other_role()); }

  void serve();
  void connect();
  void receive(end_of_pair& from);
  void close(end_of_pair& which, close_status code, std::string reason);
  void send_before();
  [[nodiscard]] bool other_has_it() const;
  void act_now();
  [[nodiscard]] std::vector<std::string> judge();

  matrix_stage& on_;
  const pair_cell cell_;
  std::optional<server> serving_;
  std::string path_;
  std::uint16_t port_ = 0;
  end_of_pair client_, server_end_;
  bool connected_ = false, accepted_ = false;
  std::optional<message_writer> writer_;
  std::string text_ = std::string(small_message, 'a');
  std::size_t sends_done_ = 0;
};

void pair_trial::serve() {
  server_options options;
  options.websocket = options_of(cell_, role::server);
  if (cell_.over == carrier::tls) {
    options.tls.emplace();
    options.tls->certificate_file = on_.files.certificate_file();
    options.tls->key_file = on_.files.key_file();
  }
  serving_.emplace(on_.loop.get_executor(), options);
  std::weak_ptr<pair_trial> weak = weak_from_this();
  serving_->on_open([weak](websocket& socket, const request&) {
    const auto self = weak.lock();
    if (!self) return;
    self->server_end_.socket = std::move(socket);
    self->accepted_ = true;
  });
  serving_->on_end([weak](const disconnect_record& record) {
    if (const auto self = weak.lock()) self->server_end_.record = record;
  });
  if (cell_.is_ip()) {
    port_ = cell_.drops_packets() ? on_.next_port_to_drop++ : std::uint16_t{0};
    port_ = on_.far([&] { return serving_->listen(on_.far_address(), port_).port(); });
  } else {
    path_ = on_.folder / ("p" + std::to_string(on_.next_name++));
    serving_->listen_unix(path_);
  }
}

void pair_trial::connect() {
  connect_options options;
  options.websocket = options_of(cell_, role::client);
  options.tls.ca_file = on_.files.ca_file();
  const std::string url = !cell_.is_ip() ? "ws+unix:" + path_
                                         : (cell_.over == carrier::tls ? "wss://" : "ws://") +
                                               on_.far_address() + ":" + std::to_string(port_);
  async_connect(
      on_.loop.get_executor(),
      url,
      options,
      [self = shared_from_this()](error_code ec, websocket socket) {
        if (ec) {
          self->client_.record = socket.record();
          return;
        }
        self->client_.socket = std::move(socket);
        self->connected_ = true;
        self->client_.socket.on_end([weak = std::weak_ptr(self)](const disconnect_record& record) {
          if (const auto still = weak.lock()) still->client_.record = record;
        });
      });
}

void pair_trial::receive(end_of_pair& from) {
  from.socket.async_receive(asio::buffer(from.space),
                            [self = shared_from_this(), &from](error_code ec, receive_result got) {
                              if (ec) return;
                              if (got.type != message_type::close) return self->receive(from);
                              if (!from.answers) return;
                              from.socket.async_close_output(got.close_status.value(),
                                                             got.close_description,
                                                             [self](error_code) {});
                            });
}

void pair_trial::close(end_of_pair& which, close_status code, std::string reason) {
  which.notes.app_closed = std::chrono::system_clock::now();
  which.socket.async_close(
      code, std::move(reason), [self = shared_from_this(), &which](error_code ec) {
        which.notes.close_answer = ec;
      });
}

void pair_trial::send_before() {
  const auto done = [self = shared_from_this()](error_code) { ++self->sends_done_; };
  if (cell_.data == sent_before::messages) {
    for (std::size_t i = 0; i < small_messages; ++i) actor().socket.async_send(text_, done);
  } else if (cell_.data == sent_before::half_a_message) {
    writer_.emplace(actor().socket.begin_message(message_type::text));
    writer_->async_write(asio::buffer(text_.data(), text_.size() / 2), done);
  }
}

void pair_trial::act_now() {
  const auto now = std::chrono::system_clock::now();
  actor().notes.faulted = other().notes.faulted = now;
  const network::host actors =
      cell_.actor == role::client ? network::host::near : network::host::far;
  const network::host others =
      cell_.actor == role::client ? network::host::far : network::host::near;
  switch (cell_.what) {
    case act::close: close(actor(), close_status::normal_closure, "bye"); break;
    case act::close_output:
      actor().socket.async_close_output(
          close_status::normal_closure, "bye", [self = shared_from_this()](error_code) {});
      break;
    case act::both_close:
      close(actor(), close_status::normal_closure, "bye");
      close(other(), close_status::endpoint_unavailable, "cross");
      break;
    case act::abort: actor().socket.abort(); break;
    case act::destroy: actor().socket = {}; break;
    case act::black_hole: on_.net->drop_port(actors, port_); [[fallthrough]];
    case act::swallow: on_.net->drop_port(others, port_); break;
  }
}

awaitable<std::vector<std::string>> pair_trial::run(std::shared_ptr<pair_trial> self) {
  pair_trial& me = *self;
  me.client_.notes.began = me.server_end_.notes.began = std::chrono::system_clock::now();
  me.client_.notes.faulted = me.server_end_.notes.faulted = me.client_.notes.began;
  const core::duration lag_before = me.on_.lag;
  me.serve();
  me.connect();
  std::vector<std::string> trouble;
  const auto open = [&me] { return me.connected_ && me.accepted_; };
  if (!co_await until(open, 10s)) {
    trouble.emplace_back("it did not open");
    co_return trouble;
  }
  me.other().answers = me.cell_.other == app::receiving;
  if (me.cell_.other == app::receiving) me.receive(me.other());
  if (me.cell_.keepalive == pings::on) {  // both know a round trip
    int answered = 0;
    for (end_of_pair* const each : {&me.client_, &me.server_end_}) {
      each->socket.async_ping([self, &answered](error_code, core::duration) { ++answered; });
    }
    (void)co_await until([&answered] { return answered == 2; }, 5s);
  }
  me.send_before();
  const std::size_t sends = me.cell_.data == sent_before::messages         ? small_messages
                            : me.cell_.data == sent_before::half_a_message ? 1
                                                                           : 0;
  (void)co_await until([&me, sends] { return me.sends_done_ == sends; }, 5s);
  // The other has read it: its answer to a Ping came behind it.
  bool there = false;
  if (sends != 0) {
    me.actor().socket.async_ping([self, &there](error_code, core::duration) { there = true; });
    (void)co_await until([&there] { return there; }, 5s);
  }

  if (me.cell_.what == act::swallow) {
    // Longer than an ACK may be late. A lost one makes the other's TCP send only old bytes again.
    asio::steady_timer pause(co_await asio::this_coro::executor);
    pause.expires_after(100ms);
    co_await pause.async_wait(asio::use_awaitable);
  }
  me.act_now();
  if (me.cell_.apps_must_close()) {
    asio::steady_timer pause(co_await asio::this_coro::executor);
    pause.expires_after(900ms);
    co_await pause.async_wait(asio::use_awaitable);
    me.close(me.actor(), close_status::normal_closure, "bye");
    me.close(me.other(), close_status::normal_closure, "bye");
  }
  const auto over = [&me] { return me.client_.record && me.server_end_.record; };
  (void)co_await until(over, 15s);
  const auto answered = [&me] {
    const auto come = [](const end_of_pair& of) {
      return !of.notes.app_closed || of.notes.close_answer;
    };
    return come(me.client_) && come(me.server_end_);
  };
  (void)co_await until(answered, 2s);
  me.client_.notes.loop_lag = me.server_end_.notes.loop_lag = me.on_.lag - lag_before;
  trouble = me.judge();
  me.serving_.reset();
  me.client_.socket.abort();
  me.server_end_.socket.abort();
  me.client_.socket = {};
  me.server_end_.socket = {};
  co_return trouble;
}

std::vector<std::string> pair_trial::judge() {
  if (!client_.record || !server_end_.record) return {"a record did not come"};
  std::vector<std::string> out = contradictions(*client_.record, *server_end_.record);
  const pair_expectation right = expect(cell_);
  const auto add =
      [&](std::string_view who, role self, const expectation& of, const end_of_pair& was) {
        const cell as{
            cell_.over, self, place::idle, fault::fin, amount::small, cell_.other, cell_.keepalive};
        for (const std::string& each : differences(as, of, *was.record, was.notes)) {
          out.push_back(fmt::format("{}: {}", who, each));
        }
      };
  add("actor", cell_.actor, right.actor, actor());
  add("other", cell_.other_role(), right.other, other());
  return out;
}

struct queue {
  std::vector<pair_cell> cells;
  std::size_t next = 0;
  bool tells = false;
  std::map<std::string, std::vector<std::string>> wrong;
};

awaitable<void> work(matrix_stage& on, queue& from) {
  while (from.next < from.cells.size()) {
    const pair_cell which = from.cells[from.next++];
    auto one = std::make_shared<pair_trial>(on, which);
    std::vector<std::string> wrong = co_await pair_trial::run(one);
    if (from.tells) fmt::print("{}\n    {}\n", to_string(which), one->records());
    if (!wrong.empty()) {
      wrong.push_back(one->records());
      from.wrong[to_string(which)] = std::move(wrong);
    }
  }
  --on.workers;
}

TEST(FaultMatrix, BothRecordsOfAPairAreTrueAndAgree) {
  const auto began = std::chrono::steady_clock::now();
  pair_matrix all = all_pairs();
  matrix_stage stage;
  if (!stage.net) {
    all.left_out["dropped packets: no root, iproute2 or nftables here"] =
        std::erase_if(all.cells, [](const pair_cell& c) { return c.drops_packets(); });
  }
  queue todo;
  const char* const only = std::getenv("ADIEU_MATRIX");
  todo.tells = only != nullptr;
  const std::size_t count = all.cells.size();
  for (std::size_t i = 0; i < count; ++i) {
    const pair_cell& next = all.cells[i * 7919 % count];
    if (only == nullptr || to_string(next).find(only) != std::string::npos) {
      todo.cells.push_back(next);
    }
  }
  // In the long form with fewer and with more at once, each time in another order.
  constexpr std::array<int, 4> at_once{48, 8, 24, 64};
  const std::size_t rounds = scaled<std::size_t>(1, at_once.size());
  for (std::size_t round = 0; round < rounds; ++round) {
    std::ranges::rotate(todo.cells, todo.cells.begin() + static_cast<std::ptrdiff_t>(round));
    todo.next = 0;
    stage.workers = at_once[round];
    asio::co_spawn(stage.loop, matrix_stage::measure_lag(stage), asio::detached);
    for (int i = 0; i < at_once[round]; ++i) {
      asio::co_spawn(stage.loop, work(stage, todo), asio::detached);
    }
    stage.loop.restart();
    stage.loop.run();
  }
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - began;
  figures("fault matrix, pairs: {} cells, {} records in {:.1f} s, {} cells with a wrong record",
          todo.cells.size(),
          2 * todo.cells.size() * rounds,
          took.count(),
          todo.wrong.size());
  for (const auto& [rule, combinations] : all.left_out) {
    figures("  left out {:5}: {}", combinations, rule);
  }
  for (const auto& [name, wrong] : todo.wrong) {
    std::string text = name;
    for (const std::string& each : wrong) text += "\n    " + each;
    ADD_FAILURE() << text;
  }
}

}  // namespace
}  // namespace adieu::test
