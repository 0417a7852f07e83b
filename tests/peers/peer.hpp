// Leading a peer by commands and events (COMMANDS.md), wherever its lines come from.
#pragma once

#include <boost/json.hpp>
#include <gtest/gtest.h>

#include <deque>
#include <iostream>
#include <memory>
#include <string>

#include "tests/peers/child.hpp"

namespace peers {

namespace json = boost::json;

/// A field in words: a string bare, null and nothing as "(none)", all else as JSON.
inline std::string text(const json::object& from, std::string_view key) {
  const json::value* found = from.if_contains(key);
  if (found == nullptr || found->is_null()) return "(none)";
  if (const json::string* is = found->if_string()) return std::string(*is);
  return json::serialize(*found);
}

class peer {
 public:
  peer() = default;
  peer(const peer&) = delete;
  peer& operator=(const peer&) = delete;
  virtual ~peer() = default;

  void tell(std::string_view on, std::string_view what, json::object more = {}) {
    more["on"] = on;
    more["do"] = what;
    write(json::serialize(more));
  }

  /// The next event `what` of this connection; others are kept for those who ask for them.
  json::object event(std::string_view on, std::string_view what) {
    const auto deadline = std::chrono::steady_clock::now() + patience;
    for (std::size_t i = 0;; ++i) {
      if (i == seen_.size()) seen_.push_back(read(on, what, deadline));
      const json::object& candidate = seen_[i];
      if (text(candidate, "on") != on) continue;
      if (text(candidate, "event") == what) {
        json::object found = candidate;
        seen_.erase(seen_.begin() + static_cast<std::ptrdiff_t>(i));
        return found;
      }
      if (text(candidate, "event") == "failed") {
        throw std::runtime_error("the peer failed: " + json::serialize(candidate));
      }
    }
  }

  [[nodiscard]] std::string new_name() { return std::to_string(++names_); }

 protected:
  virtual void write(const std::string& line) = 0;
  /// Throws at the deadline, and when the peer has gone.
  virtual std::string read_line(std::chrono::steady_clock::time_point deadline) = 0;

 private:
  json::object read(std::string_view on,
                    std::string_view what,
                    std::chrono::steady_clock::time_point deadline) {
    try {
      return json::parse(read_line(deadline)).as_object();
    } catch (const std::exception& error) {
      std::string all = "waiting for '" + std::string(what) + "' of " + std::string(on) + ": ";
      all += error.what();
      for (const json::object& one : seen_) all += "\n  seen: " + json::serialize(one);
      throw std::runtime_error(all);
    }
  }

  std::deque<json::object> seen_;
  int names_ = 0;
};

/// A peer behind stdin and stdout.
class program : public peer {
 public:
  explicit program(std::vector<std::string> command) : process_(std::move(command)) {}

  void kill() { process_.kill(); }

 protected:
  void write(const std::string& line) override { process_.write_line(line); }
  std::string read_line(std::chrono::steady_clock::time_point deadline) override {
    auto line = process_.read_line(deadline);
    if (!line) throw std::runtime_error("the program has ended");
    return *line;
  }

 private:
  child process_;
};

/// The process of one suite: started when a test first needs it, and again after one has killed it.
struct suite_peer {
  std::unique_ptr<program> running;
  std::string missing;  ///< why it can't run

  /// Null when the peer is not installed.
  program* get(const std::vector<std::string>& command) {
    if (running || !missing.empty()) return running.get();
    auto started = std::make_unique<program>(command);
    std::string first = "it did not start";
    try {
      const json::object ready = started->event("", "ready");
      std::cout << "peer: " << ready.at("version").as_string() << std::endl;
      running = std::move(started);
    } catch (const std::exception& error) {
      missing = error.what();
    }
    return running.get();
  }
};

/// In CI a missing peer is a failure; elsewhere its tests are skipped, and say so.
inline bool must_be_there(const char* variable = "CI") {
  const char* set = std::getenv(variable);
  return set != nullptr && *set != '\0' && std::string_view(set) != "0";
}

}  // namespace peers
