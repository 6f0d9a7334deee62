// SPDX-License-Identifier: Apache-2.0
//
// SenML packs: records whose names, times, units and values lean on those before them. CBOR becomes
// JSON first, so that there is one reader; its labels are then whole numbers. A record is read into
// a Record, resolved against the Base, and written as a document. Sums are exact: numbers are added
// as decimals. Source: RFC 8428; the older form, an object with `e`, is draft-jennings-senml-10.
#include <fmt/format.h>

#include <array>
#include <limits>

#include "form/forms.hpp"
#include "telemetry/core/json_pull.hpp"

namespace telemetry::forms {
namespace {

constexpr std::string_view senml_form = "senml";
constexpr std::int64_t version_max = 10;
constexpr std::int64_t absolute_time_s = 1 << 28;  // less is from now on
using core::JsonToken;

enum Label : std::uint8_t {
  base_name,
  base_time,
  base_unit,
  base_value,
  base_sum,
  version,
  name,
  unit,
  value,
  text,
  flag,
  data,
  sum,
  time,
  update_time,
  labels,
  unknown = labels
};

struct LabelName {
  std::string_view json;
  std::string_view cbor;  ///< as a member of JSON
  JsonToken kind;         ///< true_: either
};
constexpr std::array<LabelName, labels> label_names = {{{"bn", "-2", JsonToken::string},
                                                        {"bt", "-3", JsonToken::number},
                                                        {"bu", "-4", JsonToken::string},
                                                        {"bv", "-5", JsonToken::number},
                                                        {"bs", "-6", JsonToken::number},
                                                        {"bver", "-1", JsonToken::number},
                                                        {"n", "0", JsonToken::string},
                                                        {"u", "1", JsonToken::string},
                                                        {"v", "2", JsonToken::number},
                                                        {"vs", "3", JsonToken::string},
                                                        {"vb", "4", JsonToken::true_},
                                                        {"vd", "8", JsonToken::string},
                                                        {"s", "5", JsonToken::number},
                                                        {"t", "6", JsonToken::number},
                                                        {"ut", "7", JsonToken::number}}};

/// A number as it was written, and as a decimal where it is an exact one.
struct Number {
  std::string_view text;
  core::Decimal decimal;
  bool is_exact = true;
};

/// What a label has: a number, or the raw text of a string, or a word.
struct Field {
  bool is_there = false;
  Number number;
  std::string_view text;
};
using Record = std::array<Field, labels>;

__extension__ using Wide = __int128;

constexpr bool times_ten(Wide& number) noexcept {
  return !__builtin_mul_overflow(number, 10, &number);
}

/// a + b. False: it has more digits than fit.
bool add(const core::Decimal& a, const core::Decimal& b, Wide& mantissa, int& exponent) noexcept {
  const core::Decimal& low = a.exponent <= b.exponent ? a : b;
  const core::Decimal& high = a.exponent <= b.exponent ? b : a;
  const core::Decimal& only = low.mantissa == 0 ? high : low;
  exponent = only.exponent;
  mantissa = only.mantissa;
  if (low.mantissa == 0 || high.mantissa == 0) return true;
  mantissa = high.mantissa;
  for (int steps = high.exponent - low.exponent; steps > 0; --steps) {
    if (!times_ten(mantissa)) return false;
  }
  return !__builtin_add_overflow(mantissa, Wide{low.mantissa}, &mantissa);
}

/// As plain digits with a point where that is not long, else with an exponent.
void write_decimal(Wide mantissa, int exponent, JsonText& out) {
  if (mantissa < 0) out.put('-');
  while (exponent < 0 && mantissa % 10 == 0) {
    mantissa /= 10;
    ++exponent;
  }
  std::array<char, 40> digits;
  std::size_t at = digits.size();
  do {
    const auto digit = static_cast<int>(mantissa % 10);
    digits[--at] = static_cast<char>('0' + (digit < 0 ? -digit : digit));
    mantissa /= 10;
  } while (mantissa != 0);
  const std::string_view all(digits.data() + at, digits.size() - at);
  constexpr int zeros_max = 20;
  const auto point = static_cast<int>(all.size()) + exponent;
  if (exponent >= 0 && exponent <= zeros_max) {
    out.put(all);
    for (int i = 0; i < exponent && all != "0"; ++i) out.put('0');
  } else if (exponent < 0 && point > 0) {
    out.put(all.substr(0, static_cast<std::size_t>(point)));
    out.put('.');
    out.put(all.substr(static_cast<std::size_t>(point)));
  } else if (exponent < 0 && point > -zeros_max) {
    out.put("0.");
    for (int i = point; i < 0; ++i) out.put('0');
    out.put(all);
  } else {
    out.put(all);
    out.put('e');
    out.whole(std::int64_t{exponent});
  }
}

class SenmlReader {
 public:
  SenmlReader(std::string_view document, bool is_cbor, JsonText& out)
      : document_(document), pull_(document), out_(out), is_cbor_(is_cbor) {}

