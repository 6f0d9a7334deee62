// SPDX-License-Identifier: Apache-2.0
#include "apps/running.hpp"

using namespace running;

namespace {

/// Three kinds of messages on one topic, and a schema for all topics.
void furnish(const Folder& folder) {
  std::filesystem::create_directory(folder.path("s"));
  const auto schema = [&](const std::string& name, const std::string& rest) {
    folder.write("s/" + name + ".yaml", "name: " + name + "\n" + rest);
  };
  schema("alarm",
         "topic_pattern: van/+\nwhen: kind = alarm\nfields:\n  - {name: kind, type: string}\n"
         "  - {name: code, type: integer, max: 9}\n");
  schema("place",
         "topic_pattern: van/+\nwhen: not at is null\npayload: {form: csv, columns: [at, lat]}\n"
         "fields:\n  - {name: at, type: integer}\n  - {name: lat, type: float}\n");
  schema("rest",
         "topic_pattern: van/+\ndrop: empty\nvalidation: {allow_extra_fields: true}\n"
         "fields:\n  - {name: kind, type: string}\n");
  schema("all",
         "topic_pattern: \"#\"\npayload: text\nfields:\n"
         "  - {name: text, type: string, from: value}\n");
}

Ran which(const Folder& folder, const std::string& words) {
  return run(folder, "schema which --path s " + words);
}

}  // namespace

TEST_CASE("schema which shows in which order schemas are asked, with their conditions") {
  const Folder folder;
  furnish(folder);
  const Ran ran = which(folder, "van/7");
  CHECK(ran.code == 0);
  CHECK(ran.out ==
        "van/7: alarm 1.0 (van/+, s/alarm.yaml): when \"kind\" = alarm\n"
        "van/7: place 1.0 (van/+, s/place.yaml): when not (\"at\" is null)\n"
        "van/7: rest 1.0 (van/+, s/rest.yaml): takes what is left\n"
        "van/7: all 1.0 (#, s/all.yaml), less specific\n");
}

TEST_CASE("schema which --payload explains each answer up to the schema that takes it") {
  const Folder folder;
  furnish(folder);
  const Ran first = which(folder, R"(van/7 --payload '{"kind":"alarm","code":4}')");
  CHECK(first.code == 0);
  CHECK(first.out ==
        "van/7: alarm 1.0 takes it: 1 reading\n"
        "  alarm 1.0 (van/+, s/alarm.yaml): takes it, for \"kind\" = alarm\n"
        "  place 1.0 (van/+, s/place.yaml): not asked\n"
        "  rest 1.0 (van/+, s/rest.yaml): not asked\n"
        "  all 1.0 (#, s/all.yaml), less specific\n");
  folder.write("rows.csv", "5,52.1\n6,52.2\n");
  const Ran second = which(folder, "van/7 --payload @rows.csv");
  CHECK_THAT(second.out,
             Catch::StartsWith("van/7: place 1.0 takes it: 2 readings\n"
                               "  alarm 1.0 (van/+, s/alarm.yaml): cannot read it: the payload ") &&
                 Catch::Contains("  place 1.0 (van/+, s/place.yaml): takes it, for not "));
  const Ran last = which(folder, R"(van/7 --payload '{"kind":"x"}')");
  CHECK_THAT(last.out, Catch::StartsWith("van/7: rest 1.0 takes it: 1 reading\n") &&
                           Catch::Contains(
                               "  alarm 1.0 (van/+, s/alarm.yaml): not met: \"kind\" = alarm\n") &&
                           Catch::Contains("s/place.yaml): cannot read it: csv: ") &&
                           Catch::Contains("  rest 1.0 (van/+, s/rest.yaml): takes it\n"));
}

TEST_CASE("schema which --payload says what becomes of it: refused and dropped included") {
  const Folder folder;
  furnish(folder);
  const Ran ran =
      which(folder, R"(van/7 other --payload '{"kind":"alarm","code":10}' --payload '')");
  CHECK(ran.code == 0);
  CHECK_THAT(ran.out, Catch::StartsWith("van/7: alarm 1.0 takes it: 1 reading, 1 invalid\n") &&
                          Catch::Contains("van/7: rest 1.0 drops it\n") &&
                          Catch::Contains("other: all 1.0 takes it: 1 reading\n"));
  std::filesystem::remove(folder.path("s/all.yaml"));
  std::filesystem::remove(folder.path("s/rest.yaml"));
  const Ran none = which(folder, "van/7 --payload x");
  CHECK(none.code == 1);
  CHECK_THAT(none.out, Catch::StartsWith("van/7: no schema takes it\n"));
}

TEST_CASE("schema which --json has the same") {
  const Folder folder;
  furnish(folder);
  CHECK_THAT(which(folder, "van/7 --json").out,
             Catch::StartsWith(R"({"topic":"van/7","schemas":[{"name":"alarm","version":"1.0",)") &&
                 Catch::Contains(R"("when":"\"kind\" = alarm","asked":true},{"name":"place")") &&
                 Catch::Contains(R"("when":null,"asked":false}]})"));
  const Ran taken = which(folder, R"(van/7 --json --payload '{"kind":"x"}')");
  CHECK_THAT(taken.out,
             Catch::Contains(R"("when":"\"kind\" = alarm","asked":true,"takes":false},)") &&
                 Catch::Contains(R"("takes":false,"refusal":"csv: )") &&
                 Catch::Contains(R"("when":null,"asked":true,"takes":true},)") &&
                 Catch::EndsWith(R"("taken_by":"rest","outcome":"valid","readings":1,"invalid":0})"
                                 "\n"));
  CHECK_THAT(which(folder, "van/7 --json --payload ''").out,
             Catch::Contains(R"("taken_by":"rest","outcome":"dropped","readings":0)"));
}

TEST_CASE("schema which names a payload file that cannot be read") {
  const Folder folder;
  furnish(folder);
  const Ran ran = which(folder, "van/7 --payload @none");
  CHECK(ran.code == 2);
  CHECK(ran.err == "telemetry: none: cannot read it: No such file or directory\n");
  CHECK(which(folder, "van/7 --payload @s").err ==
        "telemetry: s: cannot read it: Is a directory\n");
}
