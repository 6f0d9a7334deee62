// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <random>

#include "files_fixture.hpp"

using namespace telemetry;
using namespace telemetry::test;

namespace {

using Names = std::vector<std::string>;

const FileCompression compressions[] = {FileCompression::none, FileCompression::gzip,
                                        FileCompression::zstd, FileCompression::lz4};

/// Prints a file as its users do.
std::string printed(FileCompression compression, const std::string& path) {
  const char* tool = compression == FileCompression::gzip   ? "gzip -dc "
                     : compression == FileCompression::zstd ? "zstd -qdc "
                     : compression == FileCompression::lz4  ? "lz4 -dc "
                                                            : "cat ";
  return output_of(tool + path);
}

/// A file of three frames, of 100 records each, and where they end.
struct ThreeFrames {
  explicit ThreeFrames(FilesFixture& files) {
    files.open();
    for (int i = 0; i < 3; ++i) {
      files.write_many(100);
      part = files.names().at(0);
      ends.push_back(files.bytes(part).size());
    }
    whole = files.bytes(part);
    files.stop();
    text = files.text();
    std::filesystem::remove(files.path(files.names().at(0)));
    name = part.substr(0, part.size() - 5);
  }
  std::string part, name, whole, text;
  std::vector<std::size_t> ends;
};

}  // namespace

