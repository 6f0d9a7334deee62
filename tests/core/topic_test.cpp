// SPDX-License-Identifier: Apache-2.0
#include "telemetry/core/topic.hpp"

#include <random>
#include <string>
#include <vector>
#include "catch.hpp"

using namespace telemetry::core;

namespace {

std::vector<std::string> levels_of(const std::string& text) {
  std::vector<std::string> levels(1);
  for (const char c : text) {
    if (c == '/') {
      levels.emplace_back();
    } else {
      levels.back() += c;
    }
  }
  return levels;
}

/// The rules of section 4.7 read off the page, level by level.
bool matches_by_the_book(const std::string& filter, const std::string& topic) {
  const std::vector<std::string> f = levels_of(filter);
  const std::vector<std::string> t = levels_of(topic);
  if (topic[0] == '$' && (f[0] == "+" || f[0] == "#")) return false;
  for (std::size_t i = 0;; ++i) {
    if (i < f.size() && f[i] == "#") return true;
    if (i == f.size() || i == t.size()) return i == f.size() && i == t.size();
    if (f[i] != "+" && f[i] != t[i]) return false;
    if (i + 1 == t.size() && i + 2 == f.size() && f[i + 1] == "#") return true;
  }
}

}  // namespace

TEST_CASE("topics and filters match as MQTT 5.0 section 4.7 says") {
  struct Case {
    const char* filter;
    const char* topic;
    bool matches;
  };
  const Case cases[] = {
      {"a", "a", true},
      {"a", "b", false},
      {"a", "A", false},
      {"a", "ab", false},
      {"ab", "a", false},
      {"a/b", "a/b", true},
      {"a/b", "a/b/", false},
      {"a/b/", "a/b", false},
      {"/a", "a", false},
      {"/a", "/a", true},
      // #
      {"#", "a", true},
      {"#", "a/b/c", true},
      {"#", "/", true},
      {"sport/tennis/player1/#", "sport/tennis/player1", true},
      {"sport/tennis/player1/#", "sport/tennis/player1/ranking", true},
      {"sport/tennis/player1/#", "sport/tennis/player1/score/wimbledon", true},
      {"sport/#", "sport", true},
      {"sport/#", "sport/", true},
      {"sport/#", "sports", false},
      {"sport/#", "spor", false},
      {"/#", "/", true},
      {"/#", "/a", true},
      {"/#", "a", false},
      {"a/b/#", "a", false},
      // +
      {"+", "a", true},
      {"+", "a/b", false},
      {"+", "/a", false},
      {"+/+", "/finance", true},
      {"/+", "/finance", true},
      {"sport/+", "sport", false},
      {"sport/+", "sport/", true},
      {"sport/tennis/+", "sport/tennis/player1", true},
      {"sport/tennis/+", "sport/tennis/player1/ranking", false},
      {"sport/+/player1", "sport/tennis/player1", true},
      {"sport/+/player1", "sport//player1", true},
      {"sport/+/player1", "sport/player1", false},
      {"+/tennis/#", "sport/tennis", true},
      {"+/tennis/#", "sport/tennis/x/y", true},
      {"+/+/#", "a", false},
      {"+/#", "a", true},
      {"+/#", "/", true},
      {"+/+/+", "//", true},
      // empty levels
      {"//", "//", true},
      {"//", "/", false},
      {"a//b", "a//b", true},
      {"a/+/b", "a//b", true},
      {"a/b", "a//b", false},
      // $
      {"#", "$SYS/broker", false},
      {"+/broker", "$SYS/broker", false},
      {"+/#", "$SYS/broker", false},
      {"$SYS/#", "$SYS/broker/load", true},
      {"$SYS/#", "$SYS", true},
      {"$SYS/+/load", "$SYS/broker/load", true},
      {"a/+", "a/$b", true},
      {"a/#", "a/$b", true},
      // $share
      {"$share/g/a/+", "a/b", true},
      {"$share/g/#", "a/b", true},
      {"$share/g/#", "$SYS/x", false},
      {"$share/g/$SYS/#", "$SYS/x", true},
      {"$share/g//a", "/a", true},
      {"$share/g/a", "$share/g/a", false},
      {"$shared/g/a", "$shared/g/a", true},
  };
  for (const Case& c : cases) {
    CAPTURE(c.filter, c.topic);
    CHECK(is_valid_filter(c.filter));
    CHECK(is_valid_topic(c.topic));
    CHECK(topic_matches(c.filter, c.topic) == c.matches);
  }
}

