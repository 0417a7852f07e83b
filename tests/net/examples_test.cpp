// The examples, as programs: built, run, and ended as their comments say. Skipped, visibly, where
// this build has none.
#include <boost/asio/io_context.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <gtest/gtest.h>

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <string>
#include <vector>

#include "adieu/adieu.hpp"

namespace adieu::test {
namespace {

/// A program whose standard output and error are read here; it is ended with this object.
class program {
 public:
  explicit program(const std::vector<std::string>& words) {
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC) != 0) throw std::runtime_error("pipe");
    child_ = ::fork();
    if (child_ == 0) {
      ::dup2(ends[1], 1);
      ::dup2(ends[1], 2);
      std::vector<char*> arguments;
      for (const std::string& word : words) arguments.push_back(const_cast<char*>(word.c_str()));
      arguments.push_back(nullptr);
      ::execv(arguments[0], arguments.data());
      ::_exit(127);
    }
    ::close(ends[1]);
    output_ = ends[0];
  }
  program(const program&) = delete;
  program& operator=(const program&) = delete;
  ~program() {
    if (child_ > 0) {
      ::kill(child_, SIGKILL);
      ::waitpid(child_, nullptr, 0);
    }
    ::close(output_);
  }

  /// Reads until `text` is there; false when the output ends first or nothing comes.
  bool prints(const std::string& text) {
    while (said.find(text) == std::string::npos) {
      pollfd ask{output_, POLLIN, 0};
      char space[1024];
      if (::poll(&ask, 1, 8000) <= 0) return false;
      const auto size = ::read(output_, space, sizeof space);
      if (size <= 0) return false;
      said.append(space, static_cast<std::size_t>(size));
    }
    return true;
  }
  /// Its exit code, after its output has ended.
  int finish() {
    (void)prints("\x01 never printed");
    int status = 0;
    ::waitpid(std::exchange(child_, -1), &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  }
  std::string said;

 private:
  pid_t child_ = -1;
  int output_ = -1;
};

std::string binary(const std::string& name) { return std::string(ADIEU_BINARY_DIR) + "/" + name; }

class Examples : public testing::Test {
 protected:
  void SetUp() override {
    for (const char* name : {"example_echo_server",
                             "example_client",
                             "example_guide",
                             "example_passive_close",
                             "example_feed_server"}) {
      if (!std::filesystem::exists(binary(name))) GTEST_SKIP() << binary(name) << " is not built";
    }
  }
};

TEST_F(Examples, S2_the_client_talks_to_the_echo_server_and_both_say_how_it_ended) {
  program server({binary("example_echo_server")});
  ASSERT_TRUE(server.prints("\n")) << server.said;
  const std::size_t at = server.said.find("ws://");
  const std::string url = server.said.substr(at, server.said.find('\n') - at);
  program client({binary("example_client"), url});
  EXPECT_EQ(client.finish(), 0) << client.said;
  EXPECT_EQ(client.said.rfind("hello\n", 0), 0U) << client.said;
  EXPECT_NE(client.said.find("clean"), std::string::npos) << client.said;
  EXPECT_TRUE(server.prints("clean")) << server.said;
}

TEST_F(Examples, the_feed_ticks_and_says_how_its_subscribers_ended) {
  program server({binary("example_feed_server")});
  ASSERT_TRUE(server.prints("\n")) << server.said;
  const std::size_t at = server.said.find("ws://");
  const std::string url = server.said.substr(at, server.said.find('\n') - at);
  program client({binary("example_client"), url});
  EXPECT_EQ(client.finish(), 0) << client.said;
  EXPECT_EQ(client.said.rfind("tick ", 0), 0U) << client.said;
  EXPECT_TRUE(server.prints("ticks were missed so far\n")) << server.said;
}

TEST_F(Examples, the_pieces_of_the_guide_do_what_it_says) {
  program guide({binary("example_guide")});
  EXPECT_EQ(guide.finish(), 0) << guide.said;
  for (const char* line : {"failed at the HTTP response (HTTP 404)",
                           "chat.v1\n",
                           "heard: 0\n",
                           "8 bytes\n",
                           "my last question\nclean: we closed first with 1000",
                           "1 ended cleanly, 0 did not\n",
                           "try again: 1\n",
                           "echoed: hello\nclean: the peer closed first with 1000 \"done\""}) {
    EXPECT_NE(guide.said.find(line), std::string::npos) << line << "\nis not in\n" << guide.said;
  }
}

// The article's loop, as a program: the server closes, the example answers and ends with 0.
TEST_F(Examples, S6_the_passive_example_is_closed_by_its_server_and_ends_cleanly) {
  boost::asio::io_context loop;
  server serving(loop.get_executor());
  bool clean = false;
  bool ended = false;
  serving.on_connection([](websocket& socket, const request&) -> boost::asio::awaitable<void> {
    const std::string text = "from the server";
    co_await socket.async_send(text, boost::asio::use_awaitable);
    const std::string why = "that was all";
    co_await socket.async_close(
        close_status::endpoint_unavailable, why, boost::asio::use_awaitable);
  });
  serving.on_end([&](const disconnect_record& record) {
    clean = record.clean;
    ended = true;
  });
  const auto where = serving.listen("127.0.0.1", 0);
  program passive(
      {binary("example_passive_close"), "ws://127.0.0.1:" + std::to_string(where.port()) + "/"});
  const auto latest = std::chrono::steady_clock::now() + std::chrono::seconds(4);
  while (!ended && std::chrono::steady_clock::now() < latest) {
    loop.run_one_for(std::chrono::milliseconds(10));
  }
  EXPECT_TRUE(ended && clean);
  EXPECT_EQ(passive.finish(), 0) << passive.said;
  EXPECT_EQ(passive.said.rfind("from the server", 0), 0U) << passive.said;
  EXPECT_NE(passive.said.find("that was all"), std::string::npos) << passive.said;
}

}  // namespace
}  // namespace adieu::test
