// SPDX-License-Identifier: Apache-2.0
#include <sys/stat.h>

#include "config/loading.hpp"

using namespace telemetry;
using loading::Load;

TEST_CASE("the command line beats the environment, the environment beats the file") {
  Load load{"mqtt: {port: 1}"};
  CHECK(load.good().integer("mqtt.port") == 1);
  load.environment["TELEMETRY_MQTT__PORT"] = "2";
  CHECK(load.good().integer("mqtt.port") == 2);
  CHECK(load.good().where("mqtt.port") == "environment TELEMETRY_MQTT__PORT: mqtt.port");
  load.overrides.emplace_back("mqtt.port", "3");
  CHECK(load.good().integer("mqtt.port") == 3);
  CHECK(load.good().where("mqtt.port") == "command line --port: mqtt.port");
}

TEST_CASE("every short name sets its option") {
  Load load{"",
            {{"MQTT_BROKER", "b"},
             {"MQTT_USERNAME", "u"},
             {"MQTT_PASSWORD", "p"},
             {"API_PORT", "81"},
             {"DB_PASSWORD", "d"},
             {"JWT_SECRET", "j"},
             {"LOG_LEVEL", "DEBUG"}}};
  const Config config = load.good();
  CHECK(config.text("mqtt.broker") == "b");
  CHECK(config.text("mqtt.username") == "u");
  CHECK(config.text("mqtt.password") == "p");
  CHECK(config.integer("web.port") == 81);
  CHECK(config.text("storage.postgresql.password") == "d");
  CHECK(config.text("security.authentication.jwt_secret") == "j");
  CHECK(config.text("logging.level") == "debug");
  CHECK(config.inert_sections().empty());  // other programs may use these variables too
}

TEST_CASE("the long name of a variable beats the short one") {
  Load load{"", {{"MQTT_BROKER", "short"}, {"TELEMETRY_MQTT__BROKER", "long"}}};
  CHECK(load.good().text("mqtt.broker") == "long");
}

TEST_CASE("MQTT_BROKER as a URL switches TLS on over the file") {
  Load load{"mqtt: {broker: a, port: 1883, tls: {enabled: false}}",
            {{"MQTT_BROKER", "mqtts://u:p@b:8884"}}};
  const Config config = load.good();
  CHECK(config.text("mqtt.broker") == "b");
  CHECK(config.integer("mqtt.port") == 8884);
  CHECK(config.boolean("mqtt.tls.enabled"));
  CHECK(config.text("mqtt.password") == "p");
}

TEST_CASE("what a weaker broker URL says goes with it") {
  Load load{"mqtt: {broker: \"mqtts://u:p@cloud:8884\"}", {{"MQTT_BROKER", "localhost"}}};
  const Config config = load.good();
  CHECK(config.text("mqtt.broker") == "localhost");
  CHECK(config.integer("mqtt.port") == 1883);
  CHECK_FALSE(config.boolean("mqtt.tls.enabled"));
  CHECK(config.text("mqtt.username").empty());
}

TEST_CASE("DATABASE_URL fills the PostgreSQL section and names the backend if nobody else does") {
  const std::string url = "postgresql://u:p%2F@db:5433/telemetry?sslmode=require";
  Load chosen{"storage: {backend: sqlite}", {{"DATABASE_URL", url}}};
  const Config config = chosen.good();
  CHECK(config.text("storage.postgresql.host") == "db");
  CHECK(config.integer("storage.postgresql.port") == 5433);
  CHECK(config.text("storage.postgresql.database") == "telemetry");
  CHECK(config.text("storage.postgresql.user") == "u");
  CHECK(config.text("storage.postgresql.password") == "p/");
  CHECK(config.text("storage.backend") == "sqlite");
  CHECK(Load{"", {{"DATABASE_URL", url}}}.refused() ==
        "environment DATABASE_URL: error: storage.backend: postgresql is not built yet in this "
        "version (use sqlite, filesystem or both)\n");
  CHECK_THAT((Load{"", {{"DATABASE_URL", "mysql://u:hunter2@h/d"}}}.refused()),
             Catch::Contains("not the URL of a PostgreSQL") && !Catch::Contains("hunter2"));
}

TEST_CASE("CONFIG_PATH names the file when nobody else does") {
  const loading::Folder folder;
  const std::string path = folder.write("c.yaml", "journal: {path: /x/j}");
  Config::Sources sources;
  sources.environment = [&](const std::string& name) {
    return name == "CONFIG_PATH" ? std::optional(path) : std::nullopt;
  };
  sources.environment_names = [] { return std::vector<std::string>{"CONFIG_PATH"}; };
  const OptionTable tables[] = {base_options()};
  std::vector<Diagnostic> diagnostics;
  const auto config = Config::load(sources, tables, diagnostics);
  REQUIRE(config);
  CHECK(config->text("journal.path") == "/x/j");
}

