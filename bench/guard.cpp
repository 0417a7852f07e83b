// Fixed work whose instructions callgrind counts (bench/guard.sh): counts repeat where times do
// not.
//   parse     100,000 masked binary frames of 16 B through a server's frame reader
//   unmask    64 payloads of 16 KiB, at every offset of the key
//   validate  64 texts of 16 KiB, of mixed scripts and of ASCII, in pieces
//   echo      2,000 messages of 16 B and 100 of 16 KiB through a pair of websockets in memory
//
// Only what runs inside `guarded_work` is counted; everything is prepared outside.

#include <boost/asio/io_context.hpp>

#include <cstddef>
#include <cstdio>
#include <string>
#include <string_view>
#include <vector>

#include "load/messages.hpp"
#include "support.hpp"
#include <adieu/adieu.hpp>
#include <adieu/core/frame_reader.hpp>
#include <adieu/core/mask.hpp>
#include <adieu/core/utf8.hpp>
#include <adieu/memory_pair.hpp>

namespace {

namespace asio = boost::asio;
namespace core = adieu::core;

constexpr std::size_t large = 16 * 1024;

core::bytes bytes_of(std::string& text) { return std::as_writable_bytes(std::span(text)); }

class parsing {
 public:
  parsing() {
    for (std::size_t i = 0; i < frames; ++i) {
      bench::load::append_masked_frame(
          wire_, bench::load::opcode_binary, "sixteen bytes ok", bench::load::key_of(i));
    }
  }
  bool work() {
    core::bytes in = bytes_of(wire_);
    std::size_t whole = 0;
    while (!in.empty()) {
      whole += reader_.step(in).message_ends ? 1 : 0;
    }
    return whole == frames;
  }

 private:
  static constexpr std::size_t frames = 100'000;
  std::string wire_;
  core::frame_reader reader_{core::frame_rules{.receiver = adieu::role::server}};
};

class unmasking {
 public:
  bool work() {
    for (std::size_t i = 0; i < 64; ++i) {
      core::apply_mask(bytes_of(payload_), key, i);
    }
    return payload_ == std::string(large, 'x');  // an even number of times, each offset as often
  }

 private:
  static constexpr core::mask_key key = {
      std::byte{0x12}, std::byte{0x34}, std::byte{0x56}, std::byte{0x78}};
  std::string payload_ = std::string(large, 'x');
};

class validating {
 public:
  validating() {
    bench::load::options chosen;
    chosen.size = large;
    chosen.kind = bench::load::payload_kind::mixed_text;
    mixed_ = bench::load::make_payload(chosen, 1);
    chosen.kind = bench::load::payload_kind::ascii_text;
    ascii_ = bench::load::make_payload(chosen, 1);
  }
  bool work() {
    bool good = true;
    for (int i = 0; i < 32; ++i) {
      for (std::string* text : {&mixed_, &ascii_}) {
        core::utf8_validator validator;
        const core::bytes all = bytes_of(*text);
        constexpr std::size_t cut = large / 2 + 1;
        good = good && validator.feed(all.first(cut)) == cut;
        good = good && validator.feed(all.subspan(cut)) == large - cut && validator.complete();
      }
    }
    return good;
  }

 private:
  std::string mixed_;
  std::string ascii_;
};

// The client sends a message when the echo of the last one is there.
class echoing {
 public:
  echoing() {
    server_.on_message([this](const adieu::message_view& got) { server_.send(got); });
    client_.on_message([this](const adieu::message_view& got) {
      left_ -= got.bytes.size() == payload_.size() ? 1 : 0;
      if (left_ != 0) {
        client_.send(got);
      } else {
        loop_.stop();
      }
    });
    play(16, 100);  // whatever happens only once
  }
  bool work() { return play(16, 2000) && play(large, 100); }

 private:
  bool play(std::size_t size, int messages) {
    payload_.assign(size, 'x');
    left_ = messages;
    client_.send(adieu::message_view{adieu::message_type::binary, bytes_of(payload_)});
    loop_.restart();
    loop_.run();
    return left_ == 0;
  }

  asio::io_context loop_{1};
  std::pair<adieu::websocket, adieu::websocket> pair_ =
      adieu::make_memory_pair(loop_.get_executor(), loop_.get_executor());
  adieu::websocket& client_ = pair_.first;
  adieu::websocket& server_ = pair_.second;
  std::string payload_;
  int left_ = 0;
};

template <typename Work>
int run() {
  Work all;
  struct entry {
    [[gnu::noinline]] static bool guarded_work(Work& what) { return what.work(); }
  };
  return entry::guarded_work(all) ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) {
  const std::string_view work = argc == 2 ? argv[1] : "";
  if (work == "parse") return run<parsing>();
  if (work == "unmask") return run<unmasking>();
  if (work == "validate") return run<validating>();
  if (work == "echo") return run<echoing>();
  bench::fail("bench_guard parse|unmask|validate|echo");
}
