// The server's half of the opening handshake on one socket: TLS, the request, the app's decision,
// the answer; or a refusal, so told that the client hears why. It goes as far as it goes without
// waiting: who waits, and for how long, is the server's business.
//
// A refusal ends TCP behind it: FIN, then what the client still sends is read for a moment, so that
// no reset destroys the answer.
#pragma once

#include "adieu/server.hpp"
#include "net/opening.hpp"
#include "net/terms.hpp"

namespace adieu::net {

class acceptance {
 public:
  /// All of them outlive it. Without `tls` it is plain.
  acceptance(const server_options& options,
             const std::function<decision(const request&)>& decide,
             SSL_CTX* tls)
      : options_(options),
        decide_(decide),
        tls_(tls),
        phase_(tls ? phase::silent : phase::request) {}
  acceptance(const acceptance&) = delete;
  acceptance& operator=(const acceptance&) = delete;

  enum class outcome : std::uint8_t { want_read, want_write, accepted, refused };
  /// To be called again when the stream can do what it wants. `refused`: TCP is to be closed.
  [[nodiscard]] outcome go_on(socket_stream& stream);
  /// Instead of listening to the client.
  void refuse(unsigned status, std::string why);

  /// The client has said something.
  [[nodiscard]] bool has_heard() const noexcept { return has_heard_; }
  /// The client was told that it is refused: now TCP ends.
  [[nodiscard]] bool is_draining() const noexcept { return phase_ == phase::draining; }
  [[nodiscard]] connect_step step() const noexcept {
    return phase_ == phase::silent || phase_ == phase::tls ? connect_step::tls
                                                           : connect_step::request;
  }

  // When it was accepted; `remote` is the caller's to fill in.
  request asked;
  terms agreed;
  // When it was refused
  std::optional<opening_failure> failure;
  std::exception_ptr thrown;  // by the app's on_request

 private:
  enum class phase : std::uint8_t { silent, tls, request, answer, draining };
  using step_result = std::optional<outcome>;  // none: on with the next phase

  [[nodiscard]] step_result listen(socket_stream& stream);
  [[nodiscard]] step_result shake(socket_stream& stream);
  [[nodiscard]] step_result read_request(socket_stream& stream);
  [[nodiscard]] step_result write_answer(socket_stream& stream);
  [[nodiscard]] step_result drain(socket_stream& stream);
  void answer_request();
  void refuse(unsigned status, std::string_view body, opening_failure why);
  [[nodiscard]] outcome fail(opening_failure why);

  const server_options& options_;
  const std::function<decision(const request&)>& decide_;
  SSL_CTX* const tls_;
  phase phase_;
  bool has_heard_ = false;
  std::optional<header_parser<true>> parser_;
  std::string answer_;
  std::size_t answered_ = 0;
  std::size_t drained_ = 0;
};

/// Of the app's exception, or the system's, in one sentence.
[[nodiscard]] std::string what_went_wrong(const std::exception_ptr& error);

}  // namespace adieu::net
