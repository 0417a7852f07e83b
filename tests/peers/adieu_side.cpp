// Our half of the conversations, on a loop of its own.
#include "tests/peers/adieu_side.hpp"

namespace peers {

void our_end::begin() {
  handle_ = socket_->handle();
  released_.expires_at(asio::steady_timer::time_point::max());
  socket_->on_end([me = shared_from_this()](const adieu::disconnect_record& record) {
    me->ended_.set_value(record);
  });
}

std::future<received> our_end::start_receive() {
  auto into = std::make_shared<received>();
  auto done = std::make_shared<std::promise<received>>();
  asio::post(loop_, [me = shared_from_this(), into, done] {
    me->socket_->async_receive_message(into->message,
                                       [into, done](error_code ec, adieu::receive_result result) {
                                         into->ec = ec;
                                         into->result = std::move(result);
                                         done->set_value(std::move(*into));
                                       });
  });
  return done->get_future();
}

std::future<error_code> our_end::start_send(adieu::message message) {
  auto kept = std::make_shared<adieu::message>(std::move(message));
  auto done = std::make_shared<std::promise<error_code>>();
  socket_->async_send(*kept, [kept, done](error_code ec) { done->set_value(ec); });
  return done->get_future();
}

error_code our_end::send(adieu::message message) {
  return wait_for(start_send(std::move(message)), "a send");
}

error_code our_end::send_pieces(message_type type, const std::string& payload, std::size_t pieces) {
  adieu::message_writer writer = socket_->begin_message(type);
  const std::size_t step = (payload.size() + pieces - 1) / pieces;
  for (std::size_t at = 0; at < payload.size(); at += step) {
    auto done = std::make_shared<std::promise<error_code>>();
    auto told = [done](error_code ec) { done->set_value(ec); };
    const asio::const_buffer piece =
        asio::buffer(payload.data() + at, std::min(step, payload.size() - at));
    if (at + step < payload.size()) {
      writer.async_write(piece, told);
    } else {
      writer.async_finish(piece, told);
    }
    if (const error_code ec = wait_for(done->get_future(), "a piece")) return ec;
  }
  return {};
}

std::pair<error_code, std::chrono::nanoseconds> our_end::ping() {
  auto done = std::make_shared<std::promise<std::pair<error_code, std::chrono::nanoseconds>>>();
  socket_->async_ping([done](error_code ec, std::chrono::nanoseconds round_trip) {
    done->set_value({ec, round_trip});
  });
  return wait_for(done->get_future(), "a Pong");
}

std::future<error_code> our_end::start_close(close_status code, std::string reason) {
  auto done = std::make_shared<std::promise<error_code>>();
  socket_->async_close(code, std::move(reason), [done](error_code ec) { done->set_value(ec); });
  return done->get_future();
}

error_code our_end::close(close_status code, std::string reason) {
  return wait_for(start_close(code, std::move(reason)), "the close");
}

error_code our_end::close_output(close_status code, std::string reason) {
  auto done = std::make_shared<std::promise<error_code>>();
  socket_->async_close_output(
      code, std::move(reason), [done](error_code ec) { done->set_value(ec); });
  return wait_for(done->get_future(), "our Close to be written");
}

adieu::disconnect_record our_end::record() {
  auto record = wait_for(ended_.get_future(), "the end");
  std::cout << "ours: " << adieu::to_line(record) << '\n';
  return record;
}

void our_end::release() {
  auto done = std::make_shared<std::promise<bool>>();
  asio::post(loop_, [me = shared_from_this(), done] {
    me->own_ = adieu::websocket();
    me->released_.cancel();
    done->set_value(true);
  });
  wait_for(done->get_future(), "the loop");
}

adieu_side::~adieu_side() {
  guard_.reset();
  loop_.stop();
  thread_.join();
}

std::uint16_t adieu_side::serve() {
  if (server_) return port_;
  adieu::server_options how;
  how.websocket = options;
  how.allowed_origins = {"null", "file://"};  // a browser's page is a file
  server_.emplace(loop_.get_executor(), how);
  server_->on_connection(
      [this](adieu::websocket& socket, const adieu::request&) { return hold(socket); });
  port_ = server_->listen("127.0.0.1", 0).port();
  return port_;
}

our_end_ptr adieu_side::accepted() {
  std::unique_lock lock(mutex_);
  if (!arrived_.wait_for(lock, patience, [&] { return !accepted_.empty(); })) {
    throw std::runtime_error("nobody connected to our server");
  }
  our_end_ptr first = accepted_.front();
  accepted_.pop_front();
  return first;
}

our_end_ptr adieu_side::connect(const std::string& url) {
  auto done = std::make_shared<std::promise<our_end_ptr>>();
  adieu::connect_options how;
  how.websocket = options;
  adieu::async_connect(
      loop_.get_executor(), url, how, [this, done](error_code ec, adieu::websocket socket) {
        if (ec) {
          const auto record = socket.record();
          const std::string why = record ? adieu::to_line(*record) : ec.message();
          return done->set_exception(std::make_exception_ptr(std::runtime_error(why)));
        }
        done->set_value(own(std::move(socket)));
      });
  return wait_for(done->get_future(), "a connection");
}

our_end_ptr adieu_side::adopt_connected(std::uint16_t port) {
  auto done = std::make_shared<std::promise<our_end_ptr>>();
  auto socket = std::make_shared<tcp::socket>(loop_);
  socket->async_connect(
      tcp::endpoint(asio::ip::address_v4::loopback(), port),
      [this, socket, done](error_code ec) { adopt(ec, *socket, adieu::role::client, *done); });
  return wait_for(done->get_future(), "a TCP connection");
}

std::uint16_t adieu_side::listen_to_adopt() {
  acceptor_.emplace(loop_, tcp::endpoint(asio::ip::address_v4::loopback(), 0));
  adopted_ = std::promise<our_end_ptr>();
  acceptor_->async_accept([this](error_code ec, tcp::socket socket) {
    adopt(ec, socket, adieu::role::server, adopted_);
  });
  return acceptor_->local_endpoint().port();
}

asio::awaitable<void> adieu_side::hold(adieu::websocket& socket) {
  auto end = std::make_shared<our_end>(loop_, socket);
  end->begin();
  {
    const std::lock_guard lock(mutex_);
    accepted_.push_back(end);
  }
  arrived_.notify_all();
  co_await end->released().async_wait(asio::as_tuple(asio::use_awaitable));
}

our_end_ptr adieu_side::own(adieu::websocket socket) {
  auto end = std::make_shared<our_end>(loop_, std::move(socket));
  end->begin();
  return end;
}

void adieu_side::adopt(error_code ec,
                       tcp::socket& socket,
                       adieu::role self,
                       std::promise<our_end_ptr>& done) {
  if (ec) {
    return done.set_exception(std::make_exception_ptr(std::runtime_error(ec.message())));
  }
  done.set_value(own(adieu::websocket::adopt(std::move(socket), self, options)));
}

}  // namespace peers
