// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "apps/running.hpp"

using namespace running;

TEST_CASE("query prints stored rows as a table, oldest first") {
  const Folder folder;
  store(folder, some_messages());
  const Ran ran = run(folder, "query --config edge.yaml 'sensors/#'");
  CHECK(ran.err.empty());
  CHECK(ran.code == 0);
  CHECK_THAT(ran.out, Catch::StartsWith("topic                           timestamp             "));
  CHECK(std::count(ran.out.begin(), ran.out.end(), '\n') == 5);
  CHECK(ran.out.find("sensor-002/temperature") < ran.out.find("23.51"));
}

TEST_CASE("query prints one record of the fixed shape a line as JSONL") {
  const Folder folder;
  store(folder, some_messages());
  const Ran ran = run(folder, "query -c edge.yaml sensors/sensor-001/temperature --format jsonl");
  CHECK(ran.code == 0);
  CHECK_THAT(ran.out, Catch::StartsWith(R"({"topic":"sensors/sensor-001/temperature","payload":)"
                                        R"({"temperature":21.5)") &&
                          Catch::Contains(R"("sensor_id":"sensor-001","timestamp":)"
                                          R"("2026-11-20T08:00:00Z","seq":1},)"
                                          R"("timestamp":"2026-11-20T08:00:00Z","received_at":")"));
  CHECK(std::count(ran.out.begin(), ran.out.end(), '\n') == 2);
}

TEST_CASE("query takes times, conditions, fields, order and limit") {
  const Folder folder;
  store(folder, some_messages());
  const auto csv = [&](const std::string& arguments) {
    const Ran ran =
        run(folder, "query -c edge.yaml --format csv --fields temperature " + arguments);
    CHECK(ran.err == "");
    CHECK(ran.code == 0);
    std::string values;  // the last column
    for (std::size_t at = ran.out.find('\n') + 1; at < ran.out.size();) {
      const std::size_t end = ran.out.find('\r', at);
      const std::size_t comma = ran.out.rfind(',', end);
      values += ran.out.substr(comma + 1, end - comma - 1) + " ";
      at = end + 2;
    }
    return values;
  };
  CHECK(csv("'sensors/#'") == "21.5 35.25 23.51 ");
  CHECK(csv("'sensors/#' --order newest --limit 2") == "23.51 35.25 ");
  CHECK(csv("'sensors/#' --where 'temperature > 22' --where 'temperature < 30'") == "23.51 ");
  CHECK(csv("'sensors/#' --where \"sensor_id = 'sensor-002'\"") == "35.25 ");
  CHECK(csv("'sensors/#' --since 2026-11-20T08:00:01Z") == "35.25 23.51 ");
  CHECK(csv("'sensors/#' --start 2026-11-20 --end 2026-11-20T09:00:00Z") == "21.5 35.25 ");
  CHECK(csv("--schema temperature_sensor --limit 1") == "21.5 ");
  CHECK(csv("--latest 'sensors/#'") == "23.51 35.25 ");
}

namespace {

FixedSource::Messages messages_of_three_schemas() {
  return {{"iot/ac/ac-1/telemetry",
           R"({"device_id":"ac-1","timestamp":"2026-11-20T08:00:00Z","seq":1,"frequency":50.01,)"
           R"("phases":{"l1":{"voltage":230.4,"current":3.2,"power":700.1}},"energy_import":1.5})"},
          {"iot/ac/ac-1/telemetry",
           R"({"device_id":"ac-1","timestamp":"2026-11-20T08:00:01Z","seq":2,"frequency":50.02,)"
           R"("phases":{"l1":{"voltage":229.5,"current":3.2,"power":699.1}},"energy_import":1.6})"},
          {"sensors/sensor-001/temperature",
           R"({"sensor_id":"sensor-001","temperature":21.5,"timestamp":"2026-11-20T08:00:00Z"})"},
          {"other/topic", "on"}};
}

std::string header_of(const std::string& text) {
  return text.substr(0, text.find_first_of("\r\n"));
}

}  // namespace

TEST_CASE("query shows the members of an object that is named, with --latest too") {
  const Folder folder;
  store(folder, messages_of_three_schemas());
  for (const std::string latest : {"", "--latest "}) {
    const std::string csv =
        run(folder,
            "query -c edge.yaml 'iot/ac/#' --format csv --fields phases,frequency " + latest)
            .out;
    CHECK(header_of(csv) ==
          "topic,timestamp,received_at,device,retained,phases.l1.voltage,phases.l1.current,phases."
          "l1.power,"
          "frequency");
    CHECK_THAT(csv, Catch::Contains(",ac-1,,229.5,3.2,699.1,50.02\r\n"));
    CHECK_THAT(run(folder, "query -c edge.yaml 'iot/ac/#' --fields phases.l1 --json " + latest).out,
               Catch::Contains(
                   R"("payload":{"phases":{"l1":{"voltage":229.5,"current":3.2,"power":699.1}}})"));
    const Ran unknown = run(folder, "query -c edge.yaml --fields phasse " + latest);
    CHECK(unknown.code == 2);
    CHECK(unknown.out.empty());
    CHECK_THAT(unknown.err, Catch::Contains("unknown field 'phasse'"));
    CHECK(run(folder, "query -c edge.yaml --fields a,,b " + latest).code == 2);
  }
}

TEST_CASE("query --latest prints a table for each schema, other formats one list") {
  const Folder folder;
  store(folder, messages_of_three_schemas());
  const Ran tables = run(folder, "query -c edge.yaml --latest");
  CHECK(tables.code == 0);
  CHECK_THAT(tables.out, Catch::StartsWith("power_meter_ac:\ntopic ") &&
                             Catch::Contains("\n\ntemperature_sensor:\ntopic ") &&
                             Catch::Contains("  device      temperature  ") &&
                             Catch::Contains("\n\nwithout schema:\ntopic "));
  CHECK(std::count(tables.out.begin(), tables.out.end(), '\n') == 3 * 4 + 2);
  const Ran csv = run(folder, "query -c edge.yaml --latest --format csv");
  CHECK(std::count(csv.out.begin(), csv.out.end(), '\n') == 4);
  CHECK_THAT(run(folder, "query -c edge.yaml --latest 'sensors/#'").out,
             Catch::StartsWith("topic "));
}

TEST_CASE("query finds undeclared devices by the topic's and fields by quoted names") {
  const Folder folder;
  store(folder, messages_of_three_schemas());
  const auto lines = [&](const std::string& where) {
    const Ran ran = run(folder, "query -c edge.yaml --format jsonl --where '" + where + "'");
    CHECK(ran.code == 0);
    return std::count(ran.out.begin(), ran.out.end(), '\n');
  };
  CHECK(lines("device = ac-1") == 2);
  CHECK(lines("\"device_id\" = \"ac-1\"") == 2);
  CHECK(lines("phases.l1.voltage > 230") == 1);
  CHECK(lines("\"phases\".\"l1\".voltage > 230") == 1);
}

TEST_CASE("query shows text payloads without letting them command the terminal") {
  const Folder folder;
  store(folder, some_messages());
  const Ran table = run(folder, "query -c edge.yaml other/topic");
  CHECK_THAT(table.out, Catch::Contains("on \\x1b[31m"));
  CHECK(table.out.find('\x1b') == std::string::npos);
  CHECK_THAT(run(folder, "query -c edge.yaml other/topic --json").out,
             Catch::Contains(R"("payload":"on \u001b[31m")"));
}

TEST_CASE("query that finds nothing says so and is no failure") {
  const Folder folder;
  store(folder, some_messages());
  const Ran ran = run(folder, "query -c edge.yaml nothing/here --json");
  CHECK(ran.code == 0);
  CHECK(ran.out == "[]\n");
  CHECK(ran.err == "telemetry: nothing stored matches\n");
}

TEST_CASE("wrong usage is one clear line and exit code 2") {
  const Folder folder;
  store(folder, some_messages());
  const auto refused = [&](const std::string& arguments, const std::string& why) {
    const Ran ran = run(folder, arguments);
    INFO(arguments);
    CHECK(ran.code == 2);
    CHECK(ran.out.empty());
    CHECK_THAT(ran.err, Catch::StartsWith("telemetry: ") && Catch::Contains(why));
    CHECK(std::count(ran.err.begin(), ran.err.end(), '\n') == 1);
  };
  refused("", "name a command: query, export, config,");
  refused("--nonsense", "unknown option --nonsense");
  refused("quary", "unknown command quary (did you mean query?)");
  refused("config chek x", "unknown command chek (did you mean check?)");
  refused("query --limit many", "--limit");
  refused("query --limit -3", "--limit \"-3\": write a whole number");
  refused("query --format xml", "--format \"xml\": write table, csv, json or jsonl");
  refused("query --limti 3", "unknown option --limti (did you mean --limit?)");
  refused("query --latest --limit 5 --pages", "--pages wants --limit");
  refused("query -c edge.yaml 'a/#/b'", "\"a/#/b\" is not a topic filter");
  refused("query -c edge.yaml --since yesterday", "\"yesterday\" is no time");
  refused("query -c edge.yaml --where 'temperature'", "no operator follows \"temperature\"");
  refused("query -c edge.yaml --since 1h --until 2h", "ends before it begins");
  refused("query -c edge.yaml --fields temprature 'sensors/#'", "temprature");
  refused("query -c edge.yaml --set mqtt", "KEY=VALUE");
  refused("query -c missing.yaml", "missing.yaml");
  refused("query -c edge.yaml --set storage.sqlite.path=none.db", "none.db");
  refused("schema which 'a/#'", "is not a topic");
  refused("journal check nowhere", "nowhere");
  refused("journal dump data/journal --topic a/#/b", "is not a topic filter");
}

TEST_CASE("a reader that leaves early ends the output quietly") {
  const Folder folder;
  FixedSource::Messages messages;
  for (int i = 0; i < 20'000; ++i) messages.emplace_back("a/" + std::to_string(i % 7), "text");
  store(folder, std::move(messages));
  for (const char* format : {"table", "csv", "json", "jsonl"}) {
    const Ran ran =
        run(folder, std::string("query -c edge.yaml --format ") + format, "| head -n 1");
    CHECK(ran.code == 0);
    CHECK(ran.err.empty());
    CHECK(std::count(ran.out.begin(), ran.out.end(), '\n') == 1);
  }
  CHECK(run(folder, "journal dump data/journal", "| head -n 1").code == 0);
}

TEST_CASE("an output that cannot be written is a failure") {
  const Folder folder;
  store(folder, some_messages());
  const Ran ran = run(folder, "query -c edge.yaml >/dev/full");
  CHECK(ran.code == 1);
  CHECK(ran.err == "telemetry: cannot write the output: No space left on device\n");
}

TEST_CASE("schema check lists what is good and names every mistake of what is not") {
  const Folder folder;
  const Ran good = run(folder, "schema check " TELEMETRY_SOURCE_DIR "/examples/schemas");
  CHECK(good.code == 0);
  CHECK_THAT(good.out,
             Catch::Contains("temperature_sensor 1.0, 5 fields, for sensors/+/temperature"));
  folder.write("bad.yaml",
               "name: x\nversion: \"1.0\"\ntopic_pattern: a/b\n"
               "fields:\n  - {name: a, type: flaot}\n  - {nane: b, type: float}\n");
  const Ran bad = run(folder, "schema check bad.yaml");
  CHECK(bad.code == 2);
  CHECK_THAT(bad.err, Catch::Contains("bad.yaml:5:") && Catch::Contains("bad.yaml:6:"));
  const Ran json = run(folder, "schema check bad.yaml --json");
  CHECK(json.code == 2);
  CHECK_THAT(json.out,
             Catch::StartsWith(R"({"ok":false,"schemas":[],"diagnostics":[{"severity":)"));
}

TEST_CASE("a mistake of a schema is told once, also where two paths lead to it") {
  const Folder folder;
  folder.write("bad.yaml", "name: x\ntopic_pattern: a/b\nfields: [{name: a, type: flaot}]\n");
  const std::string mistake = "bad.yaml:3:26: error: field 'a': unknown type 'flaot'";
  for (const char* arguments : {"schema check bad.yaml bad.yaml", "schema check bad.yaml ./",
                                "schema which a/b --path bad.yaml", "schema diff bad.yaml bad.yaml",
                                "schema test bad.yaml '{}'"}) {
    INFO(arguments);
    const std::string err = run(folder, arguments).err;
    INFO(err);
    const std::size_t first = err.find(mistake);
    CHECK(first != std::string::npos);
    CHECK(err.find(mistake, first + 1) == std::string::npos);
  }
}

TEST_CASE("schema which names the judging schema, and fails when there is none") {
  const Folder folder;
  const std::string path = " --path " TELEMETRY_SOURCE_DIR "/examples/schemas";
  const Ran found = run(folder, "schema which sensors/sensor-001/temperature" + path);
  CHECK(found.code == 0);
  CHECK_THAT(found.out,
             Catch::StartsWith("sensors/sensor-001/temperature: temperature_sensor 1.0 ("));
  const Ran none = run(folder, "schema which a/b" + path);
  CHECK(none.code == 1);
  CHECK(none.out == "a/b: no schema\n");
}

TEST_CASE("version prints the version, also as JSON") {
  const Folder folder;
  CHECK_THAT(run(folder, "version").out, Catch::StartsWith("telemetry 0."));
  CHECK_THAT(run(folder, "version --json").out, Catch::StartsWith(R"({"version":"0.)"));
  CHECK(run(folder, "--version").code == 0);
}
