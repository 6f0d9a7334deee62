// SPDX-License-Identifier: Apache-2.0
//
// A configuration as YAML that loads again.
#include <algorithm>
#include <cctype>
#include <utility>

#include "config/value.hpp"
#include "telemetry/config.hpp"

namespace telemetry {
namespace {

bool is_plain(std::string_view text) {
  const auto letter = [](char c) { return std::isalpha(static_cast<unsigned char>(c)) != 0; };
  const auto ok = [](char c) {
    return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_' || c == '.' || c == '/' ||
           c == '-' || c == '+';
  };
  static constexpr std::string_view words[] = {"null", "Null", "NULL", "true", "false",
                                               "yes",  "no",   "on",   "off"};
  return !text.empty() && (letter(text[0]) || text[0] == '/' || text[0] == '.') &&
         std::all_of(text.begin(), text.end(), ok) &&
         std::find(std::begin(words), std::end(words), text) == std::end(words);
}

std::string yaml_text(std::string_view text) {
  if (is_plain(text)) return std::string(text);
  static constexpr char digits[] = "0123456789abcdef";
  std::string out = "\"";
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (byte < 0x20 || byte == 0x7f) {
      out += "\\x";
      out += digits[byte >> 4];
      out += digits[byte & 15];
    } else if (text.substr(i).starts_with("${")) {
      out += "$$";  // else it would expand when read
    } else {
      out += c;
    }
  }
  return out + '"';
}

std::string yaml_value(const Config::Shown& shown) {
  const auto one = [&](const std::string& value) {
    const bool bare = shown.type == OptionType::boolean || shown.type == OptionType::integer ||
                      shown.type == OptionType::number;
    return bare ? value : yaml_text(value);
  };
  std::string out;
  switch (shown.type) {
    case OptionType::text_list:
    case OptionType::key_list:
      for (const std::string& value : shown.values) {
        out += out.empty() ? "[" : ", ";
        out += one(value);
      }
      return out.empty() ? "[]" : out + "]";
    case OptionType::topic_list:
      for (const std::string& value : shown.values) {
        const config::TopicValue topic = config::topic_value(value);
        out += out.empty() ? "[" : ", ";
        out += "{topic: " + yaml_text(topic.filter) + ", qos: " + topic.qos;
        if (!topic.retained.empty()) out.append(", retained: ").append(topic.retained);
        out += '}';
      }
      return out.empty() ? "[]" : out + "]";
    case OptionType::choice_map:
      for (const std::string& value : shown.values) {
        const std::size_t equals = value.find('=');
        out += out.empty() ? "{" : ", ";
        out += yaml_text(value.substr(0, equals)) + ": " + yaml_text(value.substr(equals + 1));
      }
      return out.empty() ? "{}" : out + "}";
    default:
      return shown.values.empty() ? "" : one(shown.values.front());
  }
}

struct Branch {
  std::string name;   // of a key, or "" for the entries of a list section
  std::string value;  // leaf
  std::vector<Branch> children;
  bool leaf = false;

  Branch& child(std::string_view wanted) {
    for (Branch& branch : children) {
      if (branch.name == wanted) return branch;
    }
    children.emplace_back();
    children.back().name = wanted;
    return children.back();
  }

  void write(std::string& out, std::size_t indent) const {
    for (const Branch& branch : children) {
      const bool entry = branch.name.starts_with('[');
      if (branch.leaf) {
        out.append(indent, ' ') += branch.name + ": " + branch.value + "\n";
      } else if (entry) {
        std::string inner;
        branch.write(inner, indent + 2);
        inner[indent] = '-';
        out += inner;
      } else {
        out.append(indent, ' ') += branch.name + ":\n";
        branch.write(out, indent + 2);
      }
    }
  }
};

}  // namespace

std::string Config::dump() const {
  Branch root;
  for (const Shown& setting : shown()) {
    const bool listed =
        setting.type == OptionType::text_list || setting.type == OptionType::key_list ||
        setting.type == OptionType::topic_list || setting.type == OptionType::choice_map;
    if (!setting.set && (setting.values.empty() || (!listed && setting.values.front().empty()))) {
      continue;
    }
    Branch* at = &root;
    for (std::string_view part : config::split(setting.key, '.')) {
      const std::size_t index = part.find('[');
      at = &at->child(part.substr(0, index));
      if (index != std::string_view::npos) at = &at->child(part.substr(index));
    }
    at->leaf = true;
    at->value = yaml_value(setting);
  }
  std::string out;
  root.write(out, 0);
  return out;
}

}  // namespace telemetry
