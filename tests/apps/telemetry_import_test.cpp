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
