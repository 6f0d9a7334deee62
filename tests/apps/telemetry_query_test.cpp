// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <array>

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

TEST_CASE("query downsamples numbers to the points that a chart needs") {
  const Folder folder;
  auto messages = readings(8);
  for (int i = 0; i < 100; ++i) {
    messages.emplace_back("line", R"({"level":)" + std::to_string(i == 40 ? -7 : i % 5) +
                                      R"(,"on":true,"text":"x"})");
  }
  store(folder, messages);
  const Ran csv = run(folder,
                      "query -c edge.yaml 'sensors/sensor-001/#' --fields temperature --downsample "
                      "100 --tz Europe/Berlin --format csv");
  CHECK(csv.code == 0);
  CHECK_THAT(
      csv.out,
      Catch::StartsWith(
          "time,topic,device,schema,field,unit,value\r\n"
          "2026-10-25T02:30:00+01:00,sensors/sensor-001/temperature,sensor-001,temperature_sensor,"
          "temperature,\xc2\xb0"
          "C,1\r\n") &&
          Catch::EndsWith("temperature,\xc2\xb0"
                          "C,7\r\n"));
  CHECK(rows_of(csv.out) == 5);
  const Ran lines =
      run(folder, "query -c edge.yaml line --fields level --downsample 1 --format jsonl");
  CHECK(rows_of(lines.out) >= 3);
  CHECK(rows_of(lines.out) <= 8);  // of 100 rows
  CHECK_THAT(lines.out, Catch::Contains(R"("topic":"line","device":null,"schema":null,)"
                                        R"("field":"level","unit":null,"value":-7})"));
  CHECK_THAT(run(folder, "query -c edge.yaml line --downsample 1 --json").out,
             Catch::StartsWith("[\n{\"time\":\"") && Catch::EndsWith("}\n]\n") &&
                 Catch::Contains(R"("field":"on","unit":null,"value":1})"));
  const Ran table = run(folder, "query -c edge.yaml line hall --downsample 10");
  CHECK_THAT(table.out, Catch::StartsWith("hall  temperature: 1 of 1 rows\n20") &&
                            Catch::Contains("\n\nline  level: ") &&
                            Catch::Contains(" of 100 rows\n"));
  const Ran few = run(folder, "query -c edge.yaml --downsample 10 --limit 1 --format jsonl");
  CHECK(few.code == 0);
  CHECK_THAT(few.err, Catch::Contains("more than these 1 series"));
  const Ran none = run(folder, "query -c edge.yaml none --downsample 10 --json");
  CHECK(none.out == "[]\n");
  CHECK_THAT(none.err, Catch::Contains("nothing stored matches"));
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

TEST_CASE("query follows what is stored") {
  const Folder folder;
  store(folder, readings(2));
  // What is stored now, and eight more of those that come.
  const std::string command = "cd '" + folder.path("") +
                              "' && " TELEMETRY_BIN_DIR
                              "/telemetry query -c edge.yaml --follow --since 2000-01-01 --limit 9 "
                              "--where 'not value is null or temperature > 0' 2>&1";
  FILE* const follower = popen(command.c_str(), "r");
  REQUIRE(follower != nullptr);
  const auto line = [follower] {
    std::array<char, 512> text{};
    return std::string(fgets(text.data(), text.size(), follower) != nullptr ? text.data() : "");
  };
  std::vector<std::string> lines;
  for (int i = 0; i < 4; ++i) lines.push_back(line());
  store(folder, readings(5));
  for (int i = 0; i < 5; ++i) lines.push_back(line());
  CHECK(line().empty());
  CHECK(pclose(follower) == 0);
  const auto has = [&](std::size_t from, std::size_t to, const std::string& text) {
    return std::any_of(lines.begin() + static_cast<std::ptrdiff_t>(from),
                       lines.begin() + static_cast<std::ptrdiff_t>(to),
                       [&](const std::string& one) { return one.find(text) != one.npos; });
  };
  CHECK(has(0, 4, R"("topic":"hall")"));
  CHECK(has(0, 4, R"("temperature":2)"));
  CHECK_FALSE(has(0, 4, R"("temperature":5)"));
  for (int i = 1; i <= 5; ++i) CHECK(has(4, 9, R"("temperature":)" + std::to_string(i)));
  CHECK_THAT(run(folder, "query -c edge.yaml --follow --order newest").err,
             Catch::Contains("--follow has no end"));
}

// The table in docs/query.md.
TEST_CASE("a question that is wrong is answered with what to write") {
  const Folder folder;
  store(folder, readings(8));
  const auto answer = [&](const std::string& question) {
    CAPTURE(question);
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
  CHECK_THAT(answer("--downsample 10 --limit 201"), Catch::Contains("201 series; 1 to 200"));
  CHECK_THAT(answer("--downsample 0"), Catch::Contains("--downsample"));
  CHECK_THAT(answer("--downsample 10 --latest"), Catch::Contains("--downsample"));
  CHECK_THAT(answer("--schema temperature_sensor --downsample 10 --fields sensor_id"),
             Catch::Contains("'sensor_id' is a string, and a series is of numbers"));
  CHECK_THAT(answer("--after 12"), Catch::Contains(R"("12" is no cursor)"));
}
