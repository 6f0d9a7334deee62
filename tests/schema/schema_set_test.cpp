// SPDX-License-Identifier: Apache-2.0
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <new>
#include <random>

#include "support.hpp"
#include "telemetry/core/topic.hpp"

namespace {

std::atomic<std::size_t> allocations{0};

}  // namespace

// Counts for one test; the rest of the executable does not care.
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wmismatched-new-delete"  // GCC 14 sees free(), not its new
void* operator new(std::size_t bytes) {
  ++allocations;
  if (void* memory = std::malloc(bytes)) return memory;
  throw std::bad_alloc();
}
void* operator new(std::size_t bytes, const std::nothrow_t&) noexcept {
  ++allocations;
  return std::malloc(bytes);
}
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }
#pragma GCC diagnostic pop

namespace {

using namespace schema_test;
using telemetry::Diagnostic;
using telemetry::Errc;
using telemetry::Schema;
using telemetry::SchemaSet;

std::string document(const std::string& name, const std::string& version,
                     const std::string& pattern, const std::string& fields = "") {
  return "name: " + name + "\nversion: \"" + version + "\"\ntopic_pattern: \"" + pattern +
         "\"\nfields:\n  - {name: x, type: float}\n" + fields;
}

std::shared_ptr<const SchemaSet> set_of(std::vector<SchemaPtr> schemas) {
  std::vector<Diagnostic> diagnostics;
  auto set = SchemaSet::make(std::move(schemas), diagnostics);
  INFO(all_of(diagnostics));
  REQUIRE(set);
  return *set;
}

std::string chosen(const SchemaSet& set, std::string_view topic) {
  const Schema* schema = set.choose(topic);
  return schema == nullptr ? "" : schema->name();
}

class Folder {
 public:
  Folder() {
    std::string pattern = (std::filesystem::temp_directory_path() / "schema_XXXXXX").string();
    REQUIRE(mkdtemp(pattern.data()) != nullptr);
    path_ = pattern;
  }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  ~Folder() { std::filesystem::remove_all(path_); }

  std::string put(const std::string& name, const std::string& text) const {
    std::ofstream(path_ / name) << text;
    return (path_ / name).string();
  }
  [[nodiscard]] std::string path() const { return path_.string(); }

