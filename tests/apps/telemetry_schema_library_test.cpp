// SPDX-License-Identifier: Apache-2.0
#include <filesystem>

#include "apps/running.hpp"

using namespace running;
namespace fs = std::filesystem;

namespace {

const std::string devices = TELEMETRY_SOURCE_DIR "/examples/devices";
const std::string library = "schema library ";

std::vector<std::string> names_in(const fs::path& folder) {
  std::vector<std::string> names;
  for (const auto& entry : fs::directory_iterator(folder))
    names.push_back(entry.path().stem().string());
  std::sort(names.begin(), names.end());
  return names;
}

}  // namespace

TEST_CASE("schema library list has each folder of examples/devices, with its source and topics") {
  const Folder folder;
  const Ran text = run(folder, library + "list");
  const Ran json = run(folder, library + "list --json");
  CHECK(text.code == 0);
  CHECK(json.code == 0);
  const auto families = names_in(devices);
  REQUIRE(families.size() >= 9);
  for (const std::string& family : families) {
    INFO(family);
    const std::size_t count = names_in(fs::path(devices) / family).size();
    CHECK_THAT("\n" + text.out, Catch::Contains("\n" + family + ": ") &&
                                    Catch::Contains(std::to_string(count) + " schema"));
    const std::size_t at = json.out.find("{\"family\":\"" + family + "\"");
    REQUIRE(at != std::string::npos);
    const std::string entry = json.out.substr(at, json.out.find("\"schemas\"", at) - at);
    CHECK_THAT(entry, !Catch::Contains("\"about\":\"\"") && Catch::Contains("\"source\":\"http"));
  }
  CHECK_THAT(text.out,
             Catch::Contains("\n  stat/+/RESULT tele/+/LWT tele/+/SENSOR tele/+/STATE\n"));
}

TEST_CASE("schema library show prints a file as it is, by its own name or that of its schema") {
  const Folder folder;
  const std::string sensor = read(devices + "/tasmota/sensor.yaml");
  REQUIRE_FALSE(sensor.empty());
  CHECK(run(folder, library + "show tasmota/sensor").out == sensor);
  CHECK(run(folder, library + "show tasmota/tasmota_sensor").out == sensor);
  const Ran family = run(folder, library + "show tasmota");
  CHECK(family.code == 0);
  CHECK_THAT(family.out, Catch::Contains("### tasmota/sensor\n" + sensor));
}

TEST_CASE("schema library names what it has instead of what it does not have") {
  const Folder folder;
  const Ran family = run(folder, library + "show tasmotta");
  CHECK(family.code == 2);
  CHECK_THAT(family.err, Catch::StartsWith("telemetry: the library has no family \"tasmotta\"; "
                                           "it has esphome, evcc, ") &&
                             Catch::EndsWith(", zigbee2mqtt\n"));
  const Ran file = run(folder, library + "copy evcc/car mine");
  CHECK(file.code == 2);
  CHECK(file.err == "telemetry: the library has no evcc/car; evcc has evcc, loadpoint, site\n");
  CHECK_FALSE(fs::exists(folder.path("mine")));
}

TEST_CASE("each family is copied into a folder of schemas without mistakes") {
  const Folder folder;
  for (const std::string& family : names_in(devices)) {
    INFO(family);
    const std::string out = "made/" + family;
    const Ran copied = run(folder, library + "copy " + family + " " + out);
    CHECK(copied.code == 0);
    CHECK(copied.err.empty());
    const auto made = names_in(folder.path(out));
    CHECK(made.size() == names_in(fs::path(devices) / family).size());
    CHECK_THAT(copied.out, Catch::Contains(out + "/" + made.front() + ".yaml: for "));
    const Ran checked = run(folder, "schema check " + out);
    CHECK(checked.code == 0);
    CHECK(checked.err.empty());
    for (const std::string& name : made)
      CHECK_THAT(checked.out, Catch::Contains(out + "/" + name + ".yaml: " + name + " 1.0,"));
  }
}

TEST_CASE("schema library copy replaces no file, and then writes none") {
  const Folder folder;
  fs::create_directory(folder.path("mine"));
  folder.write("mine/evcc_site.yaml", "mine");
  const Ran one = run(folder, library + "copy evcc mine");
  CHECK(one.code == 2);
  CHECK(one.out.empty());
  CHECK(one.err ==
        "telemetry: mine/evcc_site.yaml is there already; remove it, or name another folder\n");
  CHECK(names_in(folder.path("mine")) == std::vector<std::string>{"evcc_site"});
  CHECK(read(folder.path("mine/evcc_site.yaml")) == "mine");
  fs::create_symlink("nowhere", folder.path("mine/evcc.yaml"));
  CHECK_THAT(run(folder, library + "copy evcc mine").err,
             Catch::Contains("mine/evcc.yaml, mine/evcc_site.yaml are there already; remove them"));
  CHECK(run(folder, library + "copy evcc/loadpoint mine").code == 0);
  CHECK(read(folder.path("mine/evcc_loadpoint.yaml")) == read(devices + "/evcc/loadpoint.yaml"));
}

TEST_CASE("schema library copy says so when the folder cannot be made") {
  const Folder folder;
  folder.write("file", "");
  const Ran ran = run(folder, library + "copy evcc file/out");
  CHECK(ran.code == 1);
  CHECK_THAT(ran.err, Catch::StartsWith("telemetry: file/out: cannot make the folder: "));
}
