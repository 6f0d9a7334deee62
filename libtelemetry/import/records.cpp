// SPDX-License-Identifier: Apache-2.0
#include "import/records.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <map>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "telemetry/core/json_pull.hpp"
#include "telemetry/core/limits.hpp"
#include "telemetry/core/time.hpp"
#include "telemetry/export.hpp"
#include "telemetry/import.hpp"

/// Records of files. They are counted as they come, so that the same file gives the same numbers; a
/// line that is no record has none.
///
/// Limits: record_bytes_max in memory; a longer one is no record.
namespace telemetry {
namespace {

constexpr std::size_t record_bytes_max = 2 * core::payload_bytes_max;
constexpr std::size_t block_bytes = 256 * 1024;
constexpr int end_of_file = -1;
constexpr std::string_view base64_begin = R"({"base64":)";
/// Of a CSV file; a field of such a name has a `_` behind it.
constexpr std::array<std::string_view, 7> own_columns{
    "topic", "timestamp", "received_at", "device", "retained", "extra", "payload"};

/// Bytes one by one.
class Bytes {
 public:
  explicit Bytes(ReadBytes read) : read_(std::move(read)) {}
  /// @returns end_of_file at the end and after a failure.
  int next() {
    if (at_ == size_ && !fill()) return end_of_file;
    return static_cast<unsigned char>(block_[at_++]);
  }
  int peek() {
    if (at_ == size_ && !fill()) return end_of_file;
    return static_cast<unsigned char>(block_[at_]);
  }
  [[nodiscard]] const Result<void>& failure() const { return failure_; }

 private:
  bool fill() {
    if (!failure_) return false;
    const auto got = read_(block_);
    if (!got) failure_ = got.error();
    at_ = 0;
    size_ = got ? *got : 0;
    return size_ != 0;
  }

  ReadBytes read_;
  std::vector<char> block_ = std::vector<char>(block_bytes);
  std::size_t at_ = 0, size_ = 0;
  Result<void> failure_;
};

bool is_text(std::string_view json) { return json.size() >= 2 && json.starts_with('"'); }

/// A payload as append_payload_json() writes it.
void set_payload(std::string_view json, ImportedMessage& message) {
  message.payload = payload_of_json(json);
  message.shown = message.payload == json;
}

/// The time of receipt; else that of the message.
void set_time(std::string_view received_at, std::string_view timestamp, ImportedMessage& message) {
  message.received_at = 0;
  if (!core::parse_time(received_at, 0, message.received_at))
    (void)core::parse_time(timestamp, 0, message.received_at);
}

class Records {
 public:
  Records(const Ingest& ingest, ReadBytes read) : ingest_(ingest), bytes_(std::move(read)) {}

  /// Finds out what it is. Errors: invalid_argument  nothing that can be imported.
  Result<void> begin();
  [[nodiscard]] bool is_csv() const { return csv_; }
  /// @returns false at the end.
  Result<bool> next(ImportedMessage& message);
  [[nodiscard]] std::uint64_t damaged() const { return damaged_; }

 private:
  Result<void> read_header();
  /// @returns false at the end; `line` is empty when it is too long.
  bool read_line(std::string& line);
  bool read_cells();
  static bool set(std::string_view line, ImportedMessage& message);
  bool set_row(ImportedMessage& message) const;