 private:
  std::filesystem::path path_;
};

TEST_CASE("the most specific filter wins, compared level by level") {
  const auto set = set_of(
      {good(document("exact", "1.0", "a/b/c")), good(document("literal_plus", "1.0", "a/b/+")),
       good(document("plus_literal", "1.0", "a/+/c")), good(document("hash_below", "1.0", "a/b/#")),
       good(document("all", "1.0", "#")), good(document("plus_hash", "1.0", "+/x/#"))});
  CHECK(chosen(*set, "a/b/c") == "exact");
  CHECK(chosen(*set, "a/b/d") == "literal_plus");
  CHECK(chosen(*set, "a/x/c") == "plus_literal");
  CHECK(chosen(*set, "a/b/c/d") == "hash_below");
  CHECK(chosen(*set, "a/b") == "hash_below");
  CHECK(chosen(*set, "a/x/d") == "plus_hash");
  CHECK(chosen(*set, "q") == "all");
  CHECK(chosen(*set, "") == "");
  std::vector<std::string> names;
  for (const Schema* schema : set->matching("a/b/c")) names.push_back(schema->name());
  CHECK(names ==
        std::vector<std::string>{"exact", "literal_plus", "hash_below", "plus_literal", "all"});
}

TEST_CASE("a leading wildcard does not match a topic that begins with $") {
  const auto set = set_of({good(document("all", "1.0", "#")), good(document("plus", "1.0", "+/b")),
                           good(document("sys", "1.0", "$SYS/#"))});
  CHECK(chosen(*set, "$SYS/b") == "sys");
  CHECK(chosen(*set, "$SYS") == "sys");
  CHECK(chosen(*set, "$other/b") == "");
  CHECK(set->matching("$other/b").empty());
  CHECK(chosen(*set, "a/b") == "plus");
}

TEST_CASE("empty levels are levels") {
  const auto set = set_of({good(document("slash", "1.0", "/a")), good(document("end", "1.0", "a/")),
                           good(document("plus", "1.0", "+/+"))});
  CHECK(chosen(*set, "/a") == "slash");
  CHECK(chosen(*set, "a/") == "end");
  CHECK(chosen(*set, "/") == "plus");
  CHECK(chosen(*set, "a") == "");
}

TEST_CASE("of one filter the highest version wins, and all of them match") {
  const auto set = set_of({good(document("t", "1.10", "a/+")), good(document("t", "1.9", "a/+")),
                           good(document("t", "2.0", "a/{device}"))});
  REQUIRE(set->choose("a/b") != nullptr);
  CHECK(set->choose("a/b")->version() == telemetry::SchemaVersion{2, 0});
  REQUIRE(set->matching("a/b").size() == 3);
  CHECK(set->matching("a/b")[1]->version() == telemetry::SchemaVersion{1, 10});
  CHECK(set->all().size() == 3);
  CHECK(set->all()[0]->version() == telemetry::SchemaVersion{1, 9});
}

TEST_CASE("a schema is found by its id") {
  const auto a = good(document("a", "1.0", "a"));
  const auto b = good(document("b", "1.0", "b"));
  const auto set = set_of({a, b});
  CHECK(set->by_id(a->id()) == a.get());
  CHECK(set->by_id(b->id()) == b.get());
  CHECK(set->by_id(42) == nullptr);
}

TEST_CASE("an empty set matches nothing") {
  const auto set = set_of({});
  CHECK(set->choose("a") == nullptr);
  CHECK(set->matching("a").empty());
  CHECK(set->all().empty());
}

/// <0 when a is more specific than b for a topic that both match.
int compare_filters(std::string_view a, std::string_view b) {
  const auto rank = [](std::string_view level) { return level == "#" ? 2 : level == "+" ? 1 : 0; };
  for (std::size_t i = 0;; ++i) {
    const auto level_a = telemetry::core::topic_level(a, i);
    const auto level_b = telemetry::core::topic_level(b, i);
    const int by_rank = rank(level_a) - rank(level_b);
    if (by_rank != 0) return by_rank;
    if (level_a.data() == nullptr || level_b.data() == nullptr || level_a == "#") return 0;
  }
}

TEST_CASE("the choice is the one that comparing all filters would make") {
  std::mt19937 random(7);
  static const char* const words[] = {"a", "b", "", "c", "$d"};
  for (int round = 0; round < 50; ++round) {
    std::vector<SchemaPtr> schemas;
    std::vector<std::string> filters;
    for (int i = 0; i < 40; ++i) {
      std::string filter;
      const auto levels = 1 + random() % 4;
      for (std::size_t l = 0; l < levels; ++l) {
        const auto kind = random() % 8;
        const bool last = l + 1 == levels;
        filter += (l > 0 ? "/" : "") + std::string(kind < 5            ? words[kind]
                                                   : kind == 7 && last ? "#"
                                                                       : "+");
      }
      if (filter.empty() || std::find(filters.begin(), filters.end(), filter) != filters.end())
        continue;
      filters.push_back(filter);
      schemas.push_back(good(document("s" + std::to_string(i), "1.0", filter)));
    }
    const auto set = set_of(schemas);
    for (int i = 0; i < 300; ++i) {
      std::string topic;
      for (std::size_t l = 0, levels = 1 + random() % 5; l < levels; ++l)
        topic += (l > 0 ? "/" : "") + std::string(words[random() % 5]);
      if (topic.empty()) continue;
      std::size_t matches = 0;
      const Schema* best = nullptr;
      for (const SchemaPtr& schema : schemas) {
        if (!telemetry::core::topic_matches(schema->filter(), topic)) continue;
        ++matches;
        if (best == nullptr || compare_filters(schema->filter(), best->filter()) < 0)
          best = schema.get();
      }
      INFO(topic);
      CHECK(set->choose(topic) == best);
      const auto all = set->matching(topic);
      CHECK(all.size() == matches);
      if (!all.empty()) CHECK(all.front() == best);
    }
  }
}

TEST_CASE("choosing among 10,000 filters allocates nothing") {
  std::vector<SchemaPtr> schemas;
  for (int i = 0; i < 10'000; ++i) {
    const std::string n = std::to_string(i);
    schemas.push_back(good(document(
        "s" + n, "1.0", i % 2 == 0 ? "plant/line" + n + "/+/state" : "plant/+/m" + n + "/state")));
  }
  const auto set = set_of(std::move(schemas));
  const std::size_t before = allocations;
  const Schema* both = set->choose("plant/line42/m43/state");
  const Schema* second = set->choose("plant/line43/m9999/state");
  const Schema* none = set->choose("plant/line43/m42/state");
  CHECK(allocations == before);
  REQUIRE(both != nullptr);
  CHECK(both->name() == "s42");
  REQUIRE(second != nullptr);
  CHECK(second->name() == "s9999");
  CHECK(none == nullptr);
}

TEST_CASE("a folder is read in order; other files and hidden ones are left alone") {
  const Folder folder;
  folder.put("b.yml", document("b", "1.0", "b"));
  folder.put("a.yaml", document("a", "1.0", "a"));
  folder.put("c.json", R"({"name": "c", "version": "1.0", "topic_pattern": "c",
                           "fields": [{"name": "x", "type": "float"}]})");
  folder.put("readme.md", "nothing of the kind");
  folder.put(".#a.yaml", "an editor's");
  std::filesystem::create_directory(folder.path() + "/sub.d");
  std::vector<Diagnostic> diagnostics;
  auto set = SchemaSet::load(folder.path(), diagnostics);
  INFO(all_of(diagnostics));
  REQUIRE(set);
  REQUIRE((*set)->all().size() == 3);
  CHECK((*set)->all()[0]->file() == folder.path() + "/a.yaml");
  CHECK(chosen(**set, "c") == "c");
}