TEST_CASE("the usual tools read every file whole") {
  FilesFixture files;
  files.options.compression =
      GENERATE(from_range(std::begin(compressions), std::end(compressions)));
  files.options.format = GENERATE(FileFormat::jsonl, FileFormat::csv);
  files.open();
  for (int i = 0; i < 5; ++i) files.write_many(700);
  files.stop();
  REQUIRE(files.names().size() == 1);
  const std::string text = printed(files.options.compression, files.path(files.names()[0]));
  CHECK(text == files.text());
  CHECK(std::count(text.begin(), text.end(), '\n') ==
        3'500 + (files.options.format == FileFormat::csv ? 1 : 0));
  if (files.options.compression != FileCompression::gzip) return;
  CHECK(output_of("/usr/bin/python3 -c 'import gzip; print(len(gzip.open(\"" +
                  files.path(files.names()[0]) + "\").read()))'") ==
        std::to_string(text.size()) + "\n");
}

TEST_CASE(
    "what cannot be packed smaller is packed all the same, small and large, again and again") {
  const auto compression = GENERATE(from_range(std::begin(compressions), std::end(compressions)));
  files::Packer packer(compression);
  std::mt19937_64 random(7);
  std::vector<std::uint8_t> all;
  std::string text;
  for (int i = 0; i < 40; ++i) {
    std::string part(static_cast<std::size_t>(random() % (i % 4 == 0 ? 200'000 : 40) + 1), 'x');
    for (char& c : part) c = static_cast<char>(random());
    require(packer.pack(part, all));
    text += part;
  }
  CHECK((unpacked(compression, all) == text));
}

TEST_CASE("a file that was cut anywhere is repaired at open, and the usual tools read it whole") {
  FilesFixture files;
  files.options.compression =
      GENERATE(from_range(std::begin(compressions), std::end(compressions)));
  const ThreeFrames three(files);
  const auto lines = lines_of(three.text);
  std::vector<std::size_t> cuts = {0, 1, 17, three.whole.size()};
  for (const std::size_t end : three.ends) {
    for (const std::size_t cut : {end - 400, end - 9, end - 4, end - 1, end, end + 1, end + 12}) {
      if (cut <= three.whole.size()) cuts.push_back(cut);
    }
  }
  for (const std::size_t cut : cuts) {
    INFO("cut at " << cut);
    files.set_bytes(three.part, three.whole.substr(0, cut));
    require(files.sink->open());
    files.sink->close();
    const std::size_t frames = static_cast<std::size_t>(
        std::count_if(three.ends.begin(), three.ends.end(), [&](auto end) { return end <= cut; }));
    const bool is_text = files.options.compression == FileCompression::none;
    const std::string start = three.whole.substr(0, cut);
    const std::size_t rows =
        is_text ? static_cast<std::size_t>(std::count(start.begin(), start.end(), '\n'))
                : frames * 100;
    if (rows == 0) {
      CHECK(files.names().empty());
      continue;
    }
    REQUIRE(files.names() == Names{three.name});
    std::string expected;
    for (std::size_t i = 0; i < rows; ++i) expected += lines[i] + "\n";
    CHECK(printed(files.options.compression, files.path(three.name)) == expected);
    std::filesystem::remove(files.path(three.name));
  }
}

TEST_CASE("a tail that never reached the disk is cut off: zeros, or one block of many") {
  FilesFixture files;
  files.options.compression =
      GENERATE(from_range(std::begin(compressions), std::end(compressions)));
  const ThreeFrames three(files);
  const std::string tails[] = {
      three.whole.substr(0, three.ends[0]) + std::string(4096, '\0'),
      // The second frame lost a block, the third is there.
      std::string(three.whole).replace(three.ends[0] + 100, 200, std::string(200, '\0')),
      std::string(three.whole).replace(three.ends[0], 8, std::string(8, '\0'))};
  for (const std::string& bytes : tails) {
    files.set_bytes(three.part, bytes);
    require(files.sink->open());
    files.sink->close();
    REQUIRE(files.names() == Names{three.name});
    const auto lines = lines_of(printed(files.options.compression, files.path(three.name)));
    CHECK(lines.size() >= 100);
    CHECK(lines.size() < 200);
    CHECK(std::equal(lines.begin(), lines.end(), lines_of(three.text).begin()));
    std::filesystem::remove(files.path(three.name));
  }
  CHECK_THAT(files.log, Catch::Contains("cut off"));
}

TEST_CASE("a line end inside a CSV cell does not end a record") {
  FilesFixture files;
  files.options.format = FileFormat::csv;
  files.open();
  BatchBuilder builder;
  builder.add_raw("a", "1");
  builder.add_raw("two\nlines", "2");
  files.write(builder.done());
  const std::string part = files.names().at(0);
  const std::string whole = files.bytes(part);
  files.stop();
  std::filesystem::remove(files.path(files.names().at(0)));
  files.set_bytes(part, whole.substr(0, whole.find("two\nlines") + 6));
  require(files.sink->open());
  CHECK(files.text() == whole.substr(0, whole.find("\"two")));
}

TEST_CASE("a file without a record is removed at open, header or not") {
  FilesFixture files;
  files.set_bytes("2026-11-21T120000Z-000001.csv.part",
                  "topic,timestamp,received_at,payload\r\na,b");
  files.set_bytes("2026-11-21T120000Z-000002.jsonl.gz.part", "");
  files.set_bytes("2026-11-21T120000Z-000003.jsonl.part", "{\"topic\"");
  files.open();
  CHECK(files.names().empty());
}

TEST_CASE("files of earlier settings and other people's files are left right") {
  FilesFixture files;
  files.set_bytes("2026-11-21T120000Z-000004.jsonl.part", "{}\n{}\n{\"to");
  files.set_bytes("download.part", "not ours");
  files.options.compression = FileCompression::zstd;
  files.open();
  CHECK(files.names() == Names{"2026-11-21T120000Z-000004.jsonl", "download.part"});
  CHECK(files.bytes("2026-11-21T120000Z-000004.jsonl") == "{}\n{}\n");
}

TEST_CASE("damage that no crash explains is kept as it was found, and said") {
  FilesFixture files;
  std::string damaged = "{}\n" + std::string(1, '\0');
  while (damaged.size() < 9'000'000) damaged += "{\"topic\":\"a\",\"payload\":1}\n";
  files.set_bytes("2026-11-21T120000Z-000001.jsonl.part", damaged);
  files.open();
  CHECK(files.names() == Names{"2026-11-21T120000Z-000001.jsonl.part.damaged"});
  CHECK(files.bytes(files.names()[0]) == damaged);
  CHECK_THAT(files.log, Catch::Contains("damaged in the middle"));
  files.write_at(start_ns);
  CHECK(files.names().size() == 2);
}
