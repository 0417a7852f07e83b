// A pool of OpenSSL's random bytes for each thread.
#include "net/random.hpp"

#include <openssl/crypto.h>
#include <openssl/rand.h>

#include <array>
#include <cstring>
#include <stdexcept>

namespace adieu::net {

void fill_random(core::bytes out) {
  static thread_local std::array<unsigned char, 4096> pool;
  static thread_local std::size_t used = pool.size();
  const auto draw = [](unsigned char* to, std::size_t size) {
    if (RAND_bytes(to, static_cast<int>(size)) != 1) {
      throw std::runtime_error("OpenSSL has no random bytes");
    }
  };
  if (out.size() > pool.size() / 4) {
    draw(reinterpret_cast<unsigned char*>(out.data()), out.size());
    return;
  }
  if (pool.size() - used < out.size()) {
    draw(pool.data(), pool.size());
    used = 0;
  }
  std::memcpy(out.data(), pool.data() + used, out.size());
  OPENSSL_cleanse(pool.data() + used, out.size());  // no key is ever given twice, or left behind
  used += out.size();
}

}  // namespace adieu::net
