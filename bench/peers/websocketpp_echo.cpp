// websocketpp's echo: one thread, TCP_NODELAY, no logging, no compression (config asio has none),
// the received message object is sent back without a copy.
#include <websocketpp/config/asio_no_tls.hpp>
#include <websocketpp/server.hpp>

#include <iostream>

struct quiet : websocketpp::config::asio {
  static const websocketpp::log::level elog_level = websocketpp::log::elevel::none;
  static const websocketpp::log::level alog_level = websocketpp::log::alevel::none;
  struct transport_config : websocketpp::config::asio::transport_config {
    static bool const enable_multithreading = false;
  };
};

int main() {
  using server = websocketpp::server<quiet>;
  server echo;
  echo.clear_access_channels(websocketpp::log::alevel::all);
  echo.clear_error_channels(websocketpp::log::elevel::all);
  echo.init_asio();
  echo.set_max_message_size(16 * 1024 * 1024);
  echo.set_tcp_pre_init_handler([&echo](websocketpp::connection_hdl which) {
    echo.get_con_from_hdl(which)->get_raw_socket().set_option(boost::asio::ip::tcp::no_delay(true));
  });
  echo.set_message_handler([&echo](websocketpp::connection_hdl from, server::message_ptr message) {
    websocketpp::lib::error_code error;
    echo.send(from, message, error);
  });
  echo.listen(boost::asio::ip::tcp::endpoint(boost::asio::ip::address_v4::loopback(), 0));
  echo.start_accept();
  websocketpp::lib::asio::error_code error;
  std::cout << "listening " << echo.get_local_endpoint(error).port() << std::endl;
  echo.run();
}
