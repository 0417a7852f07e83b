// Scripts by chance, the same for the same seed; interesting endings are common.
#pragma once

#include <cstdint>

#include "tests/oracle/script.hpp"

namespace oracle {

[[nodiscard]] script random_script(std::uint64_t seed, std::uint64_t number);

}  // namespace oracle
