// The command line: arguments only. Each subcommand is a file of its own.
#include <boost/asio/ip/address.hpp>
#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include <csignal>
#include <cstdio>
#include <exception>
#include <stdexcept>
#include <string>
#include <vector>

#include "adieu/core/origin.hpp"
#include "arguments.hpp"
#include "connect.hpp"
#include "demo.hpp"
#include "exit_code.hpp"
#include "serve.hpp"

namespace adieu::tool {
namespace {

using seconds = double;

std::chrono::milliseconds in_milliseconds(seconds length) {
  return std::chrono::milliseconds(static_cast<std::int64_t>(length * 1000));
}

// An option that takes one value each time it is given: `--header a --header b`.
template <typename Target>
CLI::Option* repeated(CLI::App& app, const std::string& name, Target& target, const char* text) {
  return app.add_option(name, target, text)->allow_extra_args(false);
}

/// Which argument was wrong, for whoever reads it wrongly.
template <typename Parse>
auto read_argument(const std::string& name, const std::string& text, Parse parse) {
  try {
    return parse(text);
  } catch (const std::invalid_argument& wrong) {
    throw CLI::ValidationError(name, wrong.what());
  }
}

struct connect_arguments {
  connect_command command;
  std::string close;
  std::vector<std::string> headers;
  seconds timeout = 0;
  seconds connect_timeout = 30;
  seconds close_timeout = 10;
  seconds ping_interval = 20;
  bool json = false;
  bool deflate = false;
  bool insecure = false;
  bool raw = false;
  bool send_binary = false;
  bool stay = false;
};

CLI::App* add_connect(CLI::App& app, connect_arguments& into) {
  CLI::App* const sub = app.add_subcommand(
      "connect", "Send lines of standard input as messages, print what comes back");
  sub->footer(
      "Each line of standard input becomes a message (its newline is not part of it); at the end "
      "of\n"
      "the input the connection is closed properly, and what still arrives is printed until the\n"
      "peer's Close. A line that is not UTF-8 is not sent, which is said and makes the status 4.\n"
      "Text goes to standard output as it is, with a newline behind it; on a terminal bytes that\n"
      "are not printable are shown as \\xNN. Binary messages are shown as a line of hexadecimal\n"
      "digits. All else goes to standard error; the last line there says how the connection "
      "ended.\n"
      "Ctrl-C closes properly, a second one cuts the connection.\n\n" +
      exit_help());
  sub->add_option("url", into.command.url, "ws://…, wss://… or ws+unix:/path/of/socket[:/path]")
      ->required();
  sub->add_option("--close", into.close, "Code and reason of our Close (1000)")
      ->type_name("CODE[:REASON]");
  sub->add_flag("--json",
                into.json,
                "Messages as {\"type\",\"data\"} (binary in base64), the end as a JSON record");
  sub->add_option("--timeout", into.timeout, "Time for everything; then the connection is closed")
      ->type_name("SECONDS")
      ->check(CLI::Range(0.001, 1e9));
  sub->add_option("--connect-timeout", into.connect_timeout, "Time to open the connection (30)")
      ->type_name("SECONDS")
      ->check(CLI::Range(0.001, 1e9));
  sub->add_option("--close-timeout", into.close_timeout, "Time for the closing handshake (10)")
      ->type_name("SECONDS")
      ->check(CLI::Range(0.001, 1e9));
  sub->add_option("--ping-interval",
                  into.ping_interval,
                  "A Ping after so long a silence, and as long for its answer (20; 0: never)")
      ->type_name("SECONDS")
      ->check(CLI::Range(0.0, 1e9));
  repeated(*sub, "--header,-H", into.headers, "A header of the request")
      ->type_name("'NAME: VALUE'");
  repeated(*sub,
           "--subprotocol",
           into.command.options.subprotocols,
           "Offered to the server, which must choose one of them")
      ->type_name("NAME");
  sub->add_flag("--deflate", into.deflate, "Offer permessage-deflate (compression)");
  sub->add_flag("--insecure", into.insecure, "Accept any certificate");
  sub->add_option("--ca", into.command.options.tls.ca_file, "Trust these certificates (PEM)")
      ->type_name("FILE")
      ->check(CLI::ExistingFile);
  sub->add_flag("--send-binary", into.send_binary, "Lines become binary messages, of any bytes");
  sub->add_flag("--raw", into.raw, "Binary messages as their bytes, without a newline");
  sub->add_flag("--stay", into.stay, "At the end of the input, wait for the peer to close");
  return sub;
}

exit_code connect(connect_arguments& from) {
  connect_command& command = from.command;
  if (!from.close.empty()) command.close = read_argument("--close", from.close, parse_close);
  if (from.deflate) command.options.websocket.deflate.emplace();
  for (const std::string& text : from.headers) {
    command.options.headers.push_back(read_argument("--header", text, parse_header));
  }
  command.timeout = in_milliseconds(from.timeout);
  command.options.timeout = in_milliseconds(from.connect_timeout);
  command.options.websocket.close_timeout = in_milliseconds(from.close_timeout);
  command.options.websocket.ping_interval = in_milliseconds(from.ping_interval);
  command.options.websocket.pong_timeout = in_milliseconds(from.ping_interval);
  if (from.insecure) command.options.tls.verify = tls_client_options::verification::insecure;
  if (from.json) command.format = output_format::json;
  if (from.raw) command.binary = binary_format::raw;
  if (from.send_binary) command.send_as = message_type::binary;
  if (from.stay) command.then = at_end_of_input::stay;
  return run_connect(command);
}

struct serve_arguments {
  serve_command command;
  tls_server_options tls;
  std::vector<std::string> origins;
  bool json = false;
  bool deflate = false;
};

CLI::App* add_serve(CLI::App& app, serve_arguments& into) {
  CLI::App* const sub = app.add_subcommand("serve", "A server that sends every message back");
  sub->footer(
      "The first line on standard output says where it listens; then comes a line for each\n"
      "connection that ended. SIGINT or SIGTERM closes every connection with 1001, prints the\n"
      "counts and exits with 0; a second signal kills.");
  auto* const port = sub->add_option("--port", into.command.port, "0 lets the kernel choose (0)");
  auto* const host =
      sub->add_option("--host", into.command.host, "An address of this machine (127.0.0.1)")
          ->type_name("ADDRESS")
          ->check(CLI::ValidIPV4 | CLI::Validator(
                                       [](std::string& text) {
                                         boost::system::error_code ec;
                                         (void)asio::ip::make_address(text, ec);
                                         return ec ? "not an IP address: " + text : std::string();
                                       },
                                       ""));
  auto* const key =
      sub->add_option("--tls-key", into.tls.key_file, "The key (PEM)")->type_name("FILE");
  auto* const certificate =
      sub->add_option("--tls-cert", into.tls.certificate_file, "The certificate chain (PEM)")
          ->type_name("FILE")
          ->needs(key);
  key->needs(certificate);
  sub->add_option("--unix", into.command.unix_path, "Listen on a Unix socket instead")
      ->type_name("PATH")
      ->excludes(port)
      ->excludes(host)
      ->excludes(certificate);
  sub->add_flag("--json", into.json, "Every line is JSON");
  sub->add_flag("--deflate", into.deflate, "Accept permessage-deflate (compression)");
  repeated(*sub, "--subprotocol", into.command.options.subprotocols, "Spoken by the server")
      ->type_name("NAME");
  repeated(*sub,
           "--origin",
           into.origins,
           "Web pages of this origin may connect, too, such as https://app.example or null; "
           "any: all may. Those of the server's own host always may")
      ->type_name("ORIGIN");
  return sub;
}

void parse_origins(const std::vector<std::string>& texts, server_options& into) {
  for (const std::string& text : texts) {
    if (text == "any") {
      into.origins = origin_policy::any;
    } else if (core::is_origin(text)) {
      into.allowed_origins.push_back(text);
    } else {
      throw CLI::ValidationError("--origin", "takes scheme://host[:port], null or any");
    }
  }
}

exit_code serve(serve_arguments& from) {
  parse_origins(from.origins, from.command.options);
  if (!from.tls.certificate_file.empty()) from.command.options.tls = from.tls;
  if (from.deflate) from.command.options.websocket.deflate.emplace();
  if (from.json) from.command.format = output_format::json;
  return run_serve(from.command);
}

int run(int argc, char** argv) {
  CLI::App app("WebSockets that always know how they ended", "adieu");
  app.require_subcommand(1);
  app.footer(exit_help());
  connect_arguments to_connect;
  serve_arguments to_serve;
  CLI::App* const connect_app = add_connect(app, to_connect);
  CLI::App* const serve_app = add_serve(app, to_serve);
  bool plain = false;
  CLI::App* const demo_app = app.add_subcommand("demo", "Watch connections end");
  demo_app->add_flag("--no-color", plain, "Without colors");

  try {
    app.parse(argc, argv);
    if (connect_app->parsed()) return static_cast<int>(connect(to_connect));
    if (serve_app->parsed()) return static_cast<int>(serve(to_serve));
    demo_options options;
    options.color = !plain;
    return run_demo(options);
  } catch (const CLI::Success& help) {
    return app.exit(help);
  } catch (const CLI::ParseError& error) {
    fmt::print(stderr, "adieu: {} (adieu --help)\n", error.what());
    return static_cast<int>(exit_code::usage);
  }
}

}  // namespace
}  // namespace adieu::tool

int main(int argc, char** argv) {
  std::signal(SIGPIPE, SIG_IGN);  // writes say it themselves
  try {
    return adieu::tool::run(argc, argv);
  } catch (const std::exception& error) {
    fmt::print(stderr, "adieu: {}\n", error.what());
    return static_cast<int>(adieu::tool::exit_code::internal_error);
  }
}
