// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <deque>
#include <string>
#include <vector>

#include "telemetry/core/journal_format.hpp"
#include "telemetry/form.hpp"

namespace telemetry {

/// Learns the births of Sparkplug nodes again from the frames of a journal, a frame a metric.
class BirthReplay {
 public:
  /// @param frame of a message that was neither replayed nor imported; in their order
  void take(const core::FrameView& frame, SparkplugBirths& births);

 private:
  std::deque<std::string> names_;  // what the metrics view
  std::vector<SparkplugBirths::Metric> metrics_;
};

}  // namespace telemetry
