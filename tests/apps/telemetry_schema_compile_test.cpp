// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <filesystem>

#include "apps/running.hpp"

using namespace running;

namespace {

const std::string root = TELEMETRY_SOURCE_DIR;
const std::string heartbeat = root + "/examples/schemas/heartbeat.yaml";
const std::string compile = "schema compile --to cpp ";

}  // namespace

TEST_CASE("schema compile writes the golden header, to a file or to standard output") {
  const Folder folder;
  const std::string golden = read(root + "/tests/golden/firmware_schemas.inc");
  const std::string files = root + "/tests/golden/firmware/*.yaml " + root +
                            "/examples/schemas/power_meter_?c.yaml " + heartbeat;
  const std::string command = compile + files + " --namespace golden::schemas";
  const Ran out = run(folder, command);
  CHECK(out.code == 0);
  CHECK(out.err.empty());
  CHECK(out.out == golden);
  CHECK(run(folder, command + " --output -").out == golden);
  folder.write("schemas.hpp", "old");
  const Ran file = run(folder, command + " --output schemas.hpp");
  CHECK(file.code == 0);
  CHECK(file.out.empty());
  CHECK(file.err.empty());
  CHECK(read(folder.path("schemas.hpp")) == golden);
  CHECK_FALSE(std::filesystem::exists(folder.path("schemas.hpp.tmp")));
}

TEST_CASE("schema compile names what firmware cannot do in all files, and keeps the old output") {
  const Folder folder;
  folder.write("schemas.hpp", "old");
  folder.write("bad.yaml", "name: x\n");
  const std::string examples = root + "/examples/schemas/";
  const Ran ran = run(folder, compile + examples + "temperature_sensor.yaml bad.yaml none.yaml " +
                                  examples + "f2_controller.yaml " + heartbeat + " -o schemas.hpp");
  CHECK(ran.code == 2);
  CHECK(ran.out.empty());
  CHECK_THAT(
      ran.err,
      Catch::Contains("temperature_sensor.yaml:14:") &&
          Catch::Contains("field 'sensor_id': pattern: firmware has no regular expressions (") &&
          Catch::Contains("f2_controller.yaml:16:22: error: validation: firmware has no lenient") &&
          Catch::Contains("bad.yaml:1:1: error: `fields` is missing") &&
          Catch::Contains("telemetry: none.yaml: no such file\n") &&
          Catch::EndsWith("telemetry: nothing was written\n"));
  CHECK(read(folder.path("schemas.hpp")) == "old");
}

TEST_CASE("schema compile says so when the output cannot be written") {
  const Folder folder;
  std::filesystem::create_directory(folder.path("dir"));
  const auto refused = [&](const std::string& output, const std::string& why) {
    const Ran ran = run(folder, compile + heartbeat + " --output " + output);
    INFO(output);
    CHECK(ran.code == 1);
    CHECK(ran.err == "telemetry: " + output + ": cannot write it: " + why + "\n");
  };
  refused("none/schemas.hpp", "No such file or directory");
  refused("dir", "Is a directory");
  if (std::filesystem::exists("/dev/full")) {
    refused("/dev/full", "No space left on device");
    const Ran ran = run(folder, compile + heartbeat + " >/dev/full");
    CHECK(ran.code == 1);
    CHECK_THAT(ran.err, Catch::Contains("cannot write the output"));
  }
}

TEST_CASE("schema compile follows a link and writes to what is no file") {
  const Folder folder;
  folder.write("real.hpp", "old");
  std::filesystem::create_symlink("real.hpp", folder.path("link.hpp"));
  CHECK(run(folder, compile + heartbeat + " -o link.hpp").code == 0);
  CHECK(std::filesystem::is_symlink(folder.path("link.hpp")));
  CHECK(read(folder.path("real.hpp")) == run(folder, compile + heartbeat).out);
  CHECK(run(folder, compile + heartbeat + " -o /dev/null").code == 0);
  CHECK(std::filesystem::is_character_file("/dev/null"));
}

TEST_CASE("schema compile refuses wrong usage in one line") {
  const Folder folder;
  const auto refused = [&](const std::string& arguments, const std::string& why) {
    const Ran ran = run(folder, "schema compile " + arguments);
    INFO(arguments);
    CHECK(ran.code == 2);
    CHECK(ran.out.empty());
    CHECK_THAT(ran.err, Catch::StartsWith("telemetry: ") && Catch::Contains(why));
    CHECK(std::count(ran.err.begin(), ran.err.end(), '\n') == 1);
  };
  refused("--to rust " + heartbeat, "--to \"rust\": write cpp");
  refused(heartbeat, "--to is missing: ");
  refused("--to cpp", "FILE is missing: ");
  refused("--to cpp --namespace int " + heartbeat, "'int' is not a name for a C++ namespace");
  refused("--to cpp " + root + "/examples/schemas", "is a folder; name its files");
}
