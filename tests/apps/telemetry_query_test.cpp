// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "apps/running.hpp"

using namespace running;

namespace {

FixedSource::Messages readings(int count) {
  FixedSource::Messages messages;
  for (int i = 1; i <= count; ++i) {
    messages.emplace_back("sensors/sensor-00" + std::to_string(i % 2) + "/temperature",
                          R"({"sensor_id":"sensor-00)" + std::to_string(i % 2) +
                              R"(","temperature":)" + std::to_string(i) +
                              R"(,"timestamp":"2026-10-25T0)" + std::to_string(i % 4) +
                              ":30:00Z\"}");
  }
  messages.emplace_back("hall", R"({"temperature":21.2,"name":"it"})");
  messages.emplace_back("plug", "ON");
  return messages;
}

std::size_t rows_of(const std::string& text) {
  return static_cast<std::size_t>(std::count(text.begin(), text.end(), '\n'));
}

}  // namespace

TEST_CASE("query aggregates by bucket, group and zone") {
  const Folder folder;
  store(folder, readings(8));
  const Ran all = run(folder, "query -c edge.yaml --agg 'count(),avg(temperature)' --format csv");
  CHECK(all.out == "count(),avg(temperature)\r\n10,6.355555555555556\r\n");
  const Ran hours = run(folder,
                        "query -c edge.yaml 'sensors/#' --agg 'max(temperature)' --every 1h --by "
                        "device --tz Europe/Berlin --format csv --limit 3");
  CHECK(hours.out ==
        "time,device,max(temperature)\r\n2026-10-25T02:00:00+02:00,sensor-000,8\r\n"
        "2026-10-25T02:00:00+01:00,sensor-001,5\r\n2026-10-25T03:00:00+01:00,sensor-000,6\r\n");
  const Ran json = run(folder, "query -c edge.yaml hall --agg 'last(name)' --by topic --json");
  CHECK(json.out == "[\n{\"topic\":\"hall\",\"last(name)\":\"it\"}\n]\n");
  const Ran table = run(folder, "query -c edge.yaml --agg 'count()' --by schema");
  CHECK_THAT(table.out, Catch::Contains("schema              count()\n") &&
                            Catch::Contains("temperature_sensor        8\n"));
}

TEST_CASE("query finds what has no schema, and pages to the end") {
  const Folder folder;
  store(folder, readings(8));
  CHECK(rows_of(run(folder, "query -c edge.yaml --where 'temperature > 7' --format jsonl").out) ==
        2);
  CHECK_THAT(run(folder, "query -c edge.yaml --where 'value = ON' --format jsonl").out,
             Catch::StartsWith(R"({"topic":"plug","payload":"ON",)"));
  std::string after, paged;
  for (int page = 0; page < 20; ++page) {
    const Ran ran =
        run(folder, "query -c edge.yaml --order newest --limit 3 --pages --format jsonl" + after);
    CHECK(ran.code == 0);
    paged += ran.out;
    const std::size_t at = ran.err.find("--after ");
    if (at == std::string::npos) break;
    after = " " + ran.err.substr(at, ran.err.find('\n', at) - at);
  }
  CHECK(paged == run(folder, "query -c edge.yaml --order newest --format jsonl").out);
  CHECK_THAT(run(folder, "query -c edge.yaml hall" + after).err, Catch::Contains("another query"));
}

// The table in docs/query.md.
TEST_CASE("a question that is wrong is answered with what to write") {
  const Folder folder;
  store(folder, readings(8));
  const auto answer = [&](const std::string& question) {
    const Ran ran = run(folder, "query -c edge.yaml " + question);
    CHECK(ran.code == 2);
    CHECK(ran.out.empty());
    return ran.err;
  };
  CHECK_THAT(answer("--agg 'count()' --every 0s"),
             Catch::Contains(R"("0s" is no width of a bucket; write 10s, 15m, 1h, 1d, 1w or 1mo)"));
  CHECK_THAT(answer("'sensors/#' --agg 'count()' --every 1ms"),
             Catch::Contains("10800001 buckets; at most 1000000 are made: take wider buckets"));
  CHECK_THAT(
      answer("'sensors/#' --schema temperature_sensor --agg 'avg(sensor_id)'"),
      Catch::Contains("avg(sensor_id): 'sensor_id' is a string, and only numbers have that"));
  CHECK_THAT(answer("hall --agg 'avg(name)'"),
             Catch::Contains("avg(name): no value of 'name' is a number"));
  CHECK_THAT(answer("--agg median"), Catch::Contains(R"("median" is no list of functions)"));
  CHECK_THAT(answer("--agg 'avg(temprature)'"),
             Catch::Contains("unknown field 'temprature': did you mean 'temperature'?"));
  CHECK_THAT(answer("--tz Europe/Berln"),
             Catch::Contains("unknown time zone 'Europe/Berln': did you mean 'Europe/Berlin'?"));
  CHECK_THAT(answer("--where 'a == 1'"),
             Catch::Contains(R"(condition "a == 1" at byte 3: "==" is no operator)"));
  CHECK_THAT(answer("--every 1h"), Catch::Contains("want --agg"));
  CHECK_THAT(answer("--after 12"), Catch::Contains(R"("12" is no cursor)"));
}