  Result<std::size_t> read() {
    if (!read_pack()) return std::move(error_);
    if (documents_ == 0) return refusal(senml_form, "the pack", "there is no record with a value");
    return documents_;
  }

 private:
  bool fail(std::string_view what) {
    std::string place = "the pack";
    if (number_ != 0) place = fmt::format("record {}", number_);
    // Of CBOR it would be a place in what it became.
    if (!is_cbor_) place += fmt::format(", byte {}", pull_.offset());
    error_ = refusal(senml_form, place, what);
    return false;
  }

  bool fail_json() {
    switch (pull_.error()) {
      case core::JsonError::depth:
        return fail(fmt::format("more than {} levels", core::json_depth_max));
      case core::JsonError::utf8:
      case core::JsonError::surrogate:
        return fail("a text is not UTF-8");
      case core::JsonError::trailing_bytes:
        return fail("something follows the pack");
      default:
        return fail(pull_.offset() == document_.size() ? "the payload ends here; it was cut off"
                                                       : "this is no JSON");
    }
  }

  bool read_pack() {
    switch (pull_.next()) {
      case JsonToken::array_begin:
        if (!read_records()) return false;
        break;
      case JsonToken::object_begin:
        if (!read_old_pack()) return false;
        break;
      case JsonToken::error:
        return fail_json();
      default:
        return fail("a pack must be an array of records, or an object with their array in e");
    }
    number_ = 0;
    return pull_.next() == JsonToken::end || fail_json();
  }

  bool read_records() {
    for (;;) {
      const JsonToken token = pull_.next();
      if (token == JsonToken::array_end) return true;
      if (token == JsonToken::error) return fail_json();
      ++number_;
      if (token != JsonToken::object_begin) return fail("a record must be an object");
      Record record;
      if (!read_members(record, nullptr) || !resolve(record)) return false;
    }
  }

  /// {"bn": ..., "e": [...]}: members behind the records count for them, too.
  bool read_old_pack() {
    is_old_ = true;
    Record record;
    core::JsonPull records(document_);
    bool has_records = false;
    if (!read_members(record, &has_records, &records)) return false;
    if (!has_records) return fail("a pack that is an object must have its records in e");
    if (!set_base(record)) return false;
    const core::JsonPull behind = std::exchange(pull_, records);
    if (!read_records()) return false;
    pull_ = behind;
    return true;
  }

