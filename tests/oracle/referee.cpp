// How .NET is told to play a script.
#include "tests/oracle/referee.hpp"

#include <fmt/format.h>

#include <netinet/tcp.h>

#include <charconv>

#include "tests/peers/dotnet_build.hpp"

namespace oracle {
namespace {

std::string hex(std::string_view bytes) {
  if (bytes.empty()) return "-";  // null, which means the same to .NET
  std::string out;
  for (const char one : bytes) out += fmt::format("{:02x}", static_cast<unsigned char>(one));
  return out;
}

std::string call_of(const step& one) {
  switch (one.what) {
    case verb::close: return fmt::format("close {} {}", one.code, hex(unescaped(one.text)));
    case verb::close_output:
      return fmt::format("close_output {} {}", one.code, hex(unescaped(one.text)));
    case verb::peer:
    case verb::fin:
    case verb::rst:
    case verb::go: return "nothing";
    case verb::send:
    case verb::receive:
    case verb::cancel:
    case verb::cancel_send:
    case verb::stall:
    case verb::abort:
    case verb::dispose:
    case verb::wait: break;
  }
  return to_line(one);
}

std::vector<std::string> split(std::string_view line) {
  std::vector<std::string> out;
  for (;;) {
    const std::size_t at = line.find('\t');
    out.emplace_back(line.substr(0, at));
    if (at == std::string_view::npos) return out;
    line.remove_prefix(at + 1);
  }
}

class dotnet_side final : public side {
 public:
  explicit dotnet_side(std::uint16_t port) : control_(port) {}

  void open(const script& how, std::uint16_t port) override {
    const std::string told = control_.ask(fmt::format(
        "open {} {} {} {}", adieu::to_string(how.role), port, how.keep_alive, how.pong_timeout));
    if (told != "open") throw std::runtime_error(told);
  }

  at_rest play(const step& one, std::size_t number, const peer_facts& peer) override {
    const std::vector<std::string> told = split(control_.ask(fmt::format(
        "do {} {} {:d} {:d} {}", number, peer.sent, peer.fin, peer.reset, call_of(one))));
    if (told.size() < 4) throw std::runtime_error(told.front());
    at_rest out;
    out.written = std::stoull(told[0]);
    out.over = told[1] == "1";
    out.state = told[2];
    out.status = told[3];
    out.done.assign(told.begin() + 4, told.end());
    return out;
  }

 private:
  control_connection control_;
};

}  // namespace

control_connection::control_connection(std::uint16_t port)
    : socket_(adieu::test::raw_socket::connect_to(port)) {
  const int yes = 1;
  ::setsockopt(socket_.descriptor(), IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
}

std::string control_connection::ask(std::string line) {
  line += '\n';
  socket_.send(line);
  for (;;) {
    if (const std::size_t end = socket_.got.find('\n'); end != std::string::npos) {
      std::string answer = socket_.got.substr(0, end);
      socket_.got.erase(0, end + 1);
      return answer;
    }
    pollfd ask{socket_.descriptor(), POLLIN, 0};
    if (::poll(&ask, 1, 60'000) <= 0) throw std::runtime_error("the referee is silent");
    if (socket_.read_now() != adieu::test::raw_socket::end::none &&
        socket_.got.find('\n') == std::string::npos) {
      throw std::runtime_error("the referee has gone: " + line);
    }
  }
}

referee::referee() : program_({"dotnet", peers::build_dotnet_program("oracle/dotnet", "referee")}) {
  const auto line = program_.read_line(std::chrono::steady_clock::now() + peers::patience);
  if (!line) throw std::runtime_error("the referee does not start");
  const auto read = std::from_chars(line->data(), line->data() + line->size(), port_);
  runtime_ = line->substr(static_cast<std::size_t>(read.ptr - line->data()) + 1);
}

std::unique_ptr<side> referee::make_side() const { return std::make_unique<dotnet_side>(port_); }

}  // namespace oracle
