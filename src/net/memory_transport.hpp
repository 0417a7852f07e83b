// A transport in memory: two byte pipes between two ends, with TCP's ways of ending. A read takes
// at most what was asked for, a write at most what fits; a reset destroys what was not read yet,
// and so does closing with unread data, as a kernel does.
#pragma once

#include <boost/asio/executor_work_guard.hpp>

#include <mutex>
#include <optional>
#include <utility>

#include "adieu/net/transport.hpp"

namespace adieu::net {

class memory_transport final : public transport {
 public:
  [[nodiscard]] static std::pair<std::unique_ptr<memory_transport>,
                                 std::unique_ptr<memory_transport>>
  make_pair(const boost::asio::any_io_executor& first,
            const boost::asio::any_io_executor& second,
            std::size_t capacity);

  void start(const std::shared_ptr<transport_listener>& listener) override;
  [[nodiscard]] bool pump() override;
  [[nodiscard]] write_result write(std::span<const core::const_bytes> list, urgency) override;
  void shut_output() override;
  core::closing_facts close(ending how) override;
  [[nodiscard]] bool peer_gone() override;

 private:
  // What flows towards one end, and how to wake that end.
  struct inbound {
    std::vector<std::byte> bytes;
    bool fin = false;
    bool reset = false;
    bool reader_gone = false;
    bool writer_waits = false;
    std::weak_ptr<transport_listener> reader;
    boost::asio::any_io_executor executor;
  };
  struct link {
    std::mutex mutex;
    std::size_t capacity = 0;
    inbound towards[2];
  };
  memory_transport(std::shared_ptr<link> shared, int end) : link_(std::move(shared)), end_(end) {}
  [[nodiscard]] inbound& mine() noexcept { return link_->towards[end_]; }
  [[nodiscard]] inbound& theirs() noexcept { return link_->towards[1 - end_]; }
  static void wake(const inbound& whom);

  std::shared_ptr<link> link_;
  int end_;
  transport_listener* listener_ = nullptr;
  // As a socket that is being read, an open end keeps its loop running.
  std::optional<boost::asio::executor_work_guard<boost::asio::any_io_executor>> work_;
  bool input_ended_ = false;
  bool closed_ = false;
};

}  // namespace adieu::net
