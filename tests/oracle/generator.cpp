// What may follow what. Only such scripts are made whose results do not depend on a race inside of
// .NET (docs/proofs.md lists what is left out for that reason).
#include "tests/oracle/generator.hpp"

#include <fmt/format.h>

#include <array>
#include <random>

namespace oracle {
namespace {

class maker {
 public:
  maker(std::uint64_t seed, std::uint64_t number)
      : random_(seed * 0x9E3779B97F4A7C15ULL + number) {}

  script make() {
    out_.role = chance(50) ? adieu::role::client : adieu::role::server;
    const std::size_t length = 3 + below(12);
    while (out_.steps.size() < length && !(disposed_ && (fin_ || reset_))) {
      if (chance(ended() ? 15 : 45)) {
        peer_step();
      } else if (!disposed_) {
        side_step();
      } else {
        peer_step();
      }
    }
    return std::move(out_);
  }

 private:
  std::size_t below(std::size_t limit) { return static_cast<std::size_t>(random_() % limit); }
  bool chance(std::size_t percent) { return below(100) < percent; }
  template <typename T, std::size_t N>
  T one_of(const std::array<T, N>& all) {
    return all[below(N)];
  }
  [[nodiscard]] bool ended() const { return fin_ || reset_; }

  step& add(verb what) {
    step& one = out_.steps.emplace_back();
    one.what = what;
    return one;
  }

  // ── The side ────────────────────────────────────────────────────────────────────────────────
  void side_step() {
    const std::size_t dice = below(100);
    if (dice < 42) {
      receive();
    } else if (dice < 60) {
      step& one = add(verb::send);
      one.as_close = chance(2);
      one.binary = !one.as_close && chance(40);
      one.more = chance(25);
      one.size = one_of(std::array<std::size_t, 7>{0, 1, 5, 125, 126, 300, 4000});
    } else if (dice < 76) {
      close(verb::close);
    } else if (dice < 90) {
      close(verb::close_output);
    } else if (dice < 93) {
      add(verb::cancel);
      receiving_ = false;
    } else if (dice < 97) {
      add(verb::abort);
    } else {
      add(verb::dispose);
      disposed_ = true;
    }
  }

  // A second receive, or one beside a close that waits, goes by whoever .NET wakes first: rare, and
  // the peer's Close is then the last that it sends.
  void receive() {
    if (closed_ && !broken_ && !crowded_ && receives_ > 0 && chance(50)) return;
    if (receiving_ || closing_) {
      if (chance(85)) return;
      crowded_ = true;
    }
    ++receives_;
    add(verb::receive).size = one_of(std::array<std::size_t, 8>{0, 1, 2, 3, 5, 10, 200, 5000});
    receiving_ = true;
  }

  void close(verb what) {
    if (closing_ && (chance(80) || in_message_ || !owed_.empty())) return;
    step& one = add(what);
    one.code = code();
    one.text = reason();
    closes_ += what == verb::close ? 1 : 0;
    closing_ = closes_ != 0;
  }

  int code() {
    if (chance(85)) return one_of(std::array<int, 7>{1000, 1001, 1008, 1011, 3000, 4000, 4999});
    return one_of(std::array<int, 16>{1005,
                                      1005,
                                      1005,
                                      0,
                                      999,
                                      1002,
                                      1004,
                                      1006,
                                      1007,
                                      1012,
                                      1014,
                                      1015,
                                      1016,
                                      2999,
                                      5000,
                                      65535});
  }
  std::string reason() {
    if (chance(60)) return "";
    return one_of(std::array<const char*, 6>{
        "bye", "x", "{122}", "{123}", "{124}", "\xE5\x86\x8D\xE8\xA7\x81"});
  }

  // ── The peer ────────────────────────────────────────────────────────────────────────────────
  void peer_step() {
    if (ended()) {
      if (!disposed_) side_step();
      return;
    }
    const std::size_t dice = below(100);
    if (dice < 12 || (closed_ && dice < 50)) {
      add(verb::fin);
      fin_ = true;
    } else if (dice < 18) {
      add(verb::rst);
      reset_ = true;
    } else if (!silent()) {
      write();
    }
  }

  /// What comes behind a broken rule is read differently by those who go on reading.
  [[nodiscard]] bool silent() const { return broken_ || (closed_ && (crowded_ || receives_ > 1)); }

