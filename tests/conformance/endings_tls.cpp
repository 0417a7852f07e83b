// C14: TLS: how it ends, and that it does not begin anew.
#include "script.hpp"

namespace adieu::conformance {
namespace {

wire& open_tls(script& s, tls_versions versions = tls_versions::any) {
  opening how(s.id, s.named());
  how.tls = true;
  how.versions = versions;
  wire& w = s.open(how);
  s.echo("hello");
  return w;
}

void tls_close(script& s) {
  wire& w = open_tls(s);
  w.put_close(1000);
  if (!s.peer_close(s.how.patience)) return;
  if (s.is_client()) {
    w.until_ended(s.soon());
    w.carrier().send_close_notify();
  } else {  // the server ends TLS and TCP first
    w.carrier().send_close_notify();
    w.fin();
    w.until_ended(s.soon());
  }
  if (!w.carrier().got_close_notify()) s.out.weaken("no close_notify came before its FIN");
  finish(w, s.out, {.codes = {1000}, .clean = true}, s.how);
  s.report();
}
void tls_close_notify_without_close(script& s) {
  wire& w = open_tls(s);
  w.carrier().send_close_notify();
  s.end_tcp();
  s.report();
}
void tls_truncated(script& s) {
  open_tls(s);
  s.end_tcp();
  const std::string told = s.report();
  if (!told.empty() && told.find("close_notify") == std::string::npos) {
    s.out.weaken("its record does not tell a truncated end from a proper one");
  }
}
void tls_without_close_notify_after_both(script& s) {
  wire& w = open_tls(s);
  w.put_close(1000);
  if (!s.peer_close(s.how.patience)) return;
  finish(w, s.out, {.codes = {1000}, .clean = true}, s.how);
  const std::string told = s.report();
  if (!told.empty() && told.find("; clean") == std::string::npos) {
    s.out.weaken("a missing close_notify behind both Closes makes its end unclean");
  }
}

// A new handshake in the middle of a connection is TLS 1.2's, and has brought it nothing but
// attacks (RFC 5746, and its cost for a server). Who asks is told no; OpenSSL then ends TLS itself.
void tls_renegotiation(script& s) {
  wire& w = open_tls(s, tls_versions::only_1_2);
  using is = stream::renegotiation;
  switch (w.carrier().renegotiate(s.soon())) {
    case is::refused:
      s.out.notes.emplace_back("it refuses, with the alert no_renegotiation");
      break;
    case is::ended: s.out.notes.emplace_back("it ends the connection"); break;
    case is::unanswered: s.tell("it neither refused nor agreed"); break;
    case is::granted: return s.out.fail("it shook hands anew");
  }
  w.fin();
  if (!w.until_ended(s.soon())) s.out.close_wrongly(closing::unclean, "it did not end TCP");
  s.report();
}

}  // namespace

std::vector<ending> tls_endings() {
  using who = ending::suite;
  using needs = ending::needs;
  return {
      {"C14.1", "Closes, then close_notify", who::either, needs::tls, tls_close},
      {"C14.2", "close_notify, no Close", who::either, needs::tls, tls_close_notify_without_close},
      {"C14.3", "neither", who::either, needs::tls, tls_truncated},
      {"C14.4",
       "Closes, no close_notify",
       who::either,
       needs::tls,
       tls_without_close_notify_after_both},
      {"C14.5", "renegotiation (TLS 1.2)", who::either, needs::tls, tls_renegotiation},
  };
}

}  // namespace adieu::conformance
