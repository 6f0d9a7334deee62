// SPDX-License-Identifier: Apache-2.0
#include "apps/running.hpp"

using namespace running;

TEST_CASE("docs/config.md and docs/config.schema.json are what the options say") {
  const Folder folder;
  INFO(
      "write them again: telemetry config reference >docs/config.md; telemetry config reference "
      "--json >docs/config.schema.json");
  CHECK(run(folder, "config reference").out == read(TELEMETRY_SOURCE_DIR "/docs/config.md"));
  CHECK(run(folder, "config reference --json").out ==
        read(TELEMETRY_SOURCE_DIR "/docs/config.schema.json"));
}

TEST_CASE("the example configuration is good for the edge logger") {
  const Folder folder;
  const Ran ran = run(folder, "config check " TELEMETRY_SOURCE_DIR "/examples/config/edge.yaml");
  CHECK_THAT(ran.err,
             Catch::Contains("warning: schema.path: ./examples/schemas does not exist here"));
  std::filesystem::create_directories(folder.path("examples/schemas"));
  CHECK(run(folder, "config check " TELEMETRY_SOURCE_DIR "/examples/config/edge.yaml").err.empty());
  CHECK(ran.code == 0);
  CHECK_THAT(ran.out, Catch::EndsWith("edge.yaml: ok\n"));
}

TEST_CASE("config check names all mistakes, of the tables and of the owners, and exits with 2") {
  const Folder folder;
  folder.write("bad.yaml", "mqtt:\n  brocker: x\n  port: 0\ndevices: {enabled: true}\n");
  const Ran ran = run(folder, "config check bad.yaml");
  CHECK(ran.code == 2);
  CHECK(ran.out.empty());
  CHECK(ran.err ==
        "bad.yaml:2:3: error: unknown key mqtt.brocker (did you mean mqtt.broker?)\n"
        "bad.yaml:3:9: error: mqtt.port must be a whole number from 1 to 65535, not \"0\"\n"
        "bad.yaml:4:20: error: devices.enabled: true is not built yet in this version (set it to "
        "false)\n"
        "telemetry: bad.yaml cannot be used\n");
  folder.write("empty.yaml", "");
  const Ran owners = run(folder, "config check empty.yaml");
  CHECK(owners.code == 2);
  CHECK_THAT(owners.err, Catch::Contains("mqtt.topics"));
}

TEST_CASE("what the owners of settings find has line and column too") {
  const Folder folder;
  folder.write(
      "edge.yaml",
      "mqtt:\n  topics: [\"#\"]\n  password: x\n  tls: {enabled: false, ca_file: \"/x; y\"}\n"
      "  keepalive: 3\n");
  const Ran ran = run(folder, "config check edge.yaml");
  CHECK(ran.code == 2);
  CHECK_THAT(ran.err,
             Catch::Contains("edge.yaml:3:13: error: mqtt.password: a password without a user name "
                             "(set username)\n") &&
                 Catch::Contains("edge.yaml:5:14: error: mqtt.keepalive: must be 0 or at least") &&
                 Catch::EndsWith("telemetry: edge.yaml cannot be used\n"));
  folder.write("edge.yaml", "");
  CHECK_THAT(run(folder, "config check edge.yaml").err,
             Catch::StartsWith("edge.yaml:1:1: error: mqtt.topics (default): no topic"));
}

TEST_CASE("config check finds what only the gateway would refuse") {
  const Folder folder;
  folder.write("edge.yaml",
               "mqtt: {topics: [\"#\"]}\nweb:\n  base_path: telemetry/\n"
               "  trusted_proxies: [proxy]\n");
  const Ran ran = run(folder, "config check edge.yaml");
  CHECK(ran.code == 2);
  CHECK_THAT(ran.err, Catch::Contains("edge.yaml:3:14: error: web.base_path: 'telemetry/' is no") &&
                          Catch::Contains("edge.yaml:4:") && Catch::Contains("'proxy' is no"));
  const std::string tls = "mqtt: {topics: [\"#\"]}\nweb:\n  tls:\n    enabled: true\n";
  folder.write("edge.yaml", tls + "    cert_file: none.pem\n    key_file: none.key\n");
  CHECK_THAT(run(folder, "config check edge.yaml").err,
             Catch::Contains("edge.yaml:5:16: error: web.tls.cert_file: none.pem"));
  CHECK(run(folder, "config check edge.yaml --app edge").code == 0);
}

