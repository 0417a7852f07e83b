// Standard output by a thread, so that a slow reader never blocks the loop.
#include "output.hpp"

#include <boost/asio/post.hpp>

#include <poll.h>
#include <unistd.h>

#include <cerrno>
#include <condition_variable>
#include <mutex>
#include <string>
#include <thread>

#include "wakeup.hpp"

namespace adieu::tool {

struct output::shared : std::enable_shared_from_this<shared> {
  shared(asio::any_io_executor on, int to)
      : executor(std::move(on)), descriptor(to), progress(executor) {}

  asio::any_io_executor executor;
  int descriptor;

  // Of both threads.
  mutable std::mutex mutex;
  std::condition_variable changed;
  std::string queued;
  std::size_t in_write = 0;
  int os_error = 0;
  bool left = false;

  // Of the loop.
  wakeup progress;
  bool started = false;
  bool stopped = false;

  void run();
  int write_all(std::string_view bytes) const;

  [[nodiscard]] std::size_t waiting() const {
    const std::lock_guard lock(mutex);
    return os_error != 0 ? 0 : queued.size() + in_write;
  }
};

void output::shared::run() {
  std::string bytes;
  for (;;) {
    {
      std::unique_lock lock(mutex);
      changed.wait(lock, [this] { return !queued.empty() || left; });
      if (queued.empty() || left || os_error != 0) return;
      bytes.clear();
      bytes.swap(queued);
      in_write = bytes.size();
    }
    const int error = write_all(bytes);
    {
      const std::lock_guard lock(mutex);
      in_write = 0;
      os_error = error;
    }
    asio::post(executor, [self = shared_from_this()] { self->progress.wake(); });
    if (error != 0) return;
  }
}

// Returns the errno, or 0.
int output::shared::write_all(std::string_view bytes) const {
  while (!bytes.empty()) {
    const ssize_t put = ::write(descriptor, bytes.data(), bytes.size());
    if (put >= 0) {
      bytes.remove_prefix(static_cast<std::size_t>(put));
    } else if (errno == EAGAIN) {  // somebody made it non-blocking
      pollfd writable{descriptor, POLLOUT, 0};
      ::poll(&writable, 1, -1);
    } else if (errno != EINTR) {
      return errno;
    }
  }
  return 0;
}

output::output(asio::any_io_executor executor, int descriptor)
    : shared_(std::make_shared<shared>(std::move(executor), descriptor)) {}

output::~output() {
  const std::lock_guard lock(shared_->mutex);
  shared_->left = true;
  shared_->changed.notify_one();
}

void output::write(std::string_view bytes) {
  if (shared_->stopped || bytes.empty()) return;
  if (!shared_->started) {
    shared_->started = true;
    std::thread([own = shared_] { own->run(); }).detach();
  }
  const std::lock_guard lock(shared_->mutex);
  if (shared_->os_error != 0) return;
  shared_->queued += bytes;
  shared_->changed.notify_one();
}

std::size_t output::waiting() const { return shared_->waiting(); }

asio::awaitable<void> output::drained(std::size_t bytes) {
  const std::shared_ptr<shared> own = shared_;
  while (!own->stopped && own->waiting() > bytes) co_await own->progress.wait();
}

void output::stop() {
  shared_->stopped = true;
  shared_->progress.wake();
}

int output::error() const {
  const std::lock_guard lock(shared_->mutex);
  return shared_->os_error;
}

}  // namespace adieu::tool
