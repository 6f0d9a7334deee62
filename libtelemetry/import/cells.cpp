// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <vector>

#include "import/records.hpp"
#include "telemetry/core/json_pull.hpp"
#include "telemetry/export.hpp"

namespace telemetry::imports {
namespace {

using core::FieldType;

/// The type of each slot's value.
std::vector<FieldType> types_of(const Schema& schema) {
  std::vector<FieldType> types(schema.slots().size(), FieldType::any);
  for (const core::Node& node : schema.view().nodes)
    if (node.slot != core::no_index) types[node.slot] = node.type;
  return types;
}

/// What is not of the type becomes a text, which the schema refuses.
void append_value(FieldType type, std::string_view cell, std::string& out) {
  core::JsonPull pull(cell);
  const core::JsonToken token = pull.next();
  const bool whole = payload_kind(cell) == Row::RawKind::json;
  const bool number = token == core::JsonToken::number;
  const bool boolean = token == core::JsonToken::true_ || token == core::JsonToken::false_;
  const bool numeric = type == FieldType::integer || type == FieldType::number;
  const bool json = type == FieldType::array || type == FieldType::any;
  if (whole && (json || (numeric && number) || (type == FieldType::boolean && boolean)))
    out += cell;
  else
    append_json_string(cell, out);
}

std::vector<std::string_view> steps_of(std::string_view path) {
  std::vector<std::string_view> steps;
  for (std::size_t begin = 0; begin <= path.size();) {
    const std::size_t end = std::min(path.find('.', begin), path.size());
    steps.push_back(path.substr(begin, end - begin));
    begin = end + 1;
  }
  return steps;
}

}  // namespace

std::string payload_of(const Schema& schema, const CellOf& cell_of) {
  const auto types = types_of(schema);
  std::string out = "{";
  std::vector<std::string_view> open;  // the objects that are open
  const auto separate = [&] {
    if (out.back() != '{') out += ',';
  };
  for (std::size_t slot = 0; slot < types.size(); ++slot) {
    const std::string& path = schema.slots()[slot].path;
    const auto cell = cell_of(path);
    if (!cell) continue;
    const auto steps = steps_of(path);
    std::size_t common = 0;
    while (common < open.size() && common + 1 < steps.size() && open[common] == steps[common])
      ++common;
    for (; open.size() > common; open.pop_back()) out += '}';
    for (; open.size() + 1 < steps.size(); open.push_back(steps[open.size()])) {
      separate();
      append_json_string(steps[open.size()], out);
      out += ":{";
    }
    separate();
    append_json_string(steps.back(), out);
    out += ':';
    append_value(types[slot], *cell, out);
  }
  out.append(open.size(), '}');
  // A member of an object that stands above, too, is a key twice, which the schema refuses.
  if (const auto extra = cell_of("extra"); extra && extra->starts_with('{') && extra->size() > 2) {
    separate();
    out += extra->substr(1, extra->size() - 2);
  }
  return out + "}";
}

}  // namespace telemetry::imports
