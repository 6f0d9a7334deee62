// SPDX-License-Identifier: Apache-2.0
#include "loading.hpp"

using loading::Load;
using telemetry::Config;

namespace {

/// Keys that differ, those that may not change while the program runs with a "!".
std::string changes(const std::string& before, const std::string& after) {
  const Config first = Load{before}.good();
  std::string out;
  for (const auto& change : first.changes_in(Load{after}.good())) {
    out += (out.empty() ? "" : " ") + change.key + (change.reloadable ? "" : "!");
  }
  return out;
}

}  // namespace

TEST_CASE("two configurations are compared by what is in force, not by how it is written") {
  CHECK(changes("", "") == "");
  CHECK(changes("journal: {size_max_mb: 512}", "journal:\n  size_max_mb: 512 # as before\n") == "");
  CHECK(changes("", "journal: {size_max_mb: 1024}") == "");  // the default
  CHECK(changes("", "journal: {size_max_mb: 512}") == "journal.size_max_mb!");
  CHECK(changes("journal: {size_max_mb: 512}", "") == "journal.size_max_mb!");
  CHECK(changes("", "journal: {path: /mnt/j}") == "journal.path!");  // dead_letters.path follows it
}

TEST_CASE("changed settings tell whether a reload is enough") {
  CHECK(changes("logging: {level: info, format: text}\nschema: {path: a}",
                "logging: {level: debug, format: json, levels: {mqtt: warn}}\nschema: {path: b}") ==
        "logging.format! logging.level logging.levels schema.path");
}

TEST_CASE("changed secrets are named, changed settings without effect are not") {
  CHECK(changes("mqtt: {username: u, password: one}", "mqtt: {username: u, password: two}") ==
        "mqtt.password!");
  CHECK(changes("web: {port: 1}", "web: {port: 2}") == "");
  CHECK(changes("storage: {filesystem: {base_path: a}}", "storage: {filesystem: {base_path: b}}") ==
        "");
}

TEST_CASE("entries of a list are compared one by one") {
  CHECK(changes("mqtt: [{broker: a}, {broker: b}]", "mqtt: [{broker: a}, {broker: c}]") ==
        "mqtt[1].broker!");
  CHECK(changes("mqtt: {broker: a}", "mqtt: [{broker: a}, {broker: c}]") == "mqtt[1].broker!");
}
