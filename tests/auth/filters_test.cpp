// SPDX-License-Identifier: Apache-2.0
#include "catch.hpp"

#include <vector>

#include "telemetry/auth.hpp"
#include "telemetry/core/topic.hpp"

using namespace telemetry;

TEST_CASE("two filters meet in one filter or in nothing") {
  const auto both = [](const char* a, const char* b) {
    const auto there = intersect_filters(a, b), back = intersect_filters(b, a);
    CHECK(there == back);
    return there.value_or("nothing");
  };
  CHECK(both("a/#", "+/b") == "a/b");
  CHECK(both("a/+", "+/b") == "a/b");
  CHECK(both("a/#", "a") == "a");
  CHECK(both("a/#", "+") == "a");
  CHECK(both("#", "a/+/c") == "a/+/c");
  CHECK(both("a/#", "a/b/#") == "a/b/#");
  CHECK(both("a/b", "a/c") == "nothing");
  CHECK(both("a", "a/b") == "nothing");
  CHECK(both("#", "$SYS/#") == "nothing");
  CHECK(both("+/x", "$SYS/x") == "nothing");
  CHECK(both("$SYS/#", "$SYS/+/load") == "$SYS/+/load");
  CHECK(both("/+", "+/a") == "/a");
}

// Every filter of up to three levels against every topic of up to four.
TEST_CASE("intersection and containment are those of the topics that match") {
  const std::vector<std::string> names{"a", "b", "$s", ""};
  std::vector<std::string> filters, topics;
  std::vector<std::string> last{""};
  for (int level = 0; level < 4; ++level) {
    std::vector<std::string> next;
    for (const std::string& begin : last) {
      const std::string slash = level == 0 ? "" : "/";
      for (const std::string& name : names) {
        const std::string topic = begin + slash + name;
        if (!topic.empty()) topics.push_back(topic);
        next.push_back(topic);
      }
    }
    last = next;
  }
  last = {""};
  for (int level = 0; level < 3; ++level) {
    std::vector<std::string> next;
    for (const std::string& begin : last) {
      const std::string slash = level == 0 ? "" : "/";
      for (const char* name : {"a", "$s", "+"}) next.push_back(begin + slash + name);
      filters.push_back(begin + slash + "#");
    }
    filters.insert(filters.end(), next.begin(), next.end());
    last = next;
  }
  for (const std::string& a : filters) {
    for (const std::string& b : filters) {
      const auto both = intersect_filters(a, b);
      bool contained = true, same = true, meets = false;
      for (const std::string& topic : topics) {
        const bool in_a = core::topic_matches(a, topic), in_b = core::topic_matches(b, topic);
        contained = contained && (!in_b || in_a);
        meets = meets || (in_a && in_b);
        same = same && (in_a && in_b) == (both && core::topic_matches(*both, topic));
      }
      INFO(a << " and " << b << ": " << both.value_or("nothing"));
      CHECK(same);
      CHECK(both.has_value() == meets);
      CHECK(contains_filter(a, b) == contained);
    }
  }
}