TEST_CASE("one file may be loaded alone, and an empty folder is fine") {
  const Folder folder;
  std::vector<Diagnostic> diagnostics;
  auto empty = SchemaSet::load(folder.path(), diagnostics);
  REQUIRE(empty);
  CHECK((*empty)->all().empty());
  auto one = SchemaSet::load(folder.put("only.yaml", document("a", "1.0", "a")), diagnostics);
  REQUIRE(one);
  CHECK((*one)->all().size() == 1);
}

TEST_CASE("a folder that does not exist is not_found, with the remedy") {
  std::vector<Diagnostic> diagnostics;
  const auto set = SchemaSet::load("/nonexistent/schemas", diagnostics);
  REQUIRE_FALSE(set);
  CHECK(set.error().code == Errc::not_found);
  CHECK_THAT(set.error().context,
             Catch::Contains("/nonexistent/schemas: no such") && Catch::Contains("schema.path"));
  CHECK(diagnostics.empty());
}

TEST_CASE("the mistakes of all files are reported together and nothing is loaded") {
  const Folder folder;
  folder.put("a.yaml", document("a", "1.0", "a/+b"));
  folder.put("b.yaml", document("b", "1.0", "b", "  - {name: y, type: int}\n"));
  folder.put("c.yaml", document("c", "1.0", "c"));
  folder.put("d.yaml", document("d", "1.0", "c"));
  std::filesystem::create_directory(folder.path() + "/e.yaml");
  std::vector<Diagnostic> diagnostics;
  const auto set = SchemaSet::load(folder.path(), diagnostics);
  INFO(all_of(diagnostics));
  REQUIRE_FALSE(set);
  CHECK(set.error().code == Errc::invalid_argument);
  CHECK_THAT(set.error().context, Catch::Contains("4 mistakes"));
  REQUIRE(diagnostics.size() == 4);
  CHECK(diagnostics[0].file == folder.path() + "/a.yaml");
  CHECK(diagnostics[1].line == 6);
  CHECK(diagnostics[2].file == folder.path() + "/e.yaml");
  CHECK_THAT(diagnostics[3].message, Catch::Contains("have the same filter c"));
}

TEST_CASE("two schemas with the same filter are ambiguous; both files are named") {
  std::vector<Diagnostic> diagnostics;
  const auto set = SchemaSet::make({good(document("a", "1.0", "s/{device}/t"), "one.yaml"),
                                    good(document("b", "1.0", "s/+/t"), "two.yaml")},
                                   diagnostics);
  REQUIRE_FALSE(set);
  REQUIRE(diagnostics.size() == 1);
  CHECK(to_string(diagnostics[0]) ==
        "two.yaml:3:16: error: schemas b 1.0 and a 1.0 (one.yaml) have the same filter s/+/t (make "
        "one of them more specific)");
}

TEST_CASE("one name and version stands for one content") {
  std::vector<Diagnostic> diagnostics;
  CHECK_FALSE(SchemaSet::make(
      {good(document("a", "1.0", "a"), "one.yaml"), good(document("a", "1.0", "b"), "two.yaml")},
      diagnostics));
  REQUIRE(diagnostics.size() == 1);
  CHECK_THAT(
      to_string(diagnostics[0]),
      Catch::StartsWith("two.yaml:2:10: error: a 1.0 is also defined in one.yaml, with other"));
  diagnostics.clear();
  CHECK_FALSE(SchemaSet::make(
      {good(document("a", "1.0", "a"), "one.yaml"), good(document("a", "1.0", "a"), "copy.yaml")},
      diagnostics));
  REQUIRE(diagnostics.size() == 1);
  CHECK_THAT(diagnostics[0].hint, Catch::Contains("remove one of the two files"));
}

