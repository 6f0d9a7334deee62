// SPDX-License-Identifier: Apache-2.0
//
// The reference page and the JSON Schema, both from the option tables.
#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <iterator>
#include <map>

#include "config/state.hpp"
#include "config/value.hpp"
#include "config/variables.hpp"

namespace telemetry {
namespace {

using Tables = std::span<const OptionTable>;

std::string_view section_of(const Option& option) {
  return option.key.substr(0, option.key.find('.'));
}

// All options, those of one section together, sections in the order of their first option.
std::vector<const Option*> by_section(Tables tables, config::WholeOptions& whole) {
  std::vector<std::string_view> sections;
  std::vector<const Option*> all;
  for (const OptionTable& table : tables) {
    for (const Option& relative : table.options) {
      const Option& option = whole.add(table, relative);
      all.push_back(&option);
      if (std::find(sections.begin(), sections.end(), section_of(option)) == sections.end()) {
        sections.push_back(section_of(option));
      }
    }
  }
  std::stable_sort(all.begin(), all.end(), [&](const Option* a, const Option* b) {
    const auto rank = [&](const Option* o) {
      return std::find(sections.begin(), sections.end(), section_of(*o));
    };
    return rank(a) < rank(b);
  });
  return all;
}

std::string joined(std::string_view choices, std::string_view separator) {
  std::string out;
  for (std::string_view choice : config::split(choices, '|')) {
    if (!out.empty()) out += separator;
    out += choice;
  }
  return out;
}

std::string notes_of(const Option& option) {
  std::string out(option.doc);
  if (option.type == OptionType::secret) {
    out += fmt::format(" Secret: `{}_file` reads it from a file.",
                       option.key.substr(option.key.rfind('.') + 1));
  }
  if (option.reloadable) out += " Reloadable.";
  if (!option.built) out += fmt::format(" **Not built yet**: {}.", option.remedy);
  if (!option.unbuilt.empty()) {
    out += fmt::format(" **Not built yet**: {}; {}.", joined(option.unbuilt, ", "), option.remedy);
  }
  return out;
}

std::string markdown_cell(std::string_view text) {
  std::string out;
  for (char c : text) {
    if (c == '|') out += '\\';
    out += c;
  }
  return out;
}

/// Programs that exist.
constexpr std::string_view apps = "edge";

bool is_in(std::string_view choices, std::string_view word) {
  const auto parts = config::split(choices, '|');
  return std::find(parts.begin(), parts.end(), word) != parts.end();
}

/// Tells which settings can have no effect yet.
class Later {
 public:
  explicit Later(const std::vector<const Option*>& options) {
    for (const Option* option : options) by_key_.emplace(option->key, option);
  }

  [[nodiscard]] bool operator()(const Option& option) const {
    if (!option.built || (!option.app.empty() && !is_in(apps, option.app))) return true;
    for (std::size_t dot = option.key.find('.'); dot != std::string_view::npos;
         dot = option.key.find('.', dot + 1)) {
      const std::string section(option.key.substr(0, dot));
      const auto enabled = by_key_.find(section + ".enabled");
      if (enabled != by_key_.end() && !enabled->second->built) return true;
      const auto backend = by_key_.find("storage.backend");
      if (backend != by_key_.end() && section.starts_with("storage.") &&
          is_in(backend->second->unbuilt, section.substr(8))) {
        return true;
      }
    }
    return false;
  }

