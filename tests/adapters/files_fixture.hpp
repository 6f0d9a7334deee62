// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "catch.hpp"

#include <algorithm>
#include <array>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "conformance/batch_builder.hpp"
#include "conformance/temporary_folder.hpp"
#include "frames.hpp"
#include "model/fault_file_system.hpp"
#include "telemetry/adapters/files.hpp"

/// A sink in a folder of its own, and what other programs read there.
namespace telemetry::test {

inline constexpr JournalId test_journal{7, 7, 7};
inline constexpr std::int64_t second_ns = 1'000'000'000;
inline constexpr std::int64_t hour_ns = 3600 * second_ns;

template <class T>
void require(const Result<T>& result) {
  if (!result) UNSCOPED_INFO(to_string(result.error()));
  REQUIRE(result);
}

/// The text of whole frames; ends the test when anything else is there.
inline std::string unpacked(FileCompression compression, std::span<const std::uint8_t> bytes) {
  if (compression == FileCompression::none) return {bytes.begin(), bytes.end()};
  files::Unpacker unpacker(compression);
  std::array<char, 4096> part{};
  std::string text;
  auto outcome = files::Unpacker::Outcome::frame_end;
  while (!bytes.empty() || outcome != files::Unpacker::Outcome::frame_end) {
    const auto step = unpacker.step(bytes, part);
    outcome = step.outcome;
    REQUIRE(outcome != files::Unpacker::Outcome::damaged);
    REQUIRE((step.consumed != 0 || step.produced != 0));
    bytes = bytes.subspan(step.consumed);
    text.append(part.data(), step.produced);
  }
  return text;
}

inline std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = text.find('\n', at);
    REQUIRE(end != std::string::npos);
    lines.push_back(text.substr(at, end - at));
    at = end + 1;
  }
  return lines;
}

/// What a program prints; its exit code must be 0.
inline std::string output_of(const std::string& command) {
  FILE* pipe = popen((command + " 2>&1").c_str(), "r");
  REQUIRE(pipe != nullptr);
  std::string text;
  std::array<char, 4096> part{};
  while (const std::size_t size = fread(part.data(), 1, part.size(), pipe)) {
    text.append(part.data(), size);
  }
  const int status = pclose(pipe);
  INFO(command << ": " << text.substr(0, 300));
  REQUIRE(status == 0);
  return text;
}

inline Result<void> nothing_is_rejected(std::span<const Rejected>) {
  return Error{Errc::internal, "a file refuses nothing"};
}

class FilesFixture {
 public:
  FilesFixture() {
    options.base_path = folder.path("files");
    options.sync_interval_ns = 0;  // every write is synced
    options.free_space_reserve_bytes = 0;
  }
  Environment environment() {
    const Environment machine = system_environment();
    return {clock, machine.files, machine.random,
            Log([this](LogLevel, std::string_view,
                       std::string_view line) { log += std::string(line) + "\n"; },
                LogLevel::debug)};
  }
  void open() {
    sink = make_files_sink(options, environment());
    require(sink->open());
  }
  /// Ends the sink as at stop.
  void stop() {
    require(sink->flush());
    sink->close();
  }
  Result<WriteReport> try_write(BatchPtr batch) {
    std::vector<BatchPtr> batches{std::move(batch)};
    return sink->write(test_journal, batches, nothing_is_rejected);
  }
  WriteReport write(BatchPtr batch) {
    auto report = try_write(std::move(batch));
    require(report);
    return *report;
  }
  /// One message without schema, whose payload is its number.
  WriteReport write_at(std::int64_t received_at) {
    BatchBuilder builder(next_);
    builder.add_raw("t", builder.keep(std::to_string(++next_)), received_at);
    return write(builder.done());
  }
  /// So many, as fast as they come.
  WriteReport write_many(int rows, std::int64_t received_at = start_ns) {
    BatchBuilder builder(next_);
    for (int i = 0; i < rows; ++i) {
      builder.add_raw("sensors/hall/temperature", builder.keep(payload(++next_)), received_at);
    }
    return write(builder.done());
  }
  static std::string payload(std::uint64_t number) {
    return R"({"seq":)" + std::to_string(number) + R"(,"temperature":)" +
           std::to_string(20 + number % 17) + "." + std::to_string(number * 7919 % 1000) + "}";
  }

  [[nodiscard]] std::vector<std::string> names() const {
    std::vector<std::string> all;
    for (const auto& entry : std::filesystem::directory_iterator(options.base_path)) {
      if (entry.path().filename() != ".lock") all.push_back(entry.path().filename());
    }
    std::sort(all.begin(), all.end());
    return all;
  }
  [[nodiscard]] std::string path(const std::string& name) const {
    return options.base_path + "/" + name;
  }
  [[nodiscard]] std::string bytes(const std::string& name) const {
    std::ifstream in(path(name), std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
  }
  void set_bytes(const std::string& name, const std::string& bytes) const {
    std::filesystem::create_directories(options.base_path);
    std::ofstream(path(name), std::ios::binary) << bytes;
  }
  [[nodiscard]] std::string text(const std::string& name) const {
    const std::string all = bytes(name);
    return unpacked(options.compression,
                    {reinterpret_cast<const std::uint8_t*>(all.data()), all.size()});
  }
  /// All files, one after the other.
  [[nodiscard]] std::string text() const {
    std::string all;
    for (const std::string& name : names()) all += text(name);
    return all;
  }

  model::ManualClock clock;
  std::string log;
  TemporaryFolder folder;
  FilesOptions options;
  std::unique_ptr<Sink> sink;

 private:
  std::uint64_t next_ = 0;
};

}  // namespace telemetry::test