  struct Cell {
    std::string text;
    bool present = false;
  };
  const Ingest& ingest_;
  Bytes bytes_;
  bool csv_ = false;
  std::map<std::string, std::size_t, std::less<>> columns_;
  std::string line_;
  std::vector<Cell> cells_;
  std::uint64_t damaged_ = 0;
};

Result<void> Records::begin() {
  constexpr std::array byte_order_mark{0xEF, 0xBB, 0xBF};
  if (bytes_.peek() == byte_order_mark[0])
    for (std::size_t i = 0; i < byte_order_mark.size(); ++i) (void)bytes_.next();
  while (bytes_.peek() == '\n' || bytes_.peek() == '\r' || bytes_.peek() == ' ')
    (void)bytes_.next();
  const int first = bytes_.peek();
  if (!bytes_.failure()) return bytes_.failure();
  if (first == '[') {
    return Error{Errc::invalid_argument,
                 "a JSON array; write the records one a line, as --format jsonl does"};
  }
  csv_ = first != '{' && first != end_of_file;
  return csv_ ? read_header() : Result<void>();
}

Result<void> Records::read_header() {
  (void)read_cells();
  for (std::size_t i = 0; i < cells_.size(); ++i) columns_.emplace(cells_[i].text, i);
  if (columns_.contains("topic")) return {};
  return Error{Errc::invalid_argument,
               "no column \"topic\" in its first line; a CSV file of records has the columns "
               "topic,timestamp,received_at,payload, or one for each field"};
}

bool Records::read_line(std::string& line) {
  line.clear();
  if (bytes_.peek() == end_of_file) return false;
  bool too_long = false;
  for (int c = bytes_.next(); c != '\n' && c != end_of_file; c = bytes_.next()) {
    too_long = too_long || line.size() == record_bytes_max;
    if (!too_long) line += static_cast<char>(c);
  }
  if (too_long) line.clear();
  if (too_long) ++damaged_;
  return true;
}

// RFC 4180: what stands in quotes may hold line ends.
bool Records::read_cells() {
  cells_.assign(1, {});
  if (bytes_.peek() == end_of_file) return false;
  bool quoted = false;
  std::size_t size = 0;
  for (int c = bytes_.next(); c != end_of_file; c = bytes_.next()) {
    if (c == '"' && quoted && bytes_.peek() == '"') {
      (void)bytes_.next();
    } else if (c == '"') {
      quoted = !quoted;
      cells_.back().present = true;  // "" is an empty text
      continue;
    } else if (!quoted && c == '\n') {
      break;
    } else if (!quoted && c == '\r' && bytes_.peek() == '\n') {
      continue;
    } else if (!quoted && c == ',') {
      cells_.emplace_back();
      ++size;
      continue;
    }
    if (++size > record_bytes_max) continue;
    cells_.back().text += static_cast<char>(c);
    cells_.back().present = true;
  }
  // Too long, or it ends inside quotes.
  if (size > record_bytes_max || quoted) cells_.clear();
  return true;
}

bool Records::set(std::string_view line, ImportedMessage& message) {
  if (payload_kind(line) != Row::RawKind::json) return false;
  const auto topic = json_member(line, "topic");
  const auto payload = json_member(line, "payload");
  if (!topic || !payload || !is_text(*topic)) return false;
  message.topic = text_of_json(*topic);
  set_payload(*payload, message);
  const auto text_of = [&](std::string_view name) {
    const auto value = json_member(line, name);
    return value && is_text(*value) ? text_of_json(*value) : std::string();
  };
  set_time(text_of("received_at"), text_of("timestamp"), message);
  message.retained = json_member(line, "retained") == "true";
  return true;
}

bool Records::set_row(ImportedMessage& message) const {
  const auto cell = [&](std::string_view name) -> std::optional<std::string_view> {
    const auto at = columns_.find(name);
    if (at == columns_.end() || !cells_[at->second].present) return std::nullopt;
    return cells_[at->second].text;
  };
  if (cells_.size() != columns_.size() || !cell("topic")) return false;
  message.topic = *cell("topic");
  if (const auto payload = cell("payload")) {
    // Beside columns of fields it stands as it came, else as JSON.
    if (columns_.contains("device") && !payload->starts_with(base64_begin)) {
      message.payload = *payload;
      message.shown = false;
    } else if (payload_kind(*payload) == Row::RawKind::json) {
      set_payload(*payload, message);
    } else {
      return false;
    }
  } else {
    const auto schemas = ingest_.schemas();
    const Schema* schema = schemas->choose(message.topic);
    if (schema == nullptr) return false;
    message.payload = imports::payload_of(*schema, [&](std::string_view path) {
      const bool taken =
          std::find(own_columns.begin(), own_columns.end(), path) != own_columns.end();
      return cell(taken && path != "extra" ? std::string(path) + "_" : std::string(path));
    });
    message.shown = true;
  }
  set_time(cell("received_at").value_or(""), cell("timestamp").value_or(""), message);
  message.retained = cell("retained") == "true";
  return true;
}

Result<bool> Records::next(ImportedMessage& message) {
  for (;;) {
    const bool more = csv_ ? read_cells() : read_line(line_);
    if (!bytes_.failure()) return bytes_.failure().error();
    if (!more) return false;
    if (csv_ ? cells_.size() == 1 && !cells_.front().present
             : line_.find_first_not_of(" \t\r") == std::string::npos)
      continue;
    if (csv_ ? set_row(message) : set(line_, message)) return true;
    ++damaged_;
  }
}

/// The same for the same bytes, however they come.
Result<std::uint64_t> hash_of(const ReadBytes& read) {
  std::vector<char> block(block_bytes);
  for (std::uint64_t hash = 0;;) {
    std::size_t size = 0;
    while (size < block.size()) {
      const auto got = read(std::span(block).subspan(size));
      if (!got) return got.error();
      if (*got == 0) break;
      size += *got;
    }
    if (size == 0) return hash;
    const std::uint64_t part = hash64({block.data(), size});
    hash = hash64(fmt::format("{:016x}{:016x}", hash, part));
  }
}

std::string epoch_text(std::int64_t ns, core::TimeFormat format) {
  const int digits = format == core::TimeFormat::s    ? 9
                     : format == core::TimeFormat::ms ? 6
                     : format == core::TimeFormat::us ? 3
                                                      : 0;
  std::string out;
  core::Decimal number{ns, static_cast<std::int16_t>(-digits)};
  while (number.exponent < 0 && number.mantissa % 10 == 0) {
    number.mantissa /= 10;
    ++number.exponent;
  }
  append_json_value(core::Value::decimal(number), out);
  return out;
}

}  // namespace

namespace imports {

std::string as_declared(const Schema& schema, std::string_view payload) {
  std::map<std::string, core::TimeFormat, std::less<>> wanted;  // by path
  for (const core::Node& node : schema.view().nodes) {
    if (node.type == core::FieldType::timestamp && node.slot != core::no_index &&
        node.time_format >= core::TimeFormat::s)
      wanted.emplace(schema.slots()[node.slot].path, node.time_format);
  }
  if (wanted.empty()) return std::string(payload);
  std::string out, path;
  std::vector<std::size_t> parents;  // lengths of `path`
  std::size_t copied = 0;
  core::JsonPull pull(payload);
  for (core::JsonToken token = pull.next();
       token != core::JsonToken::end && token != core::JsonToken::error; token = pull.next()) {
    if (token == core::JsonToken::array_begin) {
      if (!pull.skip_container()) break;  // nothing inside has a slot
    } else if (token == core::JsonToken::object_begin) {
      parents.push_back(path.size());
    } else if (token == core::JsonToken::object_end) {
      parents.pop_back();
      if (!parents.empty()) path.resize(parents.back());
    } else if (token == core::JsonToken::key) {
      path.resize(parents.back());
      if (!path.empty()) path += '.';
      path += pull.escaped() ? text_of_json(fmt::format("\"{}\"", pull.text()))
                             : std::string(pull.text());
    } else if (token == core::JsonToken::string) {
      const auto at = wanted.find(path);
      std::int64_t ns = 0;
      if (at == wanted.end() || !core::parse_time(pull.text(), 0, ns)) continue;
      out.append(payload, copied, pull.offset() - copied);
      out += epoch_text(ns, at->second);
      copied = pull.end_offset();
    }
  }
  return out.append(payload.substr(copied));
}

}  // namespace imports

Result<ImportReport> import_records(Ingest& ingest, const std::string& journal_path,
                                    const std::function<Result<ReadBytes>()>& open,
                                    const Environment& environment, std::stop_token stop) {
  auto first = open();
  if (!first) return first.error();
  const auto hash = hash_of(*first);
  if (!hash) return hash.error();
  auto second = open();
  if (!second) return second.error();
  Records records(ingest, *std::move(second));
  if (auto begun = records.begin(); !begun) return begun.error();
  ImportSource source;
  source.id = fmt::format("{}-{:016x}", records.is_csv() ? "csv" : "jsonl", *hash);
  source.read = [&records, number = std::uint64_t{0}](
                    std::uint64_t from, ImportedMessage& message) mutable -> Result<std::uint64_t> {
    while (number < from) {
      const auto more = records.next(message);
      if (!more) return more.error();
      if (!*more) return std::uint64_t{0};
      ++number;
    }
    return number;
  };
  auto report =
      import_messages(ingest, journal_path, std::move(source), environment, std::move(stop));
  if (report) report->damaged_places = records.damaged();
  return report;
}

}  // namespace telemetry