 private:
  std::map<std::string, const Option*, std::less<>> by_key_;
};

constexpr std::string_view later_introduction = R"(
## Settings without effect in this version

They belong to programs (`telemetry-gateway`) and features that are not built yet, and are known so that
files which have them load. They are checked, have no effect, and are named once in the log. What would
switch such a feature on is refused, with its line and what to write instead.
)";

void write_tables(const std::vector<const Option*>& options, Tables tables,
                  std::string_view heading, std::string& out) {
  std::string_view section;
  for (const Option* option : options) {
    if (section_of(*option) != section) {
      section = section_of(*option);
      out += fmt::format("\n{} {}\n\n", heading, section);
      for (const OptionTable& table : tables) {
        const bool here = std::ranges::any_of(options, [&](const Option* one) {
          return section_of(*one) == section && one->key.starts_with(table.prefix);
        });
        if (table.entry.empty() || !here) continue;
        out += fmt::format("`{}` may be a list: `[{}, ...]`.\n\n", table.prefix, table.entry);
      }
      out += "| key | default | values | meaning |\n|---|---|---|---|\n";
    }
    std::string values = config::allowed(*option);
    if (!option->app.empty()) values += fmt::format(" ({} only)", option->app);
    out += fmt::format("| `{}` | {} | {} | {} |\n", option->key,
                       option->fallback.empty() ? "" : fmt::format("`{}`", option->fallback),
                       markdown_cell(values), markdown_cell(notes_of(*option)));
  }
}

constexpr std::string_view introduction = R"(# Configuration reference

One YAML (or JSON) file. This page is written by `telemetry config reference > docs/config.md`; a test
compares the two. `telemetry config check FILE` lists every mistake of a file at once, with line and
column; `telemetry config show --config FILE` prints what is in force and where it comes from.

- Order of strength: command line, environment, file, default.
- Every key has a variable: `TELEMETRY_SECTION__SUB__KEY`, for example `TELEMETRY_MQTT__TLS__CA_FILE`;
  entries of a list: `TELEMETRY_MQTT__1__BROKER`. An unknown `TELEMETRY_X__Y` is an error. A variable
  that is set and empty counts as not set.
- A text in the place of a list is split at its commas, in the file as in a variable: `topics: a/b, c/d`
  are two filters. What holds a comma itself is an item of a list: `topics: ["a,b/#"]`.
- Short names: `MQTT_BROKER` (host or URL), `MQTT_USERNAME`, `MQTT_PASSWORD`, `API_PORT` (web.port),
  `DATABASE_URL` (storage.postgresql.*), `DB_PASSWORD`, `JWT_SECRET`, `LOG_LEVEL`, `CONFIG_PATH` (the
  file). The long name wins over the short one.
- In the file, `${NAME}` and `${NAME:-default}` stand for variables; `$${` is a plain `${`. A variable
  that is not set and has no default is an error, except for `mqtt.username` and `mqtt.password`: then
  the client is anonymous.
- Secrets may come from a file: `password_file` in place of `password`, and so on. They are never shown.
- Unknown keys, values of the wrong type or out of bounds, keys given twice and settings that contradict
  each other are errors. A section that is off, or belongs to another program, is checked, has no effect
  and is named once in the log. A feature that is switched on and not built yet is refused.
- Settings marked *Reloadable* follow the file at SIGHUP; a change of any other takes effect at the next
  start ([reload.md](reload.md)).
- Relative paths are relative to the working directory.
- `true` may be `True` or `TRUE`; `yes`, `on` and `1` are errors. Numbers are written as in JSON: `020`,
  `+5`, `.5` and `0x10` are errors. Quotes around them change nothing. [What YAML would swallow](yaml.md)
  is an error too.
- Durations: `90d`, `24h`, `1h30m`, `1.5s`, `2ms`; a plain number is seconds.
- `mqtt` may be a list of sections, one for each broker; so may the sections that say so below.
  `mqtt.broker` may be a URL: `mqtts://user:password@host:8883`. `storage.retention` is another name for
  `retention`.
)";

struct Tree {
  std::string name;
  const Option* option = nullptr;
  std::vector<Tree> children;

  Tree& child(std::string_view wanted) {
    for (Tree& tree : children) {
      if (tree.name == wanted) return tree;
    }
    children.emplace_back();
    children.back().name = wanted;
    return children.back();
  }
};

std::string json_string(std::string_view text) {
  std::string out = "\"";
  for (char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    out += c;
  }
  return out + '"';
}

std::string json_enum(std::string_view choices) {
  std::string out;
  for (std::string_view choice : config::split(choices, '|')) {
    out += out.empty() ? "" : ", ";
    out += json_string(choice);
  }
  return fmt::format("\"enum\": [{}]", out);
}

