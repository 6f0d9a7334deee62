// SPDX-License-Identifier: Apache-2.0
#include "ingest/birth_replay.hpp"

#include <charconv>

#include "telemetry/condition.hpp"
#include "telemetry/export.hpp"

namespace telemetry {

namespace flag = core::frame_flag;

void BirthReplay::take(const core::FrameView& frame, SparkplugBirths& births) {
  const std::uint16_t flags = frame.header.flags;
  if ((flags & flag::unfolded) == 0 || (flags & flag::imported) != 0 ||
      !SparkplugBirths::is_birth(frame.topic))
    return;
  const auto name = json_member(frame.payload, "name");
  if (name && name->starts_with('"') && metrics_.size() < SparkplugBirths::metrics_max) {
    SparkplugBirths::Metric& metric = metrics_.emplace_back();
    metric.name = names_.emplace_back(text_of_json(*name));
    if (const auto alias = json_member(frame.payload, "alias")) {
      const char* const end = alias->data() + alias->size();
      metric.has_alias = std::from_chars(alias->data(), end, metric.alias).ptr == end;
    }
    const auto word = json_member(frame.payload, "datatype");
    if (word && word->starts_with('"'))
      metric.datatype = SparkplugBirths::datatype(text_of_json(*word));
  }
  if ((flags & flag::more) != 0) return;
  births.learn(frame.topic, metrics_);
  metrics_.clear();
  names_.clear();
}

}  // namespace telemetry
