// SPDX-License-Identifier: Apache-2.0
//
// Lines of cells. Source: RFC 4180, and lines may end with LF alone.
#include <fmt/format.h>

#include "form/forms.hpp"

namespace telemetry::forms {
namespace {

constexpr std::string_view csv_form = "csv";
constexpr std::string_view byte_order_mark = "\xEF\xBB\xBF";

class CsvReader {
 public:
  CsvReader(const Csv& csv, std::string_view payload, JsonText& out, Buffers& buffers)
      : csv_(csv), payload_(payload), out_(out), buffers_(buffers) {
    if (payload_.starts_with(byte_order_mark)) at_ = byte_order_mark.size();
  }

  Result<std::size_t> read() {
    std::size_t documents = 0;
    bool header_due = csv_.keys.empty();
    while (skip_empty_lines()) {
      if (auto line = read_line(); !line) return std::move(line).error();
      if (header_due) {
        if (auto header = read_header(); !header) return std::move(header).error();
        header_due = false;
        continue;
      }
      if (documents++ != 0) out_.put('\n');
      if (auto object = write_object(csv_.keys.empty() ? buffers_.keys : csv_.keys); !object)
        return std::move(object).error();
      if (out_.full()) return too_large(csv_form, at_);
    }
    if (documents == 0)
      return refusal(csv_form, fmt::format("line {}", line_), "there is no line with values");
    return documents;
  }

 private:
  /// At a line end, how many bytes it has, else 0.
  [[nodiscard]] std::size_t line_end() const noexcept {
    const std::string_view rest = payload_.substr(at_);
    return rest.starts_with('\n') ? 1 : rest.starts_with("\r\n") ? 2 : 0;
  }

  /// False: at the end.
  bool skip_empty_lines() noexcept {
    for (std::size_t bytes = line_end(); bytes != 0; bytes = line_end()) {
      at_ += bytes;
      ++line_;
    }
    return at_ < payload_.size();
  }

  /// The cells of a line, and what ends it.
  Result<void> read_line() {
    buffers_.cells.clear();
    buffers_.bytes.clear();
    begins_ = line_;
    for (;;) {
      if (at_ < payload_.size() && payload_[at_] == '"') {
        if (auto cell = read_quoted(); !cell) return cell;
      } else if (auto cell = read_plain(); !cell) {
        return cell;
      }
      if (at_ < payload_.size() && payload_[at_] == csv_.separator) {
        ++at_;
        continue;
      }
      const std::size_t bytes = line_end();
      at_ += bytes;
      line_ += bytes != 0 ? 1 : 0;
      return {};
    }
  }

  Result<void> read_plain() {
    const std::size_t begin = at_;
    for (; at_ < payload_.size() && payload_[at_] != csv_.separator; ++at_) {
      const char c = payload_[at_];
      if ((c == '\n' || c == '\r') && line_end() != 0) break;
      if (c == '"')
        return wrong(at_,
                     "a quote stands within a cell; such a cell is quoted, and its quotes are "
                     "doubled");
    }
    buffers_.cells.push_back({false, begin, at_ - begin});
    return {};
  }

  Result<void> read_quoted() {
    const std::size_t open = at_++;
    std::size_t begin = at_;
    const std::size_t unescaped = buffers_.bytes.size();
    for (;; ++at_) {
      const std::size_t quote = payload_.find('"', at_);
      if (quote == npos) return wrong(open, "the quote that opens here is not closed");
      for (std::size_t i = at_; i < quote; ++i) line_ += payload_[i] == '\n' ? 1u : 0u;
      at_ = quote + 1;
      if (at_ == payload_.size() || payload_[at_] != '"') break;
      buffers_.bytes.append(payload_, begin, at_ - begin);
      begin = at_ + 1;
    }
    const std::size_t size = at_ - 1 - begin;
    if (buffers_.bytes.size() == unescaped) {
      buffers_.cells.push_back({false, begin, size});
    } else {
      buffers_.bytes.append(payload_, begin, size);
      buffers_.cells.push_back({true, unescaped, buffers_.bytes.size() - unescaped});
    }
    if (at_ < payload_.size() && payload_[at_] != csv_.separator && line_end() == 0)
      return wrong(at_, "something follows the closing quote of a cell");
    return {};
  }

  Result<void> read_header() {
    if (buffers_.cells.size() > Form::columns_max)
      return wrong_line(
          fmt::format("{} columns; the limit is {}", buffers_.cells.size(), Form::columns_max));
    buffers_.keys.resize(buffers_.cells.size());
    buffers_.document.clear();
    buffers_.members.clear();
    JsonText names(buffers_.document);
    for (std::size_t i = 0; i < buffers_.cells.size(); ++i) {
      const std::string_view name = trimmed(text_of(buffers_.cells[i]));
      std::string& key = buffers_.keys[i];
      key.clear();
      JsonText text(key);
      if (name.empty() || text.string(name) != npos)
        return wrong_line(fmt::format("column {} has no name, but {}", i + 1, shown(name)));
      const std::size_t begin = names.size();
      names.put(text.all());
      buffers_.members.add(begin, names.size(), i);
      text.put(':');
    }
    if (const auto twice = buffers_.members.end(0, names.all()))
      return wrong_line(fmt::format("two columns have the name {}", twice->name));
    return {};
  }

  Result<void> write_object(const std::vector<std::string>& keys) {
    const std::size_t cells = buffers_.cells.size();
    if (cells != keys.size())
      return wrong_line(fmt::format("{} cells for {} columns", cells, keys.size()));
    for (std::size_t i = 0; i < cells; ++i) {
      out_.put(i == 0 ? '{' : ',');
      out_.put(keys[i]);
      const std::string_view text = text_of(buffers_.cells[i]);
      const std::size_t byte = out_.bare(text);
      if (byte != npos)
        return wrong_line(fmt::format("cell {}: 0x{:02x} at its byte {} is not UTF-8", i + 1,
                                      static_cast<std::uint8_t>(text[byte]), byte));
    }
    out_.put('}');
    return {};
  }

  [[nodiscard]] std::string_view text_of(const Buffers::Cell& cell) const noexcept {
    return (cell.unescaped ? std::string_view(buffers_.bytes) : payload_)
        .substr(cell.begin, cell.size);
  }
  [[nodiscard]] Error wrong(std::size_t byte, std::string_view what) const {
    return refusal(csv_form, fmt::format("line {}, byte {}", begins_, byte), what);
  }
  [[nodiscard]] Error wrong_line(std::string_view what) const {
    return refusal(csv_form, fmt::format("line {}", begins_), what);
  }

  const Csv& csv_;
  std::string_view payload_;
  JsonText& out_;
  Buffers& buffers_;
  std::size_t at_ = 0;
  std::size_t line_ = 1;
  std::size_t begins_ = 1;  // line of the record
};

}  // namespace

Result<std::size_t> read(const Csv& csv, std::string_view payload, JsonText& out,
                         Buffers& buffers) {
  return CsvReader(csv, payload, out, buffers).read();
}

}  // namespace telemetry::forms
