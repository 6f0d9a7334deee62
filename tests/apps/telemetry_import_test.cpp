// SPDX-License-Identifier: Apache-2.0
#include <sys/stat.h>

#include "apps/card_image.hpp"

using namespace running;

TEST_CASE("import stores what is on a card once, and says what it did") {
  const Folder folder;
  store(folder, {});
  write_card(folder, 20);
  const Ran first = run(folder, "import -c edge.yaml card.img");
  CHECK_THAT(first.err, Catch::Contains("invalid message 21 on iot/meter-1/status"));
  CHECK(first.code == 0);
  CHECK(first.out == "card.img: 21 messages (1 to 21), 1 break their schema (dead letters)\n");
  const Ran again = run(folder, "import -c edge.yaml card.img --json");
  CHECK(again.code == 0);
  CHECK_THAT(again.out, Catch::Contains(R"("earlier":21,"messages":0,)"));
  const Ran rows = run(folder, "query -c edge.yaml 'iot/+/status' --format jsonl", "| wc -l");
  CHECK(rows.out == "20\n");
}

TEST_CASE("import refuses what is no card by name and stores the others") {
  const Folder folder;
  store(folder, {});
  write_card(folder, 3);
  folder.write("blank.img", std::string(65'536, '\0'));
  const Ran ran = run(folder, "import -c edge.yaml blank.img card.img nothing.img");
  CHECK(ran.code == 2);
  CHECK_THAT(ran.err,
             Catch::Contains("blank.img: no card journal there") && Catch::Contains("nothing.img"));
  CHECK_THAT(ran.out, Catch::Contains("card.img: 4 messages"));
}

TEST_CASE("import refuses what is no file before it waits for it") {
  const Folder folder;
  store(folder, {});
  REQUIRE(mkfifo(folder.path("pipe").c_str(), 0600) == 0);
  const Ran ran = run(folder, "import -c edge.yaml pipe");
  CHECK(ran.code == 2);
  CHECK_THAT(ran.err, Catch::Contains("pipe: not a regular file"));
}

namespace {

/// A configuration with data of its own.
void write_settings(const Folder& folder, const std::string& name) {
  folder.write(name + ".yaml",
               "journal: {path: ./" + name + "/journal}\ndead_letters: {path: ./" + name +
                   "/dead}\nstorage: {backend: sqlite, sqlite: {path: ./" + name +
                   "/telemetry.db}}\nschema: {path: " TELEMETRY_SOURCE_DIR "/examples/schemas}\n");
}

}  // namespace

TEST_CASE("import takes the card's folder, too") {
  const Folder folder;
  store(folder, {});
  write_card(folder, 20);
  const std::string image = read(folder.path("card.img"));
  std::filesystem::create_directory(folder.path("card"));
  folder.write("card/TLMCARD.TLC", image.substr(0, 512));
  folder.write("card/CURSOR1.TLC", image.substr(512, 512));
  folder.write("card/CURSOR2.TLC", image.substr(1'024, 512));
  for (std::size_t at = 8 * 512, area = 0; at + 16 * 512 <= image.size(); at += 16 * 512, ++area) {
    char name[32];
    std::snprintf(name, sizeof name, "card/SEG%05zX.TLJ", area);
    folder.write(name, image.substr(at, 16 * 512));
  }
  const Ran ran = run(folder, "import -c edge.yaml card");
  INFO(ran.err);
  CHECK(ran.code == 0);
  CHECK_THAT(ran.out, Catch::StartsWith("card: 21 messages"));
}

TEST_CASE("what query has written is imported elsewhere, and query writes the same again") {
  const Folder folder;
  auto messages = some_messages();
  // In the order of their times: journals keep no time of receipt that goes back.
  messages.insert(
      messages.begin(),
      {"f2/f2-001/raw", R"({"device_id":"f2-001","temperature":"27.93 °C","channels":[1,2],)"
                        R"("timestamp":1795000000,"seq":17})"});
  messages.emplace_back("other/bytes", std::string("\xff\x00", 2));
  messages.emplace_back("other/json", R"({"a":[1,2.50],"b":"x,y"})");
  store(folder, std::move(messages));
  for (const std::string format : {"jsonl", "csv"}) {
    INFO(format);
    const std::string file = "all." + format;
    const std::string wanted = run(folder, "query -c edge.yaml --format " + format).out;
    folder.write(file, wanted);
    write_settings(folder, format);
    const Ran first = run(folder, "import -c " + format + ".yaml " + file);
    INFO(first.err);
    CHECK(first.code == 0);
    CHECK(first.out == file + ": 7 messages (1 to 7), 3 without a schema\n");
    CHECK(run(folder, "query -c " + format + ".yaml --format " + format).out == wanted);
    REQUIRE(std::system(("gzip -k " + folder.path(file)).c_str()) == 0);
    const Ran again = run(folder, "import -c " + format + ".yaml " + file + ".gz");
    CHECK(again.code == 0);
    CHECK(again.out == file + ".gz: nothing new, all up to number 7 came earlier\n");
    CHECK(run(folder, "query -c " + format + ".yaml --format " + format).out == wanted);
  }
}

TEST_CASE("import refuses a part of a packed file and a table without topics, with the remedy") {
  const Folder folder;
  store(folder, {});
  folder.write("all.jsonl", R"({"topic":"a","payload":1})");
  REQUIRE(std::system(("gzip " + folder.path("all.jsonl")).c_str()) == 0);
  const std::string packed = read(folder.path("all.jsonl.gz"));
  folder.write("part.jsonl.gz", packed.substr(0, packed.size() - 4));
  const Ran part = run(folder, "import -c edge.yaml part.jsonl.gz");
  CHECK(part.code == 1);
  CHECK_THAT(part.err, Catch::Contains("part.jsonl.gz: its compressed text ends too early"));
  folder.write("table.csv", "time,value\n1,2\n");
  const Ran table = run(folder, "import -c edge.yaml table.csv");
  CHECK(table.code == 2);
  CHECK_THAT(table.err, Catch::Contains("table.csv: no column \"topic\" in its first line"));
}
