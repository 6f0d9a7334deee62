// SPDX-License-Identifier: Apache-2.0
#include "firmware/vectors.hpp"

#include <cstring>

#include "telemetry/core/topic.hpp"

namespace telemetry::test_vectors {
namespace {

/// The part before the first `separator`, which is taken away with it.
std::string_view take(std::string_view& text, char separator) noexcept {
  std::size_t size = 0;
  while (size < text.size() && text[size] != separator) ++size;
  const std::string_view part(text.data(), size);
  text.remove_prefix(size < text.size() ? size + 1 : size);
  return part;
}

int hex_digit(char c) noexcept { return c <= '9' ? c - '0' : c - 'A' + 10; }

void write_value(Line& line, const core::Value& value) noexcept {
  switch (value.kind()) {
    case core::ValueKind::null:
      line << "-";
      break;
    case core::ValueKind::boolean:
      line << (value.as_integer() != 0 ? "true" : "false");
      break;
    case core::ValueKind::integer:
      line << "i" << value.as_integer();
      break;
    case core::ValueKind::decimal:
      line << value.as_decimal().mantissa << "e" << std::int64_t{value.as_decimal().exponent};
      break;
    case core::ValueKind::time:
      line << "t" << value.as_integer();
      break;
    case core::ValueKind::text:
      line << "\"" << value.as_text() << "\"";
      break;
    case core::ValueKind::json:
      line << "=" << value.as_text();
      break;
  }
}

}  // namespace

Line& Line::operator<<(std::string_view part) noexcept {
  const std::size_t room = bytes_.size() - size_;
  const std::size_t size = part.size() < room ? part.size() : room;
  std::memcpy(bytes_.data() + size_, part.data(), size);
  size_ += size;
  return *this;
}

Line& Line::operator<<(std::int64_t number) noexcept {
  std::array<char, 20> digits;
  std::size_t at = digits.size();
  auto magnitude = static_cast<std::uint64_t>(number);
  if (number < 0) magnitude = 0 - magnitude;
  do {
    digits[--at] = static_cast<char>('0' + magnitude % 10);
    magnitude /= 10;
  } while (magnitude != 0);
  if (number < 0) digits[--at] = '-';
  return *this << std::string_view(&digits[at], digits.size() - at);
}

std::uint32_t Runner::run(std::string_view file, void (*failed)(const Failure&)) noexcept {
  failed_ = failed;
  while (!file.empty()) {
    ++line_number_;
    read_line(take(file, '\n'));
  }
  if (verdict_due_) expect("a verdict", "the end");
  return vectors_;
}

void Runner::read_line(std::string_view line) noexcept {
  if (line.empty() || line[0] == '#') return;
  const std::string_view word = take(line, ' ');
  if (word == "schema") {
    schema_ = nullptr;
    for (const NamedSchema& one : schemas_) {
      if (one.name == line) schema_ = &one.view;
    }
    if (schema_ == nullptr) expect("a schema that is known", line);
  } else if (word == "payload" || word == "bytes") {
    if (verdict_due_) expect("a verdict", line);
    judge(word == "bytes" ? read_hex(line) : line);
    verdict_due_ = true;
    ++vectors_;
  } else if (word == "verdict") {
    verdict_due_ = false;
    expect(line, verdict_.view());
  } else if (word == "values") {
    expect(line, found_values_.view());
  } else if (word == "extras") {
    expect(line, found_extras_.view());
  } else if (word == "match") {
    expect_match(line);
    ++vectors_;
  } else {
    expect("a word that is known", word);
  }
}

void Runner::judge(std::string_view payload) noexcept {
  if (schema_ == nullptr) return;
  const core::DecodeResult result =
      core::decode(*schema_, payload, {values_, scratch_, violations_, extras_});
  verdict_.clear();
  if (result.ok()) verdict_ << "ok";
  for (std::size_t i = 0; i < result.violations && i < violations_.size(); ++i) {
    const core::Violation& one = violations_[i];
    if (i > 0) verdict_ << " ";
    verdict_ << core::to_string(one.rule);
    if (one.node == core::no_index) {
      verdict_ << "@" << std::int64_t{one.offset};
    } else {
      verdict_ << " " << std::int64_t{one.node} << " ["
               << std::string_view(payload.data() + one.offset, one.length) << "]";
    }
  }
  if (result.violations > violations_.size()) verdict_ << " of " << std::int64_t{result.violations};
  found_values_.clear();
  for (std::size_t i = 0; i < schema_->slot_count; ++i) {
    if (i > 0) found_values_ << " ";
    write_value(found_values_, values_[i]);
  }
  found_extras_.clear();
  for (std::size_t i = 0; i < result.extras; ++i) {
    if (i > 0) found_extras_ << " ";
    found_extras_ << std::int64_t{extras_[i].node} << ":" << extras_[i].key << "="
                  << extras_[i].value;
  }
}

void Runner::expect(std::string_view expected, std::string_view found) noexcept {
  if (expected != found) failed_({line_number_, expected, found});
}

void Runner::expect_match(std::string_view arguments) noexcept {
  const std::string_view filter = take(arguments, ' ');
  const std::string_view topic = take(arguments, ' ');
  const bool valid = core::is_valid_filter(filter) && core::is_valid_topic(topic);
  expect(arguments, !valid ? "invalid" : core::topic_matches(filter, topic) ? "yes" : "no");
}

std::string_view Runner::read_hex(std::string_view digits) noexcept {
  std::size_t size = 0;
  while (!digits.empty()) {
    const std::string_view pair = take(digits, ' ');
    if (pair.size() != 2 || size == bytes_.size()) {
      expect("two hexadecimal digits", pair);
      break;
    }
    bytes_[size++] = static_cast<char>(hex_digit(pair[0]) * 16 + hex_digit(pair[1]));
  }
  return {bytes_.data(), size};
}

}  // namespace telemetry::test_vectors
