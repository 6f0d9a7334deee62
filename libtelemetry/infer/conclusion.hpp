// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "infer/profile.hpp"
#include "telemetry/core/schema_view.hpp"
#include "telemetry/core/time.hpp"

namespace telemetry::infer {

/// One member as the draft declares it.
struct Member {
  const Field* field = nullptr;
  std::string name, alias;
  core::FieldType type = core::FieldType::any;
  bool required = false;
  std::string unit;
  core::TimeFormat time_format = core::TimeFormat::automatic;
  std::vector<std::string> rules;
  std::string requires_;
  std::vector<Member> members;  // object
  bool allow_extra = false;     // object
  std::vector<Member> items;    // array: one or none
  std::string note;
};

/// What a schema should say. Points into what was seen.
struct Conclusion {
  std::vector<Member> members;
  bool allow_extra = false;
  bool lenient = false;             ///< numbers come as texts with their unit
  const Field* sequence = nullptr;  ///< or null
  std::string time_path;            ///< empty: there is none
  core::TimeFormat time_format = core::TimeFormat::automatic;
};

/// @param marked a member may be the time or the number of its message
[[nodiscard]] Conclusion conclude(const Object& root, bool marked);

}  // namespace telemetry::infer
