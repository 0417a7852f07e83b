// Two pieces of memory: what is being read, and what of it has to wait again.
#include "adieu/core/held_input.hpp"

namespace adieu::core {

void held_input::hold(const_bytes rest) {
  waits_ = true;
  waiting_.assign(rest.begin(), rest.end());
}

bytes held_input::release() noexcept {
  waits_ = false;
  released_ = std::exchange(waiting_, {});
  return released_;
}

void held_input::used_up() noexcept {
  if (!released_.empty()) released_ = {};
}

}  // namespace adieu::core
