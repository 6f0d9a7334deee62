// SPDX-License-Identifier: Apache-2.0
#include "journal/range_checksums.hpp"

#include "catch.hpp"

#include <cstring>
#include <random>

#include "model/fault_file_system.hpp"
#include "telemetry/core/checksum.hpp"

using namespace telemetry;

namespace {

/// A file of 100,000 random bytes.
struct RandomFile {
  RandomFile() {
    for (auto& byte : bytes) byte = static_cast<std::uint8_t>(random());
    store();
    file = *files.open_read("/file");
  }
  ~RandomFile() { files.close(file); }

  void store() { files.set_content("/file", bytes); }
  std::uint64_t below(std::uint64_t bound) { return random() % bound; }
  void put_checksum(std::uint64_t from, std::uint64_t end, std::uint32_t seed) {
    const auto checksum = core::crc32c(std::span(bytes).subspan(from, end - from), seed);
    std::memcpy(bytes.data() + end, &checksum, sizeof checksum);
    store();
  }

  std::mt19937_64 random{20261127};
  model::FaultFileSystem files;
  std::vector<std::uint8_t> bytes = std::vector<std::uint8_t>(100'000);
  FileSystem::Handle file = -1;
};

}  // namespace

TEST_CASE("a range matches exactly when its checksum, computed the long way, stands at its end") {
  RandomFile f;
  for (int round = 0; round < 300; ++round) {
    const std::uint64_t begin = f.below(10'000);
    const std::uint64_t from = begin + f.below(60'000 - begin);
    const std::uint64_t end = from + f.below(f.bytes.size() - 3 - from);
    const auto seed = static_cast<std::uint32_t>(f.random());
    f.put_checksum(from, end, seed);
    INFO(begin << " " << from << " " << end);
    journal::RangeChecksums checksums(f.files, f.file, begin);
    CHECK(*checksums.matches(from, end, seed));
    CHECK_FALSE(*checksums.matches(from, end, seed + 1));
    if (end + 4 < f.bytes.size()) CHECK_FALSE(*checksums.matches(from, end + 1, seed));
    if (end > from) CHECK_FALSE(*checksums.matches(from + 1, end, seed));
    CHECK(*checksums.matches(from, end, seed));
  }
}

TEST_CASE("a range whose end lies behind the file does not match; an unreadable file is an error") {
  RandomFile f;
  f.bytes.resize(50'002);  // half of the checksum
  f.put_checksum(20'000, 49'998, 0);
  journal::RangeChecksums checksums(f.files, f.file, 64);
  CHECK(*checksums.matches(20'000, 49'998, 0));
  CHECK_FALSE(*checksums.matches(20'000, 50'000, 0));
  CHECK_FALSE(*checksums.matches(20'000, 70'000, 0));
  f.files.make_unreadable("/file");
  const auto refused = checksums.matches(20'000, 49'998, 0);
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code == Errc::unavailable);
}
