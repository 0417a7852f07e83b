// OpenSSL between the app's bytes and a socket: a BIO over memory, few large system calls.
#include "net/tls_channel.hpp"

#include <openssl/bio.h>
#include <openssl/err.h>

#include <sys/socket.h>

#include <algorithm>
#include <cstring>
#include <utility>
#include <vector>

#include "adieu/core/raw_bytes.hpp"

namespace adieu::net {

using outcome = io_result::outcome;

namespace {

constexpr std::size_t most_plain = 16 * 1024;     // of one record (RFC 8446 §5.1)
constexpr std::size_t most_at_once = 256 * 1024;  // by one recv
constexpr std::size_t enough = 128 * 1024;        // encrypted bytes for one send

// Others' errors in OpenSSL's queue must not look like ours. Clearing takes longer than looking.
void forget_errors() {
  if (ERR_peek_error() != 0) ERR_clear_error();
}

// What one connection of a thread needs for the length of a call.
template <typename T>
class spare {
 public:
  static std::unique_ptr<T> take() { return kept ? std::move(kept) : std::make_unique<T>(); }
  static void give_back(std::unique_ptr<T> one) noexcept {
    if (!kept) kept = std::move(one);
  }

 private:
  inline static thread_local std::unique_ptr<T> kept;
};

}  // namespace

struct tls_channel::incoming {
  core::raw_bytes memory;
  std::size_t begin = 0;
  std::size_t end = 0;
};

struct tls_channel::outgoing {
  struct record {
    std::size_t end;    // in `bytes`
    std::size_t plain;  // the app's bytes in it
  };
  core::raw_bytes bytes;
  std::size_t sent = 0;
  std::vector<record> records;
  bool kept = false;  // the connection's own memory
};

// The app's bytes, a record's worth at a time. Small pieces share a record.
class tls_channel::plain_text {
 public:
  plain_text(std::span<const core::const_bytes> list, std::size_t skip) : list_(list) {
    while (!list_.empty() && skip >= list_.front().size()) {
      skip -= list_.front().size();
      list_ = list_.subspan(1);
    }
    if (!list_.empty()) rest_ = list_.front().subspan(skip);
  }

  [[nodiscard]] bool empty() const noexcept { return list_.empty(); }

  core::const_bytes next() {
    if (list_.size() > 1 && rest_.size() + list_[1].size() <= most_plain) return gathered();
    const core::const_bytes out = rest_.first(std::min(rest_.size(), most_plain));
    rest_ = rest_.subspan(out.size());
    if (rest_.empty()) advance();
    return out;
  }

 private:
  core::const_bytes gathered() {
    static thread_local core::raw_bytes memory(most_plain);
    std::size_t size = 0;
    while (!list_.empty() && size + rest_.size() <= most_plain) {
      std::memcpy(memory.data() + size, rest_.data(), rest_.size());
      size += rest_.size();
      advance();
    }
    return core::const_bytes(memory).first(size);
  }
  void advance() {
    list_ = list_.subspan(1);
    if (!list_.empty()) rest_ = list_.front();
  }

  std::span<const core::const_bytes> list_;
  core::const_bytes rest_;  // of the first piece
};

// OpenSSL's view of the channel.
BIO_METHOD* tls_channel::bio_method() {
  static const auto channel_of = [](BIO* bio) {
    return static_cast<tls_channel*>(BIO_get_data(bio));
  };
  static BIO_METHOD* const method = [] {
    BIO_METHOD* const made = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "adieu");
    if (made == nullptr) throw std::bad_alloc();
    BIO_meth_set_write(made, [](BIO* bio, const char* data, int size) {
      BIO_clear_retry_flags(bio);
      tls_channel& self = *channel_of(bio);
      if (!self.out_) self.out_ = spare<outgoing>::take();
      const auto* const from = reinterpret_cast<const std::byte*>(data);
      self.out_->bytes.insert(self.out_->bytes.end(), from, from + size);
      return size;
    });
    BIO_meth_set_read(made, [](BIO* bio, char* data, int size) {
      BIO_clear_retry_flags(bio);
      tls_channel& self = *channel_of(bio);
      if (!self.in_ && self.may_receive_) self.receive();
      if (!self.in_) {
        if (!self.input_over_ && self.error_ == 0) BIO_set_retry_read(bio);
        return self.input_over_ ? 0 : -1;
      }
      incoming& in = *self.in_;
      const std::size_t taken = std::min(static_cast<std::size_t>(size), in.end - in.begin);
      std::memcpy(data, in.memory.data() + in.begin, taken);
      in.begin += taken;
      if (in.begin == in.end) spare<incoming>::give_back(std::move(self.in_));
      return static_cast<int>(taken);
    });
    BIO_meth_set_ctrl(made, [](BIO* bio, int command, long, void*) -> long {
      if (command == BIO_CTRL_EOF) return channel_of(bio)->input_over_ ? 1 : 0;
      return command == BIO_CTRL_FLUSH ? 1 : 0;
    });
    return made;
  }();
  return method;
}

