// SPDX-License-Identifier: Apache-2.0
#include "files_fixture.hpp"

using namespace telemetry;
using namespace telemetry::test;

namespace {

/// All of a file, `chunk` bytes at a time; what a read says instead.
Result<std::string> all_of(const std::string& path, std::size_t chunk) {
  auto read = open_unpacked(path);
  if (!read) return read.error();
  std::string text;
  std::vector<char> part(chunk);
  for (;;) {
    const auto size = (*read)(part);
    if (!size) return size.error();
    if (*size == 0) return text;
    text.append(part.data(), *size);
  }
}

}  // namespace

TEST_CASE("a file is read unpacked, however it is packed, and a part of it is refused") {
  const FileCompression compression = GENERATE(FileCompression::none, FileCompression::gzip,
                                               FileCompression::zstd, FileCompression::lz4);
  const TemporaryFolder folder;
  std::string text;
  std::vector<std::uint8_t> bytes;
  files::Packer packer(compression);
  for (int i = 0; i < 5; ++i) {
    std::string part(100'000, static_cast<char>('a' + i));
    for (std::size_t at = 0; at < part.size(); at += 7) part[at] = static_cast<char>(at * 31 % 251);
    text += part;
    require(packer.pack(part, bytes));
  }
  const auto write = [&](std::size_t count) {
    std::ofstream(folder.path("file"), std::ios::binary)
        .write(reinterpret_cast<const char*>(bytes.data()), static_cast<std::streamsize>(count));
  };
  write(bytes.size());
  for (const std::size_t chunk : {std::size_t{1'000}, std::size_t{1'000'000}}) {
    const auto read = all_of(folder.path("file"), chunk);
    require(read);
    CHECK(*read == text);
  }
  if (compression == FileCompression::none) return;
  for (const std::size_t missing : {std::size_t{1}, bytes.size() / 7}) {
    write(bytes.size() - missing);
    const auto part = all_of(folder.path("file"), 1'000);
    REQUIRE_FALSE(part);
    CHECK(part.error().code == Errc::data_loss);
    CHECK_THAT(part.error().context, Catch::Contains("ends too early; copy it again"));
  }
  bytes[bytes.size() / 2] ^= 0x55;
  write(bytes.size());
  const auto damaged = all_of(folder.path("file"), 1'000);
  REQUIRE_FALSE(damaged);
  CHECK(damaged.error().code == Errc::data_loss);
}

TEST_CASE("a file that is empty or not there is told") {
  const TemporaryFolder folder;
  std::ofstream(folder.path("empty"));
  const auto empty = all_of(folder.path("empty"), 100);
  require(empty);
  CHECK(empty->empty());
  CHECK(all_of(folder.path("nothing"), 100).error().code == Errc::not_found);
  CHECK(all_of(folder.path(""), 100).error().code == Errc::unavailable);
}