TEST_CASE("a variable with an unknown key is an error, one without a section is not ours") {
  CHECK(Load{"", {{"TELEMETRY_MQTT__BROCKER", "x"}}}.refused() ==
        "environment TELEMETRY_MQTT__BROCKER: error: unknown key mqtt.brocker (did you mean "
        "mqtt.broker?)\n");
  CHECK(Load{"", {{"TELEMETRY_FOO", "x"}, {"TELEMETRY_HOME_DIR", "x"}}}
            .good()
            .entries("mqtt")
            .size() == 1);
}

TEST_CASE("a variable that is set and empty counts as not set") {
  CHECK(Load{"", {{"MQTT_BROKER", ""}, {"TELEMETRY_MQTT__PORT", ""}}}.good().text("mqtt.broker") ==
        "localhost");
}

TEST_CASE("wrong values of variables and of the command line name their source") {
  CHECK(Load{"", {{"API_PORT", "x"}}}.refused() ==
        "environment API_PORT: error: web.port must be a whole number from 0 to 65535, not "
        "\"x\"\n");
  CHECK(Load{"", {}, {{"mqtt.port", "x"}, {"mqtt.prt", "1"}}}.refused() ==
        "command line --port: error: mqtt.port must be a whole number from 1 to 65535, not "
        "\"x\"\n"
        "command line --set mqtt.prt: error: unknown key mqtt.prt (did you mean mqtt.port?)\n");
}

TEST_CASE("lists come from variables with commas or as YAML") {
  Load load{"",
            {{"TELEMETRY_MQTT__TOPICS", "a/#, b"},
             {"TELEMETRY_LOGGING__LEVELS", "mqtt=debug,journal=warn"}}};
  CHECK(load.good().topics("mqtt.topics").at(1).filter == "b");
  CHECK(load.good().text_list("logging.levels").at(1) == "journal=warn");
  load.environment["TELEMETRY_MQTT__TOPICS"] = "[{topic: a, qos: 2}, b]";
  load.environment["TELEMETRY_LOGGING__LEVELS"] = "{mqtt: error}";
  CHECK(load.good().topics("mqtt.topics").at(0).qos == 2);
  CHECK(load.good().text_list("logging.levels").at(0) == "mqtt=error");
}

TEST_CASE("a topic says what becomes of its retained messages, also in the environment") {
  const auto is_read = [](Load load) {
    const Config config = load.good();
    const auto topics = config.topics("mqtt.topics");
    REQUIRE(topics.size() == 3);
    CHECK(topics[0].filter == "1,store a");
    CHECK(topics[0].qos == 0);
    CHECK(topics[0].retained == RetainedPolicy::ignore);
    CHECK(topics[1].retained == RetainedPolicy::store);
    CHECK(topics[2].filter == "c");
    CHECK_FALSE(topics[2].retained);
    CHECK_THAT(config.dump(), Catch::Contains("[{topic: \"1,store a\", qos: 0, retained: ignore}, "
                                              "{topic: b, qos: 1, retained: store}, "
                                              "{topic: c, qos: 1}]"));
    CHECK(Load{config.dump()}.good().dump() == config.dump());
  };
  const std::string topics =
      "[{topic: \"1,store a\", qos: 0, retained: Ignore}, {topic: b, retained: store}, c]";
  is_read({"mqtt: {topics: " + topics + "}"});
  is_read({"", {{"TELEMETRY_MQTT__TOPICS", topics}}});
}

