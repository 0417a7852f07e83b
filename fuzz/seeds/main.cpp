// Writes a seed corpus, a folder a target: what the conformance suite's table sends, as bytes, and
// a few right texts for the parsers. `./dev fuzz --seeds` then keeps what adds coverage.
#include <filesystem>
#include <fstream>
#include <iostream>
#include <set>

#include "tests/conformance/notation.hpp"

namespace {

using namespace std::string_literals;
namespace conformance = adieu::conformance;

constexpr std::size_t largest = 400;
constexpr conformance::mask_key key = {0x5A, 0x01, 0xFE, 0x37};

class folder {
 public:
  explicit folder(std::filesystem::path where) : where_(std::move(where)) {
    std::filesystem::create_directories(where_);
  }
  void add(const std::string& bytes) {
    if (!known_.insert(bytes).second) return;
    std::ofstream out(where_ / std::to_string(known_.size()), std::ios::binary);
    out << bytes;
  }

 private:
  std::filesystem::path where_;
  std::set<std::string> known_;
};

/// What the suite writes in that case; nothing when it is large.
std::string bytes_of(const conformance::table_case& from, bool masked) {
  const auto with = masked ? std::optional(key) : std::nullopt;
  std::string out;
  std::size_t in_frame = 0;
  for (const conformance::act& each : from.acts) {
    if (const auto* whole = std::get_if<conformance::send_frame>(&each)) {
      if (whole->what.payload.size() > largest) return {};
      out += conformance::encode(whole->what, with);
    } else if (const auto* header = std::get_if<conformance::send_header>(&each)) {
      out += conformance::encode_header(header->what, header->size, with);
      in_frame = 0;
    } else if (const auto* piece = std::get_if<conformance::send_piece>(&each)) {
      std::string copy = piece->bytes;
      if (masked) conformance::mask(copy, key, in_frame);
      in_frame += piece->bytes.size();
      out += copy;
    }
    if (out.size() > largest) return {};
  }
  return out;
}

void frames(const std::filesystem::path& root, const std::string& cases) {
  folder server(root / "server_bytes"), client(root / "client_bytes");
  folder headers(root / "frame_header"), closes(root / "close_payload"), texts(root / "utf8");
  folder packed(root / "inflate");
  unsigned count = 0;
  for (const conformance::row& row : conformance::read_table(cases).rows) {
    const auto* text = std::get_if<std::string>(&row.what);
    if (text == nullptr || row.is_heavy()) continue;
    const conformance::table_case each = conformance::parse_row(*text);
    // Every way to receive and to close, by turns: fuzz/peer_bytes.hpp.
    const std::string choices{static_cast<char>(count++ % 25), '\0', '\0', '\7'};
    server.add(choices + bytes_of(each, true));
    client.add(choices + bytes_of(each, false));
    for (const conformance::act& act : each.acts) {
      const auto* sent = std::get_if<conformance::send_frame>(&act);
      if (sent == nullptr || sent->what.payload.size() > largest) continue;
      headers.add("\0"s + conformance::encode(sent->what, std::nullopt).substr(0, 14));
      headers.add("\1"s + conformance::encode(sent->what, key).substr(0, 14));
      if (sent->what.opcode == conformance::op_close) closes.add(sent->what.payload);
      if (sent->what.opcode == conformance::op_text) texts.add("\7" + sent->what.payload);
    }
  }
  // RFC 7692 §7.2.3: "Hello" in its forms.
  for (const std::string& hello : {"\xf2\x48\xcd\xc9\xc9\x07\x00"s,
                                   "\xf2\x00\x11\x00\x00"s,
                                   "\x00\x05\x00\xfa\xff\x48\x65\x6c\x6c\x6f\x00"s,
                                   "\xf3\x48\xcd\xc9\xc9\x07\x00\x00"s,
                                   "\xf2\x48\x05\x00\x00\x00\xff\xff\xca\xc9\xc9\x07\x00"s}) {
    packed.add("\0\0\0\5\5\7\x40\0"s + hello);
    packed.add("\1\0\0\5\5\7\x40\0"s + hello);
    const char length = static_cast<char>(hello.size());
    client.add("\0\0\1\7\xc1"s + length + hello);
    client.add("\2\0\1\7\x41\3"s + hello.substr(0, 3) + "\x80"s + static_cast<char>(length - 3) +
               hello.substr(3));
    server.add("\0\0\1\7\xc1"s + static_cast<char>(0x80 | length) + "\0\0\0\0"s + hello);
  }
}

void texts(const std::filesystem::path& root) {
  folder requests(root / "handshake_request");
  const std::string request =
      "Host: server.example.com\nUpgrade: websocket\nConnection: keep-alive, Upgrade\n"
      "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\nSec-WebSocket-Version: 13\n";
  requests.add("\0GET /chat\n"s + request);
  requests.add("\0GET /chat\n"s + request + "Sec-WebSocket-Protocol: chat, superchat\n");
  requests.add("\0GET /chat\n"s + request +
               "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\n");
  requests.add("\3POST /chat\n"s + request);

  folder answers(root / "handshake_response");
  const std::string answer =
      "Upgrade: websocket\nConnection: Upgrade\n"
      "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\n";
  answers.add("\7\0\0"s + answer);
  answers.add("\7\0\0"s + answer + "Sec-WebSocket-Protocol: chat\n");
  answers.add("\7\0\0"s + answer +
              "Sec-WebSocket-Extensions: permessage-deflate; server_max_window_bits=10\n");

  folder offers(root / "deflate_negotiation");
  for (const char* const text :
       {"permessage-deflate",
        "permessage-deflate; client_max_window_bits; server_max_window_bits=10",
        "permessage-deflate; server_no_context_takeover; client_no_context_takeover",
        "permessage-deflate; client_max_window_bits=\"9\", permessage-deflate"}) {
    offers.add("\6\6\0\0\5\6\6\0\0\5"s + text);
  }

  folder urls(root / "url");
  for (const char* const text : {"ws://example.com",
                                 "wss://user@example.com:444/chat?room=1#there",
                                 "WS://[::1]:8080/a/b?c=%20d",
                                 "ws+unix:/run/adieu.sock:/chat",
                                 "ws://127.0.0.1:80/"}) {
    urls.add(text);
  }

  folder arguments(root / "arguments");
  for (const char* const text :
       {"1000:bye", "4999", "1005", "Authorization: Bearer abc", "first\nsecond line\n\nthird"}) {
    arguments.add("\6"s + text);
  }
  folder(root / "session").add("\1\0session"s);
  folder(root / "moves").add("\0moves"s);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) {
    std::cerr << "adieu_fuzz_seeds FOLDER CASES\n";
    return 2;
  }
  frames(argv[1], argv[2]);
  texts(argv[1]);
  return 0;
}
