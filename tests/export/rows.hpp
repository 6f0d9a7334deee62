// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "telemetry/export.hpp"

namespace rows {

using telemetry::Row;
using telemetry::core::Value;

inline constexpr std::int64_t noon = 1'795'262'400'000'000'000;  // 2026-11-21T12:00:00Z

inline Row row(std::string_view topic, std::vector<telemetry::Field> fields) {
  Row out;
  out.topic = topic;
  out.time = noon;
  out.received_at = noon + 1'000'000;
  out.fields = std::move(fields);
  return out;
}

inline Row raw_row(std::string_view raw, Row::RawKind kind) {
  Row out = row("raw", {});
  out.raw = raw;
  out.raw_kind = kind;
  return out;
}

inline std::string payload(const Row& row) {
  std::string out;
  telemetry::append_payload_json(row, out);
  return out;
}

/// Everything that a writer of this format says about these rows.
inline std::string written(telemetry::RowFormat format, const std::vector<Row>& all,
                           std::vector<std::string> fields = {}, std::size_t columns_max = 0) {
  std::string out;
  const auto writer = telemetry::RowWriter::make(
      format, std::move(fields),
      [&out](std::string_view text) {
        out += text;
        return true;
      },
      columns_max);
  for (const Row& one : all) (void)writer->write(one);
  (void)writer->finish();
  return out;
}

}  // namespace rows
