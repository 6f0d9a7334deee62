// SPDX-License-Identifier: Apache-2.0
#include "infer/draft.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "infer/conclusion.hpp"
#include "infer/names.hpp"
#include "schema/specification.hpp"

namespace telemetry::infer {
namespace {

using core::FieldType;
using core::TimeFormat;

class Writer {
 public:
  explicit Writer(const Evidence& evidence)
      : evidence_(evidence), all_(conclude(evidence.root, !evidence.bare)) {}
  std::string write();

 private:
  void write_members(const std::vector<Member>& members, const std::string& indent);
  void write_block(const Member& member, const std::string& indent);
  [[nodiscard]] std::vector<std::string> keys_of(const Member& member) const;
  [[nodiscard]] std::string in_one_line(const Member& member) const;
  [[nodiscard]] static bool has_objects(const Member& member);
  [[nodiscard]] static bool has_rings(const std::vector<Member>& members);

  const Evidence& evidence_;
  const Conclusion all_;
  std::string out_;
};

bool Writer::has_objects(const Member& member) {
  return !member.members.empty() ||
         std::any_of(member.items.begin(), member.items.end(), has_objects);
}

/// All but name, members and items.
std::vector<std::string> Writer::keys_of(const Member& member) const {
  std::vector<std::string> keys{fmt::format("type: {}", schemas::type_name(member.type))};
  if (!member.alias.empty()) keys.push_back("aliases: " + yaml_quoted(member.alias));
  if (member.required) keys.emplace_back("required: true");
  if (!member.unit.empty()) keys.push_back("unit: " + yaml_quoted(member.unit));
  if (!member.requires_.empty()) keys.push_back("requires: " + yaml_text(member.requires_));
  const bool inherited = !all_.time_path.empty() && all_.time_format == member.time_format;
  if (member.time_format != TimeFormat::automatic && !inherited)
    keys.push_back(fmt::format("time_format: {}", schemas::time_format_name(member.time_format)));
  std::string rules = fmt::format("{}", fmt::join(member.rules, ", "));
  if (member.type == FieldType::object && member.allow_extra != all_.allow_extra)
    rules = fmt::format("allow_extra_fields: {}", member.allow_extra);
  if (!rules.empty()) keys.push_back("validation: {" + rules + "}");
  return keys;
}

std::string Writer::in_one_line(const Member& member) const {
  std::string out = fmt::format("{}", fmt::join(keys_of(member), ", "));
  for (const Member& item : member.items) out += ", items: {" + in_one_line(item) + "}";
  return out;
}

void Writer::write_block(const Member& member, const std::string& indent) {
  for (const std::string& key : keys_of(member)) out_ += indent + key + "\n";
  if (!member.members.empty()) {
    out_ += indent + "fields:\n";
    write_members(member.members, indent + "  ");
  }
  for (const Member& item : member.items) {
    out_ += indent + "items:\n";
    write_block(item, indent + "  ");
  }
}

void Writer::write_members(const std::vector<Member>& members, const std::string& indent) {
  for (const Member& member : members) {
    const std::string name = "name: " + yaml_text(member.name);
    if (has_objects(member)) {
      out_ += fmt::format("{}- {}  # {}\n", indent, name, member.note);
      write_block(member, indent + "  ");
    } else {
      out_ += fmt::format("{}- {{{}, {}}}  # {}\n", indent, name, in_one_line(member), member.note);
    }
  }
}

bool Writer::has_rings(const std::vector<Member>& members) {
  return std::any_of(members.begin(), members.end(), [](const Member& member) {
    return !member.requires_.empty() || has_rings(member.members);
  });
}

std::string Writer::write() {
  if (all_.members.empty()) return {};
  const std::uint64_t messages = evidence_.root.count;
  out_ = fmt::format(
      "# A draft by `telemetry schema infer`: {} messages on {} topic{}, such as {}\n",
      grouped(messages), grouped(evidence_.topics.size()), evidence_.topics.size() == 1 ? "" : "s",
      yaml_quoted(schemas::excerpt(evidence_.topics.front())));
  out_ += fmt::format("# Confidence: {}\n",
                      messages >= 1'000
                          ? "high; what fewer than one message in 1,000 did may be refused"
                      : messages >= 100 ? "fair; rare values and members may not have been seen"
                                        : "low; let it see at least 100 messages");
  out_ += fmt::format("name: {}\nversion: \"1.0\"\ntopic_pattern: {}{}{}\n", evidence_.name,
                      yaml_quoted(evidence_.topic_pattern),
                      evidence_.pattern_note.empty() ? "" : "  # ", evidence_.pattern_note);
  if (evidence_.bare) out_ += "payload: value\n";
  if (all_.time_path.empty()) {
    out_ += "# No time of the device was found: the time of receipt counts\n";
  } else {
    out_ += fmt::format("time_field: {}\ntime_format: {}\n", yaml_text(all_.time_path),
                        schemas::time_format_name(all_.time_format));
  }
  for (const Member& member : all_.members) {
    if (member.field != all_.sequence) continue;
    out_ +=
        fmt::format("sequence_field: {}  # rose by 1 in {} of {} steps\n", yaml_text(member.name),
                    grouped(all_.sequence->steps.by_one), grouped(all_.sequence->steps.count));
  }
  if (all_.lenient) out_ += "# Not strict, for numbers come as texts with their unit\n";
  if (has_rings(all_.members)) {
    out_ +=
        "# Members that require each other: are some of them others under an older name "
        "(aliases)?\n";
  }
  if (all_.allow_extra) out_ += "# There are more members than a schema declares\n";
  out_ += fmt::format("validation: {{strict: {}, allow_extra_fields: {}}}\nfields:\n",
                      !all_.lenient, all_.allow_extra);
  write_members(all_.members, "  ");
  return std::move(out_);
}

}  // namespace

std::string draft(const Evidence& evidence) { return Writer(evidence).write(); }

}  // namespace telemetry::infer