TEST_CASE("a text in the place of a list is split at its commas, wherever it comes from") {
  const auto filters = [](Load load) {
    std::string out;
    for (const Subscription& topic : load.good().topics("mqtt.topics")) {
      out += (out.empty() ? "" : "|") + topic.filter;
    }
    return out;
  };
  for (const char* text : {"a/b, c/d", "a/b,c/d"}) {
    CHECK(filters({"mqtt: {topics: \"" + std::string(text) + "\"}"}) == "a/b|c/d");
    CHECK(filters({"mqtt:\n  topics: " + std::string(text)}) == "a/b|c/d");
    CHECK(filters({"", {{"TELEMETRY_MQTT__TOPICS", text}}}) == "a/b|c/d");
    CHECK(filters({"", {}, {{"mqtt.topics", text}}}) == "a/b|c/d");
    CHECK(filters({"mqtt: {topics: \"${T}\"}", {{"T", text}}}) == "a/b|c/d");
  }
  // A filter that holds a comma is an item of a list.
  CHECK(filters({"mqtt: {topics: [\"a,b/#\", \"c\"]}"}) == "a,b/#|c");
  CHECK(filters({"mqtt: {topics: [\"${T}\"]}", {{"T", "a,b/#"}}}) == "a,b/#");
  CHECK(filters({"mqtt:\n  topics:\n    - {topic: \"a,b/#\"}\n    - c"}) == "a,b/#|c");
  CHECK(filters({"", {{"TELEMETRY_MQTT__TOPICS", "[\"a,b/#\", c]"}}}) == "a,b/#|c");
  CHECK_THAT(Load{"mqtt: {topics: \"a/b,\"}"}.refused(),
             Catch::Contains("1:16: error: mqtt.topics has \"\", which is not a topic filter"));
  CHECK(Load{"web: {cors_origins: \"http://a, http://b\"}"}.good().text_list("web.cors_origins") ==
        std::vector<std::string>{"http://a", "http://b"});
}

TEST_CASE("who has made a mistake is told, the file or a variable") {
  const auto summary = [](Load load) {
    const auto config = load();
    REQUIRE_FALSE(config);
    std::string text = config.error().context;
    const std::string folder = load.folder.path().string() + "/";
    for (std::size_t at; (at = text.find(folder)) != std::string::npos;) {
      text.erase(at, folder.size());
    }
    return text;
  };
  CHECK(summary({"mqtt: {port: x}"}) == "test.yaml: 1 mistake");
  CHECK(summary({"mqtt: {port: 1}", {{"TELEMETRY_MQTT__PORT", "x"}}}) ==
        "environment TELEMETRY_MQTT__PORT: 1 mistake");
  CHECK(summary({"mqtt: {prt: 1, port: x}", {{"API_PORT", "x"}}, {{"mqtt.keepalive", "x"}}}) ==
        "test.yaml: 2 mistakes, command line --set mqtt.keepalive: 1 mistake, "
        "environment API_PORT: 1 mistake");
}

TEST_CASE("an entry of a list section is reached by its number") {
  Load load{"mqtt: [{broker: a}, {broker: b}]", {{"TELEMETRY_MQTT__1__BROKER", "c"}}};
  CHECK(load.good().text("mqtt[1].broker") == "c");
  CHECK(load.good().text("mqtt[0].broker") == "a");
  load.environment = {{"TELEMETRY_MQTT__2__BROKER", "c"}};
  CHECK_THAT(load.refused(), Catch::Contains("there is no mqtt[2]"));
}

TEST_CASE("references to variables expand in the file") {
  Load load{
      "mqtt:\n"
      "  broker: ${HOST}\n"
      "  port: ${PORT:-1999}\n"
      "  client_id: \"$${x}-${HOST}-$5\"\n"
      "  topics: [\"${ROOT:-a}/#\", {topic: \"${ROOT:-b}\", qos: \"${QOS:-0}\"}]\n",
      {{"HOST", "h"}}};
  const Config config = load.good();
  CHECK(config.text("mqtt.broker") == "h");
  CHECK(config.integer("mqtt.port") == 1999);
  CHECK(config.text("mqtt.client_id") == "${x}-h-$5");
  CHECK(config.topics("mqtt.topics").at(0).filter == "a/#");
  CHECK(config.topics("mqtt.topics").at(1).qos == 0);
}

TEST_CASE("a reference without value and default is an error with variable and place") {
  CHECK(Load{"mqtt:\n  client_id: ${NAME}\n"}.refused() ==
        "test.yaml:2:14: error: mqtt.client_id needs the environment variable NAME, which is not "
        "set (set it, or write ${NAME:-default})\n");
  CHECK_THAT(Load{"mqtt: {client_id: \"${NAME\"}"}.refused(), Catch::Contains("not closed"));
}

TEST_CASE("user and password whose variables are not set make an anonymous client") {
  Load load{"mqtt: {username: \"${MQTT_USERNAME}\", password: \"${MQTT_PASSWORD}\"}"};
  CHECK_FALSE(load.good().is_set("mqtt.username"));
  CHECK(load.good().text("mqtt.password").empty());
  load.environment = {{"MQTT_USERNAME", "u"}, {"MQTT_PASSWORD", "p"}};
  CHECK(load.good().text("mqtt.username") == "u");
  CHECK(load.good().text("mqtt.password") == "p");
}

