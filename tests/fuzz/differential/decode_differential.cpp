// SPDX-License-Identifier: Apache-2.0
// The decoder and the schema compiler against a second opinion: RapidJSON says what is JSON, and a
// checker that is written to be read says which rules a document breaks and what its values are.
// Schemas and documents are made by grammar, a fifth of the documents are then mutated byte by
// byte. Verdict, broken rules with their fields, values, undeclared members and coercions must be
// the same, but for the documented differences (json_tree.hpp), which are counted. Anything else
// ends the run with seed, schema and document. Every rule must have been broken by then.
//
// usage: decode_differential [--documents N] [--seed S]
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <cstring>
#include <memory>

#include "core/json_mutation.hpp"
#include "fuzz/differential/checker.hpp"
#include "fuzz/differential/generator.hpp"
#include "telemetry/schema.hpp"

using namespace telemetry;
using namespace telemetry::reference;

namespace {

constexpr std::size_t documents_per_schema = 250;
constexpr std::size_t extras_max = 8;

/// Printable, so that a document can be copied out of the message.
std::string escaped(std::string_view text) {
  std::string out;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    out += byte < 0x20 || byte >= 0x7F ? fmt::format("\\x{:02X}", byte) : std::string(1, c);
  }
  return out;
}

std::string text_of(const std::vector<Finding>& findings) {
  std::string out;
  for (const Finding& one : findings)
    out += fmt::format("  {} at '{}'\n", core::to_string(one.rule), one.where);
  return out.empty() ? "  valid\n" : out;
}

struct Counts {
  std::uint64_t valid = 0, invalid = 0, not_json = 0, coerced = 0, rounded = 0, extras = 0;
  std::array<std::uint64_t, difference_count> differ{};
  std::array<std::uint64_t, 32> rules{};
};

/// What the decoder said, in the words of the reference.
struct Ours {
  std::vector<Finding> findings;
  core::Rule not_json = core::Rule::none;
  std::map<std::string, PlainValue> values;
  std::vector<PlainExtra> extras;
  std::size_t coercions = 0;
  std::size_t roundings = 0;
  bool sound = true;  // what it says of itself agrees
};

JsonTree tree_of(std::string_view json) { return opinion_of(json).tree; }

PlainValue plain(const core::Value& value) {
  PlainValue out{.kind = value.kind()};
  switch (value.kind()) {
    case core::ValueKind::null:
      break;
    case core::ValueKind::boolean:
    case core::ValueKind::integer:
    case core::ValueKind::time:
      out.integer = value.as_integer();
      break;
    case core::ValueKind::decimal:
      out.number = exact(value.as_decimal().mantissa, value.as_decimal().exponent);
      break;
    case core::ValueKind::text:
      out.text = value.as_text();
      break;
    case core::ValueKind::json:
      out.json = tree_of(value.as_text());
      break;
  }
  return out;
}

/// One schema, as the reference and as the product have it.
class Case {
 public:
  explicit Case(Random& random) : model_(make_schema(random)), document_(document_of(model_)) {
    std::vector<Diagnostic> diagnostics;
    auto parsed = Schema::parse(document_, "generated", diagnostics);
    if (!parsed) {
      fmt::print(stderr, "a generated schema is refused: {}\n{}\n", to_string(parsed.error()),
                 document_);
      std::exit(1);
    }
    schema_ = *std::move(parsed);
    paths_.resize(schema_->view().nodes.size());
    name_nodes(0);
  }

  [[nodiscard]] const SchemaModel& model() const { return model_; }
  [[nodiscard]] const std::string& document() const { return document_; }
  [[nodiscard]] Ours decode(std::string_view payload) const;

 private:
  void name_nodes(std::uint16_t index);
  [[nodiscard]] Finding finding(const core::Violation& violation) const;

  SchemaModel model_;
  std::string document_;
  std::shared_ptr<const Schema> schema_;
  std::vector<std::string> paths_;  // by node
};

void Case::name_nodes(std::uint16_t index) {
  const core::SchemaView& view = schema_->view();
  const core::Node& node = view.nodes[index];
  if (node.type == core::FieldType::array) {
    paths_[node.first] = paths_[index] + "[]";
    return name_nodes(node.first);
  }
  if (node.type != core::FieldType::object) return;
  for (std::size_t i = node.first; i < std::size_t{node.first} + node.count; ++i) {
    const core::Key& key = view.keys[i];
    if (i != node.first && view.keys[i - 1].field == key.field) continue;  // an alias
    paths_[key.node] =
        paths_[index].empty() ? std::string(key.name) : paths_[index] + "." + std::string(key.name);
    name_nodes(key.node);
  }
}

