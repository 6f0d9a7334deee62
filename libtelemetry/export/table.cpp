// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <map>
#include <numeric>

#include "export/columns.hpp"
#include "export/terminal_text.hpp"

namespace telemetry {
namespace {

constexpr std::size_t gap = 2;          // cells between columns
constexpr std::size_t shrunk_min = 12;  // a text column is not cut below this
constexpr std::size_t timestamp = 1;
constexpr std::size_t received_at = 2;
constexpr std::size_t device = 3;
constexpr std::size_t retained = 4;

class TableWriter : public ColumnWriter {
 public:
  TableWriter(std::vector<std::string> fields, Out out, std::size_t columns_max,
              const TimeZone& zone)
      : ColumnWriter(std::move(fields), std::move(out), zone), width_max_(columns_max) {}

 private:
  struct Column {
    std::size_t source = 0;  // index of the cell
    std::string name;
    std::size_t width = 0;
    bool right = true;  // all numbers so far
  };

  bool begin(const std::vector<std::string>& names,
             const std::vector<std::vector<Cell>>& rows) override {
    if (rows.empty()) return true;
    for (std::size_t i = 0; i < names.size(); ++i) {
      // A device's own timestamp field usually is the record's time.
      const bool repeats =
          i > received_at && std::all_of(rows.begin(), rows.end(), [i](const auto& r) {
            return r[i].text == r[timestamp].text;
          });
      const bool nowhere =
          (i == device || i == retained) &&
          std::none_of(rows.begin(), rows.end(), [i](const auto& r) { return r[i].present; });
      if (repeats || nowhere) continue;
      Column column{i, {}, 0, true};
      text::append_visible(names[i], column.name);
      column.width = text::width_of(column.name);
      for (const auto& cells : rows) {
        const Cell& cell = cells[i];
        if (cell.present && !cell.number) column.right = false;
        text_.clear();
        text::append_visible(cell.text, text_);
        column.width = std::max(column.width, text::width_of(text_));
      }
      columns_.push_back(std::move(column));
    }
    fit();
    std::string header;
    std::string rule;
    for (std::size_t i = 0; i < columns_.size(); ++i) {
      append_cell(columns_[i], columns_[i].name, i + 1 == columns_.size(), header);
      if (i > 0) rule.append(gap, ' ');
      rule.append(columns_[i].width, '-');
    }
    return put(header + "\n" + rule + "\n") &&
           std::all_of(rows.begin(), rows.end(), [this](const auto& cells) { return line(cells); });
  }

  // Narrow terminals: first received_at, device and retained go, then long texts are cut, then
  // columns from the right go.
  void fit() {
    if (width_max_ == 0) return;
    const auto total = [this] {
      return std::accumulate(columns_.begin(), columns_.end(), gap * (columns_.size() - 1),
                             [](std::size_t sum, const Column& c) { return sum + c.width; });
    };
    for (const std::size_t source : {received_at, device, retained}) {
      if (total() > width_max_) leave_out(source);
    }
    while (total() > width_max_) {
      Column* widest = nullptr;
      for (Column& column : columns_) {
        const bool shrinkable = !column.right && column.source != timestamp &&
                                column.width > std::max(shrunk_min, text::width_of(column.name));
        if (shrinkable && (widest == nullptr || column.width > widest->width)) widest = &column;
      }
      if (widest == nullptr) break;
      --widest->width;
    }
    while (total() > width_max_ && columns_.size() > 2) leave_out(columns_.back().source);
  }

  void leave_out(std::size_t source) {
    const auto found = std::find_if(columns_.begin(), columns_.end(),
                                    [source](const Column& c) { return c.source == source; });
    if (found == columns_.end()) return;
    const bool first = source < received_at || source > retained;
    missing_.insert(first ? missing_.begin() : missing_.end(), found->name);
    columns_.erase(found);
  }

