// The tests that need the real .NET. Without its SDK they are skipped; in CI that is a failure.
#pragma once

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cstdlib>

#include "tests/oracle/referee.hpp"
#include "tests/peers/dotnet_build.hpp"

namespace oracle {

class Oracle : public testing::Test {
 protected:
  void SetUp() override {
    if (!peers::dotnet_sdk_is_there()) {
      const char* must = std::getenv("ADIEU_REQUIRE_DOTNET");
      if (must != nullptr && *must != '\0') FAIL() << "ADIEU_REQUIRE_DOTNET, but no .NET 10";
      GTEST_SKIP() << "no .NET SDK from 10 up here";
    }
    net_ = std::make_unique<referee>();
    fmt::print("the referee: {}\n", net_->runtime());
  }

  std::unique_ptr<referee> net_;
};

}  // namespace oracle