tls_channel::tls_channel(ssl_ptr session, int descriptor)
    : session_(std::move(session)), descriptor_(descriptor) {
  BIO* const bio = BIO_new(bio_method());
  if (bio == nullptr) throw std::bad_alloc();
  BIO_set_data(bio, this);
  BIO_set_init(bio, 1);
  SSL_set_bio(session_.get(), bio, bio);
}

tls_channel::~tls_channel() = default;

io_result tls_channel::outcome_of(int returned) const {
  if (returned > 0) return {outcome::done, static_cast<std::size_t>(returned)};
  switch (SSL_get_error(session_.get(), returned)) {
    case SSL_ERROR_WANT_READ: return {outcome::want_read};
    case SSL_ERROR_WANT_WRITE: return {outcome::want_write};
    case SSL_ERROR_ZERO_RETURN:  // close_notify
      return {outcome::fin};
    case SSL_ERROR_SYSCALL: return error_ == 0 ? io_result{outcome::truncated} : io_failure(error_);
    default:
      if (ERR_GET_REASON(ERR_peek_last_error()) == SSL_R_UNEXPECTED_EOF_WHILE_READING) {
        return {outcome::truncated};
      }
      return {outcome::error, 0, EPROTO};
  }
}

io_result tls_channel::handshake(role self) {
  forget_errors();
  most_received_ = most_plain;
  may_receive_ = true;
  const io_result step =
      outcome_of(self == role::client ? SSL_connect(&session()) : SSL_accept(&session()));
  keep_input();
  const io_result sent = flush();
  const bool goes_on = step.what == outcome::done || step.what == outcome::want_read;
  return goes_on && sent.what != outcome::done ? sent : step;
}

// ── Reading ─────────────────────────────────────────────────────────────────────────────────────

void tls_channel::receive() {
  auto in = spare<incoming>::take();
  if (in->memory.size() < most_received_) {
    in->memory.clear();
    in->memory.resize(most_received_);
  }
  ssize_t got = 0;
  do {
    got = ::recv(descriptor_, in->memory.data(), most_received_, 0);
  } while (got < 0 && errno == EINTR);
  drained_ = got < 0 || static_cast<std::size_t>(got) < most_received_;
  may_receive_ = !drained_;
  received_ = true;
  if (got == 0 && has_data_) {  // after it OpenSSL would not encrypt what the data is answered with
    drained_ = false;
    return spare<incoming>::give_back(std::move(in));
  }
  input_over_ = got == 0;
  if (got < 0 && errno != EAGAIN) error_ = errno;
  if (got <= 0) return spare<incoming>::give_back(std::move(in));
  in->begin = 0;
  in->end = static_cast<std::size_t>(got);
  in_ = std::move(in);
}

io_result tls_channel::decrypt(core::bytes into) {
  std::size_t filled = 0;
  while (filled < into.size()) {
    forget_errors();
    const core::bytes space = into.subspan(filled);
    const int size = static_cast<int>(std::min<std::size_t>(space.size(), 1U << 30U));
    const io_result step = outcome_of(SSL_read(&session(), space.data(), size));
    if (step.what == outcome::done) {
      filled += step.size;
      has_data_ = true;
      may_receive_ = may_receive_ && !received_;
      if (!in_ && drained_) return {outcome::done, filled, 0, filled < into.size()};
      continue;
    }
    if (step.what == outcome::want_read) {
      if (filled == 0) return step;
      return {outcome::done, filled, 0, drained_};
    }
    ended_ = step;
    break;
  }
  return filled != 0 ? io_result{outcome::done, filled} : ended_;
}

io_result tls_channel::read(core::bytes into) {
  if (answer_waits_) {
    const io_result sent = flush();
    if (sent.what != outcome::done) return sent;
    answer_waits_ = false;
  }
  if (ended_.what != outcome::done) return ended_;
  const std::size_t owed = encrypted();
  most_received_ = std::min(into.size() + into.size() / 64 + 512, most_at_once);
  may_receive_ = true;
  has_data_ = received_ = drained_ = false;
  const io_result got = decrypt(into);
  keep_input();
  if (encrypted() == owed) return got;
  return answer(got, owed == 0);
}

