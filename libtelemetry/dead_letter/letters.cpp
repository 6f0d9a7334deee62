// SPDX-License-Identifier: Apache-2.0
#include "dead_letter/letters.hpp"

#include <algorithm>
#include <map>

#include "telemetry/core/json_pull.hpp"
#include "telemetry/core/topic.hpp"

namespace telemetry {
namespace {

bool is_selected(const LetterSelection& selection, const core::FrameView& frame) {
  const core::FrameHeader& header = frame.header;
  if (header.received_at < selection.since || header.received_at >= selection.until) return false;
  const bool named =
      selection.ids.empty() || std::ranges::any_of(selection.ids, [&](const auto& range) {
        return header.sequence >= range.first && header.sequence <= range.second;
      });
  return named && (selection.topic_filter.empty() ||
                   core::topic_matches(selection.topic_filter, frame.topic));
}

/// Knows which letters are of a schema, by its name with or without version.
class SchemaFilter {
 public:
  explicit SchemaFilter(const std::string& wanted) : wanted_(wanted) {}
  bool takes(const Letter& letter) {
    if (wanted_.empty()) return true;
    const std::uint64_t id = letter.header.schema_id;
    if (id == 0 || wanted_ == "none") return id == 0 && wanted_ == "none";
    if (letter.schema.empty()) return schema_name(letter) == wanted_;  // by its id
    const auto [known, fresh] = known_.try_emplace(id);
    if (fresh) {
      const std::string name = schema_name(letter);
      known->second = name == wanted_ || name.substr(0, name.rfind(' ')) == wanted_;
    }
    return known->second;
  }

 private:
  const std::string& wanted_;
  std::map<std::uint64_t, bool> known_;  // by id
};

core::Rule rule_named(std::string_view name) {
  for (int rule = 0; rule <= UINT8_MAX; ++rule) {
    if (core::to_string(static_cast<core::Rule>(rule)) == name)
      return static_cast<core::Rule>(rule);
  }
  return core::Rule::none;
}

}  // namespace

Result<void> visit_letters(const std::string& path, const Environment& environment,
                           const LetterSelection& selection, const Handled& handled,
                           const LetterVisitor& visit) {
  std::map<std::uint64_t, std::string> documents;
  std::string problems;
  std::uint64_t problems_of = 0;
  SchemaFilter schema(selection.schema);
  return dump_journal(path, environment,
                      [&](const core::FrameView& frame, const std::string&, std::uint64_t) {
                        const core::FrameHeader& header = frame.header;
                        if (header.kind == core::FrameKind::schema)
                          documents[header.schema_id] = frame.payload;
                        if (header.kind == core::FrameKind::problems) {
                          problems_of = header.sequence;
                          problems = frame.payload;
                        }
                        if (header.kind != core::FrameKind::message) return true;
                        if (handled.contains(header.sequence) || !is_selected(selection, frame))
                          return true;
                        Letter letter;
                        letter.header = header;
                        letter.topic = frame.topic;
                        letter.payload = frame.payload;
                        if (problems_of == header.sequence) letter.problems = problems;
                        const auto document = documents.find(header.schema_id);
                        if (document != documents.end()) letter.schema = document->second;
                        if (!selection.reason.empty() && reason(letter) != selection.reason)
                          return true;
                        if (!schema.takes(letter)) return true;
                        return visit(letter);
                      });
}

Result<void> read_letters(const std::string& path, const Environment& environment,
                          const LetterSelection& selection, const LetterVisitor& visit) {
  auto handled = Handled::load(environment.files, path);
  if (!handled) return handled.error();
  return visit_letters(path, environment, selection, *handled, visit);
}

std::vector<Problem> parse_problems(std::string_view problems) {
  std::vector<Problem> all;
  std::string key;
  core::JsonPull pull(problems);
  for (core::JsonToken token = pull.next();
       token != core::JsonToken::end && token != core::JsonToken::error; token = pull.next()) {
    if (token == core::JsonToken::key) key = pull.text();
    if (token == core::JsonToken::object_begin) all.emplace_back();
    if (token != core::JsonToken::string || all.empty()) continue;
    std::string text(pull.text().size(), '\0');
    text.resize(core::json_unescape(pull.text(), text));
    if (key == "path") all.back().path = std::move(text);
    if (key == "rule") all.back().rule = rule_named(text);
    if (key == "found") all.back().found = std::move(text);
    if (key == "allowed") all.back().allowed = std::move(text);
    if (key == "message") all.back().message = std::move(text);
  }
  return all;
}

}  // namespace telemetry