Finding Case::finding(const core::Violation& violation) const {
  const core::SchemaView& view = schema_->view();
  switch (violation.rule) {
    case core::Rule::required:
    case core::Rule::requires_:
      return {violation.rule, paths_[view.keys[violation.key].node]};
    case core::Rule::comparison: {
      const core::Comparison& one = view.comparisons[violation.key];
      return {violation.rule, schema_->slots()[one.left].path + " " + word_of(one.relation) + " " +
                                  schema_->slots()[one.right].path};
    }
    default:
      return {violation.rule, paths_[violation.node]};
  }
}

Ours Case::decode(std::string_view payload) const {
  // Exactly as large as promised, so that a sanitizer sees what goes beyond.
  std::vector<core::Value> values(schema_->view().slot_count);
  std::vector<char> scratch(payload.size());
  std::vector<core::Extra> extras(extras_max);
  static std::vector<core::Violation> violations(10'000);
  static std::vector<core::Violation> notes(10'000);
  const core::DecodeResult result =
      core::decode(schema_->view(), payload, {values, scratch, violations, extras},
                   schema_->pattern_hook(), schema_->coercion_hook(), notes);
  Ours ours;
  ours.coercions = result.coercions;
  ours.roundings = result.roundings;
  ours.sound = result.ok() == (result.violations == 0) && result.violations <= violations.size() &&
               (result.ok() || result.first == violations[0].rule) &&
               result.scratch_used <= payload.size() && result.extras <= extras_max;
  std::size_t rounded = 0;
  for (std::size_t i = 0; i < result.notes(); ++i) {
    ours.sound = ours.sound && notes[i].rule == core::Rule::none &&
                 std::size_t{notes[i].offset} + notes[i].length <= payload.size();
    rounded += notes[i].key == core::rounded_note ? 1u : 0u;
  }
  ours.sound = ours.sound && rounded == result.roundings;
  if (!ours.sound) return ours;
  for (std::size_t i = 0; i < result.violations; ++i) {
    const core::Violation& one = violations[i];
    ours.sound = ours.sound && std::size_t{one.offset} + one.length <= payload.size();
    if (one.node == core::no_index) {
      ours.sound = ours.sound && i + 1u == result.violations;  // nothing is judged behind it
      ours.not_json = one.rule;
    } else {
      ours.findings.push_back(finding(one));
    }
  }
  if (ours.not_json != core::Rule::none) return ours;
  for (std::size_t i = 0; i < result.extras; ++i) {
    const std::string key = "\"" + std::string(extras[i].key) + "\"";
    ours.extras.push_back({paths_[extras[i].node], tree_of(key).text, tree_of(extras[i].value)});
  }
  for (std::size_t i = 0; result.ok() && i < values.size(); ++i) {
    if (!values[i].is_null()) ours.values[schema_->slots()[i].path] = plain(values[i]);
  }
  return ours;
}

/// What the decoder may say of a document that is no JSON for it, but is for RapidJSON.
bool is_expected(core::Rule rule, const Opinion& opinion) {
  return (rule == core::Rule::json_surrogate && opinion.has(Difference::lone_surrogate)) ||
         (rule == core::Rule::trailing_bytes && opinion.has(Difference::ends_at_nul)) ||
         (rule == core::Rule::json_depth && opinion.has(Difference::depth));
}

/// Empty: they agree. Else what they differ in.
std::string compare(const Case& one, std::string_view payload, Counts& counts) {
  const Ours ours = one.decode(payload);
  if (!ours.sound) return "the decoder contradicts itself";
  const Opinion opinion = opinion_of(payload);
  for (std::size_t i = 0; i < difference_count; ++i)
    counts.differ[i] += opinion.differs[i] ? 1u : 0u;
  for (const Finding& finding : ours.findings)
    ++counts.rules[static_cast<std::size_t>(finding.rule)];
  ++counts.rules[static_cast<std::size_t>(ours.not_json)];
  const bool refused = ours.not_json != core::Rule::none;
  if (!opinion.is_json) {
    ++counts.not_json;
    return refused ? "" : "RapidJSON says that it is not JSON; the decoder reads it";
  }
  const bool must_refuse = opinion.has(Difference::lone_surrogate) ||
                           opinion.has(Difference::ends_at_nul) || opinion.has(Difference::depth);
  if (refused || must_refuse) {
    ++counts.not_json;
    if (is_expected(ours.not_json, opinion)) return "";
    return fmt::format("RapidJSON reads it; the decoder says {}", core::to_string(ours.not_json));
  }
  Judgement theirs = judge(one.model(), opinion.tree, extras_max);
  std::vector<Finding> mine = ours.findings;
  std::sort(mine.begin(), mine.end());
  std::sort(theirs.findings.begin(), theirs.findings.end());
  if (mine != theirs.findings) {
    return fmt::format("broken rules:\n decoder\n{} reference\n{}", text_of(mine),
                       text_of(theirs.findings));
  }
  if (ours.extras != theirs.extras) return "undeclared members";
  if (ours.coercions != theirs.coercions) return "coercions";
  if (ours.roundings != theirs.roundings) return "roundings";
  if (mine.empty() && ours.values != theirs.values) {
    std::string what = "values:";
    for (const auto& [path, value] : theirs.values) {
      const auto found = ours.values.find(path);
      if (found == ours.values.end() || found->second != value) what += " '" + path + "'";
    }
    return what;
  }
  counts.coerced += theirs.coercions;
  counts.rounded += theirs.roundings;
  counts.extras += theirs.extras.size();
  ++(mine.empty() ? counts.valid : counts.invalid);
  return "";
}

/// Each rule must have been broken, and each difference met: else the run shows less than it says.
bool print(const Counts& counts, std::uint64_t documents, std::uint64_t seed) {
  fmt::print("{} documents, seed {}: {} valid, {} break rules, {} are not JSON; no difference\n",
             documents, seed, counts.valid, counts.invalid, counts.not_json);
  fmt::print("{} undeclared members, {} values read leniently, {} rounded\n", counts.extras,
             counts.coerced, counts.rounded);
  bool complete = counts.rounded != 0;
  for (std::size_t i = 0; i < difference_count; ++i) {
    fmt::print("difference {:<24} {:>9} documents\n", name_of(static_cast<Difference>(i)),
               counts.differ[i]);
    complete = complete && counts.differ[i] != 0;
  }
  for (auto i = static_cast<std::size_t>(core::Rule::json_syntax);
       i <= static_cast<std::size_t>(core::Rule::comparison); ++i) {
    const auto rule = static_cast<core::Rule>(i);
    if (rule == core::Rule::custom || rule == core::Rule::payload_too_large ||
        rule == core::Rule::no_schema || rule == core::Rule::topic) {
      continue;  // not the decoder's, or not of documents of this size
    }
    fmt::print("broken     {:<24} {:>9}\n", core::to_string(rule), counts.rules[i]);
    complete = complete && counts.rules[i] != 0;
  }
  return complete;
}

}  // namespace

int main(int argc, char** argv) {
  std::uint64_t documents = 100'000;
  std::uint64_t seed = 20'261'126;
  for (int i = 1; i < argc; i += 2) {
    const bool value = i + 1 < argc;
    if (value && std::strcmp(argv[i], "--documents") == 0) {
      documents = std::strtoull(argv[i + 1], nullptr, 10);
    } else if (value && std::strcmp(argv[i], "--seed") == 0) {
      seed = std::strtoull(argv[i + 1], nullptr, 10);
    } else {
      fmt::print(stderr, "usage: decode_differential [--documents N] [--seed S]\n");
      return 2;
    }
  }
  Random random(seed);
  Counts counts;
  std::unique_ptr<Case> one;
  for (std::uint64_t i = 0; i < documents; ++i) {
    if (i % documents_per_schema == 0) one = std::make_unique<Case>(random);
    std::string text = make_document(random, one->model());
    if (random.percent(20)) core::test::mutate_json(text, random);
    const std::vector<char> payload(text.begin(), text.end());
    const std::string what = compare(*one, {payload.data(), payload.size()}, counts);
    if (what.empty()) continue;
    fmt::print(stderr, "seed {}, document {}: {}\nschema   {}\ndocument {}\n", seed, i, what,
               one->document(), escaped(text));
    return 1;
  }
  if (print(counts, documents, seed)) return 0;
  fmt::print(stderr, "not every rule was broken and not every difference met: more documents\n");
  return 1;
}
