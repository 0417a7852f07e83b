// JSON as services send it: records with the same keys and other values. Exactly as long as asked.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include "../support.hpp"

namespace bench::load {

inline std::string make_json(std::size_t size, std::uint64_t seed) {
  static constexpr std::array<std::string_view, 8> names = {"Anna Berg",
                                                            "Bo Chen",
                                                            "Carla Diaz",
                                                            "Dev Iyer",
                                                            "Eva Fox",
                                                            "Femi Obi",
                                                            "Gus Hall",
                                                            "Ida Ek"};
  static constexpr std::array<std::string_view, 4> events = {
      "order.created", "order.paid", "parcel.sent", "parcel.returned"};
  constexpr std::string_view last = R"({"more":")", end = R"("}])";
  if (size < 2 + last.size() + end.size()) fail("JSON takes a few more bytes");

  std::uint64_t state = seed * 0x9e3779b97f4a7c15U + 0x632be59bd9b4e019U;
  const auto next = [&state](std::uint64_t below) {
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return (state >> 16) % below;
  };
  std::string out = "[";
  while (true) {
    std::string record = R"({"id":)" + std::to_string(100'000'000 + next(900'000'000));
    record += R"(,"event":")" + std::string(events[next(events.size())]);
    record += R"(","customer":{"name":")" + std::string(names[next(names.size())]);
    record += R"(","city":)" + std::to_string(next(500)) + R"(},"price":)";
    record += std::to_string(next(1000)) + "." + std::to_string(10 + next(90));
    record += R"(,"at":"2024-05-)" + std::to_string(10 + next(20)) + "T";
    record += std::to_string(10 + next(14)) + ":" + std::to_string(10 + next(50));
    record += next(4) == 0 ? R"(:00Z","gift":true},)" : R"(:00Z","gift":false},)";
    if (out.size() + record.size() + last.size() + end.size() > size) break;
    out += record;
  }
  out += last;
  while (out.size() + end.size() < size) out.push_back(static_cast<char>('a' + next(26)));
  return out.append(end);
}

}  // namespace bench::load
