// The public handle: everything is passed on to the driver.
#include "adieu/websocket.hpp"

#include "net/deflate_memory.hpp"
#include "net/driver.hpp"
#include "net/socket_transport.hpp"
#include "net/terms.hpp"

namespace adieu {

websocket& websocket::operator=(websocket&& other) noexcept {
  websocket old(std::move(*this));
  driver_ = std::move(other.driver_);
  failed_ = std::move(other.failed_);
  return *this;
}

websocket::~websocket() {
  if (driver_) driver_->destroy();
}

websocket websocket::over(const asio::any_io_executor& executor,
                          std::unique_ptr<net::transport> carrier,
                          core::settings_ptr how,
                          net::terms&& agreed) {
  if (agreed.deflate) {
    auto own = std::make_shared<core::settings>(*how);
    own->deflate = agreed.deflate;
    own->pool = net::deflate_memory::of(executor);
    how = std::move(own);
  }
  websocket out;
  out.driver_ = std::make_shared<net::driver>(net::workplace::of(executor),
                                              std::move(carrier),
                                              std::move(how),
                                              std::chrono::system_clock::now());
  out.driver_->start(
      {std::move(agreed.subprotocol), std::move(agreed.extensions), std::move(agreed.leftover)});
  return out;
}

websocket websocket::adopted(const asio::any_io_executor& executor,
                             std::unique_ptr<net::transport> carrier,
                             role self,
                             const websocket_options& options,
                             std::string leftover) {
  return over(executor,
              std::move(carrier),
              net::settings_of(self, options),
              net::terms_of(options, self, std::move(leftover)));
}

websocket websocket::over_socket(asio::generic::stream_protocol::socket socket,
                                 role self,
                                 const websocket_options& options,
                                 std::string leftover) {
  const asio::any_io_executor executor = socket.get_executor();
  return adopted(executor,
                 std::make_unique<net::socket_transport>(net::socket_stream(std::move(socket))),
                 self,
                 options,
                 std::move(leftover));
}

websocket websocket::failed(asio::any_io_executor executor,
                            std::shared_ptr<net::connection_status> status) {
  websocket out;
  out.failed_ = std::make_unique<const failed_connect>(
      failed_connect{std::move(executor), std::move(status)});
  return out;
}

namespace {

// What a try_receive found, or the exception for what it ran into.
std::optional<receive_result> result_or_throw(std::optional<core::completion> done) {
  if (!done) return std::nullopt;
  if (const error_code ec = make_error_code(*done)) throw system_error(ec);
  return std::move(done->received);
}

std::optional<receive_result> result_of(const message& whole) {
  std::optional<receive_result> out(std::in_place);
  out->count = whole.payload.size();
  out->type = whole.type;
  out->end_of_message = true;
  return out;
}

const core::completion& unconnected() {
  static const core::completion refused = [] {
    core::completion c;
    c.error = errc::invalid_state;
    c.seen = state::none;
    return c;
  }();
  return refused;
}

}  // namespace

std::optional<receive_result> websocket::try_receive(asio::mutable_buffer buffer) {
  return result_or_throw(driver_ ? driver_->try_receive(bytes_of(buffer)) : unconnected());
}

std::optional<receive_result> websocket::try_receive_message(message& into) {
  if (driver_ && driver_->take_whole_message(into)) return result_of(into);
  auto result =
      result_or_throw(driver_ ? driver_->try_receive_message(into.payload) : unconnected());
  if (result) into.type = result->type;
  return result;
}

void websocket::on_message(std::function<void(const message_view&)> handler) {
  if (!driver_) throw system_error(make_error_code(unconnected()));
  driver_->on_message(std::move(handler));
}

void websocket::on_end(std::function<void(const disconnect_record&)> handler) {
  if (driver_) {
    driver_->on_end(std::move(handler));
  } else if (auto ended = record()) {
    asio::post(home(),
               [handler = std::move(handler), ended = std::move(*ended)] { handler(ended); });
  } else {
    throw system_error(make_error_code(unconnected()));
  }
}

void websocket::send(std::string_view text) {
  if (driver_) driver_->send_copy(message_type::text, core::as_bytes(text));
}

void websocket::send(std::span<const std::byte> data) {
  if (driver_) driver_->send_copy(message_type::binary, data);
}

void websocket::send(const message_view& whole) {
  if (driver_) driver_->send_copy(whole.type, whole.bytes);
}

errc websocket::try_send(std::string_view text) {
  return try_send(message_view{message_type::text, core::as_bytes(text)});
}

errc websocket::try_send(std::span<const std::byte> data) {
  return try_send(message_view{message_type::binary, data});
}

errc websocket::try_send(const message_view& whole) {
  return driver_ ? driver_->try_send_copy(whole.type, whole.bytes) : errc::invalid_state;
}

void websocket::abort() {
  if (driver_) driver_->abort();
}

adieu::state websocket::state() const noexcept { return handle().state(); }

std::optional<adieu::close_status> websocket::close_status() const {
  if (!driver_) return std::nullopt;
  const auto close = driver_->status()->close();
  return close ? std::optional(close->code) : std::nullopt;
}

std::string websocket::close_description() const {
  if (!driver_) return {};
  const auto close = driver_->status()->close();
  return close ? close->description : std::string();
}

connection_handle websocket::handle() const {
  if (driver_) return connection_handle(driver_->status());
  return failed_ ? connection_handle(failed_->status) : connection_handle();
}

const std::string& websocket::subprotocol() const noexcept {
  static const std::string none;
  return driver_ ? driver_->subprotocol() : none;
}

const std::string& websocket::extensions() const noexcept {
  static const std::string none;
  return driver_ ? driver_->extensions() : none;
}

websocket::executor_type websocket::get_executor() const {
  if (driver_) return driver_->executor();
  return failed_ ? failed_->home : asio::any_io_executor(asio::system_executor());
}

message_writer websocket::begin_message(message_type type, compression compress) {
  if (!driver_) throw system_error(make_error_code(unconnected()));
  return {driver_, driver_->begin_message(), type, compress};
}

message_writer::message_writer(message_writer&& other) noexcept
    : driver_(std::move(other.driver_)),
      id_(other.id_),
      type_(other.type_),
      compress_(other.compress_) {}

message_writer& message_writer::operator=(message_writer&& other) noexcept {
  give_up();
  driver_ = std::move(other.driver_);
  id_ = other.id_;
  type_ = other.type_;
  compress_ = other.compress_;
  return *this;
}

message_writer::~message_writer() { give_up(); }

void message_writer::give_up() noexcept {
  if (driver_) driver_->abandon_message(id_);
}

namespace net {
boost::asio::any_io_executor executor_of(const driver& connection) noexcept {
  return connection.executor();
}
}  // namespace net

}  // namespace adieu
