// SPDX-License-Identifier: Apache-2.0
#include "apps/running.hpp"

using namespace running;

namespace {

FixedSource::Messages readings() {
  FixedSource::Messages messages;
  for (int i = 1; i <= 5; ++i) {
    messages.emplace_back("sensors/sensor-001/temperature",
                          R"({"sensor_id":"sensor-001","temperature":)" + std::to_string(i) + "}");
  }
  messages.emplace_back("hall", R"({"door":true})");
  return messages;
}

}  // namespace

TEST_CASE("export writes what query shows, into a file that appears whole") {
  const Folder folder;
  store(folder, readings());
  const Ran ran = run(folder, "export -c edge.yaml -o all.jsonl");
  CHECK(ran.code == 0);
  CHECK_THAT(ran.err, Catch::Contains("all.jsonl: 6 rows"));
  CHECK(read(folder.path("all.jsonl")) == run(folder, "query -c edge.yaml --format jsonl").out);
  CHECK(run(folder, "export -c edge.yaml -o all.json").code == 0);
  CHECK(read(folder.path("all.json")) == run(folder, "query -c edge.yaml --json").out);
  for (const char* left : {"all.jsonl.part", "all.jsonl.part.state", "all.jsonl.part.lock"}) {
    CHECK_FALSE(std::filesystem::exists(folder.path(left)));
  }
  const Ran out = run(folder, "export -c edge.yaml hall --fields door");
  CHECK_THAT(out.out,
             Catch::StartsWith("topic,timestamp,received_at,device,retained,door\r\nhall,"));
  CHECK_THAT(out.out, Catch::EndsWith(",true\r\n"));
  const Ran json = run(folder, "export -c edge.yaml -o one.csv --limit 1");
  CHECK(json.code == 2);  // an export is whole
}

TEST_CASE("the columns of an exported CSV are those of the schemas, known before the rows") {
  const Folder folder;
  store(folder, readings());
  CHECK(run(folder, "export -c edge.yaml -o all.csv").code == 0);
  const std::string csv = read(folder.path("all.csv"));
  CHECK_THAT(csv,
             Catch::StartsWith("topic,timestamp,received_at,device,retained,temperature,humidity,"
                               "sensor_id,"));
  CHECK_THAT(csv, Catch::Contains(",payload\r\n"));
  const Ran one = run(folder, "export -c edge.yaml 'sensors/#'");
  CHECK_THAT(one.out, !Catch::Contains("payload"));
}

TEST_CASE("export packs, and does not replace what is there") {
  const Folder folder;
  store(folder, readings());
  CHECK(run(folder, "export -c edge.yaml -o all.csv").code == 0);
  for (const auto& [name, unpack] : {std::pair("all.csv.gz", "gzip -dc all.csv.gz"),
                                     std::pair("all.csv.zst", "zstd -dcq all.csv.zst")}) {
    CHECK(run(folder, std::string("export -c edge.yaml -o ") + name).code == 0);
    const std::string same = "cd '" + folder.path("") + "' && " + unpack + " | cmp - all.csv";
    CHECK(std::system(same.c_str()) == 0);
  }
  const Ran again = run(folder, "export -c edge.yaml -o all.csv");
  CHECK(again.code == 2);
  CHECK_THAT(again.err, Catch::Contains("all.csv exists; take another name, or --force"));
  CHECK(run(folder, "export -c edge.yaml hall -o all.csv --force").code == 0);
  CHECK_THAT(read(folder.path("all.csv")), Catch::Contains("hall,"));
  folder.write("part.csv.part", "something");
  folder.write("part.csv.part.state", "telemetry-export 1\n0000000000000000\nx\n5 0\n");
  const Ran other = run(folder, "export -c edge.yaml -o part.csv");
  CHECK(other.code == 2);
  CHECK_THAT(other.err, Catch::Contains("part.csv.part is a part of another export"));
  CHECK(run(folder, "export -c edge.yaml -o part.csv --force").code == 0);
  CHECK(read(folder.path("part.csv")).starts_with("topic,"));
}