// A value, or a text that names a variable.
std::string or_variable(const std::string& schema) {
  return fmt::format(
      R"("anyOf": [{{{}}}, {{"$ref": "#/definitions/variable"}}, {{"type": "null"}}])", schema);
}

std::string json_type(const Option& option) {
  std::string bounds;
  if (option.min != 0 || option.max != 0) {
    bounds = fmt::format(R"(, "minimum": {}, "maximum": {})", option.min, option.max);
  }
  const std::string item =
      option.choices.empty() ? R"("type": "string")" : json_enum(option.choices);
  switch (option.type) {
    case OptionType::text:
    case OptionType::secret:
      return R"("type": ["string", "number", "null"])";
    case OptionType::boolean:
      return or_variable(R"("type": "boolean")");
    case OptionType::integer:
      return or_variable(R"("type": "integer")" + bounds);
    case OptionType::number:
      return or_variable(R"("type": "number")" + bounds);
    case OptionType::duration:
      return R"("type": ["string", "number", "null"])";
    case OptionType::choice:
      return or_variable(item);
    case OptionType::text_list:
      return or_variable(item + fmt::format(R"(}}, {{"type": "array", "items": {{{}}})", item));
    case OptionType::topic_list:
      return R"("type": ["array", "string", "null"], "items": {"anyOf": [{"type": "string"}, )"
             R"({"type": "object", "additionalProperties": false, "required": ["topic"], )"
             R"("properties": {"topic": {"type": "string"}, "qos": {"enum": [0, 1, 2]}, )"
             R"("retained": {"enum": ["skip_stored", "store", "ignore"]}}}]})";
    case OptionType::choice_map:
      return fmt::format(R"("type": ["object", "null"], "additionalProperties": {{{}}})", item);
    case OptionType::key_list:
      return R"("type": ["array", "null"], "items": {"type": ["string", "object"]})";
  }
  return {};
}

void write_schema(const Tree& tree, const std::string& path, Tables tables, std::size_t indent,
                  std::string& out) {
  const std::string pad(indent, ' ');
  out += R"("type": ["object", "null"], "additionalProperties": false, "properties": {)";
  bool first = true;
  const auto member = [&](const std::string& name, const std::string& body) {
    out += fmt::format("{}\n{}{}: {{{}}}", first ? "" : ",", pad, json_string(name), body);
    first = false;
  };
  for (const Tree& child : tree.children) {
    if (child.option == nullptr) {
      std::string body;
      const std::string section = path.empty() ? child.name : path + '.' + child.name;
      write_schema(child, section, tables, indent + 2, body);
      const bool list = std::ranges::any_of(tables, [&](const OptionTable& table) {
        return table.prefix == section && !table.entry.empty();
      });
      if (list) {  // one section, or a list of them
        body = fmt::format(
            "\"anyOf\": [{{{}}}, {{\"type\": \"array\", \"minItems\": 1, "
            "\"items\": {{{}}}}}]",
            body, body);
      }
      member(child.name, body);
      continue;
    }
    const Option& option = *child.option;
    std::string body = fmt::format("\"description\": {}, ", json_string(option.doc));
    member(child.name, body + json_type(option));
    const auto own = [&](const Tree& other) { return other.name == child.name + "_file"; };
    if (option.type == OptionType::secret &&
        std::none_of(tree.children.begin(), tree.children.end(), own)) {
      member(child.name + "_file", R"("type": ["string", "null"])");
    }
  }
  if (tree.name == "storage") member("retention", R"("$ref": "#/properties/retention")");
  out += "}";
}

}  // namespace

std::string config_reference(Tables tables) {
  config::WholeOptions whole;
  std::vector<const Option*> now = by_section(tables, whole);
  std::vector<const Option*> later;
  const Later is_later(now);
  std::copy_if(now.begin(), now.end(), std::back_inserter(later),
               [&](const Option* option) { return is_later(*option); });
  std::erase_if(now, [&](const Option* option) { return is_later(*option); });
  std::string out(introduction);
  write_tables(now, tables, "##", out);
  out += later_introduction;
  write_tables(later, tables, "###", out);
  return out;
}

std::string config_json_schema(Tables tables) {
  Tree root;
  config::WholeOptions whole;
  for (const Option* option : by_section(tables, whole)) {
    Tree* at = &root;
    for (std::string_view part : config::split(option->key, '.')) at = &at->child(part);
    at->option = option;
  }
  std::string out = R"({
"$schema": "http://json-schema.org/draft-07/schema#",
"title": "telemetry configuration",
"definitions": {"variable": {"type": "string", "pattern": "\\$\\{[A-Za-z_][A-Za-z0-9_]*(:-[^}]*)?\\}"}},
)";
  write_schema(root, "", tables, 2, out);
  return out + "}\n";
}

}  // namespace telemetry
