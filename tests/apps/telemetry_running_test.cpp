// SPDX-License-Identifier: Apache-2.0
// What `telemetry` asks of a telemetry-edge that runs: a real one, whose broker is not there.
#include "apps/card_image.hpp"
#include "apps/running_edge.hpp"

using namespace running;

namespace {

std::string settings(const std::string& more = "") {
  return "mqtt: {broker: 127.0.0.1, port: 1, topics: [\"#\"]}\n"
         "journal: {path: ./data/journal}\n"
         "storage: {backend: sqlite, sqlite: {path: ./data/telemetry.db}}\n"
         "schema: {path: " TELEMETRY_SOURCE_DIR "/examples/schemas}\n" +
         more;
}

}  // namespace

TEST_CASE("a card is imported beside the running logger, once") {
  const Folder folder;
  folder.write("edge.yaml", settings());
  write_card(folder, 20);
  const Edge edge(folder);
  const Ran first = run(folder, "import -c edge.yaml card.img");
  CHECK(first.code == 0);
  CHECK_THAT(first.out, Catch::EndsWith("card.img: 21 messages (1 to 21), 1 break their schema "
                                        "(dead letters)\n"));
  const Ran again = run(folder, "import -c edge.yaml card.img --json");
  CHECK(again.code == 0);
  CHECK_THAT(again.out, Catch::Contains(R"("earlier":21,"messages":0,)"));
  const Ran missing = run(folder, "import -c edge.yaml nothing.img");
  CHECK(missing.code == 2);
  CHECK_THAT(missing.err, Catch::Contains("nothing.img"));
  const Ran status = run(folder, "status -c edge.yaml");
  CHECK(status.code == 0);
  CHECK_THAT(status.out, Catch::Contains("received 21") && Catch::Contains("invalid 1"));
}

TEST_CASE("records are imported beside the running logger, once") {
  const Folder folder;
  folder.write("edge.yaml", settings());
  folder.write("a.jsonl", R"({"topic":"a/b","payload":{"x":1}})"
                          "\n");
  const Edge edge(folder);
  const Ran first = run(folder, "import -c edge.yaml a.jsonl");
  CHECK(first.code == 0);
  CHECK_THAT(first.out, Catch::EndsWith("a.jsonl: 1 messages (1 to 1), 1 without a schema\n"));
  CHECK_THAT(run(folder, "import -c edge.yaml a.jsonl").out,
             Catch::EndsWith("a.jsonl: nothing new, all up to number 1 came earlier\n"));
}

TEST_CASE("a reload is answered: what took effect, or every mistake") {
  const Folder folder;
  folder.write("edge.yaml", settings());
  const Edge edge(folder);
  folder.write("edge.yaml", settings("logging: {level: debug}\n"));
  const Ran done = run(folder, "reload -c edge.yaml");
  CHECK(done.code == 0);
  CHECK_THAT(done.out, Catch::Contains("changed: logging.level"));
  folder.write("edge.yaml", settings("logging: {level: loud}\n"));
  const Ran refused = run(folder, "reload -c edge.yaml");
  CHECK(refused.code == 2);
  folder.write("edge.yaml", settings("journal_size: 3\n"));
  CHECK(run(folder, "reload -c edge.yaml").code == 2);
}

TEST_CASE("without a running logger status and reload say so") {
  const Folder folder;
  folder.write("edge.yaml", settings());
  for (const char* command : {"status", "reload"}) {
    const Ran ran = run(folder, std::string(command) + " -c edge.yaml");
    CHECK(ran.code == 2);
    CHECK_THAT(ran.err, Catch::Contains("data/journal: no running program holds it"));
  }
}
