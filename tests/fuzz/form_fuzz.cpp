// SPDX-License-Identifier: Apache-2.0
// The first byte chooses a form, the rest is a payload: refused with a reason, or documents that
// the decoder of the core takes for JSON. A scratch that was used before changes nothing. Each
// payload is a birth first, and then data of that device.
#include <array>
#include <memory>
#include <vector>

#include "fuzz.hpp"
#include "telemetry/core/json_pull.hpp"
#include "telemetry/form.hpp"

namespace {

using telemetry::Form;
using Specification = Form::Specification;

std::vector<Form> make_forms() {
  const std::vector<Specification> specifications = {
      {.form = "value"},
      {.form = "text"},
      {.form = "csv", .columns = {"a", "b"}},
      {.form = "csv", .header = true, .separator = ";"},
      {.form = "pairs"},
      {.form = "pairs", .separator = " &", .assign = ":="},
      {.form = "regex", .pattern = R"(T=(?P<t>[^;]*);?(?P<rest>.*))"},
      {.form = "cbor"},
      {.form = "msgpack"},
      {.form = "senml"},
      {.form = "layout",
       .layout =
           {{"u", "u8"}, {"b", "ibits", 12}, {"f", "flag", 4}, {"s", "text", 3}, {"d", "bcd", 2}}},
      {.form = "layout", .layout = {{"h", "f16le"}, {"r", "f32be"}, {"i", "i24le", 2}}},
      {.form = "text", .unpack = {"gzip"}},
      {.form = "text", .unpack = {"zlib"}},
      {.form = "text", .unpack = {"zstd"}},
      {.form = "cbor", .unpack = {"base64"}},
      {.form = "msgpack", .unpack = {"hex"}},
      {.form = "senml", .unpack = {"json_text"}},
      {.form = "value", .unpack = {"json_text", "base64", "gzip", "zstd"}},
      {.form = "sparkplug_b"},
  };
  std::vector<Form> forms;
  for (const auto& one : specifications) {
    auto form = Form::make(one);
    TELEMETRY_FUZZ_CHECK(form);
    forms.push_back(*std::move(form));
  }
  return forms;
}

/// How many documents, each alone on its line; 0: not JSON.
std::size_t count_documents(std::string_view text) {
  std::size_t count = 0;
  for (std::size_t at = 0; at <= text.size(); ++count) {
    const std::size_t end = std::min(text.find('\n', at), text.size());
    telemetry::core::JsonPull pull(text.substr(at, end - at));
    telemetry::core::JsonToken token = pull.next();
    while (token != telemetry::core::JsonToken::end) {
      if (token == telemetry::core::JsonToken::error) return 0;
      token = pull.next();
    }
    at = end + 1;
  }
  return count;
}

telemetry::Result<std::size_t> read(const Form& form, std::string_view payload, std::string& out,
                                    Form::Scratch& scratch) {
  telemetry::SparkplugBirths births;
  (void)form.read(payload, out, scratch, {"spBv1.0/g/DBIRTH/n/d", &births});
  out.clear();
  return form.read(payload, out, scratch, {"spBv1.0/g/DDATA/n/d", &births});
}

}  // namespace

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const std::vector<Form> forms = make_forms();
  static Form::Scratch used;
  static std::string out;
  if (size == 0) return 0;
  const Form& form = forms[*data % forms.size()];
  // A copy of exactly this size, so that a read past the end is seen.
  const std::unique_ptr<char[]> copy(new char[size - 1]);
  std::copy(data + 1, data + size, copy.get());
  const std::string_view payload(copy.get(), size - 1);
  out.clear();
  const auto documents = read(form, payload, out, used);
  if (!documents) {
    TELEMETRY_FUZZ_CHECK(documents.error().code == telemetry::Errc::invalid_argument);
    TELEMETRY_FUZZ_CHECK(!documents.error().context.empty() && out.empty());
  } else {
    TELEMETRY_FUZZ_CHECK(*documents == 0 ? out.empty() : count_documents(out) == *documents);
    TELEMETRY_FUZZ_CHECK(out.size() <= telemetry::core::payload_bytes_max);
  }
  Form::Scratch fresh;
  std::string again;
  const auto same = read(form, payload, again, fresh);
  TELEMETRY_FUZZ_CHECK(static_cast<bool>(same) == static_cast<bool>(documents) && again == out);
  if (!same) TELEMETRY_FUZZ_CHECK(same.error().context == documents.error().context);
  return 0;
}
