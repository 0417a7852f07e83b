// One cell of the matrix, tried out: our end and its app, the peer, and who directs both.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>

#include "tests/faults/matrix_expectation.hpp"
#include "tests/faults/matrix_process.hpp"
#include "tests/faults/network.hpp"
#include "tests/net/certificates.hpp"

namespace adieu::test {

/// What all cells share. Made before anything else has sockets or threads.
struct matrix_stage {
  matrix_stage();

  [[nodiscard]] std::string near_address() const;
  [[nodiscard]] std::string far_address() const;
  /// Does this where the peer lives.
  template <typename Work>
  auto far(Work work) const {
    return net ? net->at(network::host::far, std::move(work)) : work();
  }

  certificates files;
  peer_processes processes;
  tls_context tls;
  std::filesystem::path folder;  // of the Unix sockets
  std::optional<network> net;    // nothing: no root, so no black holes
  std::optional<network::visit> at_home;
  asio::io_context loop;
  /// Adds up how late the loop is, while anybody works on it.
  [[nodiscard]] static asio::awaitable<void> measure_lag(matrix_stage& on);
  core::duration lag{};
  int workers = 0;
  int next_name = 0;
  /// In namespaces of our own, below the ports that the kernel chooses: what is dropped is dropped
  /// by its port alone, which must be nobody else's.
  std::uint16_t next_port_to_drop = 20'000;
};

class trial : public std::enable_shared_from_this<trial> {
 public:
  trial(matrix_stage& on, const cell& in) : on_(on), cell_(in) {}

  /// What was wrong; nothing when the record is right.
  [[nodiscard]] static asio::awaitable<std::vector<std::string>> run(std::shared_ptr<trial> self);
  [[nodiscard]] std::string record_line() const { return record_ ? to_line(*record_) : "none"; }

 private:
  // Opening
  [[nodiscard]] asio::awaitable<int> meet();
  void serve();
  void connect();
  void listen_for_us();
  [[nodiscard]] int reach_our_server() const;
  void refuse_us();
  void start_peer(int data);
  void opened(websocket socket);

  // Our app
  void receive();
  void send_too_much();
  void close();
  void our_part();

  // The director
  [[nodiscard]] static asio::awaitable<void> direct(std::shared_ptr<trial> self);
  [[nodiscard]] static asio::awaitable<void> give_up_later(std::shared_ptr<trial> self);
  void strike();
  void drop_packets();
  void clean_up();

  matrix_stage& on_;
  const cell cell_;
  trial_notes notes_;
  core::duration lag_before_{};
  std::optional<disconnect_record> record_;

  std::optional<server> server_;
  std::optional<asio::posix::stream_descriptor> listener_;
  int filler_ = -1;  // sits in the listener's only place
  std::string path_;
  std::uint16_t port_ = 0;
  bool dropped_ = false;
  websocket socket_;
  bool open_ = false;
  bool closing_ = false;
  std::array<char, our_buffer> space_{};

  std::optional<phone> line_;
  std::shared_ptr<peer> peer_;
  pid_t child_ = -1;
};

}  // namespace adieu::test
