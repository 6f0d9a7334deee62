// SPDX-License-Identifier: Apache-2.0
#include "infer/names.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "schema/specification.hpp"

namespace telemetry::infer {
namespace {

constexpr std::array<std::string_view, 10> time_names{
    "timestamp", "time", "ts", "datetime", "date_time", "utc", "t", "at", "epoch", "date"};
constexpr std::array<std::string_view, 14> sequence_names{
    "seq",     "sequence",        "seq_no",  "seqno",  "seq_nr",
    "seq_num", "sequence_number", "msg_seq", "msg_no", "sequencenumber",
    "packet",  "message_number",  "counter", "n"};

template <std::size_t count>
std::size_t rank(const std::array<std::string_view, count>& names, std::string_view name) {
  const auto at = std::find(names.begin(), names.end(), lower(name));
  return at == names.end() ? no_rank : static_cast<std::size_t>(at - names.begin());
}

bool is_plain(std::string_view text) {
  constexpr std::array<std::string_view, 9> words{"true", "false", "null", "yes", "no",
                                                  "on",   "off",   "y",    "n"};
  const bool letters = std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
  });
  return letters && !text.empty() && (text[0] < '0' || text[0] > '9') &&
         rank(words, text) == no_rank;
}

}  // namespace

std::size_t time_rank(std::string_view name) { return rank(time_names, name); }
std::size_t sequence_rank(std::string_view name) { return rank(sequence_names, name); }

bool sounds_like_time(std::string_view name) {
  const std::string text = lower(name);
  const auto has = [&](std::string_view part) { return text.find(part) != text.npos; };
  return time_rank(name) != no_rank || has("time") || has("date") || has("stamp") ||
         text.ends_with("_at") || text.ends_with("_ts");
}

std::string_view suggested_unit(std::string_view name) {
  struct Known {
    std::string_view name, unit;
  };
  constexpr std::array known{
      Known{"temperature", "°C"}, Known{"temp", "°C"},    Known{"t", "°C"},
      Known{"humidity", "%"},     Known{"rh", "%"},       Known{"battery", "%"},
      Known{"pressure", "hPa"},   Known{"voltage", "V"},  Known{"current", "A"},
      Known{"power", "W"},        Known{"energy", "kWh"}, Known{"frequency", "Hz"},
      Known{"rssi", "dBm"},       Known{"co2", "ppm"},    Known{"illuminance", "lx"},
      Known{"lux", "lx"},         Known{"speed", "m/s"},  Known{"weight", "kg"},
      Known{"distance", "m"},     Known{"uptime", "s"},
  };
  constexpr std::array endings{
      Known{"_c", "°C"},    Known{"_pct", "%"},   Known{"_percent", "%"}, Known{"_v", "V"},
      Known{"_mv", "mV"},   Known{"_a", "A"},     Known{"_ma", "mA"},     Known{"_w", "W"},
      Known{"_kw", "kW"},   Known{"_wh", "Wh"},   Known{"_kwh", "kWh"},   Known{"_hz", "Hz"},
      Known{"_s", "s"},     Known{"_ms", "ms"},   Known{"_pa", "Pa"},     Known{"_hpa", "hPa"},
      Known{"_bar", "bar"}, Known{"_ppm", "ppm"}, Known{"_dbm", "dBm"},   Known{"_lx", "lx"},
      Known{"_mm", "mm"},   Known{"_kg", "kg"},   Known{"_l", "l"},
  };
  const std::string text = lower(name);
  for (const Known& one : endings)
    if (text.ends_with(one.name)) return one.unit;
  for (const Known& one : known)
    if (text == one.name || text.ends_with(fmt::format("_{}", one.name))) return one.unit;
  return {};
}

std::string lower(std::string_view text) {
  std::string out(text);
  std::transform(out.begin(), out.end(), out.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
  return out;
}

std::string grouped(std::uint64_t number) {
  std::string text = fmt::format("{}", number);
  for (std::size_t at = text.size(); at > 3;) text.insert(at -= 3, 1, ',');
  return text;
}

std::string yaml_quoted(std::string_view text) {
  constexpr std::string_view byte_order_mark = "\uFEFF";
  std::string out = schemas::json_string(text);
  for (std::size_t at = 0; (at = out.find(byte_order_mark, at)) != out.npos;)
    out.replace(at, byte_order_mark.size(), "\\ufeff");
  return out;
}

std::string yaml_text(std::string_view text) {
  return is_plain(text) ? std::string(text) : yaml_quoted(text);
}

std::string bound(double number, bool up) {
  constexpr double tiny = 1e-290;
  if (std::fabs(number) < tiny)
    return number == 0 || (number > 0) != up ? "0" : up ? "1e-290" : "-1e-290";
  const int exponent = static_cast<int>(std::floor(std::log10(std::fabs(number)))) - 1;
  const double digits = number / std::pow(10, exponent);
  const double whole = up ? std::ceil(digits - 1e-9) : std::floor(digits + 1e-9);
  return schemas::number_text(
      {static_cast<std::int64_t>(whole), static_cast<std::int16_t>(exponent)});
}

}  // namespace telemetry::infer
