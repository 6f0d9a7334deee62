// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "export/terminal_text.hpp"
#include "telemetry/export.hpp"

namespace telemetry {
namespace {

constexpr std::size_t held_rows_max = 1'000;

void append_text(const core::Value& value, const TimeZone& zone, std::string& out) {
  if (value.is_null()) return;
  if (value.kind() == core::ValueKind::text) {
    out += value.as_text();
  } else if (value.kind() == core::ValueKind::time) {
    append_time(value.as_integer(), zone, out);
  } else {
    append_json_value(value, out);
  }
}

}  // namespace

AggregateWriter::AggregateWriter(RowFormat format, const Aggregate& aggregate, RowWriter::Out out)
    : format_(format == RowFormat::table_per_schema ? RowFormat::table : format),
      aggregate_(aggregate),
      out_(std::move(out)) {
  if (aggregate.bucket.kind != Bucket::Kind::none) names_.emplace_back("time");
  names_.insert(names_.end(), aggregate.by.begin(), aggregate.by.end());
  left_columns_ = names_.size();
  for (const Measure& measure : aggregate.measures) names_.push_back(measure.name());
}

bool AggregateWriter::write(const AggregateRow& row) {
  ++rows_;
  if (format_ == RowFormat::json || format_ == RowFormat::jsonl) return write_json(row);
  std::vector<std::string> cells;
  if (row.time) append_time(*row.time, aggregate_.zone, cells.emplace_back());
  for (const auto& values : {row.by, row.values}) {
    for (const core::Value& value : values) {
      append_text(value, aggregate_.zone, cells.emplace_back());
      const bool empty_text = value.kind() == core::ValueKind::text && value.as_text().empty();
      if (format_ == RowFormat::csv && empty_text) cells.back() = "\"\"";
    }
  }
  if (released_) return write_line(cells);
  held_.push_back(std::move(cells));
  return format_ == RowFormat::table && held_.size() < held_rows_max ? true : release();
}

bool AggregateWriter::write_json(const AggregateRow& row) {
  text_.clear();
  if (format_ == RowFormat::json) text_ = rows_ == 1 ? "[\n" : ",\n";
  text_ += '{';
  std::size_t name = 0;
  const auto member = [&] {
    if (name > 0) text_ += ',';
    append_json_string(names_[name++], text_);
    text_ += ':';
  };
  if (row.time) {
    member();
    append_json_time(*row.time, text_, aggregate_.zone);
  }
  for (const auto& values : {row.by, row.values}) {
    for (const core::Value& value : values) {
      member();
      append_json_value(value, text_, aggregate_.zone);
    }
  }
  text_ += format_ == RowFormat::json ? "}" : "}\n";
  return out_(text_);
}

bool AggregateWriter::write_line(const std::vector<std::string>& cells) {
  text_.clear();
  for (std::size_t i = 0; i < cells.size(); ++i) {
    if (format_ == RowFormat::csv) {
      if (i > 0) text_ += ',';
      const std::size_t begin = text_.size();
      text_ += cells[i];
      if (cells[i] != "\"\"") quote_csv(begin, text_);
      continue;
    }
    std::string shown;
    text::append_visible(cells[i], shown);
    const std::size_t width = text::width_of(shown);
    const std::string blank(width < widths_[i] ? widths_[i] - width : 0, ' ');
    if (i > 0) text_ += "  ";
    if (i >= left_columns_) text_ += blank;
    text_ += shown;
    if (i < left_columns_ && i + 1 < cells.size()) text_ += blank;
  }
  text_ += format_ == RowFormat::csv ? "\r\n" : "\n";
  return out_(text_);
}

bool AggregateWriter::release() {
  released_ = true;
  widths_.assign(names_.size(), 0);
  for (std::size_t i = 0; i < names_.size(); ++i) {
    std::string shown;
    text::append_visible(names_[i], shown);
    widths_[i] = text::width_of(shown);
    for (const auto& cells : held_) {
      shown.clear();
      text::append_visible(cells[i], shown);
      widths_[i] = std::max(widths_[i], text::width_of(shown));
    }
  }
  bool alive = write_line(names_);
  if (format_ == RowFormat::table) {
    std::vector<std::string> rule;
    for (const std::size_t width : widths_) rule.emplace_back(width, '-');
    alive = alive && write_line(rule);
  }
  for (const auto& cells : held_) alive = alive && write_line(cells);
  held_.clear();
  return alive;
}

bool AggregateWriter::finish() {
  if (format_ == RowFormat::json) return out_(rows_ == 0 ? "[]\n" : "\n]\n");
  if (format_ == RowFormat::jsonl || released_) return true;
  return (format_ == RowFormat::table && held_.empty()) || release();
}

}  // namespace telemetry
