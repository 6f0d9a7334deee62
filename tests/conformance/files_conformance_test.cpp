// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "catch.hpp"

#include "conformance/sink_conformance.hpp"
#include "conformance/temporary_folder.hpp"
#include "telemetry/adapters/files.hpp"

using namespace telemetry;
using namespace telemetry::test;

namespace {

std::uint64_t lines_in(const std::filesystem::path& folder) {
  std::uint64_t lines = 0;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    if (entry.path().filename() == ".lock") continue;
    std::ifstream in(entry.path(), std::ios::binary);
    lines += static_cast<std::uint64_t>(std::count(std::istreambuf_iterator<char>(in), {}, '\n'));
  }
  return lines;
}

SinkUnderTest files_under_test(std::uint64_t file_bytes_max) {
  auto folder = std::make_shared<TemporaryFolder>();
  FilesOptions options;
  options.base_path = folder->path("files");
  options.file_bytes_max = file_bytes_max;
  options.sync_interval_ns = 0;  // what is written can be counted at once
  options.free_space_reserve_bytes = 0;
  return {{},
          [folder, options] { return make_files_sink(options, system_environment()); },
          [folder, options] { return lines_in(options.base_path); }};
}

}  // namespace

TEST_CASE("the files keep the contract of every sink") {
  check_sink([] { return files_under_test(100ull * 1024 * 1024); });
}

TEST_CASE("the files keep it with a file for every write") {
  check_sink([] { return files_under_test(1); });
}
