// The menus. Sizes are small on purpose: two bytes a message, 64 bytes of network, so that every
// border (of a frame, a buffer, a window, a kernel) is met.
#include <algorithm>
#include <array>

#include "tests/model/menu.hpp"

namespace adieu::model {
namespace {

using namespace std::chrono_literals;
using v = verb;

// Deadlines that do not fall together: the server is the more patient one.
websocket_options quiet(std::chrono::milliseconds close, std::chrono::milliseconds linger) {
  websocket_options o;
  o.max_fragments = o.max_control_frames_per_second = 0;  // counts make states of their own
  o.close_timeout = close;
  o.linger = linger;
  o.ping_interval = 0ms;
  o.pong_timeout = 0ms;
  o.write_timeout = 60s;
  return o;
}

menu made(std::string_view name, std::string_view about) {
  menu m;
  m.name = name;
  m.about = about;
  m.client = quiet(10s, 1s);
  m.server = quiet(12s, 1500ms);
  return m;
}

std::vector<menu> all() {
  std::vector<menu> out;
  {
    menu m = made("closing", "every way to close, with and without data, cut and held up");
    m.calls = {v::send,
               v::receive,
               v::cancel,
               v::close,
               v::close_output,
               v::close_for,
               v::abort,
               v::destroy,
               v::wait_closed};
    m.operations = 3;
    m.cuts = 1;
    m.blocks = 1;
    out.push_back(m);
  }
  {
    menu m = made("faults", "the closing calls, while the network fails in every way");
    m.calls = {v::send, v::receive, v::close, v::close_output, v::abort, v::destroy};
    m.faults = {v::fin, v::reset, v::truncate, v::fail_input, v::fail_output, v::garbage};
    m.operations = 2;
    m.fault_count = 1;
    m.cuts = 1;
    m.blocks = 1;
    out.push_back(m);
    m.name = "two_faults";
    m.about = "the same, and it fails twice";
    m.operations = 1;
    m.fault_count = 2;
    out.push_back(m);
  }
  {
    menu m = made("sending",
                  "messages in pieces, writers, copies, pings; withdrawn, held up, abandoned");
    m.calls = {v::send,
               v::send_piece,
               v::send_last,
               v::send_copy,
               v::reserve,
               v::write_piece,
               v::write_last,
               v::abandon,
               v::ping,
               v::cancel,
               v::close,
               v::close_output};
    m.operations = 3;
    m.blocks = 1;
    m.cuts = 1;
    out.push_back(m);
  }
  {
    menu m = made("receiving", "every kind of receive, against pieces, cuts and the end");
    m.calls = {v::send,
               v::send_piece,
               v::send_last,
               v::receive,
               v::receive_one,
               v::receive_some,
               v::receive_message,
               v::try_receive,
               v::cancel,
               v::close,
               v::close_output};
    m.operations = 3;
    m.cuts = 2;
    out.push_back(m);
  }
  {
    menu m = made("window", "a window that two frames fill, and a network that one message fills");
    m.calls = {v::send,
               v::send_piece,
               v::send_last,
               v::receive_one,
               v::receive,
               v::receive_message,
               v::close,
               v::close_output,
               v::destroy};
    m.faults = {v::fin, v::reset};
    m.operations = 3;
    m.fault_count = 1;
    m.capacity = 40;
    m.message_size = 20;
    m.client.receive_window = m.server.receive_window = 40;
    m.client.probe_interval = m.server.probe_interval = 0ms;
    out.push_back(m);
    m.name = "paused";
    m.about = "the same, and the kernel is asked for the peer's pulse";
    m.calls = {v::send, v::receive, v::close, v::close_output, v::abort};
    m.operations = 3;
    m.client.probe_interval = m.server.probe_interval = 30s;
    m.client.ping_interval = 20s;  // P3: nobody is accused meanwhile
    m.client.pong_timeout = 15s;
    m.ticks = 3;
    out.push_back(m);
  }
  {
    menu m = made("blocked", "writes that stand still, for less time than a close may take");
    m.calls = {v::send, v::ping, v::receive, v::close, v::close_output, v::abort, v::destroy};
    m.faults = {v::garbage};
    m.operations = 3;
    m.fault_count = 1;
    m.blocks = 1;
    m.client.write_timeout = m.server.write_timeout = 5s;
    out.push_back(m);
  }
  {
    menu m = made("trickle", "bytes that trickle, time that goes by, timers that come too late");
    m.calls = {v::send, v::receive, v::close, v::close_output, v::destroy};
    m.operations = 2;
    m.blocks = 1;
    m.cuts = 2;
    m.waits = 2;
    m.client.write_timeout = m.server.write_timeout = 5s;
    out.push_back(m);
  }
  {
    menu m = made("keepalive", "a client that asks a silent, a slow or a living peer");
    m.calls = {v::send, v::ping, v::cancel, v::close_output};
    m.faults = {v::reset};
    m.operations = 1;
    m.fault_count = 1;
    m.blocks = 1;
    m.waits = 1;
    m.ticks = 4;
    m.client.ping_interval = 20s;
    m.client.pong_timeout = 15s;
    out.push_back(m);
  }
  {
    menu m = made("limits", "messages that are too large, whole and shown");
    m.calls = {v::send,
               v::send_piece,
               v::send_last,
               v::receive_message,
               v::receive_one,
               v::close,
               v::close_output,
               v::destroy};
    m.operations = 3;
    m.cuts = 1;
    m.client.max_message_size = m.server.max_message_size = 3;
    out.push_back(m);
  }
  {
    menu m = made("shown", "a server in message mode");
    m.calls = {v::send,
               v::send_piece,
               v::send_last,
               v::receive,
               v::close,
               v::close_output,
               v::close_for,
               v::destroy};
    m.faults = {v::fin, v::reset, v::garbage};
    m.operations = 2;
    m.fault_count = 1;
    m.cuts = 1;
    m.server_shows = true;
    m.server.max_message_size = 3;
    out.push_back(m);
  }
  {
    menu m = made("in_flight", "a client's stream that takes everything and confirms it later");
    m.calls = {
        v::send, v::receive, v::ping, v::cancel, v::close, v::close_output, v::abort, v::destroy};
    m.faults = {v::fin, v::reset, v::fail_output, v::garbage};
    m.operations = 2;
    m.fault_count = 1;
    m.in_flight = true;
    out.push_back(m);
  }
  return out;
}

const std::vector<menu>& the_menus() {
  static const std::vector<menu> out = all();
  return out;
}

}  // namespace

std::span<const menu> menus() { return the_menus(); }

const menu* find_menu(std::string_view name) {
  const auto found = std::ranges::find(the_menus(), name, &menu::name);
  return found == the_menus().end() ? nullptr : &*found;
}

}  // namespace adieu::model
