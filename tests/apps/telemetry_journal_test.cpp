// SPDX-License-Identifier: Apache-2.0
#include "apps/running.hpp"

using namespace running;

namespace {
std::filesystem::path first_segment(const Folder& folder) {
  for (const auto& entry : std::filesystem::directory_iterator(folder.path("data/journal"))) {
    if (entry.path().extension() == ".tlj") return entry.path();
  }
  FAIL("no segment");
  return {};
}

// Changes the payload byte behind `text` in the segment.
void damage(const std::filesystem::path& segment, const std::string& text) {
  std::string bytes = read(segment);
  const std::size_t at = bytes.find(text);
  REQUIRE(at != std::string::npos);
  bytes[at] ^= 1;
  std::ofstream(segment, std::ios::binary) << bytes;
}
}  // namespace

TEST_CASE("journal check counts the messages of a good journal, by folder or by configuration") {
  const Folder folder;
  store(folder, some_messages());
  const Ran ran = run(folder, "journal check data/journal");
  CHECK(ran.err.empty());
  CHECK(ran.code == 0);
  CHECK_THAT(ran.out, Catch::Contains("segments, 5 messages, ") && Catch::EndsWith(": ok\n"));
  CHECK(run(folder, "journal check -c edge.yaml").out ==
        run(folder, "journal check ./data/journal").out);
  CHECK_THAT(run(folder, "journal check data/journal --json").out,
             Catch::StartsWith(R"({"ok":true,"segments":[{"file":)"));
}

TEST_CASE("journal check fails on damage, repair mends it, and keeps the damaged segment") {
  const Folder folder;
  store(folder, some_messages());
  damage(first_segment(folder), "35.25");
  const Ran damaged = run(folder, "journal check data/journal");
  CHECK(damaged.code == 1);
  CHECK_THAT(damaged.out, Catch::Contains("damaged"));
  CHECK(run(folder, "journal repair data/journal").code == 0);
  const Ran mended = run(folder, "journal check data/journal");
  CHECK(mended.code == 0);
  CHECK_THAT(mended.out, Catch::Contains("4 messages"));
  CHECK_FALSE(std::filesystem::is_empty(folder.path("data/journal/quarantine")));
  CHECK_THAT(run(folder, "journal repair data/journal").out, Catch::Contains("nothing to repair"));
}

TEST_CASE("a folder without a journal is said to have none, and nothing is made in it") {
  const Folder folder;
  std::filesystem::create_directory(folder.path("empty"));
  folder.write("edge.yaml", "journal: {path: ./empty}\n");
  for (const char* command : {"check", "dump", "repair", "check --json"}) {
    for (const char* where : {" empty", " -c edge.yaml"}) {
      const Ran ran = run(folder, std::string("journal ") + command + where);
      CHECK(ran.code == 2);
      CHECK(ran.out.empty());
      CHECK_THAT(ran.err, Catch::Contains("empty: no journal there"));
    }
  }
  CHECK(std::filesystem::is_empty(folder.path("empty")));
}

TEST_CASE("journal repair names the quarantine only when something went there") {
  const Folder folder;
  store(folder, some_messages());
  const std::filesystem::path segment = first_segment(folder);
  std::ofstream(segment, std::ios::binary | std::ios::app) << "torn";
  const Ran cut = run(folder, "journal repair data/journal");
  CHECK(cut.code == 0);
  CHECK_THAT(cut.out, Catch::EndsWith("repaired; torn ends were cut, nothing was damaged\n"));
  CHECK_FALSE(std::filesystem::exists(folder.path("data/journal/quarantine")));
  damage(segment, "35.25");
  CHECK_THAT(run(folder, "journal repair data/journal").out,
             Catch::EndsWith("repaired; the damaged segments are in quarantine/\n"));
}

TEST_CASE("journal dump prints frames, those of a filter, and as JSON") {
  const Folder folder;
  store(folder, some_messages());
  const Ran all = run(folder, "journal dump data/journal");
  CHECK(all.code == 0);
  CHECK_THAT(all.out, Catch::Contains("message valid") &&
                          Catch::Contains("message invalid (max)") &&
                          Catch::Contains(R"("on \u001b[31m")"));
  const Ran other = run(folder, "journal dump data/journal --topic 'other/#' --json");
  CHECK_THAT(other.out, Catch::StartsWith(R"({"sequence":)") &&
                            Catch::Contains(R"("kind":"message","topic":"other/topic")") &&
                            Catch::Contains(R"("verdict":"unmatched","reason":"no_schema")"));
  CHECK(std::count(other.out.begin(), other.out.end(), '\n') == 1);
  CHECK_THAT(all.out, !Catch::Contains(" schema ") && !Catch::Contains(" snapshot "));
  CHECK_THAT(run(folder, "journal dump data/journal --all").out,
             Catch::Contains(" schema ") && Catch::Contains("message valid"));
  const Ran two = run(folder, "journal dump data/journal --limit 2");
  CHECK(std::count(two.out.begin(), two.out.end(), '\n') == 2);
}

TEST_CASE("dead letters are a journal like any other") {
  const Folder folder;
  store(folder, some_messages());
  const Ran ran = run(folder, "journal dump data/dead_letters --topic '#' --json");
  CHECK(ran.code == 0);
  CHECK_THAT(ran.out, Catch::Contains(R"("verdict":"invalid","reason":"max")") &&
                          Catch::Contains(R"("problems":[{"path":"/temperature","rule":"max",)") &&
                          Catch::Contains(R"("allowed":"max 150","message":")"));
  CHECK_THAT(run(folder, "journal dump data/dead_letters").out,
             Catch::Contains("/temperature: ") && Catch::Contains(" is above max 150\n"));
}