TEST_CASE("a variable that only an unused or overridden setting names need not be set") {
  CHECK(Load{"storage: {backend: sqlite, postgresql: {password: \"${DB_PW}\"}}"}.good().text(
            "storage.postgresql.password") == "");
  CHECK(Load{"security: {authentication: {enabled: true, jwt_secret: \"${J}\"}}"}.good().text(
            "storage.backend") == "sqlite");
  CHECK(Load{"mqtt: {client_id: \"${X}\"}", {{"TELEMETRY_MQTT__CLIENT_ID", "y"}}}.good().text(
            "mqtt.client_id") == "y");
}

TEST_CASE("a secret is read from its file, without the line end") {
  Load load{""};
  const std::string path = load.folder.write("password", "s3cret\n");
  REQUIRE(chmod(path.c_str(), 0600) == 0);
  load.yaml = "mqtt: {password_file: " + path + "}";
  CHECK(load.good().text("mqtt.password") == "s3cret");
  CHECK(load.diagnostics.empty());
  CHECK(load.good().where("mqtt.password").ends_with("test.yaml:1:23: mqtt.password"));
  load.yaml = "";
  load.environment["TELEMETRY_MQTT__PASSWORD_FILE"] = path;
  CHECK(load.good().text("mqtt.password") == "s3cret");
}

TEST_CASE("a secret's file that every user can read is a warning") {
  Load load{""};
  const std::string path = load.folder.write("password", "s3cret\n");
  REQUIRE(chmod(path.c_str(), 0644) == 0);
  load.yaml = "mqtt: {password_file: " + path + "}";
  CHECK(load.good().text("mqtt.password") == "s3cret");
  CHECK_THAT(load.mistakes(),
             Catch::Contains("warning: mqtt.password_file: every user of this machine can "
                             "read password, mode 0644 (chmod o-r 'password'"));
}

TEST_CASE("a private key that every user can read is a warning where it is used") {
  Load load{"", {}, {}, "gateway"};
  const std::string path = load.folder.write("key.pem", "key");
  load.yaml = "mqtt:\n  tls: {enabled: true, key_file: " + path +
              "}\nweb:\n  tls: {enabled: true, key_file: " + path + "}\n";
  for (const mode_t mode : {0600U, 0640U, 0660U}) {
    REQUIRE(chmod(path.c_str(), mode) == 0);
    CHECK(load.good().boolean("web.tls.enabled"));
    CHECK(load.mistakes().empty());
  }
  REQUIRE(chmod(path.c_str(), 0604) == 0);
  CHECK(load.good().boolean("web.tls.enabled"));
  const std::string rest =
      ": every user of this machine can read key.pem, mode 0604 (chmod o-r "
      "'key.pem', and think of what is in it as known)\n";
  CHECK(load.mistakes() == "test.yaml:2:34: warning: mqtt.tls.key_file" + rest +
                               "test.yaml:4:34: warning: web.tls.key_file" + rest);
  load.diagnostics.clear();
  load.app = "edge";
  load.overrides.emplace_back("mqtt.tls.enabled", "false");
  CHECK(load.good().text("mqtt.tls.key_file") == path);
  CHECK(load.mistakes().empty());  // nobody reads it
}

TEST_CASE("a secret's file that is missing or empty, and a secret given twice, are errors") {
  CHECK_THAT(Load{"mqtt: {password_file: /nonexistent}"}.refused(),
             Catch::Contains("1:23: error: mqtt.password_file: cannot use /nonexistent: No such"));
  Load load{""};
  const std::string empty = load.folder.write("empty", "\n");
  load.yaml = "mqtt: {password_file: " + empty + "}";
  CHECK_THAT(load.refused(), Catch::Contains("it is empty"));
  Load twice{""};
  const std::string path = twice.folder.write("password", "hunter2\n");
  twice.yaml = "mqtt: {password: hunter3, password_file: " + path + "}";
  const std::string all = twice.refused();
  CHECK_THAT(all, Catch::Contains("mqtt.password is given twice"));
  CHECK(all.find("hunter") == std::string::npos);
}

TEST_CASE("a password in the environment beats the password file of the configuration") {
  Load load{"", {{"MQTT_PASSWORD", "env"}}};
  const std::string path = load.folder.write("password", "file");
  REQUIRE(chmod(path.c_str(), 0600) == 0);
  load.yaml = "mqtt: {password_file: " + path + "}";
  CHECK(load.good().text("mqtt.password") == "env");
}
