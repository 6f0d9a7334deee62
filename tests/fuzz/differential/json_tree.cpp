// SPDX-License-Identifier: Apache-2.0
#include "fuzz/differential/json_tree.hpp"

#include <rapidjson/memorystream.h>
#include <rapidjson/reader.h>

#include <map>

#include "fuzz/differential/exact_number.hpp"
#include "telemetry/core/limits.hpp"

namespace telemetry::reference {
namespace {

/// Numbers that stand for others, by the offset of their end.
using Replaced = std::map<std::size_t, std::string>;

/// A surrogate in UTF-8: RapidJSON refuses the bytes, so they came from an escape.
bool has_surrogate(std::string_view text) {
  for (std::size_t i = 0; i + 1 < text.size(); ++i) {
    if (text[i] == '\xED' && static_cast<unsigned char>(text[i + 1]) >= 0xA0) return true;
  }
  return false;
}

struct Builder : rapidjson::BaseReaderHandler<rapidjson::UTF8<>, Builder> {
  Builder(rapidjson::MemoryStream& the_stream, const Replaced& the_replaced, Opinion& the_opinion)
      : stream(the_stream), replaced(the_replaced), opinion(the_opinion) {}

  JsonTree& place() {
    if (open.empty()) return opinion.tree;
    JsonTree& parent = *open.back();
    if (parent.kind == JsonTree::Kind::object) parent.keys.push_back(std::move(key));
    return parent.items.emplace_back();
  }
  bool add(JsonTree value) { return place() = std::move(value), true; }
  void differ(Difference one) { opinion.differs[static_cast<std::size_t>(one)] = true; }

  bool Null() { return add({}); }
  bool Bool(bool truth) { return add({JsonTree::Kind::boolean, truth, {}, {}, {}}); }
  bool RawNumber(const char* text, rapidjson::SizeType size, bool) {
    const auto other = replaced.find(stream.Tell());
    std::string number = other != replaced.end() ? other->second : std::string(text, size);
    return add({JsonTree::Kind::number, false, std::move(number), {}, {}});
  }
  bool String(const char* text, rapidjson::SizeType size, bool) {
    if (has_surrogate({text, size})) differ(Difference::lone_surrogate);
    return add({JsonTree::Kind::string, false, {text, size}, {}, {}});
  }
  bool Key(const char* text, rapidjson::SizeType size, bool) {
    if (has_surrogate({text, size})) differ(Difference::lone_surrogate);
    key.assign(text, size);
    return true;
  }
  bool StartObject() { return enter(JsonTree::Kind::object); }
  bool StartArray() { return enter(JsonTree::Kind::array); }
  bool EndObject(rapidjson::SizeType) { return open.pop_back(), true; }
  bool EndArray(rapidjson::SizeType) { return open.pop_back(), true; }
  bool enter(JsonTree::Kind kind) {
    JsonTree& here = place();
    here.kind = kind;
    open.push_back(&here);
    if (open.size() <= core::json_depth_max) return true;
    differ(Difference::depth);
    return false;
  }

  rapidjson::MemoryStream& stream;
  const Replaced& replaced;
  Opinion& opinion;
  std::vector<JsonTree*> open;  // a container does not move while it is open
  std::string key;
};

}  // namespace

std::string_view name_of(Difference difference) {
  constexpr std::string_view names[difference_count] = {"number_beyond_double", "lone_surrogate",
                                                        "ends_at_nul", "depth"};
  return names[static_cast<std::size_t>(difference)];
}

Opinion opinion_of(std::string_view document) {
  constexpr unsigned flags =
      rapidjson::kParseValidateEncodingFlag | rapidjson::kParseNumbersAsStringsFlag;
  std::string text(document);
  Replaced replaced;
  for (;;) {
    Opinion opinion;
    rapidjson::MemoryStream stream(text.data(), text.size());
    rapidjson::Reader reader;
    Builder builder(stream, replaced, opinion);
    const rapidjson::ParseResult result = reader.Parse<flags>(stream, builder);
    if (!replaced.empty()) builder.differ(Difference::number_beyond_double);
    if (result.Code() == rapidjson::kParseErrorNumberTooBig) {
      const std::size_t size = number_prefix(std::string_view(text).substr(result.Offset()));
      replaced[result.Offset() + size] = text.substr(result.Offset(), size);
      // With an exponent, so that what follows cannot become a part of it.
      text.replace(result.Offset(), size, "0." + std::string(size - 4, '0') + "e0");
      continue;
    }
    opinion.is_json = !result.IsError() || opinion.has(Difference::depth);
    if (!result.IsError() && stream.Tell() < text.size()) builder.differ(Difference::ends_at_nul);
    return opinion;
  }
}

}  // namespace telemetry::reference
