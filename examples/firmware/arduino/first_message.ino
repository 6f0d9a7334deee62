// SPDX-License-Identifier: Apache-2.0
// Judges two messages by the schemas of the gateway; the second is too hot.
#include <libtelemetry.h>

#include "schemas.hpp"  // telemetry schema compile --to cpp

void judge(const char* topic, const char* payload) {
  namespace core = telemetry::core;
  static core::Value values[schemas::mcu_reading_v1.slot_count];
  static char scratch[192];  // as large as the largest payload
  core::Violation violation[1];
  const core::SchemaEntry* schema = schemas::choose(topic);
  if (schema == nullptr) {
    Serial.println("no schema for this topic");
    return;
  }
  const core::DecodeResult result =
      core::decode(*schema->view, payload, {values, scratch, violation, {}});
  if (result.ok()) {
    Serial.println("valid");
  } else {
    Serial.print("broken rule, at byte ");
    Serial.println(violation[0].offset);
  }
}

void setup() {
  Serial.begin(115200);
  judge("mcu/mcu-001/reading",
        R"({"device_id":"mcu-001","temperature":21.37,"timestamp":1795000000123,"seq":1})");
  judge("mcu/mcu-001/reading",
        R"({"device_id":"mcu-001","temperature":421.5,"timestamp":1795000001123,"seq":2})");
}

void loop() {}
