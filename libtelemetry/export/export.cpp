// SPDX-License-Identifier: Apache-2.0
//
// Rows as text for people and programs.
//
// Life of a row: the store shows it, write() turns it into one line (JSON) or a line of cells (CSV,
// table) and hands it to `out`; nothing of it is kept. Only csv and table hold back the first 1,000
// rows, because their columns are the union of what these rows have; a field that first comes later
// has no column, its values are counted in left_out().
//
// Invariants: one record is one line in every format: JSON from the wire loses its line ends, text
// is escaped. A table never holds a byte that commands a terminal; JSON neither; CSV is what was
// sent. After `out` has refused once nothing more is written.
#include "telemetry/export.hpp"

#include <algorithm>
#include <array>
#include <set>
#include <utility>

#include "export/columns.hpp"
#include "telemetry/core/json_pull.hpp"

namespace telemetry {
namespace {

// The columns of ours, wanted or not: so a field's column has the same name in every output.
constexpr std::array<std::string_view, 7> fixed_names{
    "topic", "timestamp", "received_at", "device", "retained", "extra", "payload"};

class JsonWriter : public RowWriter {
 public:
  JsonWriter(bool array, Out out, const TimeZone& zone, bool continues)
      : out_(std::move(out)), zone_(zone), array_(array), first_(!continues) {}

  bool write(const Row& row) override {
    if (array_) text_ += first_ ? "[\n" : ",\n";
    first_ = false;
    append_record_json(row, text_, zone_);
    if (!array_) text_ += '\n';
    constexpr std::size_t held_bytes = 32 * 1024;
    return alive_ && (text_.size() < held_bytes || flush());
  }
  bool finish() override {
    if (array_) text_ += first_ ? "[]\n" : "\n]\n";
    return alive_ && flush();
  }

 private:
  bool flush() override {
    alive_ = text_.empty() || out_(text_);
    text_.clear();
    return alive_;
  }

  Out out_;
  std::string text_;
  TimeZone zone_;
  bool array_;
  bool first_;
  bool alive_ = true;
};

void append_csv(const Cell& cell, std::string& out) {
  const std::size_t begin = out.size();
  out += cell.text;
  quote_csv(begin, out);
  if (cell.present && cell.text.empty()) out += "\"\"";  // empty is not absent
}

class CsvWriter : public ColumnWriter {
 public:
  CsvWriter(std::vector<std::string> fields, Out out, const TimeZone& zone, bool continues)
      : ColumnWriter(std::move(fields), std::move(out), zone), continues_(continues) {}
  bool flush() override { return is_released() ? flush(0) : release(); }

 private:
  bool begin(const std::vector<std::string>& names,
             const std::vector<std::vector<Cell>>& rows) override {
    if (continues_) return lines(rows);
    std::vector<Cell> header;
    for (const std::string& name : names) header.push_back({name, false, true});
    return line(header) && lines(rows);
  }
  bool lines(const std::vector<std::vector<Cell>>& rows) {
    return std::all_of(rows.begin(), rows.end(), [this](const auto& cells) { return line(cells); });
  }
  bool line(const std::vector<Cell>& cells) override {
    for (std::size_t i = 0; i < cells.size(); ++i) {
      if (i > 0) text_ += ',';
      append_csv(cells[i], text_);
    }
    text_ += "\r\n";
    return flush(0);
  }
  bool row(const Row& row) override;
  bool end() override { return flush(0); }
  /// Writes what waits, if it is more than this.
  bool flush(std::size_t bytes) {
    if (text_.size() <= bytes) return true;
    const bool written = put(text_);
    text_.clear();
    return written;
  }
  void append_text(std::string_view text) {
    const std::size_t begin = text_.size();
    text_ += text;
    quote_csv(begin, text_);
  }
  void append_value(const core::Value& value);

