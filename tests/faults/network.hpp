// Two hosts of a test's own, joined by a cable: network namespaces and a veth pair, in which
// packets can be dropped or slowed down. Needs root, and Debian's iproute2 and nftables.
//
// The namespaces have no names: descriptors hold them, so that they are gone with the process,
// however it ends. A socket stays in the namespace in which it was made; a thread or a child begins
// in that of its maker.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace adieu::test {

class network {
 public:
  enum class host : std::uint8_t { near, far };

  /// Why there can be no network here; nothing when there can. In CI there must be one: there it
  /// says nothing, and the constructor throws.
  [[nodiscard]] static std::optional<std::string> missing();

  /// Throws runtime_error.
  network();
  network(const network&) = delete;
  network& operator=(const network&) = delete;
  ~network();

  /// An address on the cable. Each host has its own 127.0.0.1, too.
  [[nodiscard]] static std::string address(host of);

  /// While it lives, its thread makes sockets, threads and children at this host.
  class visit {
   public:
    visit(const network& in, host where);
    visit(const visit&) = delete;
    visit& operator=(const visit&) = delete;
    ~visit();

   private:
    int home_;
  };
  template <typename Work>
  auto at(host where, Work work) const {
    const visit here(*this, where);
    return work();
  }

  // Packets get lost behind the cable, as in a black hole: their sender learns nothing.
  /// What arrives at `to` over the cable is dropped; the sets of ports below stay as they are.
  void drop_all(host to) const;
  void pass_all(host to) const;
  /// TCP to or from this port.
  void drop_port(host to, std::uint16_t port) const;
  void pass_port(host to, std::uint16_t port) const;

  /// What leaves `from` over the cable goes at this speed, and waits in a queue of `packets`.
  void limit(host from, unsigned kilobits_a_second, unsigned packets = 1000) const;
  void unlimit(host from) const;

 private:
  [[nodiscard]] int space(host of) const noexcept { return of == host::near ? near_ : far_; }
  void run(host where, const std::vector<std::string>& command) const;

  int near_ = -1;
  int far_ = -1;
};

}  // namespace adieu::test