  /// @param has_records null: of a record. Else: of the old pack, where `e` is passed over and
  /// `records` is left inside it.
  bool read_members(Record& record, bool* has_records, core::JsonPull* records = nullptr) {
    for (;;) {
      JsonToken token = pull_.next();
      if (token == JsonToken::object_end) return true;
      if (token == JsonToken::error) return fail_json();
      const std::string_view key = pull_.text();
      const bool escaped = pull_.escaped();
      token = pull_.next();
      if (token == JsonToken::error) return fail_json();
      if (has_records != nullptr && key == "e") {
        if (*has_records) return fail("e is there twice");
        if (token != JsonToken::array_begin) return fail("e must be an array of records");
        *has_records = true;
        *records = pull_;
        if (!pull_.skip_container()) return fail_json();
        continue;
      }
      const Label label = label_of(key, token, has_records != nullptr);
      if (label == unknown) {
        if (escaped || key.ends_with('_')) {
          return fail(fmt::format("the label {} {}", shown(key),
                                  escaped ? "has an escape, which none has"
                                          : "must be understood, by its _, and is not"));
        }
        const bool is_container =
            token == JsonToken::object_begin || token == JsonToken::array_begin;
        if (is_container && !pull_.skip_container()) return fail_json();
        continue;
      }
      if (!read_field(record[label], label, key, token)) return false;
    }
  }

  /// @param outside of the records of the old form, where ver is a label
  [[nodiscard]] Label label_of(std::string_view key, JsonToken token, bool outside) const noexcept {
    if (is_old_) {
      const bool is_flag = token == JsonToken::true_ || token == JsonToken::false_;
      if (key == "sv") return text;
      if (key == "bv" && is_flag && !outside) return flag;
      if (key == "ver" && outside) return version;
    }
    for (std::uint8_t i = 0; i < labels; ++i) {
      if (key == (is_cbor_ ? label_names[i].cbor : label_names[i].json))
        return static_cast<Label>(i);
    }
    return unknown;
  }

  bool read_field(Field& field, Label label, std::string_view key, JsonToken token) {
    if (field.is_there) return fail(fmt::format("{} is there twice", shown(key)));
    field.is_there = true;
    const JsonToken kind = label_names[label].kind;
    const bool fits = kind == token || (kind == JsonToken::true_ && token == JsonToken::false_);
    if (!fits)
      return fail(fmt::format("{} must be a {}", shown(key),
                              kind == JsonToken::number   ? "number"
                              : kind == JsonToken::string ? "text"
                                                          : "true or false"));
    const std::string_view written =
        document_.substr(pull_.offset(), pull_.end_offset() - pull_.offset());
    field.text = kind == JsonToken::string ? pull_.text() : written;
    if (kind != JsonToken::number) return true;
    field.number = {written, pull_.number(), pull_.rest() == core::Rest::none};
    return true;
  }

  bool set_base(const Record& record) {
    for (const Label label : {base_name, base_time, base_unit, base_value, base_sum}) {
      if (record[label].is_there) base_[label] = record[label];
    }
    std::int64_t number = 0;
    const Field& given = record[version];
    if (!given.is_there) return true;
    if (!given.number.is_exact || !core::to_int64(given.number.decimal, number) || number < 1)
      return fail(fmt::format("version {} is none", given.text));
    return number <= version_max ||
           fail(fmt::format("version {} is above {}, which is understood", number, version_max));
  }

  bool resolve(const Record& record) {
    if (!set_base(record)) return false;
    bool any = false;
    for (std::uint8_t i = name; i < labels; ++i) any = any || record[i].is_there;
    if (!any) return true;  // only bases for the records after it
    int values = 0;
    for (const Label label : {value, text, flag, data}) values += record[label].is_there ? 1 : 0;
    if (values > 1) return fail("it has more than one value");
    const bool has_sum = record[sum].is_there || base_[base_sum].is_there;
    const bool has_number = record[value].is_there || (values == 0 && base_[base_value].is_there);
    if (values == 0 && !has_number && !has_sum) return fail("it has no value");
    if (record[name].text.empty() && base_[base_name].text.empty()) return fail("it has no name");

    if (documents_++ != 0) out_.put('\n');
    out_.put(R"({"name":")");
    out_.put(base_[base_name].text);
    out_.put(record[name].text);
    if (!base_[base_name].text.empty()) {
      out_.put(R"(","base":")");
      out_.put(base_[base_name].text);
    }
    if (!record[name].text.empty()) {
      out_.put(R"(","label":")");
      out_.put(record[name].text);
    }
    out_.put('"');
    if (has_number && !write_number("value", base_[base_value], record[value])) return false;
    for (const auto& [label, member] : {std::pair{text, "text"}, std::pair{data, "data"}}) {
      if (record[label].is_there) write_text(member, record[label].text);
    }
    if (record[flag].is_there) {
      out_.put(R"(,"flag":)");
      out_.put(record[flag].text);
    }
    if (has_sum && !write_number("sum", base_[base_sum], record[sum])) return false;
    const Field& own = record[unit].is_there ? record[unit] : base_[base_unit];
    if (own.is_there) write_text("unit", own.text);
    if (!write_time(record[time])) return false;
    if (record[update_time].is_there) {
      out_.put(R"(,"update_time":)");
      out_.put(record[update_time].number.text);
    }
    out_.put('}');
    return !out_.full() ||
           fail(fmt::format("the JSON of it and those before it is over the limit of "
                            "{} bytes",
                            core::payload_bytes_max));
  }

