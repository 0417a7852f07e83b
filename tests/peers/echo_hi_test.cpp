// `echo hi | adieu connect` against echo servers that no one here wrote: it prints hi, the end is
// clean, and the exit status is 0.
#include <gtest/gtest.h>

#include <array>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

#include "tests/peers/child.hpp"

namespace peers {
namespace {

// Each server prints its port, and echoes until it is killed.
const std::vector<std::string> python{
    "/usr/bin/python3",
    "-c",
    "import asyncio, websockets\n"
    "async def echo(socket, *rest):\n"
    "    async for message in socket: await socket.send(message)\n"
    "async def main():\n"
    "    async with websockets.serve(echo, '127.0.0.1', 0) as server:\n"
    "        print(server.sockets[0].getsockname()[1], flush=True)\n"
    "        await asyncio.Future()\n"
    "asyncio.run(main())\n"};
const std::vector<std::string> node{
    "node",
    "-e",
    "const { WebSocketServer } = require('" ADIEU_SOURCE_DIR
    "/tests/peers/node_modules/ws');\n"
    "const server = new WebSocketServer({ host: '127.0.0.1', port: 0 });\n"
    "server.on('listening', () => console.log(server.address().port));\n"
    "server.on('connection', s => s.on('message', (m, b) => s.send(m, { binary: b })));\n"};

void expect_hi(const std::vector<std::string>& command) {
  child server(command);
  const auto port = server.read_line(std::chrono::steady_clock::now() + patience);
  if (!port) {
    if (std::getenv("CI") != nullptr) FAIL() << command[0] << " or its WebSockets are not here";
    GTEST_SKIP() << command[0] << " or its WebSockets are not here";
  }
  const std::string line = "echo hi | " ADIEU_TOOL " connect ws://127.0.0.1:" + *port + " 2>&1";
  std::FILE* const pipe = ::popen(line.c_str(), "r");
  ASSERT_NE(pipe, nullptr);
  std::string out;
  std::array<char, 256> part;
  while (std::fgets(part.data(), part.size(), pipe) != nullptr) out += part.data();
  EXPECT_EQ(::pclose(pipe), 0) << out;
  EXPECT_NE(out.find("hi\n"), std::string::npos) << out;
  EXPECT_NE(out.find("clean: we closed first with 1000"), std::string::npos) << out;
}

TEST(EchoHi, Python) { expect_hi(python); }
TEST(EchoHi, Node) { expect_hi(node); }

}  // namespace
}  // namespace peers
