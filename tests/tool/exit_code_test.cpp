// One number for each way in which a connection ends: the table, what --help says, what the
// documentation says, and the numbers that records get.
#include "tool/exit_code.hpp"

#include <boost/asio/error.hpp>
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <map>
#include <regex>
#include <set>
#include <sstream>

#include "adieu/close_status.hpp"
#include "process.hpp"

using adieu::cause;
using adieu::errc;
using adieu::tool::exit_code;
using adieu::tool::exit_code_for;
using adieu::tool::exit_table;

namespace {

adieu::disconnect_record clean_end(adieu::initiator first,
                                   std::uint16_t sent,
                                   std::optional<std::uint16_t> received) {
  adieu::disconnect_record record;
  record.clean = true;
  record.initiator = first;
  record.sent.emplace().code = sent;
  record.received.emplace().code = received;
  return record;
}

std::string documentation() {
  std::ifstream file(ADIEU_SOURCE_DIR "/docs/exit-codes.md");
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

}  // namespace

TEST(exit_codes, are_all_different_and_fit_a_shell) {
  std::set<int> codes;
  std::set<std::string_view> names;
  for (const auto& row : exit_table()) {
    EXPECT_TRUE(codes.insert(static_cast<int>(row.code)).second) << row.name;
    EXPECT_TRUE(names.insert(row.name).second) << row.name;
    EXPECT_LT(static_cast<int>(row.code), 126) << "shells use the numbers from there up";
  }
}

TEST(exit_codes, the_documentation_is_the_table) {
  const std::string text = documentation();
  const std::regex line(R"(\| (\d+) \| `(\w+)` \| ([^|]+) \|)");
  std::vector<std::string> documented;
  for (auto it = std::sregex_iterator(text.begin(), text.end(), line); it != std::sregex_iterator();
       ++it) {
    documented.push_back((*it)[1].str() + " " + (*it)[2].str() + " " + (*it)[3].str());
  }
  std::vector<std::string> table;
  for (const auto& row : exit_table()) {
    table.push_back(fmt::format("{} {} {}", static_cast<int>(row.code), row.name, row.meaning));
  }
  EXPECT_EQ(documented, table);
}

TEST(exit_codes, help_prints_the_table) {
  for (const std::vector<std::string>& arguments :
       {std::vector<std::string>{"--help"}, {"connect", "--help"}}) {
    const auto help = tool_test::run(arguments);
    EXPECT_EQ(help.status, 0);
    EXPECT_EQ(help.err, "");
    for (const auto& row : exit_table()) {
      EXPECT_THAT(help.out,
                  testing::HasSubstr(fmt::format(
                      "  {:>2}  {:<24}{}\n", static_cast<int>(row.code), row.name, row.meaning)));
    }
  }
}

TEST(exit_codes, a_clean_end_with_an_ordinary_code_is_0) {
  using enum adieu::initiator;
  EXPECT_EQ(exit_code_for(clean_end(local, 1000, 1000)), exit_code::ok);
  EXPECT_EQ(exit_code_for(clean_end(remote, 1001, 1001)), exit_code::ok);
  EXPECT_EQ(exit_code_for(clean_end(remote, 1000, std::nullopt)), exit_code::ok);
  EXPECT_EQ(exit_code_for(clean_end(local, 4000, 4000)), exit_code::ok) << "an echo of ours";
}

TEST(exit_codes, a_clean_end_with_an_error_of_the_peer_is_not_0) {
  using enum adieu::initiator;
  EXPECT_EQ(exit_code_for(clean_end(remote, 4000, 4000)), exit_code::peer_closed_with_error);
  EXPECT_EQ(exit_code_for(clean_end(remote, 1011, 1011)), exit_code::peer_closed_with_error);
  EXPECT_EQ(exit_code_for(clean_end(local, 1000, 1011)), exit_code::peer_closed_with_error);
}

TEST(exit_codes, every_cause_has_its_own) {
  const std::map<cause, exit_code> expected{
      {cause::peer_vanished, exit_code::peer_vanished},
      {cause::peer_reset, exit_code::peer_reset},
      {cause::tls_truncated, exit_code::tls_truncated},
      {cause::protocol_error_by_peer, exit_code::protocol_error_by_peer},
      {cause::protocol_error_by_us, exit_code::protocol_error_by_us},
      {cause::message_too_big, exit_code::over_limit},
      {cause::frame_too_big, exit_code::over_limit},
      {cause::too_many_fragments, exit_code::over_limit},
      {cause::inflated_too_much, exit_code::over_limit},
      {cause::too_many_control_frames, exit_code::over_limit},
      {cause::keepalive_timeout, exit_code::keepalive_timeout},
      {cause::peer_not_reading, exit_code::peer_not_reading},
      {cause::too_much_buffered, exit_code::peer_not_reading},
      {cause::close_timeout, exit_code::close_timeout},
      {cause::local_abort, exit_code::local_abort},
      {cause::transport_error, exit_code::transport_error},
      {cause::disposed, exit_code::internal_error},
      {cause::handler_error, exit_code::internal_error},
      {cause::handshake, exit_code::internal_error},
  };
  for (const auto& [why, code] : expected) {
    adieu::disconnect_record record;
    record.cause = why;
    EXPECT_EQ(exit_code_for(record), code) << to_string(why);
  }
}

TEST(exit_codes, every_failure_to_connect_has_its_own) {
  const auto code_of = [](errc error, unsigned status = 0) {
    adieu::disconnect_record record;
    record.cause = cause::connect_failed;
    record.connect.emplace().http_status = status;
    return exit_code_for(make_error_code(error), record);
  };
  EXPECT_EQ(code_of(errc::invalid_argument), exit_code::usage);
  EXPECT_EQ(code_of(errc::invalid_url), exit_code::bad_url);
  EXPECT_EQ(code_of(errc::resolve_failed), exit_code::resolve_failed);
  EXPECT_EQ(code_of(errc::connect_failed), exit_code::connect_failed);
  EXPECT_EQ(code_of(errc::tls_failed), exit_code::tls_failed);
  EXPECT_EQ(code_of(errc::certificate_rejected), exit_code::certificate_rejected);
  EXPECT_EQ(code_of(errc::not_a_websocket, 404), exit_code::http_refused);
  EXPECT_EQ(code_of(errc::not_a_websocket), exit_code::bad_handshake);
  EXPECT_EQ(code_of(errc::header_error, 101), exit_code::bad_handshake);
  EXPECT_EQ(code_of(errc::unsupported_protocol, 101), exit_code::unsupported_subprotocol);
  EXPECT_EQ(code_of(errc::connect_timeout), exit_code::connect_timeout);
  EXPECT_EQ(code_of(errc::connection_closed_prematurely), exit_code::handshake_cut);
  EXPECT_EQ(exit_code_for(boost::asio::error::operation_aborted, {}), exit_code::local_abort);
}
