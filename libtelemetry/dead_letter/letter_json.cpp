// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>

#include "telemetry/core/journal_format.hpp"
#include "telemetry/dead_letter.hpp"
#include "telemetry/export.hpp"

namespace telemetry {
namespace {

constexpr std::string_view refused_by_store = "refused by a store";

void member(std::string_view name, std::string_view text, std::string& out) {
  out += fmt::format(",\"{}\":", name);
  append_json_string(text, out);
}

void time_member(std::string_view name, std::int64_t ns, std::string& out) {
  out += fmt::format(",\"{}\":", name);
  append_json_time(ns, out);
}

void append_bytes(std::string_view bytes, Row::RawKind kind, std::string& out) {
  Row row;
  row.raw = bytes;
  row.raw_kind = kind;
  append_payload_json(row, out);
}

}  // namespace

std::string reason(const Letter& letter) {
  if (letter.is_refused()) return std::string(refused_by_store);
  return std::string(core::to_string(static_cast<core::Rule>(letter.header.reason)));
}

std::string reason_problem(std::string_view reason) {
  std::vector<std::string_view> known{refused_by_store, core::to_string(core::Rule::none)};
  for (int rule = 1; rule <= UINT8_MAX; ++rule) {
    const std::string_view name = core::to_string(static_cast<core::Rule>(rule));
    if (name != known[1]) known.push_back(name);
  }
  if (std::ranges::find(known, reason) != known.end()) return {};
  const std::string_view near = nearest(reason, known);
  return fmt::format("'{}' is no reason; {}", printable(reason),
                     near.empty() ? fmt::format("known are {}", fmt::join(known, ", "))
                                  : fmt::format("did you mean '{}'?", near));
}

std::string schema_name(const Letter& letter) {
  if (letter.header.schema_id == 0) return "none";
  std::vector<Diagnostic> ignored;
  const auto schema = Schema::parse(std::string(letter.schema), "letter", ignored,
                                    ValidationFunctions::not_called());
  if (!schema) return fmt::format("{:016x}", letter.header.schema_id);
  const SchemaVersion version = (*schema)->version();
  return fmt::format("{} {}.{}", (*schema)->name(), version.major, version.minor);
}

std::string to_json(const Letter& letter, LetterDetail detail) {
  std::string out = fmt::format("{{\"id\":{}", letter.header.sequence);
  append_members(letter, detail, out);
  if (detail == LetterDetail::all) out += fmt::format(",\"reference\":{}", letter.header.reference);
  return out + "}";
}

void append_members(const Letter& letter, LetterDetail detail, std::string& out) {
  const core::FrameHeader& h = letter.header;
  time_member("received_at", h.received_at, out);
  member("topic", letter.topic, out);
  member("verdict", to_string(static_cast<Verdict>(h.verdict)), out);
  member("reason", reason(letter), out);
  out += fmt::format(",\"bytes\":{},\"problems\":", letter.payload.size());
  if (letter.problems.empty())
    out += "[]";
  else
    append_bytes(letter.problems, payload_kind(letter.problems), out);
  if (detail == LetterDetail::all) {
    time_member("timestamp", h.time, out);
    member("schema", schema_name(letter), out);
    out += fmt::format(R"(,"schema_id":"{:016x}","qos":{},"retained":{},"unfolded":{},"payload":)",
                       h.schema_id, h.flags & core::frame_flag::qos_mask,
                       (h.flags & core::frame_flag::retained) != 0,
                       (h.flags & core::frame_flag::unfolded) != 0);
    // The exact bytes: as text, or as base64 where they are none.
    if (payload_kind(letter.payload) == Row::RawKind::binary)
      append_bytes(letter.payload, Row::RawKind::binary, out);
    else
      append_json_string(letter.payload, out);
  }
}

}  // namespace telemetry