TEST_CASE("a minor version that narrows is refused at load; a major one may") {
  std::vector<Diagnostic> diagnostics;
  const std::string narrow = "  - {name: y, type: float, required: true}\n";
  CHECK_FALSE(SchemaSet::make({good(document("a", "1.0", "a"), "one.yaml"),
                               good(document("a", "1.1", "a", narrow), "two.yaml")},
                              diagnostics));
  REQUIRE(diagnostics.size() == 1);
  CHECK(to_string(diagnostics[0]) ==
        "two.yaml:2:10: error: a 1.1 cannot follow a 1.0 (one.yaml): new field y is required (undo "
        "it, or make this version \"2.0\")");
  set_of({good(document("a", "1.0", "a")), good(document("a", "2.0", "a", narrow))});
}

/// What stands against schemas with these versions of `a` where `in_force` are in force.
std::string against(const std::vector<SchemaPtr>& in_force, const std::vector<SchemaPtr>& next) {
  std::vector<Diagnostic> diagnostics;
  const auto done = telemetry::check_succession(*set_of(in_force), *set_of(next), diagnostics);
  CHECK(static_cast<bool>(done) == diagnostics.empty());
  return all_of(diagnostics);
}

TEST_CASE("a set takes the place of another when versions in force keep their content") {
  const auto one = good(document("a", "1.0", "a"), "a.yaml");
  const auto wider = good(document("a", "1.1", "a", "  - {name: y, type: float}\n"), "a.yaml");
  CHECK(against({one}, {one}) == "");
  CHECK(against({one}, {good(document("a", "1.0", "a") + "\n# a remark\n")}) == "");
  CHECK(against({one}, {wider}) == "");
  CHECK(against({wider}, {one}) == "");  // back to the former
  CHECK(against({one}, {one, wider}) == "");
  CHECK(against({one}, {}) == "");
  CHECK(against({}, {one}) == "");
  CHECK(against({one}, {good(document("b", "1.0", "a"))}) == "");
}

TEST_CASE("a set does not take the place of another with a changed version or a breaking minor") {
  const std::string narrow = "  - {name: y, type: float, required: true}\n";
  const auto one = good(document("a", "1.0", "a"), "a.yaml");
  const auto five = good(document("a", "1.5", "a"), "a.yaml");
  CHECK(against({one}, {good(document("a", "1.0", "b"), "a.yaml")}) ==
        "a.yaml:2:10: error: a 1.0 is in force with other content (give it a higher version)\n");
  CHECK(against({one, five}, {good(document("a", "1.7", "a", narrow), "a.yaml")}) ==
        "a.yaml:2:10: error: a 1.7 cannot follow a 1.5, which is in force: new field y is required "
        "(undo it, or make this version \"2.0\")\n");
  CHECK_THAT(against({five}, {good(document("a", "1.4", "a", narrow), "a.yaml")}),
             Catch::Contains("a 1.4 cannot come before a 1.5, which is in force: field y is gone"));
  CHECK(against({five}, {good(document("a", "2.0", "a", narrow))}) == "");
}

TEST_CASE("the schemas of the examples load together") {
  std::vector<Diagnostic> diagnostics;
  auto set = SchemaSet::load(std::string(TELEMETRY_SOURCE_DIR) + "/examples/schemas", diagnostics);
  INFO(all_of(diagnostics));
  REQUIRE(set);
  CHECK(chosen(**set, "sensors/sensor-001/temperature") == "temperature_sensor");
  CHECK(chosen(**set, "iot/dc/dc-1/telemetry") == "power_meter_dc");
  CHECK(chosen(**set, "iot/ac/ac-1/telemetry") == "power_meter_ac");
  CHECK(chosen(**set, "f2/f2-1/raw") == "f2_controller");
  CHECK(chosen(**set, "iot/dc-1/status") == "heartbeat");
  CHECK(chosen(**set, "iot/dc-1/hello") == "hello");
  CHECK((*set)->choose("iot/dc/dc-1/telemetry")->device("iot/dc/dc-1/telemetry") == "dc-1");
}

}  // namespace