  std::string text_;
  bool continues_;
  std::vector<const core::Value*> values_;
};

void set_time(std::int64_t ns, const TimeZone& zone, Cell& cell) {
  cell.text.clear();
  append_time(ns, zone, cell.text);
  cell.present = true;
  cell.number = false;
}

void set_value(const core::Value& value, const TimeZone& zone, Cell& cell) {
  const core::ValueKind kind = value.kind();
  cell.present = true;
  cell.number = kind == core::ValueKind::integer || kind == core::ValueKind::decimal;
  if (kind == core::ValueKind::text) {
    cell.text = value.as_text();
  } else if (kind == core::ValueKind::time) {
    set_time(value.as_integer(), zone, cell);
  } else {
    cell.text.clear();
    append_json_value(value, cell.text);
  }
}

bool is_ours(std::string_view name) {
  return std::find(fixed_names.begin(), fixed_names.end(), name) != fixed_names.end();
}

/// Of a payload without schema; a bare value is called `value`.
void set_member(std::string_view json, std::string_view path, Cell& cell) {
  const auto found = payload_member(json, path);
  if (!found) return;
  core::JsonPull pull(*found);
  const core::JsonToken token = pull.next();
  if (token == core::JsonToken::null_) return;
  cell.present = true;
  cell.number = token == core::JsonToken::number;
  if (token == core::JsonToken::string) {
    cell.text.resize(pull.text().size());
    cell.text.resize(core::json_unescape(pull.text(), cell.text));
  } else {
    const std::size_t begin = pull.offset();
    const bool container =
        token == core::JsonToken::object_begin || token == core::JsonToken::array_begin;
    if (container && !pull.skip_container()) return;
    cell.text = found->substr(begin, pull.end_offset() - begin);
  }
}

}  // namespace

void CsvWriter::append_value(const core::Value& value) {
  if (value.kind() == core::ValueKind::text) {
    if (value.as_text().empty()) text_ += "\"\"";  // empty is not absent
    return append_text(value.as_text());
  }
  if (value.kind() == core::ValueKind::time) return append_time(value.as_integer(), zone(), text_);
  const std::size_t begin = text_.size();
  append_json_value(value, text_);
  if (value.kind() == core::ValueKind::json) quote_csv(begin, text_);
}

/// What the cells of the row come to, without making them.
bool CsvWriter::row(const Row& row) {
  if (row.raw_kind != Row::RawKind::none) return ColumnWriter::row(row);
  values_.assign(field_count(), nullptr);
  std::size_t guess = 0;
  for (const Field& field : row.fields) {
    const std::size_t place = place_of(field, guess);
    if (place == field_count()) continue;
    values_[place] = &field.value;
    guess = place + 1;
  }
  append_text(row.topic);
  text_ += ',';
  append_time(row.time, zone(), text_);
  text_ += ',';
  append_time(row.received_at, zone(), text_);
  text_ += ',';
  append_text(row.device);
  text_ += row.retained ? ",true" : ",";
  for (const core::Value* value : values_) {
    text_ += ',';
    if (value != nullptr) append_value(*value);
  }
  if (has_extra()) {
    text_ += ',';
    append_text(row.extra);
  } else if (!row.extra.empty() && !has_wishes()) {
    leave_out();
  }
  if (has_payload()) text_ += ',';
  text_ += "\r\n";
  constexpr std::size_t held_bytes = 32 * 1024;
  return flush(held_bytes);
}

ColumnWriter::ColumnWriter(std::vector<std::string> fields, Out out, const TimeZone& zone)
    : out_(std::move(out)),
      zone_(zone),
      wishes_(std::move(fields)),
      has_extra_(is_wished("extra")),
      has_payload_(is_wished("payload")) {}

bool ColumnWriter::is_wished(std::string_view name) const {
  return std::find(wishes_.begin(), wishes_.end(), name) != wishes_.end();
}

// The first wish that a field fulfils.
std::size_t ColumnWriter::wish_for(std::string_view path) const {
  if (wishes_.empty()) return 0;
  for (std::size_t i = 0; i < wishes_.size(); ++i) {
    if (is_field_or_member(path, wishes_[i])) return i;
  }
  return no_wish;
}

std::size_t ColumnWriter::column_of(std::string_view path) const {
  const auto found = std::find_if(fields_.begin(), fields_.end(),
                                  [&](const FieldColumn& column) { return column.path == path; });
  return static_cast<std::size_t>(found - fields_.begin());
}

void ColumnWriter::add_column(std::size_t at, std::string path, std::size_t wish) {
  fields_.insert(fields_.begin() + static_cast<std::ptrdiff_t>(at), {std::move(path), wish});
  for (std::vector<Cell>& cells : held_) {
    cells.insert(cells.begin() + static_cast<std::ptrdiff_t>(first_field + at), Cell{});
  }
}

void ColumnWriter::take_columns(const Row& row) {
  if (wishes_.empty()) {
    has_extra_ = has_extra_ || !row.extra.empty();
    has_payload_ = has_payload_ || row.raw_kind != Row::RawKind::none;
  }
  if (row.raw_kind == Row::RawKind::json) {
    Cell cell;
    for (std::size_t wish = 0; wish < wishes_.size(); ++wish) {
      const std::string& name = wishes_[wish];
      if (is_ours(name) || column_of(name) < fields_.size()) continue;
      set_member(row.raw, name, cell);
      if (std::exchange(cell.present, false)) add_column(first_of_wish(wish), name, wish);
    }
  }
  for (std::size_t i = 0; i < row.fields.size(); ++i) {
    const std::string_view path = row.fields[i].path;
    const std::size_t wish = wish_for(path);
    if (wish == no_wish || column_of(path) < fields_.size()) continue;
    // Behind the field of the same wish that it follows in its schema, else first of its wish.
    std::size_t at = first_of_wish(wish);
    for (std::size_t before = i; before-- > 0;) {
      const std::size_t known = column_of(row.fields[before].path);
      if (known == fields_.size() || fields_[known].wish != wish) continue;
      at = known + 1;
      break;
    }
    add_column(at, std::string(path), wish);
  }
}

std::size_t ColumnWriter::first_of_wish(std::size_t wish) const {
  const auto place = std::find_if(fields_.begin(), fields_.end(),
                                  [&](const FieldColumn& column) { return column.wish >= wish; });
  return static_cast<std::size_t>(place - fields_.begin());
}

// What was asked for and did not come is an empty column, unless it is one of ours.
void ColumnWriter::add_wishes_without_column() {
  for (std::size_t wish = 0; wish < wishes_.size(); ++wish) {
    const std::string& name = wishes_[wish];
    const bool there = std::any_of(fields_.begin(), fields_.end(), [&](const FieldColumn& column) {
      return is_field_or_member(column.path, name);
    });
    if (!there && !is_ours(name)) add_column(first_of_wish(wish), name, wish);
  }
}

void ColumnWriter::fill(const Row& row, std::vector<Cell>& cells) {
  const std::size_t extra = first_field + fields_.size();
  cells.resize(extra + 2);
  for (Cell& cell : cells) {
    cell.text.clear();
    cell.present = cell.number = false;
  }
  cells[0].text = row.topic;
  cells[0].present = true;
  set_time(row.time, zone_, cells[1]);
  set_time(row.received_at, zone_, cells[2]);
  cells[3].text = row.device;
  cells[3].present = !row.device.empty();
  cells[4].present = row.retained;
  if (row.retained) cells[4].text = "true";
  std::size_t guess = 0;  // rows of one schema have their fields in the same places
  for (const Field& field : row.fields) {
    const std::size_t place = place_of(field, guess);
    if (place == fields_.size()) continue;
    guess = place;
    set_value(field.value, zone_, cells[first_field + guess++]);
  }
  if (!row.extra.empty()) {
    cells[extra].text = row.extra;
    cells[extra].present = true;
    if (!has_extra_ && released_ && wishes_.empty()) ++left_out_;
  }
  if (row.raw_kind == Row::RawKind::json && !wishes_.empty()) {
    for (std::size_t i = 0; i < fields_.size(); ++i) {
      set_member(row.raw, fields_[i].path, cells[first_field + i]);
    }
  }
  if (row.raw_kind != Row::RawKind::none) {
    Cell& cell = cells[extra + 1];
    cell.present = true;
    if (row.raw_kind == Row::RawKind::text) {
      cell.text = row.raw;
    } else {
      append_payload_json(row, cell.text);
    }
    if (!has_payload_ && released_ && wishes_.empty()) ++left_out_;
  }
}

bool ColumnWriter::write(const Row& row) {
  if (!alive_) return false;
  if (!released_) {
    take_columns(row);
    fill(row, held_.emplace_back());
    for (const Cell& cell : held_.back()) held_bytes_ += cell.text.size();
    return (held_.size() < held_rows_max && held_bytes_ < held_bytes_max) || release();
  }
  return this->row(row);
}

bool ColumnWriter::row(const Row& row) {
  fill(row, cells_);
  if (!has_payload_) cells_.pop_back();
  if (!has_extra_)
    cells_.erase(cells_.begin() + static_cast<std::ptrdiff_t>(first_field + fields_.size()));
  return line(cells_);
}

std::size_t ColumnWriter::place_of(const Field& field, std::size_t guess) {
  if (guess < fields_.size() && fields_[guess].path == field.path) return guess;
  const std::size_t found = column_of(field.path);
  if (found == fields_.size() && wish_for(field.path) != no_wish) ++left_out_;
  return found;
}

std::vector<std::string> ColumnWriter::names() const {
  std::set<std::string> taken(fixed_names.begin(), fixed_names.end());
  std::vector<std::string> names(fixed_names.begin(), fixed_names.begin() + first_field);
  for (const FieldColumn& field : fields_) {
    std::string name = field.path;
    while (!taken.insert(name).second) name += '_';
    names.push_back(std::move(name));
  }
  if (has_extra_) names.emplace_back("extra");
  if (has_payload_) names.emplace_back("payload");
  return names;
}

bool ColumnWriter::release() {
  released_ = true;
  add_wishes_without_column();
  for (std::vector<Cell>& cells : held_) {
    if (!has_payload_) cells.pop_back();
    if (!has_extra_) {
      cells.erase(cells.begin() + static_cast<std::ptrdiff_t>(first_field + fields_.size()));
    }
  }
  const bool done = begin(names(), held_);
  held_ = {};
  return done;
}

bool ColumnWriter::finish() {
  if (!released_) (void)release();
  return alive_ && end() && alive_;
}

std::unique_ptr<RowWriter> RowWriter::make(RowFormat format, std::vector<std::string> fields,
                                           Out out, std::size_t columns_max, const TimeZone& zone,
                                           bool continues) {
  switch (format) {
    case RowFormat::table:
      return make_table_writer(std::move(fields), std::move(out), columns_max, zone);
    case RowFormat::table_per_schema:
      return make_tables_writer(std::move(fields), std::move(out), columns_max, zone);
    case RowFormat::csv:
      return std::make_unique<CsvWriter>(std::move(fields), std::move(out), zone, continues);
    case RowFormat::json:
      return std::make_unique<JsonWriter>(true, std::move(out), zone, continues);
    case RowFormat::jsonl:
      break;
  }
  return std::make_unique<JsonWriter>(false, std::move(out), zone, continues);
}

}  // namespace telemetry
