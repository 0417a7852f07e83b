// libFuzzer's way into a target.
#include "fuzz/input.hpp"

extern "C" int LLVMFuzzerInitialize(int*, char***);
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

int LLVMFuzzerInitialize(int*, char***) {
  GTEST_FLAG_SET(throw_on_failure, true);  // nobody catches it
  int argc = 1;
  char name[] = "fuzz";
  char* argv[] = {name, nullptr};
  testing::InitGoogleTest(&argc, argv);
  return 0;
}

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  adieu::fuzz::run(adieu::fuzz::input({reinterpret_cast<const char*>(data), size}));
  return 0;
}
