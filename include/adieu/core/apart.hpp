// A part of a connection that it needs only at times, and that does not lie in it. Parts at rest
// are passed on among the connections of a thread, with the memory that they have grown to: so an
// idle connection owns next to nothing, and a busy one allocates nothing for a message.
//
// T says with idle() that it will do what a new one does; what it was told at its beginning, it is
// told again by whoever takes it up.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <utility>

namespace adieu::core {

/// The parts of one kind that are at rest in this thread.
template <typename T>
class parts_at_rest {
 public:
  [[nodiscard]] static std::unique_ptr<T> take() {
    if (mine.count == 0) return std::make_unique<T>();
    return std::unique_ptr<T>(mine.parts[--mine.count]);
  }
  [[nodiscard]] static bool has_room() noexcept { return mine.count < most && !mine.gone; }
  /// When there is room.
  static void give(std::unique_ptr<T> part) noexcept {
    if (!mine.cleaned) clean_at_end();
    mine.parts[mine.count++] = part.release();
  }

 private:
  static constexpr std::size_t most = 8;
  // Without a destructor of its own, so that it costs nothing to look whether it is there.
  struct list {
    std::array<T*, most> parts;
    std::uint32_t count;
    bool cleaned;
    bool gone;  // the thread ends
  };
  struct cleaner {
    ~cleaner() {
      mine.gone = true;
      while (mine.count != 0) delete mine.parts[--mine.count];
    }
  };
  static void clean_at_end() noexcept {
    static thread_local const cleaner at_end;
    mine.cleaned = true;
  }
  inline static thread_local constinit list mine{};
};

template <typename T>
class apart {
 public:
  apart() noexcept = default;
  apart(const apart& other) : part_(other ? std::make_unique<T>(*other) : nullptr) {}
  apart(apart&&) noexcept = default;
  apart& operator=(const apart& other) {
    apart copy(other);
    part_.swap(copy.part_);
    return *this;
  }
  apart& operator=(apart&&) noexcept = default;
  ~apart() = default;

  [[nodiscard]] explicit operator bool() const noexcept { return part_ != nullptr; }

  /// Without the part: an idle one.
  [[nodiscard]] const T& operator*() const noexcept { return part_ ? *part_ : idle; }
  [[nodiscard]] const T* operator->() const noexcept { return part_ ? part_.get() : &idle; }

  /// To change it.
  [[nodiscard]] T& need() {
    return need([](T&) {});
  }
  /// `begin` tells it what it has to know.
  template <typename Begin>
  [[nodiscard]] T& need(Begin begin) {
    if (!part_) [[unlikely]]
      take_up(begin);
    return *part_;
  }
  /// Gives it to others, if it is idle and they have too few. Else it stays: a connection that
  /// other threads send on takes up its parts there, and brings them here.
  void rest() noexcept {
    if (part_ && parts_at_rest<T>::has_room() && part_->idle()) {
      parts_at_rest<T>::give(std::move(part_));
    }
  }
  /// Lets go of it, if it is idle.
  void let_go() noexcept {
    if (part_ && part_->idle()) part_.reset();
  }

 private:
  // Once in a turn: away from the code of every message.
  template <typename Begin>
  [[gnu::noinline]] void take_up(const Begin& begin) {
    part_ = parts_at_rest<T>::take();
    begin(*part_);
  }

  inline static const T idle{};

  std::unique_ptr<T> part_;
};

}  // namespace adieu::core