  void write_key(std::string_view member) {
    out_.put(",\"");
    out_.put(member);
    out_.put("\":");
  }

  void write_text(std::string_view member, std::string_view raw) {
    write_key(member);
    out_.put('"');
    out_.put(raw);
    out_.put('"');
  }

  /// The sum of what is there of both.
  bool write_number(std::string_view member, const Field& base, const Field& own) {
    write_key(member);
    if (!base.is_there || !own.is_there) {
      out_.put((own.is_there ? own : base).number.text);
      return true;
    }
    Wide mantissa = 0;
    int exponent = 0;
    if (!add_exactly(base, own, mantissa, exponent)) return false;
    write_decimal(mantissa, exponent, out_);
    return true;
  }

  bool add_exactly(const Field& base, const Field& own, Wide& mantissa, int& exponent) {
    return (base.number.is_exact && own.number.is_exact &&
            add(base.number.decimal, own.number.decimal, mantissa, exponent)) ||
           fail(
               fmt::format("{} and {} together have more digits than the 38 that are added exactly",
                           base.text, own.text));
  }

  /// `time` since 1970; or `age`, seconds before now, which below 0 are after it. 0 is now, and
  /// needs no member.
  bool write_time(const Field& own) {
    const Field& base = base_[base_time];
    Wide mantissa = 0;
    int exponent = 0;
    const Field zero{.is_there = true, .number = {"0", {}, true}, .text = "0"};
    if (!add_exactly(base.is_there ? base : zero, own.is_there ? own : zero, mantissa, exponent))
      return false;
    if (mantissa == 0) return true;
    Wide limit = absolute_time_s;  // in the units of the mantissa
    bool is_absolute = mantissa > 0;
    for (int i = exponent; i < 0 && is_absolute; ++i) is_absolute = times_ten(limit);
    Wide shifted = mantissa;
    for (int i = 0; i < exponent && is_absolute && shifted < limit; ++i) times_ten(shifted);
    is_absolute = is_absolute && shifted >= limit;
    write_key(is_absolute ? "time" : "age");
    write_decimal(is_absolute ? mantissa : -mantissa, exponent, out_);
    return true;
  }

  std::string_view document_;
  core::JsonPull pull_;
  JsonText& out_;
  bool is_cbor_;
  bool is_old_ = false;
  std::size_t number_ = 0;  // of the record, from 1 on
  std::size_t documents_ = 0;
  Record base_{};  // only its first labels
  Error error_;
};

}  // namespace

Result<std::size_t> read(const Senml&, std::string_view payload, JsonText& out, Buffers& buffers) {
  const std::string_view content = trimmed(payload);
  if (content.empty()) return refusal_at(senml_form, 0, "the payload is empty");
  if (content.front() == '[' || content.front() == '{')
    return SenmlReader(payload, false, out).read();
  buffers.document.clear();
  JsonText document(buffers.document);
  auto items = read(Cbor{}, payload, document, buffers);
  if (!items) return items;
  if (*items != 1) return refusal(senml_form, "the pack", "something follows it");
  return SenmlReader(document.all(), true, out).read();
}

}  // namespace telemetry::forms
