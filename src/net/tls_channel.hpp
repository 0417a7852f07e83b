// TLS on a connected, non-blocking socket. OpenSSL works on memory, and the socket sees few large
// calls: one recv brings many records, which are decrypted one after the other into the caller's
// memory; all records of a write leave in one send.
//
// That memory belongs to the thread. A connection keeps some only while the kernel does not take
// what was encrypted, or the reader does not take what came.
//
// What was written is told by whole records: bytes of the app's count once the kernel has the last
// byte of their record. Until then the caller shows the same bytes again, as it promises anyway
// (core::outbox::gather), and they are skipped.
#pragma once

#include <memory>
#include <span>

#include "adieu/core/types.hpp"
#include "net/io_result.hpp"
#include "net/tls.hpp"

namespace adieu::net {

class tls_channel {
 public:
  tls_channel(ssl_ptr session, int descriptor);
  tls_channel(const tls_channel&) = delete;
  tls_channel& operator=(const tls_channel&) = delete;
  ~tls_channel();

  [[nodiscard]] SSL& session() const noexcept { return *session_; }

  /// One step of the TLS handshake; `done` when it is complete.
  [[nodiscard]] io_result handshake(role self);
  /// One recv, or more as long as they bring no data of the app's.
  [[nodiscard]] io_result read(core::bytes into);
  [[nodiscard]] io_result write(std::span<const core::const_bytes> list);
  /// close_notify, if it is not too late for one.
  void say_goodbye();
  /// TLS's own last words on the wire: nothing that the app could miss.
  [[nodiscard]] std::uint64_t farewell() const noexcept { return farewell_; }

 private:
  struct incoming;
  struct outgoing;
  class plain_text;
  static BIO_METHOD* bio_method();

  void receive();
  void keep_input();
  [[nodiscard]] io_result decrypt(core::bytes into);
  [[nodiscard]] io_result encrypt(plain_text& from);
  /// `done` when the kernel has everything that was encrypted.
  [[nodiscard]] io_result flush();
  [[nodiscard]] io_result answer(io_result got, bool nothing_before_it);
  [[nodiscard]] std::size_t encrypted() const noexcept;
  void put_away();
  [[nodiscard]] io_result outcome_of(int returned) const;

  ssl_ptr session_;
  int descriptor_;

  std::unique_ptr<incoming> in_;  // what OpenSSL has not taken
  std::size_t most_received_ = 0;
  // Of the call that is under way:
  bool may_receive_ = false;
  bool received_ = false;
  bool drained_ = false;   // the kernel
  bool has_data_ = false;  // for the app
  bool input_over_ = false;
  int error_ = 0;      // of recv
  io_result ended_{};  // the end came behind data, and is told next

  std::unique_ptr<outgoing> out_;  // what the kernel has not taken
  std::size_t delivered_ = 0;      // bytes of the app's in records that it has taken, not told yet
  bool answer_waits_ = false;      // TLS's own, of a read: no more is read before it is sent
  std::uint64_t sent_ = 0;
  std::uint64_t farewell_ = 0;
};

}  // namespace adieu::net