TEST_CASE("config check blames a wrong variable, not the file beside it") {
  const Folder folder;
  folder.write("edge.yaml", "mqtt: {topics: [\"#\"], port: 1883}\n");
  for (const auto& [variable, mistake] :
       {std::pair{"TELEMETRY_MQTT__PORT=x", "mqtt.port must be a whole number"},
        std::pair{"TELEMETRY_MQTT__KEEPALIVE=3", "mqtt.keepalive: must be 0 or at least 5 s"}}) {
    REQUIRE(std::string(variable).find('=') != std::string::npos);
    const std::string name = std::string(variable).substr(0, std::string(variable).find('='));
    setenv(name.c_str(), std::string(variable).substr(name.size() + 1).c_str(), 1);
    const Ran ran = run(folder, "config check edge.yaml");
    const Ran show = run(folder, "config show edge.yaml --set journal.sync=never");
    unsetenv(name.c_str());
    CHECK(ran.code == 2);
    CHECK_THAT(ran.err, Catch::StartsWith("environment " + name + ": error: " + mistake) &&
                            Catch::EndsWith("telemetry: edge.yaml is good, but not with the "
                                            "settings from elsewhere that are named above\n"));
    CHECK(show.err.find("edge.yaml") == std::string::npos);
  }
}

TEST_CASE("config check tells what has no effect, and speaks JSON") {
  const Folder folder;
  folder.write("edge.yaml", "mqtt: {topics: [\"#\"]}\nweb: {port: 8081}\n");
  const Ran text = run(folder, "config check edge.yaml --app edge");
  CHECK(text.code == 0);
  CHECK(text.out ==
        "edge.yaml:2: web is checked and has no effect here: it belongs to telemetry-gateway\n"
        "edge.yaml: ok\n");
  const Ran json = run(folder, "config check edge.yaml --app edge --json");
  CHECK(json.code == 0);
  CHECK_THAT(json.out, Catch::StartsWith(R"({"file":"edge.yaml","ok":true,"diagnostics":[],)") &&
                           Catch::Contains("edge.yaml:2: web"));
  folder.write("edge.yaml", "webb: 1\n");
  CHECK_THAT(run(folder, "config check edge.yaml --app edge --json").out,
             Catch::Contains(R"({"severity":"error","file":"edge.yaml","line":1,"column":1,)"
                             R"("message":"unknown key webb","hint":"did you mean web?"})"));
}

TEST_CASE("config check knows the files beside SQLite, and query wants a store that answers") {
  const Folder folder;
  const std::string mqtt = "mqtt: {topics: [\"#\"]}\n";
  folder.write("edge.yaml",
               mqtt +
                   "storage: {backend: [sqlite, filesystem], filesystem: {base_path: f, "
                   "compression: zstd}}\n");
  const Ran good = run(folder, "config check edge.yaml");
  CHECK(good.err.empty());
  CHECK(good.out == "edge.yaml: ok\n");
  folder.write("edge.yaml",
               mqtt + "storage: {backend: filesystem, filesystem: {compression: xz}}\n");
  CHECK_THAT(run(folder, "config check edge.yaml").err,
             Catch::Contains("edge.yaml:2:") && Catch::Contains("none, gzip, zstd, lz4"));
  folder.write("edge.yaml", mqtt + "storage: {backend: filesystem}\n");
  const Ran query = run(folder, "query --config edge.yaml");
  CHECK(query.code == 2);
  CHECK_THAT(query.err, Catch::Contains("storage.backend") && Catch::Contains("add sqlite"));
}

