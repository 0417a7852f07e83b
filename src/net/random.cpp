// A pool of OpenSSL's random bytes for each thread. A forked child has a copy of its parent's pool,
// and must not use it: both would send the same keys.
#include "net/random.hpp"

#include <openssl/crypto.h>
#include <openssl/rand.h>

#include <pthread.h>

#include <array>
#include <atomic>
#include <cstring>
#include <stdexcept>

namespace adieu::net {

namespace {

std::atomic<unsigned>& forks() {
  static std::atomic<unsigned> count{0};
  return count;
}

// Incremented in the child of every fork.
unsigned forks_so_far() {
  static const int registered =
      ::pthread_atfork(nullptr, nullptr, [] { forks().fetch_add(1, std::memory_order_relaxed); });
  if (registered != 0) throw std::runtime_error("pthread_atfork failed");
  return forks().load(std::memory_order_relaxed);
}

}  // namespace

void fill_random(core::bytes out) {
  static thread_local std::array<unsigned char, 4096> pool;
  static thread_local std::size_t used = pool.size();
  static thread_local unsigned drawn_after = forks_so_far();
  const auto draw = [](unsigned char* to, std::size_t size) {
    if (RAND_bytes(to, static_cast<int>(size)) != 1) {
      throw std::runtime_error("OpenSSL has no random bytes");
    }
  };
  if (out.size() > pool.size() / 4) {
    draw(reinterpret_cast<unsigned char*>(out.data()), out.size());
    return;
  }
  const unsigned now = forks_so_far();
  if (pool.size() - used < out.size() || drawn_after != now) {
    draw(pool.data(), pool.size());
    used = 0;
    drawn_after = now;
  }
  std::memcpy(out.data(), pool.data() + used, out.size());
  OPENSSL_cleanse(pool.data() + used, out.size());  // no key is ever given twice, or left behind
  used += out.size();
}

}  // namespace adieu::net
