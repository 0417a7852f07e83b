// The record and the errors in words: the English line, the JSON, printable text, derived codes.
#include "adieu/record.hpp"

#include <gtest/gtest.h>

#include <set>
#include <string>

#include "adieu/errc.hpp"
#include "tests/core/wire.hpp"

namespace adieu {
namespace {

using namespace std::chrono_literals;

disconnect_record clean_record() {
  disconnect_record r;
  r.clean = true;
  r.initiator = initiator::local;
  r.sent = {1000, "bye", 12ms};
  r.received = {1000, "", 13ms};
  r.tcp = tcp_end::our_fin_first;
  r.ended = 12300ms;
  return r;
}

TEST(Record, a_clean_end_as_a_line) {
  disconnect_record r = clean_record();
  EXPECT_EQ(to_line(r),
            "clean: we closed first with 1000 \"bye\", the peer with 1000; "
            "TCP: our FIN first; 12.3 s");
  r.initiator = initiator::remote;
  r.received->code.reset();
  EXPECT_EQ(to_line(r),
            "clean: the peer closed first with no code, we answered 1000 \"bye\"; "
            "TCP: our FIN first; 12.3 s");
}

TEST(Record, an_unclean_end_as_a_line) {
  disconnect_record r;
  r.cause = cause::peer_vanished;
  r.tcp = tcp_end::peer_fin_first;
  r.lost.unsent_messages = 2;
  r.lost.unsent_bytes = 34;
  r.lost.unacknowledged_bytes = 1;
  r.ended = 60s;
  EXPECT_EQ(to_line(r),
            "not clean: the peer vanished (FIN without a Close); no Close passed; "
            "lost: 2 messages (34 bytes) not sent; maybe lost: 1 byte not acknowledged by the "
            "peer's kernel; "
            "TCP: the peer's FIN first; 60.0 s");
  r.lost = {};
  r.lost.unread_messages = 1;
  r.lost.unread_bytes = 5;
  r.received = {1001, "", 1s};
  EXPECT_EQ(to_line(r),
            "not clean: the peer vanished (FIN before our Close could be sent); the peer closed "
            "with 1001, "
            "unanswered; left: 1 message (5 bytes) received and not read yet; "
            "TCP: the peer's FIN first; 60.0 s");
}

TEST(Record, every_cause_has_its_words) {
  std::set<std::string> lines, names;
  for (int i = 0; i <= static_cast<int>(cause::connect_failed); ++i) {
    disconnect_record r;
    r.cause = static_cast<cause>(i);
    r.broken_rule = core::violation::reserved_opcode;
    r.broken_at = 17;
    r.timeout_phase = close_phase::sending_close;
    r.os_error = 110;
    r.connect = {connect_step::response, 404, "Not Found"};
    lines.insert(to_line(r));
    names.insert(std::string(to_string(r.cause)));
  }
  EXPECT_EQ(lines.size(), 20U);
  EXPECT_EQ(names.size(), 20U);
  std::string all;
  for (const std::string& line : lines) all += line + '\n';
  EXPECT_NE(all.find("the opcode is reserved (RFC 6455 §5.2), at byte 17"), std::string::npos);
  EXPECT_NE(all.find("failed at the HTTP response (HTTP 404): Not Found"), std::string::npos);
  EXPECT_NE(all.find("(error 110)"), std::string::npos);
  EXPECT_EQ(all.find("unknown"), std::string::npos);
}

TEST(Record, json_has_what_there_is_and_nothing_else) {
  EXPECT_EQ(to_json(disconnect_record{}),
            R"({"role":"client","clean":false,"initiator":"nobody","cause":"handshake",)"
            R"("tcp":"not_connected","lost":{"unsent_messages":0,"unsent_bytes":0,)"
            R"("discarded_messages":0,"discarded_bytes":0,"unread_messages":0,"unread_bytes":0},)"
            R"("opened":"1970-01-01T00:00:00.000Z","ended_ms":0.000})");
}

TEST(Record, json_of_a_full_one) {
  disconnect_record r = clean_record();
  r.local_role = role::server;
  r.opened = std::chrono::system_clock::time_point(1700000000123ms);
  r.last_byte_received = 1500us;
  r.last_byte_sent = 12ms;
  r.round_trip = 250us;
  r.lost.unacknowledged_bytes = 7;
  r.close_notify_missing = r.teardown_timed_out = r.receive_paused = true;
  const std::string json = to_json(r);
  for (const char* part : {R"("role":"server")",
                           R"("clean":true)",
                           R"("initiator":"local")",
                           R"("sent":{"code":1000,"reason":"bye","at_ms":12.000})",
                           R"("received":{"code":1000,"at_ms":13.000})",
                           R"("opened":"2023-11-14T22:13:20.123Z")",
                           R"("last_byte_received_ms":1.500)",
                           R"("last_byte_sent_ms":12.000)",
                           R"("ended_ms":12300.000)",
                           R"("round_trip_ms":0.250)",
                           R"("unacknowledged_bytes":7)",
                           R"("close_notify_missing":true)",
                           R"("teardown_timed_out":true)",
                           R"("receive_paused":true)"}) {
    EXPECT_NE(json.find(part), std::string::npos) << part << " is not in " << json;
  }
  EXPECT_EQ(json.find('\n'), std::string::npos);
}

TEST(Record, json_survives_what_a_peer_writes) {
  disconnect_record r;
  r.received = {4000, "say \"hi\"\\ \n\x1B[31m \xFF \xC3\xA9 \xC2\x9B", 0ms};
  EXPECT_NE(to_json(r).find(R"("reason":"say \"hi\"\\ \u000a\u001b[31m \\xFF é \u009b")"),
            std::string::npos)
      << to_json(r);
}

TEST(Record, json_of_a_connection_that_never_opened) {
  disconnect_record r;
  r.cause = cause::connect_failed;
  r.connect = {connect_step::tls, 0, "certificate expired"};
  EXPECT_NE(to_json(r).find(R"("connect":{"step":"tls","detail":"certificate expired"})"),
            std::string::npos);
  EXPECT_EQ(to_line(r),
            "not clean: the connection was not opened, it failed at the TLS handshake: "
            "certificate expired; 0.0 ms");
}

TEST(Record, printable_leaves_text_and_escapes_the_rest) {
  EXPECT_EQ(printable("plain \xE2\x82\xAC \xF0\x9F\x98\x80"),
            "plain \xE2\x82\xAC \xF0\x9F\x98\x80");
  EXPECT_EQ(printable(std::string_view("\0\t\x7F", 3)), "\\x00\\x09\\x7F");
  EXPECT_EQ(printable("\xE2\x82"), "\\xE2\\x82");           // cut
  EXPECT_EQ(printable("\xE2(\xA1"), "\\xE2(\\xA1");         // broken: the ( is kept
  EXPECT_EQ(printable("\xED\xA0\x80"), "\\xED\\xA0\\x80");  // a surrogate
  EXPECT_EQ(printable("a\u2028b\u2029"), "a\\xE2\\x80\\xA8b\\xE2\\x80\\xA9");  // lines
  for (const char* turns : {"\u061C", "\u200E", "\u200F", "\u202A", "\u202E", "\u2066", "\u2069"}) {
    EXPECT_EQ(printable(turns).front(), '\\') << printable(turns);
  }
  for (const char* harmless :
       {"\u061B", "\u2010", "\u2027", "\u202F", "\u2065", "\u206A", "\u0660"}) {
    EXPECT_EQ(printable(harmless), harmless);
  }
  EXPECT_EQ(printable(""), "");
  for (int b = 0; b < 256; ++b) {
    for (const char c : printable(std::string(1, static_cast<char>(b)))) {
      EXPECT_TRUE(c >= 0x20 && c < 0x7F) << b;
    }
  }
}

// A reason that goes on as our line would, and one that looks like an escape of ours.
TEST(Record, what_the_peer_says_can_not_end_its_quotation) {
  disconnect_record r = clean_record();
  r.received->reason = "bye\", we answered 1000; TCP: our FIN first";
  EXPECT_NE(
      to_line(r).find(R"(the peer with 1000 "bye\", we answered 1000; TCP: our FIN first"; TCP)"),
      std::string::npos)
      << to_line(r);
  r.received->reason = "\\x1B\x1B";
  EXPECT_NE(to_line(r).find(R"("\\x1B\x1B")"), std::string::npos) << to_line(r);
}

TEST(Record, json_has_the_text_as_it_was_and_nothing_that_misleads) {
  EXPECT_EQ(json_string("a\"b\\c \xE2\x82\xAC"), "\"a\\\"b\\\\c \xE2\x82\xAC\"");
  EXPECT_EQ(json_string("\n\x7F\u009B"), R"("\u000a\u007f\u009b")");
  EXPECT_EQ(json_string("a\u202Eb\u2028\u061C\u2066"), R"("a\u202eb\u2028\u061c\u2066")");
  EXPECT_EQ(json_string("\xFF\xE2\x82"), R"("\\xFF\\xE2\\x82")");
}

TEST(Record, D6_a_close_that_timed_out_says_what_it_waited_for) {
  disconnect_record r;
  r.cause = cause::close_timeout;
  r.timeout_phase = close_phase::awaiting_peer_close;
  EXPECT_TRUE(to_line(r).starts_with(
      "not clean: the close timed out while we waited for the peer's Close; "))
      << to_line(r);
  r.timeout_phase = close_phase::sending_close;
  EXPECT_TRUE(
      to_line(r).starts_with("not clean: the close timed out before our Close could be sent; "))
      << to_line(r);
}

TEST(Record, of_a_connection_that_never_opened_no_end_of_TCP_is_told) {
  disconnect_record r;
  r.cause = cause::connect_failed;
  EXPECT_EQ(to_json(r).find("\"tcp\""), std::string::npos) << to_json(r);
}

TEST(Record, D2_derived_codes_are_never_stored) {
  disconnect_record r;
  EXPECT_EQ(r.derived_code(), close_status::abnormal_closure);
  r.received = close_frame{};
  EXPECT_EQ(r.derived_code(), close_status::no_status_received);
  r.received->code = 4000;
  EXPECT_EQ(r.derived_code(), close_status(4000));
}

TEST(Record, every_name_is_its_own) {
  std::set<std::string_view> names;
  for (int i = 0; i < 3; ++i) names.insert(to_string(static_cast<initiator>(i)));
  for (int i = 0; i < 2; ++i) names.insert(to_string(static_cast<close_phase>(i)));
  for (int i = 0; i < 6; ++i) names.insert(to_string(static_cast<tcp_end>(i)));
  for (int i = 0; i < 6; ++i) names.insert(to_string(static_cast<connect_step>(i)));
  EXPECT_EQ(names.size(), 17U);
  for (const std::string_view name : names) EXPECT_EQ(name.find("unknown"), name.npos);
}

// A number that this version has no name for may come from a newer one.
TEST(Record, values_without_a_name_have_words_too) {
  const auto none = [](auto sample) { return static_cast<decltype(sample)>(99); };
  EXPECT_EQ(to_string(none(role{})), "unknown role");
  EXPECT_EQ(to_string(none(message_type{})), "unknown message type");
  EXPECT_EQ(to_string(none(state{})), "unknown state");
  EXPECT_EQ(to_string(none(initiator{})), "unknown initiator");
  EXPECT_EQ(to_string(none(cause{})), "unknown cause");
  EXPECT_EQ(to_string(none(close_phase{})), "unknown phase");
  EXPECT_EQ(to_string(none(tcp_end{})), "unknown end");
  EXPECT_EQ(to_string(none(connect_step{})), "unknown step");
  EXPECT_EQ(to_string(none(core::violation{})), "unknown violation");
  EXPECT_EQ(explain(none(errc{})), "This error is not known to this version.");
  disconnect_record r;
  r.cause = none(cause{});
  r.tcp = none(tcp_end{});
  EXPECT_EQ(to_line(r), "not clean: for an unknown reason; no Close passed; TCP: unknown; 0.0 ms");
}

TEST(Record, every_end_of_tcp_and_every_step_has_its_words) {
  std::set<std::string> lines;
  for (int i = 0; i < 6; ++i) {
    disconnect_record r = clean_record();
    r.tcp = static_cast<tcp_end>(i);
    lines.insert(to_line(r));
  }
  for (const role self : {role::client, role::server}) {
    for (int i = 0; i < 6; ++i) {
      disconnect_record r;
      r.local_role = self;
      r.cause = cause::connect_failed;
      r.connect = connect_failure{static_cast<connect_step>(i), 0, ""};
      lines.insert(to_line(r));
    }
  }
  EXPECT_EQ(lines.size(), 6U + 7U);  // the request is the same step from two sides
}

TEST(Record, what_little_is_known_of_a_failure_is_told) {
  disconnect_record r;
  r.cause = cause::connect_failed;
  r.connect = connect_failure{connect_step::response, 404, "no such page"};
  EXPECT_NE(to_line(r).find("(HTTP 404)"), std::string::npos);
  EXPECT_NE(to_json(r).find("\"http_status\":404"), std::string::npos);
  disconnect_record lost;
  lost.cause = cause::transport_error;
  EXPECT_NE(to_line(lost).find("the transport failed;"), std::string::npos);
}

TEST(Record, every_rule_has_its_words_and_all_but_none_a_section) {
  std::set<std::string_view> words;
  constexpr int rules = static_cast<int>(core::violation::invalid_utf8_close_reason) + 1;
  for (int i = 0; i < rules; ++i) {
    const auto rule = static_cast<core::violation>(i);
    words.insert(to_string(rule));
    EXPECT_EQ(section(rule).empty(), rule == core::violation::none);
  }
  EXPECT_EQ(words.size(), static_cast<std::size_t>(rules));
  EXPECT_EQ(section(static_cast<core::violation>(99)), "");
}

TEST(Errc, N18_the_first_ten_have_the_numbers_of_dotnet_and_every_one_its_words) {
  const char* const dotnet[] = {"success",
                                "invalid_message_type",
                                "faulted",
                                "native_error",
                                "not_a_websocket",
                                "unsupported_version",
                                "unsupported_protocol",
                                "header_error",
                                "connection_closed_prematurely",
                                "invalid_state"};
  for (int i = 0; i < 10; ++i) EXPECT_EQ(to_string(static_cast<errc>(i)), dotnet[i]);
  std::set<std::string_view> names, words;
  for (const auto& [first, last] : {std::pair{0, 9}, {100, 107}, {200, 205}}) {
    for (int i = first; i <= last; ++i) {
      names.insert(to_string(static_cast<errc>(i)));
      words.insert(explain(static_cast<errc>(i)));
    }
  }
  EXPECT_EQ(names.size(), 24U);
  EXPECT_EQ(words.size(), 24U);
  EXPECT_FALSE(names.contains("unknown error"));
  EXPECT_EQ(to_string(static_cast<errc>(50)), "unknown error");
}

}  // namespace
}  // namespace adieu