TEST_CASE("two targets of files need two names, and every mistake of all of them is told") {
  const Folder folder;
  const std::string head =
      "mqtt: {topics: [\"#\"]}\n"
      "storage:\n"
      "  backend: filesystem\n"
      "  filesystem:\n";
  folder.write("edge.yaml", head + "    - {base_path: a}\n    - {base_path: b, name: second}\n");
  CHECK(run(folder, "config check edge.yaml").out == "edge.yaml: ok\n");
  folder.write("edge.yaml",
               head + "    - {base_path: a, name: x}\n    - {base_path: b, name: x}\n");
  CHECK_THAT(run(folder, "config check edge.yaml").err,
             Catch::Contains("edge.yaml:6:28: error: storage.filesystem[1].name: x is the name of "
                             "storage.filesystem[0], too (give each target a name of its own"));
  folder.write("edge.yaml", head + "    - {base_path: a}\n    - {base_path: ./a/../a, name: x}\n");
  CHECK_THAT(run(folder, "config check edge.yaml").err,
             Catch::Contains("edge.yaml:6:19: error: storage.filesystem[1].base_path: a is that of "
                             "storage.filesystem[0], too (give each target a place of its own)"));
  folder.write("edge.yaml", head + "    - {base_path: \"\"}\n    - {base_path: b, name: a/b}\n");
  const std::string all = run(folder, "config check edge.yaml").err;
  CHECK_THAT(all,
             Catch::Contains("edge.yaml:6:28: error: storage.filesystem[1].name: a sink is named "
                             "\"a/b\""));
}

TEST_CASE("no store at all, names of ours and folders of the journal are refused") {
  const Folder folder;
  const auto refused = [&](const std::string& yaml) {
    folder.write("edge.yaml", "mqtt: {topics: [\"#\"]}\njournal: {path: data/j}\n" + yaml);
    const Ran ran = run(folder, "config check edge.yaml");
    CHECK(ran.code == 2);
    return ran.err;
  };
  CHECK_THAT(refused("storage: {backend: []}\n"), Catch::Contains("no store is named"));
  const auto target = [&](const std::string& settings) {
    return refused("storage: {backend: filesystem, filesystem: {" + settings + "}}\n");
  };
  CHECK_THAT(target("name: dead_letters"), Catch::Contains("is the name of the dead letters, too"));
  CHECK_THAT(target("name: sqlite"), Catch::Contains("is the name of storage.sqlite, too"));
  CHECK_THAT(target("name: a.tmp"), Catch::Contains("does not end in .tmp"));
  CHECK_THAT(target("base_path: ./data/j/"),
             Catch::Contains("data/j is that of journal.path, too"));
  CHECK_THAT(refused("dead_letters: {path: ./data/j/}\n"),
             Catch::Contains("dead_letters.path is the folder of journal.path"));
  CHECK_THAT(refused("mqtt://u:hunter2@h: 1\n"),
             Catch::Contains("unknown key ***") && !Catch::Contains("hunter2"));
}

TEST_CASE("config show tells what is in force and masks secrets") {
  const Folder folder;
  folder.write("edge.yaml", "mqtt: {password: hunter2, port: 1999}\n");
  const Ran yaml = run(folder, "config show edge.yaml --set journal.path=/mnt/j");
  CHECK(yaml.code == 0);
  CHECK_THAT(yaml.out, Catch::Contains("port: 1999") && Catch::Contains("password: \"***\"") &&
                           Catch::Contains("path: /mnt/j"));
  CHECK(yaml.out.find("hunter") == std::string::npos);
  const Ran json = run(folder, "config show edge.yaml --json");
  CHECK_THAT(json.out, Catch::Contains(R"({"key":"mqtt.port","values":["1999"],"set":true,)"
                                       R"("source":"edge.yaml","line":1})"));
  CHECK(json.out.find("hunter") == std::string::npos);
}