  void write() {
    std::string frames;
    if (!owed_.empty()) frames = "raw:" + std::exchange(owed_, "");
    const std::size_t count = crowded_ ? 1 : 1 + below(3);
    for (std::size_t i = 0; i < count && !silent() && owed_.empty(); ++i) {
      const std::string next = frame();
      if (!frames.empty()) frames += ", ";
      frames += next;
    }
    if (!frames.empty()) add(verb::peer).text = frames;
    receiving_ = receiving_ && chance(30);  // a guess
  }

  std::string frame() {
    const std::size_t dice = below(100);
    if (dice < 55 && closes_ < 2) return data();
    if (dice < 65) return chance(70) ? "ping:" + payload() : "pong:" + payload();
    if (dice < 90) {
      closed_ = true;
      return close_frame();
    }
    return wrong();
  }

  std::string payload() { return one_of(std::array<const char*, 4>{"", "p", "ping", "{100}"}); }

  std::string data() {
    const bool more = chance(30);
    std::string kind = in_message_ ? "cont" : chance(70) ? "text" : "binary";
    in_message_ = more;
    if (more) kind += "!more";
    const std::string made = kind + ":" +
                             one_of(std::array<const char*, 9>{"",
                                                               "a",
                                                               "ab",
                                                               "hello",
                                                               "{10}",
                                                               "{124}",
                                                               "{126}",
                                                               "{300}",
                                                               "\\xc3\\xa9\\xe2\\x82\\xac"});
    return chance(12) ? cut_in_two(made) : made;
  }

  /// The rest comes with the next write, if there is one.
  std::string cut_in_two(const std::string& text) {
    const std::string bytes = wire_bytes(text, out_.role);
    const std::size_t at = 1 + below(bytes.size() - 1);
    owed_ = hex(bytes.substr(at));
    return "raw:" + hex(bytes.substr(0, at));
  }
  static std::string hex(std::string_view bytes) {
    std::string out;
    for (const char one : bytes) out += fmt::format("{:02x}", static_cast<unsigned char>(one));
    return out;
  }

  std::string close_frame() {
    if (chance(15)) return "close";
    const int codes =
        chance(80) ? one_of(std::array<int, 6>{1000, 1001, 1008, 1011, 3000, 4999})
                   : one_of(std::array<int, 8>{1002, 1003, 1007, 1009, 1010, 1012, 1013, 1014});
    return fmt::format("close:{} {}", codes, chance(50) ? "" : "{20}");
  }

  std::string wrong() {
    broken_ = true;
    const std::size_t dice = below(100);
    if (dice < 25) {
      return one_of(std::array<const char*, 8>{"close:1004",
                                               "close:1005",
                                               "close:1006",
                                               "close:1016 x",
                                               "close:0",
                                               "close:5000",
                                               "close:1000 \\xff",
                                               "op8:x"});
    }
    if (dice < 40 && !in_message_) {
      return one_of(std::array<const char*, 9>{"text:ab\\xff",
                                               "text:ab\\xc0\\x80c",
                                               "text:\\xe0\\x80\\x80",
                                               "text:abc\\xf0\\x80\\x80\\x80",
                                               "text:a\\xf5\\x80\\x80\\x80",
                                               "text:\\xc3",
                                               "text:abc\\xed\\xa0\\x80",
                                               "text!more:ab\\xc3, cont:\\xc3",
                                               "text!more:ab\\xc3, cont:"});
    }
    if (dice < 55) {  // rules that .NET does not know, or not in time: it reads on
      return one_of(std::array<const char*, 7>{"ping!bare:longer",
                                               "ping!wide:x",
                                               "ping!wider:x",
                                               "text!bare:longer",
                                               "text!wide:x",
                                               "binary!wider:hello",
                                               "text!more!wide:ab"});
    }
    return one_of(std::array<const char*, 12>{"text!rsv1:a",
                                              "binary!rsv2:",
                                              "ping!rsv3:",
                                              "op3:x",
                                              "op7:",
                                              "op11:",
                                              "op15:x",
                                              "ping!more:x",
                                              "close!more:1000",
                                              "ping:{126}",
                                              "raw:82ff8000000000000000",
                                              "raw:827f8000000000000000"});
  }

  std::mt19937_64 random_;
  script out_;
  bool receiving_ = false;
  std::size_t receives_ = 0;
  std::size_t closes_ = 0;
  bool closing_ = false;
  bool crowded_ = false;
  bool disposed_ = false;
  bool fin_ = false;
  bool reset_ = false;
  bool closed_ = false;
  bool broken_ = false;
  bool in_message_ = false;
  std::string owed_;
};

}  // namespace

script random_script(std::uint64_t seed, std::uint64_t number) {
  return maker(seed, number).make();
}

}  // namespace oracle