TEST_CASE("matching agrees with the rules read level by level") {
  std::mt19937 random(11);
  const auto pick = [&random](std::initializer_list<const char*> words) {
    return std::string(words.begin()[random() % words.size()]);
  };
  int matched = 0;
  for (int i = 0; i < 200'000; ++i) {
    std::string topic = pick({"a", "b", "", "$s", "ab"});
    for (std::size_t n = random() % 4; n > 0; --n) topic += "/" + pick({"a", "b", "", "ab"});
    std::string filter = pick({"a", "b", "", "+", "$s", "#"});
    for (std::size_t n = random() % 4; n > 0 && !filter.ends_with('#'); --n) {
      filter += "/" + pick({"a", "b", "", "+", "#", "ab"});
    }
    if (topic.empty() || filter.empty()) continue;
    const bool expected = matches_by_the_book(filter, topic);
    if (!is_valid_filter(filter) || !is_valid_topic(topic) ||
        topic_matches(filter, topic) != expected ||
        topic_matches("$share/group/" + filter, topic) != expected) {
      FAIL(filter << " and " << topic << " should " << (expected ? "" : "not ") << "match");
    }
    matched += expected ? 1 : 0;
  }
  CHECK(matched > 10'000);  // the random cases hit both answers
}

TEST_CASE("a topic is 1 to 65535 bytes of UTF-8 without NUL and wildcards") {
  CHECK(is_valid_topic("a"));
  CHECK(is_valid_topic("/"));
  CHECK(is_valid_topic("$SYS/x"));
  CHECK(is_valid_topic("Straße/Ü b"));
  CHECK(is_valid_topic(std::string(65'535, 'x')));
  CHECK_FALSE(is_valid_topic(std::string(65'536, 'x')));
  CHECK_FALSE(is_valid_topic(""));
  CHECK_FALSE(is_valid_topic("a+b"));
  CHECK_FALSE(is_valid_topic("a/#"));
  CHECK_FALSE(is_valid_topic(std::string_view("a\0b", 3)));
  CHECK_FALSE(is_valid_topic("a\xC0\x80"));
  CHECK_FALSE(is_valid_topic("a\xED\xA0\x80"));
}

TEST_CASE("a filter is well-formed or refused") {
  for (const char* filter : {"a", "/", "+", "#", "+/+", "a/#", "/#", "+/b/#", "a/+/c", "$SYS/#",
                             "$share/g/a", "$share/g/#", "$share/g//", "$share", "$shares/+/#"}) {
    CAPTURE(filter);
    CHECK(is_valid_filter(filter));
  }
  for (const char* filter :
       {"",         "a#",          "#/a",         "a/#/b",       "##",        "a/##",
        "a+",       "+a",          "a/b+/c",      "a/+b",        "++",        "#+",
        "+#",       "$share/",     "$share/g",    "$share/g/",   "$share//a", "$share/+/a",
        "$share/#", "$share/g+/a", "$share/g#/a", "$share/g/a#", "a\xFF"}) {
    CAPTURE(filter);
    CHECK_FALSE(is_valid_filter(filter));
  }
  CHECK_FALSE(is_valid_filter(std::string_view("a\0", 2)));
  CHECK_FALSE(is_valid_filter(std::string(65'536, 'x')));
}

TEST_CASE("a shared filter gives up its group") {
  CHECK(without_share("$share/g/a/+") == "a/+");
  CHECK(without_share("$share/g//a") == "/a");
  CHECK(without_share("$share/g/$share/h/a") == "$share/h/a");
  CHECK(without_share("a/b") == "a/b");
  CHECK(without_share("$share") == "$share");
  CHECK(without_share("") == "");
}

TEST_CASE("levels are numbered from 0 and empty past the last") {
  CHECK(topic_level("a/b/c", 0) == "a");
  CHECK(topic_level("a/b/c", 1) == "b");
  CHECK(topic_level("a/b/c", 2) == "c");
  CHECK(topic_level("a/b/c", 3).empty());
  CHECK(topic_level("/b", 0).empty());
  CHECK(topic_level("/b", 1) == "b");
  CHECK(topic_level("a//c", 1).empty());
  CHECK(topic_level("", 0).empty());
}
