// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "telemetry/export.hpp"

namespace telemetry {

/// One cell: its text, and whether it is a number (which aligns right) or absent.
struct Cell {
  std::string text;
  bool number = false;
  bool present = false;
};

/// What csv and table share: the columns are those of the first rows, which wait until they are
/// known.
class ColumnWriter : public RowWriter {
 public:
  static constexpr std::size_t held_rows_max = 1'000;
  static constexpr std::size_t held_bytes_max = 4 * 1024 * 1024;

  ColumnWriter(std::vector<std::string> fields, Out out, const TimeZone& zone);
  bool write(const Row& row) final;
  bool finish() final;
  [[nodiscard]] std::uint64_t left_out() const noexcept final { return left_out_; }

 protected:
  /// The columns are known; `rows` are the ones that waited.
  virtual bool begin(const std::vector<std::string>& names,
                     const std::vector<std::vector<Cell>>& rows) = 0;
  virtual bool line(const std::vector<Cell>& cells) = 0;
  /// A row, once the columns are known. By default its cells, as a line.
  virtual bool row(const Row& row);
  virtual bool end() { return true; }
  /// The place of a field among the fields' columns, or their number; rows of one schema have their
  /// fields in the same places, so `guess` is asked first.
  [[nodiscard]] std::size_t place_of(const Field& field, std::size_t guess);
  [[nodiscard]] bool is_released() const noexcept { return released_; }
  bool release();
  [[nodiscard]] std::size_t field_count() const noexcept { return fields_.size(); }
  [[nodiscard]] bool has_extra() const noexcept { return has_extra_; }
  [[nodiscard]] bool has_payload() const noexcept { return has_payload_; }
  [[nodiscard]] bool has_wishes() const noexcept { return !wishes_.empty(); }
  [[nodiscard]] const TimeZone& zone() const noexcept { return zone_; }
  void leave_out() noexcept { ++left_out_; }
  bool put(std::string_view text) { return alive_ = alive_ && out_(text); }

 private:
  // after topic, timestamp, received_at, device, retained
  static constexpr std::size_t first_field = 5;
  static constexpr std::size_t no_wish = SIZE_MAX;

  /// A column, and which of `wishes_` it is there for.
  struct FieldColumn {
    std::string path;
    std::size_t wish = 0;
  };
  void fill(const Row& row, std::vector<Cell>& cells);
  void take_columns(const Row& row);
  void add_column(std::size_t at, std::string path, std::size_t wish);
  void add_wishes_without_column();
  [[nodiscard]] bool is_wished(std::string_view name) const;
  [[nodiscard]] std::size_t wish_for(std::string_view path) const;
  [[nodiscard]] std::size_t column_of(std::string_view path) const;
  [[nodiscard]] std::size_t first_of_wish(std::size_t wish) const;
  [[nodiscard]] std::vector<std::string> names() const;

  Out out_;
  TimeZone zone_;
  std::vector<std::string> wishes_;  // what the caller named; empty: everything
  std::vector<FieldColumn> fields_;
  std::vector<std::vector<Cell>> held_;  // cells in the order of fields_, then extra, payload
  std::size_t held_bytes_ = 0;
  std::vector<Cell> cells_;
  bool released_ = false;
  bool has_extra_;
  bool has_payload_;
  bool alive_ = true;
  std::uint64_t left_out_ = 0;
};

[[nodiscard]] std::unique_ptr<RowWriter> make_table_writer(std::vector<std::string> fields,
                                                           RowWriter::Out out,
                                                           std::size_t columns_max,
                                                           const TimeZone& zone);
[[nodiscard]] std::unique_ptr<RowWriter> make_tables_writer(std::vector<std::string> fields,
                                                            RowWriter::Out out,
                                                            std::size_t columns_max,
                                                            const TimeZone& zone);

}  // namespace telemetry
