// SPDX-License-Identifier: Apache-2.0
// First line: filter; the rest: topic. The match agrees with a plain recursive definition.
#include "fuzz.hpp"
#include "telemetry/core/topic.hpp"

namespace {

// MQTT 5.0 section 4.7.1, level by level.
bool reference(std::string_view filter, std::string_view topic) {
  const auto filter_end = filter.find('/');
  const auto level = filter.substr(0, filter_end);
  if (level == "#") return true;
  const auto topic_end = topic.find('/');
  if (level != "+" && level != topic.substr(0, topic_end)) return false;
  if (filter_end == std::string_view::npos) return topic_end == std::string_view::npos;
  const auto filter_rest = filter.substr(filter_end + 1);
  if (topic_end == std::string_view::npos) return filter_rest == "#";
  return reference(filter_rest, topic.substr(topic_end + 1));
}

}  // namespace

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  namespace core = telemetry::core;
  const auto text = as_text(data, size);
  const auto line = text.find('\n');
  if (line == std::string_view::npos) return 0;
  const auto filter = text.substr(0, line);
  const auto topic = text.substr(line + 1);
  if (!core::is_valid_filter(filter) || !core::is_valid_topic(topic)) return 0;
  const auto inner = core::without_share(filter);
  const bool hidden = topic.front() == '$' && (inner.front() == '+' || inner.front() == '#');
  TELEMETRY_FUZZ_CHECK(core::topic_matches(filter, topic) == (!hidden && reference(inner, topic)));
  return 0;
}
