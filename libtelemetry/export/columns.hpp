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

  ColumnWriter(std::vector<std::string> fields, Out out);
  bool write(const Row& row) final;
  bool finish() final;
  [[nodiscard]] std::uint64_t left_out() const noexcept final { return left_out_; }

 protected:
  /// The columns are known; `rows` are the ones that waited.
  virtual bool begin(const std::vector<std::string>& names,
                     const std::vector<std::vector<Cell>>& rows) = 0;
  virtual bool line(const std::vector<Cell>& cells) = 0;
  virtual bool end() { return true; }
  bool put(std::string_view text) { return alive_ = alive_ && out_(text); }

 private:
  static constexpr std::size_t first_field = 3;  // after topic, timestamp, received_at
  void fill(const Row& row, std::vector<Cell>& cells);
  void take_columns(const Row& row);
  bool release();
  [[nodiscard]] std::vector<std::string> names() const;

  Out out_;
  std::vector<std::string> fields_;
  std::vector<std::vector<Cell>> held_;  // cells in the order of fields_, then extra, payload
  std::vector<Cell> cells_;
  bool chosen_;  // the caller named the fields
  bool released_ = false;
  bool has_extra_ = false;
  bool has_payload_ = false;
  bool alive_ = true;
  std::uint64_t left_out_ = 0;
};

[[nodiscard]] std::unique_ptr<RowWriter> make_table_writer(std::vector<std::string> fields,
                                                           RowWriter::Out out,
                                                           std::size_t columns_max);

}  // namespace telemetry
