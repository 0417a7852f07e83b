// Building the C# programs of the tests, without any NuGet package, by the first test that needs
// one. Their output is in the build tree.
#pragma once

#include <sys/file.h>

#include <filesystem>
#include <stdexcept>
#include <string>

#include "tests/peers/child.hpp"

namespace peers {

/// Other tests may build at the same time, from the same build folder.
class build_lock {
 public:
  explicit build_lock(const std::string& path)
      : file_(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644)) {
    ::flock(file_, LOCK_EX);
  }
  build_lock(const build_lock&) = delete;
  build_lock& operator=(const build_lock&) = delete;
  ~build_lock() { ::close(file_); }

 private:
  int file_;
};

/// Whether there is a .NET SDK that knows our target.
inline bool dotnet_sdk_is_there() {
  ::setenv("DOTNET_CLI_TELEMETRY_OPTOUT", "1", 1);
  ::setenv("DOTNET_NOLOGO", "1", 1);
  child asked({"dotnet", "--version"});
  const auto version = asked.read_line(std::chrono::steady_clock::now() + patience);
  return asked.wait() == 0 && version && std::atoi(version->c_str()) >= 10;
}

/// tests/FOLDER/NAME.csproj, built. Throws when it can't be.
inline std::string build_dotnet_program(const std::string& folder, const std::string& name) {
  namespace fs = std::filesystem;
  const fs::path sources = std::string(ADIEU_SOURCE_DIR "/tests/") + folder;
  const fs::path output = ADIEU_BINARY_DIR "/dotnet_" + name;
  const fs::path built = output / "bin" / name / "release" / (name + ".dll");
  const fs::path log = output / "build.log";
  fs::create_directories(output);
  const build_lock lock(output / "lock");
  bool fresh = fs::exists(built);
  for (const auto& source : fs::directory_iterator(sources)) {
    fresh = fresh && fs::last_write_time(source) <= fs::last_write_time(built);
  }
  if (fresh) return built;
  fs::remove(built);
  const int status = child({"dotnet",
                            "build",
                            sources / (name + ".csproj"),
                            "--configuration=Release",
                            "--nologo",
                            "--disable-build-servers",
                            "--artifacts-path=" + output.string(),
                            "-fileLogger",
                            "-fileLoggerParameters:Verbosity=minimal;LogFile=" + log.string()})
                         .wait();
  if (status == 0 && fs::exists(built)) {
    fs::last_write_time(built, fs::file_time_type::clock::now());  // also when it was up to date
    return built;
  }
  throw std::runtime_error("dotnet build failed, see " + log.string());
}

}  // namespace peers
