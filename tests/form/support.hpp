// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "catch.hpp"
#include "telemetry/core/json_pull.hpp"
#include "telemetry/form.hpp"

namespace form_test {

using Specification = telemetry::Form::Specification;

/// Bytes of hexadecimal digits; spaces do not count.
inline std::string unhex(std::string_view digits) {
  std::string bytes;
  int high = -1;
  for (const char c : digits) {
    if (c == ' ') continue;
    const int digit = c <= '9' ? c - '0' : (c | 0x20) - 'a' + 10;
    if (high < 0) {
      high = digit;
      continue;
    }
    bytes.push_back(static_cast<char>(high << 4 | digit));
    high = -1;
  }
  return bytes;
}

inline telemetry::Form made(const Specification& specification) {
  auto form = telemetry::Form::make(specification);
  if (!form) FAIL(form.error().context);
  return *std::move(form);
}

/// True where the documents are JSON, as many as was said.
inline bool is_json(std::string_view text, std::size_t documents) {
  std::size_t lines = 0;
  for (std::size_t at = 0; at <= text.size(); ++lines) {
    const std::size_t end = std::min(text.find('\n', at), text.size());
    telemetry::core::JsonPull pull(text.substr(at, end - at));
    telemetry::core::JsonToken token = pull.next();
    while (token != telemetry::core::JsonToken::end) {
      if (token == telemetry::core::JsonToken::error) return false;
      token = pull.next();
    }
    at = end + 1;
  }
  return lines == documents;
}

/// The documents, or "error: " and why not.
inline std::string read(const telemetry::Form& form, std::string_view payload) {
  telemetry::Form::Scratch scratch;
  std::string out = "before";
  const auto documents = form.read(payload, out, scratch);
  if (!documents) {
    CHECK(out == "before");
    CHECK(documents.error().code == telemetry::Errc::invalid_argument);
    return "error: " + documents.error().context;
  }
  out.erase(0, 6);
  CHECK((form.is_document() || (*documents == 0 ? out.empty() : is_json(out, *documents))));
  return out;
}

inline std::string read(const Specification& specification, std::string_view payload) {
  return read(made(specification), payload);
}

/// The first mistake, with its remedy.
inline std::string mistake(const Specification& specification) {
  const auto form = telemetry::Form::make(specification);
  if (form) return "none";
  CHECK(form.error().code == telemetry::Errc::invalid_argument);
  CHECK_FALSE(form.error().diagnostics.empty());
  return form.error().context;
}

struct Case {
  std::string_view payload;
  std::string_view wanted;
};

inline void check(const telemetry::Form& form, const std::vector<Case>& cases) {
  for (const Case& one : cases) {
    INFO(one.payload);
    CHECK(read(form, one.payload) == one.wanted);
  }
}

/// Every part of the payload from its beginning on is refused, or is a document that `whole`
/// allows.
template <class Whole>
void check_cut(const telemetry::Form& form, std::string_view payload, const Whole& whole) {
  for (std::size_t bytes = 0; bytes < payload.size(); ++bytes) {
    // A copy of exactly this size, so that a sanitizer sees a read past the end.
    const std::vector<char> part(payload.begin(),
                                 payload.begin() + static_cast<std::ptrdiff_t>(bytes));
    INFO(bytes << " of " << payload.size() << " bytes");
    const std::string text = read(form, {part.data(), part.size()});
    CHECK((text.starts_with("error: ") || whole(bytes)));
  }
}

}  // namespace form_test
