// SPDX-License-Identifier: Apache-2.0
#include <telemetry/core/topic.hpp>

int main() {
  return telemetry::core::topic_matches("sensors/+/temperature", "sensors/7/temperature") ? 0 : 1;
}