// Reading has encrypted something of TLS's own: an alert, or what a KeyUpdate asks for (RFC 8446
// §4.6.3). A peer that asks again and again and takes no answer is not read any more.
io_result tls_channel::answer(io_result got, bool nothing_before_it) {
  got.drained = false;
  if (ended_.what != outcome::done) {
    const std::uint64_t before = sent_;
    if (nothing_before_it) (void)flush();
    farewell_ += sent_ - before;
    return got;
  }
  const io_result sent = flush();
  answer_waits_ = sent.what == outcome::want_write;
  if (answer_waits_ || sent.what == outcome::done) return got;
  ended_ = sent;
  return got.what == outcome::done ? got : ended_;
}

// The thread's memory goes back; of what OpenSSL has not taken, a copy is kept.
void tls_channel::keep_input() {
  if (!in_) return;
  auto kept = std::make_unique<incoming>();
  const auto* const from = in_->memory.data();
  kept->memory.assign(from + in_->begin, from + in_->end);
  kept->end = kept->memory.size();
  spare<incoming>::give_back(std::exchange(in_, std::move(kept)));
}

// ── Writing ─────────────────────────────────────────────────────────────────────────────────────

io_result tls_channel::write(std::span<const core::const_bytes> list) {
  if (ended_.what == outcome::error) return ended_;
  io_result last = flush();
  if (last.what != outcome::done && delivered_ == 0) return last;
  plain_text text(list, delivered_);
  while (last.what == outcome::done && !text.empty()) {
    last = encrypt(text);
    const io_result sent = flush();
    if (last.what == outcome::done) last = sent;
  }
  const std::size_t size = std::exchange(delivered_, 0);
  if (size == 0) return last;
  return {outcome::done, size};  // the next call will say it again
}

io_result tls_channel::encrypt(plain_text& from) {
  while (!from.empty() && (!out_ || out_->bytes.size() < enough)) {
    const core::const_bytes plain = from.next();
    if (plain.empty()) continue;
    forget_errors();
    const io_result step =
        outcome_of(SSL_write(&session(), plain.data(), static_cast<int>(plain.size())));
    if (step.what != outcome::done) return step;
    out_->records.push_back({out_->bytes.size(), plain.size()});
  }
  return {};
}

io_result tls_channel::flush() {
  if (!out_) return {};
  outgoing& out = *out_;
  io_result last;
  while (last.what == outcome::done && out.sent < out.bytes.size()) {
    const auto sent =
        ::send(descriptor_, out.bytes.data() + out.sent, out.bytes.size() - out.sent, MSG_NOSIGNAL);
    if (sent >= 0) {
      out.sent += static_cast<std::size_t>(sent);
      sent_ += static_cast<std::uint64_t>(sent);
    } else if (errno == EAGAIN) {
      last = {outcome::want_write};
    } else if (errno != EINTR) {
      last = io_failure(errno);
    }
  }
  std::size_t whole = 0;
  while (whole < out.records.size() && out.records[whole].end <= out.sent) {
    delivered_ += out.records[whole++].plain;
  }
  out.records.erase(out.records.begin(), out.records.begin() + static_cast<std::ptrdiff_t>(whole));
  put_away();
  return last;
}

// The thread's memory goes back; of what the kernel has not taken, a copy is kept.
void tls_channel::put_away() {
  outgoing& out = *out_;
  if (out.sent == 0 && out.kept) return;
  std::unique_ptr<outgoing> rest;
  if (out.sent < out.bytes.size()) {
    rest = std::make_unique<outgoing>();
    rest->kept = true;
    rest->bytes.assign(out.bytes.begin() + static_cast<std::ptrdiff_t>(out.sent), out.bytes.end());
    rest->records = out.records;
    for (auto& each : rest->records) each.end -= out.sent;
  }
  out.bytes.clear();
  out.records.clear();
  out.sent = 0;
  spare<outgoing>::give_back(std::exchange(out_, std::move(rest)));
}

std::size_t tls_channel::encrypted() const noexcept { return out_ ? out_->bytes.size() : 0; }

void tls_channel::say_goodbye() {
  if (out_ || !SSL_is_init_finished(&session())) return;  // the record before it is not whole
  forget_errors();
  SSL_shutdown(&session());
  const std::uint64_t before = sent_;
  (void)flush();
  farewell_ += sent_ - before;
}

}  // namespace adieu::net