  bool line(const std::vector<Cell>& cells) override {
    line_.clear();
    for (std::size_t i = 0; i < columns_.size(); ++i) {
      text_.clear();
      text::append_visible(cells[columns_[i].source].text, text_);
      const Cell& cell = cells[columns_[i].source];
      const bool whole = width_max_ == 0 || cell.number || columns_[i].source == timestamp;
      if (!whole) text_ = text::shortened(text_, columns_[i].width);
      append_cell(columns_[i], text_, i + 1 == columns_.size(), line_);
    }
    line_ += '\n';
    return put(line_);
  }

  static void append_cell(const Column& column, const std::string& text, bool last,
                          std::string& out) {
    const std::size_t blank = column.width - std::min(column.width, text::width_of(text));
    if (column.source > 0) out.append(gap, ' ');
    if (column.right) out.append(blank, ' ');
    out += text;
    if (!column.right && !last) out.append(blank, ' ');
  }

  bool end() override {
    if (missing_.empty()) return true;
    std::string note = "not shown, no room:";
    for (std::size_t i = 0; i < missing_.size(); ++i) {
      note += i == 0 ? " " : ", ";
      note += missing_[i];
    }
    return put(note + "\n");
  }

  std::size_t width_max_;
  std::vector<Column> columns_;
  std::vector<std::string> missing_;
  std::string text_;
  std::string line_;
};

/// A table for each schema, that of the rows without one last; again and again where there are too
/// many rows to hold.
class TablesWriter : public RowWriter {
 public:
  static constexpr std::size_t held_bytes_max = 16 * 1024 * 1024;

  TablesWriter(std::vector<std::string> fields, Out out, std::size_t columns_max,
               const TimeZone& zone)
      : fields_(std::move(fields)), out_(std::move(out)), columns_max_(columns_max), zone_(zone) {}

  bool write(const Row& row) override {
    Table& table = tables_[{row.schema.empty(), std::string(row.schema)}];
    if (table.writer == nullptr) {
      table.writer = make_table_writer(
          fields_,
          [this, &text = table.text](std::string_view piece) {
            text += piece;
            held_bytes_ += piece.size();
            return true;
          },
          columns_max_, zone_);
    }
    (void)table.writer->write(row);
    return alive_ && (held_bytes_ < held_bytes_max || finish());
  }

  bool finish() override {
    for (auto& [key, table] : tables_) {
      (void)table.writer->finish();
      left_out_ += table.writer->left_out();
      std::string piece(begun_ ? 1 : 0, '\n');
      if (begun_ || tables_.size() > 1) {
        text::append_visible(key.first ? "without schema" : key.second, piece);
        piece += ":\n";
      }
      piece += table.text;
      alive_ = alive_ && out_(piece);
      begun_ = true;
    }
    tables_.clear();
    held_bytes_ = 0;
    return alive_;
  }

  [[nodiscard]] std::uint64_t left_out() const noexcept override { return left_out_; }

 private:
  struct Table {
    std::unique_ptr<RowWriter> writer;
    std::string text;
  };
  std::vector<std::string> fields_;
  Out out_;
  std::size_t columns_max_;
  TimeZone zone_;
  std::size_t held_bytes_ = 0;
  std::uint64_t left_out_ = 0;
  bool begun_ = false;
  bool alive_ = true;
  std::map<std::pair<bool, std::string>, Table> tables_;
};

}  // namespace

std::unique_ptr<RowWriter> make_tables_writer(std::vector<std::string> fields, RowWriter::Out out,
                                              std::size_t columns_max, const TimeZone& zone) {
  return std::make_unique<TablesWriter>(std::move(fields), std::move(out), columns_max, zone);
}

std::unique_ptr<RowWriter> make_table_writer(std::vector<std::string> fields, RowWriter::Out out,
                                             std::size_t columns_max, const TimeZone& zone) {
  return std::make_unique<TableWriter>(std::move(fields), std::move(out), columns_max, zone);
}

}  // namespace telemetry
