// SPDX-License-Identifier: Apache-2.0
//
// What a series is: the columns of time, and the numbers of a row.
#include <initializer_list>
#include <span>
#include <string>

#include "telemetry/core/json_pull.hpp"
#include "telemetry/query.hpp"

namespace telemetry {
namespace {

using core::JsonPull;
using core::JsonToken;

/// The width of whole units, where it comes to one.
std::uint64_t rounded(std::uint64_t width) noexcept {
  for (const std::uint64_t unit : {std::uint64_t{1'000'000}, std::uint64_t{1'000}}) {
    if (width < unit) continue;
    const std::uint64_t rest = width % unit;
    return rest == 0 || width > UINT64_MAX - unit ? width : width + (unit - rest);
  }
  return width;
}

/// Reads an object that was just opened, up to its end. Recursion: json_depth_max at most.
/// @param inside  `path` is what holds the object
void walk(std::string_view json, JsonPull& pull, std::string& path, bool inside,
          const NumberVisitor& visit) {
  const std::size_t outer = path.size();
  const auto fits = [&path] { return !path.empty() && path.size() <= Series::path_bytes_max; };
  while (pull.next() == JsonToken::key) {
    if (inside) path += '.';
    const std::size_t at = path.size();
    path += pull.text();
    if (pull.escaped()) {
      const std::size_t bytes =
          core::json_unescape(pull.text(), std::span(path.data() + at, path.size() - at));
      path.resize(at + bytes);
    }
    switch (pull.next()) {
      case JsonToken::number: {
        const auto number =
            Number::read(json.substr(pull.offset(), pull.end_offset() - pull.offset()));
        if (number && fits()) visit(path, *number);
        break;
      }
      case JsonToken::true_:
      case JsonToken::false_:
        if (fits()) visit(path, Number(std::int64_t{json[pull.offset()] == 't' ? 1 : 0}));
        break;
      case JsonToken::object_begin:
        walk(json, pull, path, true, visit);
        break;
      case JsonToken::array_begin:
        if (!pull.skip_container()) return;
        break;
      default:
        break;
    }
    path.resize(outer);
  }
}

}  // namespace

TimeColumns TimeColumns::of(std::int64_t since, std::int64_t last, std::uint64_t count) noexcept {
  std::uint64_t length = static_cast<std::uint64_t>(last) - static_cast<std::uint64_t>(since);
  if (length < UINT64_MAX) ++length;
  const std::uint64_t width = length / count + (length % count > 0 ? 1 : 0);
  return {since, last, rounded(width)};
}

std::int64_t TimeColumns::number_of(std::int64_t time) const noexcept {
  const auto bits = static_cast<std::uint64_t>(time);
  return time < 0 ? ~static_cast<std::int64_t>(~bits / width_ns)
                  : static_cast<std::int64_t>(bits / width_ns);
}

std::pair<std::int64_t, std::int64_t> TimeColumns::span_of(std::int64_t time) const noexcept {
  const auto bits = static_cast<std::uint64_t>(time);
  const std::uint64_t before =  // of the column, before `time`
      time < 0 ? width_ns - 1 - ~bits % width_ns : bits % width_ns;
  const std::uint64_t behind = width_ns - 1 - before;
  const std::uint64_t room_before = bits - static_cast<std::uint64_t>(since);
  const std::uint64_t room_behind = static_cast<std::uint64_t>(last) - bits;
  return {before < room_before ? static_cast<std::int64_t>(bits - before) : since,
          behind < room_behind ? static_cast<std::int64_t>(bits + behind) : last};
}

void for_each_number(std::string_view json, std::string_view name, std::string_view bare,
                     const NumberVisitor& visit) {
  JsonPull pull(json);
  switch (pull.next()) {
    case JsonToken::number: {
      const auto number =
          Number::read(json.substr(pull.offset(), pull.end_offset() - pull.offset()));
      if (number && !bare.empty()) visit(bare, *number);
      break;
    }
    case JsonToken::true_:
    case JsonToken::false_:
      if (!bare.empty()) visit(bare, Number(std::int64_t{json[pull.offset()] == 't' ? 1 : 0}));
      break;
    case JsonToken::object_begin: {
      std::string path(name);
      walk(json, pull, path, !name.empty(), visit);
      break;
    }
    default:
      break;
  }
}

void for_each_number(const Row& row, const NumberVisitor& visit) {
  if (row.raw_kind == Row::RawKind::json) for_each_number(row.raw, {}, "value", visit);
  for (const Field& field : row.fields) {
    switch (field.value.kind()) {
      case core::ValueKind::boolean:
      case core::ValueKind::integer:
      case core::ValueKind::decimal:
        visit(field.path, Number::of(field.value));
        break;
      case core::ValueKind::json:
        for_each_number(field.value.as_text(), field.path, field.path, visit);
        break;
      default:
        break;
    }
  }
  if (!row.extra.empty()) for_each_number(row.extra, {}, {}, visit);
}

}  // namespace telemetry
