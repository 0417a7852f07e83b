// Offers and answers of permessage-deflate. The four parameters are those of RFC 7692 §7.1.
#include "adieu/core/deflate_agreement.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "core/header_fields.hpp"

namespace adieu::core {
namespace {

constexpr std::string_view extension_name = "permessage-deflate";
constexpr std::string_view client_bits_name = "client_max_window_bits";
constexpr std::string_view server_bits_name = "server_max_window_bits";
constexpr std::string_view client_alone_name = "client_no_context_takeover";
constexpr std::string_view server_alone_name = "server_no_context_takeover";

constexpr int smallest = 8;
constexpr int largest = 15;
constexpr int smallest_for_zlib = 9;  // it inflates 2^8, but can't deflate so without a header

/// The parameters of one offer or answer. An absent window is nothing; one without a value is 0.
struct parameters {
  std::optional<int> client_bits;
  std::optional<int> server_bits;
  bool client_alone = false;
  bool server_alone = false;
};

// §7.1.2.1: "a decimal integer value without leading zeroes between 8 to 15".
std::optional<int> bits_of(std::string_view text) {
  for (int bits = smallest; bits <= largest; ++bits) {
    if (text == fmt::to_string(bits)) return bits;
  }
  return std::nullopt;
}

// One that is no flag here, or not a window, or not known, or there twice, makes the whole offer or
// answer void (§7.1).
std::string read_flag(const extension_offer::parameter& from, bool& into) {
  if (!from.value.empty()) return fmt::format("{} must have no value", from.name);
  if (into) return fmt::format("{} is there twice", from.name);
  into = true;
  return {};
}

enum class value_is : std::uint8_t { needed, optional };

std::string read_bits(const extension_offer::parameter& from,
                      value_is rule,
                      std::optional<int>& into) {
  if (into) return fmt::format("{} is there twice", from.name);
  if (from.value.empty() && rule == value_is::optional) {
    into = 0;
    return {};
  }
  into = bits_of(from.value);
  if (into) return {};
  return fmt::format(
      "{} must be 8 to 15, but is {}", from.name, from.value.empty() ? "empty" : shown(from.value));
}

std::string read(const extension_offer& from, value_is client_bits, parameters& into) {
  for (const extension_offer::parameter& each : from.parameters) {
    std::string problem;
    if (each.name == client_alone_name) {
      problem = read_flag(each, into.client_alone);
    } else if (each.name == server_alone_name) {
      problem = read_flag(each, into.server_alone);
    } else if (each.name == client_bits_name) {
      problem = read_bits(each, client_bits, into.client_bits);
    } else if (each.name == server_bits_name) {
      problem = read_bits(each, value_is::needed, into.server_bits);
    } else {
      problem = fmt::format("the parameter {} is unknown", shown(each.name));
    }
    if (!problem.empty()) return problem;
  }
  return {};
}

context_takeover takeover(bool kept) { return kept ? context_takeover::yes : context_takeover::no; }

struct both_directions {
  int client_bits;
  int server_bits;
  bool client_takeover;
  bool server_takeover;
};

deflate_agreement agreement(const both_directions& terms,
                            const deflate_options& options,
                            role self) {
  deflate_settings client{terms.client_bits, takeover(terms.client_takeover), options.level};
  deflate_settings server{terms.server_bits, takeover(terms.server_takeover), options.level};
  deflate_agreement out;
  out.sending = self == role::client ? client : server;
  out.receiving = self == role::client ? server : client;
  out.compresses = out.sending.window_bits >= smallest_for_zlib;
  out.threshold = options.threshold;
  return out;
}

void append_bits(std::string& to, std::string_view name, int bits) {
  to += fmt::format("; {}={}", name, bits);
}

void append_flag(std::string& to, std::string_view name, bool set) {
  if (set) to += fmt::format("; {}", name);
}

}  // namespace

std::string bad_deflate_options(const deflate_options& options) {
  for (const auto& [name, bits] : {std::pair(client_bits_name, options.client_max_window_bits),
                                   std::pair(server_bits_name, options.server_max_window_bits)}) {
    if (bits < smallest_for_zlib || bits > largest) {
      return fmt::format("deflate: {} must be 9 to 15, but is {}", name, bits);
    }
  }
  if (options.level < 1 || options.level > 9) {
    return fmt::format("deflate: the level must be 1 to 9, but is {}", options.level);
  }
  return {};
}

std::string deflate_offer(const deflate_options& options) {
  std::string out(extension_name);
  append_flag(out, client_alone_name, !options.client_context_takeover);
  append_flag(out, server_alone_name, !options.server_context_takeover);
  if (options.server_max_window_bits < largest) {
    append_bits(out, server_bits_name, options.server_max_window_bits);
  }
  if (options.client_max_window_bits < largest) {
    append_bits(out, client_bits_name, options.client_max_window_bits);
  } else {
    append_flag(out, client_bits_name, true);  // §7.1.2.2: the server may choose
  }
  return out;
}

std::optional<deflate_choice> choose_deflate(std::span<const extension_offer> offers,
                                             const deflate_options& options) {
  for (const extension_offer& offer : offers) {
    parameters asked;
    if (offer.name != extension_name) continue;
    if (!read(offer, value_is::optional, asked).empty()) continue;
    // A window that zlib can't compress within: the client may have a second offer.
    if (asked.server_bits == smallest) continue;

    both_directions terms{};
    terms.server_takeover = options.server_context_takeover && !asked.server_alone;
    terms.client_takeover = options.client_context_takeover && !asked.client_alone;
    terms.server_bits =
        std::min(asked.server_bits.value_or(largest), options.server_max_window_bits);
    // §7.1.2.2: without the parameter in the offer there must be none in the answer.
    terms.client_bits = largest;
    if (asked.client_bits.value_or(0) != 0) terms.client_bits = *asked.client_bits;
    if (asked.client_bits) {
      terms.client_bits = std::min(terms.client_bits, options.client_max_window_bits);
    }

    deflate_choice out;
    out.agreement = agreement(terms, options, role::server);
    out.answer = extension_name;
    append_flag(out.answer, client_alone_name, !terms.client_takeover);
    append_flag(out.answer, server_alone_name, !terms.server_takeover);
    // §7.1.2.1: whoever asked for it is told, even if it is the largest one.
    if (asked.server_bits || terms.server_bits < largest) {
      append_bits(out.answer, server_bits_name, terms.server_bits);
    }
    if (asked.client_bits && terms.client_bits < largest) {
      append_bits(out.answer, client_bits_name, terms.client_bits);
    }
    return out;
  }
  return std::nullopt;
}

deflate_verdict check_deflate(std::span<const extension_offer> answer,
                              const std::optional<deflate_options>& offered) {
  deflate_verdict out;
  const auto refuse = [](std::string problem) {
    return deflate_verdict{std::nullopt,
                           fmt::format("the Sec-WebSocket-Extensions header: {}", problem)};
  };
  for (const extension_offer& chosen : answer) {
    if (!offered || chosen.name != extension_name) {  // RFC 6455 §4.1 item 5 of the answer
      return refuse(fmt::format("the server chose {}, which was not offered", shown(chosen.name)));
    }
    if (out.agreement) return refuse("permessage-deflate is there twice");
    parameters got;
    if (std::string problem = read(chosen, value_is::needed, got); !problem.empty()) {
      return refuse(std::move(problem));
    }
    // §7.1.2.1, §7.1.2.2: no window larger than the one that was asked for. §7.1.1.1: a server that
    // was asked not to take its context over says so.
    if (got.server_bits.value_or(largest) > offered->server_max_window_bits) {
      return refuse(fmt::format("server_max_window_bits must be at most {}, but is {}",
                                offered->server_max_window_bits,
                                got.server_bits.value_or(largest)));
    }
    if (got.client_bits.value_or(smallest) > offered->client_max_window_bits) {
      return refuse(fmt::format("client_max_window_bits must be at most {}, but is {}",
                                offered->client_max_window_bits,
                                *got.client_bits));
    }
    if (!offered->server_context_takeover && !got.server_alone) {
      return refuse("server_no_context_takeover was asked for, but is not there");
    }
    both_directions terms{};
    terms.client_bits = got.client_bits.value_or(offered->client_max_window_bits);
    terms.server_bits = got.server_bits.value_or(largest);
    terms.client_takeover = offered->client_context_takeover && !got.client_alone;
    terms.server_takeover = !got.server_alone;
    out.agreement = agreement(terms, *offered, role::client);
  }
  return out;
}

deflate_agreement agreed_by_both(const deflate_options& options, role self) {
  return agreement({options.client_max_window_bits,
                    options.server_max_window_bits,
                    options.client_context_takeover,
                    options.server_context_takeover},
                   options,
                   self);
}

}  // namespace adieu::core
