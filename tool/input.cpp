// Standard input by a thread, on demand.
#include "input.hpp"

#include <boost/asio/post.hpp>

#include <poll.h>
#include <unistd.h>

#include <cerrno>
#include <condition_variable>
#include <mutex>
#include <thread>

#include "wakeup.hpp"

namespace adieu::tool {

struct input::shared : std::enable_shared_from_this<shared> {
  shared(asio::any_io_executor on, int from)
      : executor(std::move(on)), descriptor(from), arrived(executor) {}

  asio::any_io_executor executor;
  int descriptor;

  // Of both threads.
  std::mutex mutex;
  std::condition_variable changed;
  bool wanted = false;
  bool left = false;

  // Of the loop.
  wakeup arrived;
  std::string piece;
  bool here = false;
  bool ended = false;
  bool started = false;
  int os_error = 0;

  void run();
  void read_one();
};

void input::shared::run() {
  for (;;) {
    {
      std::unique_lock lock(mutex);
      changed.wait(lock, [this] { return wanted || left; });
      if (left) return;
      wanted = false;
    }
    read_one();
  }
}

void input::shared::read_one() {
  constexpr std::size_t most = 64 * 1024;
  std::string bytes(most, '\0');
  ssize_t got = 0;
  for (;;) {
    got = ::read(descriptor, bytes.data(), bytes.size());
    if (got >= 0) break;
    if (errno == EAGAIN) {  // somebody made it non-blocking
      pollfd waiting{descriptor, POLLIN, 0};
      ::poll(&waiting, 1, -1);
    } else if (errno != EINTR) {
      break;
    }
  }
  const int error = got < 0 ? errno : 0;
  bytes.resize(got > 0 ? static_cast<std::size_t>(got) : 0);
  asio::post(executor, [self = shared_from_this(), error, bytes = std::move(bytes)]() mutable {
    self->piece = std::move(bytes);
    self->os_error = error;
    self->ended = self->ended || self->piece.empty();
    self->here = true;
    self->arrived.wake();
  });
}

input::input(asio::any_io_executor executor, int descriptor)
    : shared_(std::make_shared<shared>(std::move(executor), descriptor)) {}

input::~input() {
  const std::lock_guard lock(shared_->mutex);
  shared_->left = true;
  shared_->changed.notify_one();
}

asio::awaitable<std::string> input::read() {
  const std::shared_ptr<shared> own = shared_;
  if (own->ended) co_return std::string();
  if (!own->started) {
    own->started = true;
    std::thread([own] { own->run(); }).detach();
  }
  own->here = false;
  {
    const std::lock_guard lock(own->mutex);
    own->wanted = true;
  }
  own->changed.notify_one();
  while (!own->here && !own->ended) co_await own->arrived.wait();
  if (own->ended) co_return std::string();
  co_return std::move(own->piece);
}

void input::stop() {
  shared_->ended = true;
  shared_->arrived.wake();
}

int input::error() const noexcept { return shared_->os_error; }

}  // namespace adieu::tool
