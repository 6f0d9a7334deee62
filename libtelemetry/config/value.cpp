// SPDX-License-Identifier: Apache-2.0
#include "config/value.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <charconv>
#include <cmath>

#include "config/text_tree.hpp"
#include "telemetry/core/json_pull.hpp"
#include "telemetry/core/topic.hpp"

namespace telemetry::config {
namespace {

constexpr std::string_view key_members = "name|hash|role|topics|expires";

bool equal_ignoring_case(std::string_view a, std::string_view b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](char x, char y) {
    return std::tolower(static_cast<unsigned char>(x)) ==
           std::tolower(static_cast<unsigned char>(y));
  });
}

// The choice as the table spells it, or empty.
std::string_view find_choice(std::string_view choices, std::string_view text) {
  for (std::string_view choice : split(choices, '|')) {
    if (equal_ignoring_case(choice, text)) return choice;
    // What Python's logging calls it.
    if (choice == "warn" && equal_ignoring_case(text, "warning")) return choice;
  }
  return {};
}

std::string list_choices(std::string_view choices) {
  std::string out;
  for (std::string_view choice : split(choices, '|')) {
    out += out.empty() ? "" : ", ";
    out += choice;
  }
  return out;
}

std::string nearest_choice(std::string_view text, std::string_view choices) {
  const auto candidates = split(choices, '|');
  const std::string_view near = nearest(text, candidates);
  return near.empty() ? "" : fmt::format("did you mean {}?", near);
}

bool in_bounds(const Option& option, double value) {
  if (option.min == 0 && option.max == 0) return true;
  return value >= option.min && value <= option.max;
}

bool is_control(char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7F; }

std::string plain(double value) {
  return value == std::floor(value) && std::abs(value) < 1e15
             ? fmt::format("{}", static_cast<std::int64_t>(value))
             : fmt::format("{}", value);
}

class Checker {
 public:
  Checker(const Option& option, const Expand& expand, std::vector<Problem>& problems)
      : option_(option), expand_(expand), problems_(problems) {}

  std::optional<std::vector<std::string>> check(Written written) {
    values_.clear();
    bool good = true;
    switch (option_.type) {
      case OptionType::text_list:
        good = check_text_list(written);
        break;
      case OptionType::topic_list:
        good = check_topic_list(written);
        break;
      case OptionType::choice_map:
        good = check_choice_map(written);
        break;
      case OptionType::key_list:
        good = check_key_list(written);
        break;
      default:
        if (written.kind == Written::Kind::null) break;
        good = check_scalar(written);
        if (good && written.kind == Written::Kind::scalar) values_.push_back(written.text);
    }
    if (!good) return std::nullopt;
    return std::move(values_);
  }

 private:
  bool fail(const Written& at, std::string message, std::string hint = {}) {
    problems_.push_back({at.line, at.column, std::move(message), std::move(hint)});
    return false;
  }
  bool wrong(const Written& at, std::string hint = {}) {
    const bool hidden = option_.type == OptionType::secret || option_.type == OptionType::key_list;
    std::string message = "must be " + allowed(option_);
    if (!hidden && at.kind == Written::Kind::scalar) message += ", not " + quoted(at.text);
    return fail(at, std::move(message), std::move(hint));
  }
  bool expand(Written& scalar) {
    if (!scalar.expanded && expand_ && !expand_(scalar)) return false;
    scalar.expanded = true;
    if (std::none_of(scalar.text.begin(), scalar.text.end(), is_control)) return true;
    return fail(scalar, "holds a line break or another control character",
                "write it in one line, without | or >; in double quotes a backslash is \\\\");
  }

  // One rule for file, environment and command line: a text in the place of a list is split at its
  // commas. What holds a comma itself is an item of a list.
  bool split_text(Written& written) {
    if (!expand(written)) return false;
    if (written.kind != Written::Kind::scalar) return true;  // a reference that stands for nothing
    const std::string text = std::move(written.text);
    written.kind = Written::Kind::list;
    written.text.clear();
    for (std::string_view part : split(text, ',')) {
      part.remove_prefix(std::min(part.find_first_not_of(' '), part.size()));
      part = part.substr(0, part.find_last_not_of(' ') + 1);
      Written item = written;
      item.items.clear();
      item.kind = Written::Kind::scalar;
      item.text = part;
      written.items.push_back(std::move(item));
    }
    return true;
  }

  // Leaves the canonical text in `written`. A reference that stands for nothing makes it null.
  bool check_scalar(Written& written) {
    if (written.kind != Written::Kind::scalar) return wrong(written);
    if (!expand(written)) return false;
    if (written.kind == Written::Kind::null) return true;
    bool truth = false;
    double number = 0;
    std::int64_t integer = 0;
    switch (option_.type) {
      case OptionType::boolean:
        if (!parse_boolean(written.text, truth)) return wrong(written, "write true or false");
        written.text = truth ? "true" : "false";
        return true;
      case OptionType::integer:
        if (!parse_integer(written.text, integer)) return wrong(written, spelling(written.text));
        if (!in_bounds(option_, static_cast<double>(integer))) return wrong(written);
        written.text = fmt::format("{}", integer);
        return true;
      case OptionType::number:
        if (!parse_number(written.text, number)) return wrong(written, spelling(written.text));
        return in_bounds(option_, number) || wrong(written);
      case OptionType::duration:
        if (!parse_duration(written.text, integer) ||
            !in_bounds(option_, static_cast<double>(integer) / 1e9)) {
          return wrong(written, "write for example 24h, 30m, 1.5s or 2ms");
        }
        return true;
      case OptionType::choice:
        return check_choice(written);
      default:
        return true;
    }
  }

  // A number that is only spelled in another way has a remedy.
  static std::string spelling(std::string_view text) {
    return text.find_first_of("0123456789") == 0 || text.starts_with('.') || text.starts_with('+')
               ? number_hint(text)
               : "";
  }

  bool check_choice(Written& written) {
    const std::string_view choice = find_choice(option_.choices, written.text);
    if (choice.empty()) return wrong(written, nearest_choice(written.text, option_.choices));
    written.text = choice;
    return true;
  }

  bool check_text_list(Written& written) {
    if (written.kind == Written::Kind::map) return wrong(written);
    if (written.kind == Written::Kind::scalar && !split_text(written)) return false;
    bool good = true;
    for (Written& item : written.items) {
      if (item.kind != Written::Kind::scalar) {
        good = wrong(item);
        continue;
      }
      if (!expand(item)) {
        good = false;
      } else if (item.kind == Written::Kind::scalar) {
        if (!option_.choices.empty() && !check_choice(item)) {
          good = false;
        } else if (std::find(values_.begin(), values_.end(), item.text) != values_.end()) {
          good = fail(item, "names " + quoted(item.text) + " twice", "keep one of them");
        } else {
          values_.push_back(item.text);
        }
      }
    }
    return good;
  }

  bool check_topic_list(Written& written) {
    if (written.kind == Written::Kind::null) return true;
    if (written.kind == Written::Kind::map) {
      return wrong(written, "write a list: - {topic: \"sensors/#\", qos: 1}");
    }
    if (written.kind == Written::Kind::scalar && !split_text(written)) return false;
    bool good = true;
    for (Written& item : written.items) good = check_topic(item) && good;
    return good;
  }

  bool check_topic(Written& item) {
    Written topic = item;
    std::string qos = "1";
    std::string retained;
    if (item.kind == Written::Kind::map) {
      topic.kind = Written::Kind::null;
      for (auto& [key, value] : item.members) {
        if (key.text == "topic") {
          topic = value;
        } else if (key.text == "qos") {
          if (value.kind == Written::Kind::scalar && !expand(value)) return false;
          qos = value.text;
          if (qos != "0" && qos != "1" && qos != "2") {
            return fail(value, "has a qos that is not 0, 1 or 2", "write 0, 1 or 2");
          }
        } else if (key.text == "retained") {
          if (value.kind == Written::Kind::scalar && !expand(value)) return false;
          const std::string_view choice = find_choice(retained_policies, value.text);
          if (choice.empty()) {
            return fail(value,
                        "has a retained that is not one of " + list_choices(retained_policies),
                        nearest_choice(value.text, retained_policies));
          }
          retained = "," + std::string(choice);
        } else {
          return fail(key, "has an unknown key " + quoted(key.text),
                      "topic, qos and retained are known");
        }
      }
    }
    if (topic.kind != Written::Kind::scalar) {
      return fail(item, "has an entry without a topic", "write {topic: \"sensors/#\", qos: 1}");
    }
    if (item.plain && item.text.starts_with("topic:")) {
      return fail(item, "has " + quoted(item.text) + ": a blank is missing behind the colon",
                  "write {topic: \"sensors/#\", qos: 1}; quotes make it a filter");
    }
    if (!expand(topic)) return false;
    if (topic.kind == Written::Kind::null || !core::is_valid_filter(topic.text)) {
      return fail(topic, "has " + quoted(topic.text) + ", which is not a topic filter",
                  "+ stands for one whole level, # for all remaining levels at the end");
    }
    for (const std::string& value : values_) {
      if (topic_value(value).filter == topic.text) {
        return fail(topic, "names the topic filter " + quoted(topic.text) + " twice",
                    "keep one of them");
      }
    }
    values_.push_back(qos + retained + " " + topic.text);
    return true;
  }

  bool check_choice_map(Written& written) {
    if (written.kind == Written::Kind::null) return true;
    if (written.kind == Written::Kind::list) return wrong(written);
    if (written.kind == Written::Kind::scalar) {  // environment, command line: name=choice,...
      for (std::string_view part : split(written.text, ',')) {
        const std::size_t equals = std::min(part.find('='), part.size());
        Written key = written;
        key.text = part.substr(0, equals);
        Written value = written;
        value.text = part.substr(std::min(equals + 1, part.size()));
        written.members.push_back({std::move(key), std::move(value)});
      }
    }
    bool good = true;
    for (auto& [key, value] : written.members) {
      if (value.kind != Written::Kind::scalar) {
        good = fail(value,
                    "must give " + quoted(key.text) + " one of " + list_choices(option_.choices));
      } else if (!expand(value) || !check_choice(value)) {
        good = false;
      } else {
        values_.push_back(key.text + "=" + value.text);
      }
    }
    return good;
  }

  // Only the shape: what a key says is a secret, and nothing reads it yet.
  bool check_key_list(Written& written) {
    if (written.kind == Written::Kind::null) return true;
    if (written.kind == Written::Kind::map) return wrong(written);
    if (written.kind == Written::Kind::scalar && !split_text(written)) return false;
    bool good = true;
    for (const Written& item : written.items) {
      if (item.kind == Written::Kind::list || item.kind == Written::Kind::null) {
        good = wrong(item);
      }
      for (const auto& [key, value] : item.members) {
        if (find_choice(key_members, key.text).empty()) {
          good = fail(key, "has an entry with the unknown key " + quoted(key.text),
                      list_choices(key_members) + " are known");
        }
      }
      values_.emplace_back("***");
    }
    return good;
  }

  const Option& option_;
  const Expand& expand_;
  std::vector<Problem>& problems_;
  std::vector<std::string> values_;
};

}  // namespace

std::vector<std::string_view> split(std::string_view text, char separator) {
  std::vector<std::string_view> parts;
  if (text.empty()) return parts;
  for (std::size_t start = 0;;) {
    const std::size_t end = text.find(separator, start);
    parts.push_back(text.substr(start, end - start));
    if (end == std::string_view::npos) return parts;
    start = end + 1;
  }
}

TopicValue topic_value(std::string_view value) noexcept {
  const std::size_t blank = value.find(' ');
  return {value[0], value.substr(0, blank).substr(std::min<std::size_t>(blank, 2)),
          value.substr(blank + 1)};
}

std::string quoted(std::string_view text) {
  constexpr std::size_t shown_max = 60;
  std::string out = "\"";
  for (char c : text.substr(0, shown_max)) {
    out += static_cast<unsigned char>(c) < 0x20 || c == 0x7f ? '?' : c;
  }
  return out + (text.size() > shown_max ? "...\"" : "\"");
}

bool parse_integer(std::string_view text, std::int64_t& value) noexcept {
  if (!is_number(text)) return false;
  core::JsonPull pull(text);  // 5.0 and 1e3 are whole
  return pull.next() == core::JsonToken::number && core::to_int64(pull.number(), value);
}

bool parse_number(std::string_view text, double& value) noexcept {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc{} && end == text.data() + text.size() && is_number(text);
}

bool parse_duration(std::string_view text, std::int64_t& ns) noexcept {
  struct Unit {
    std::string_view name;
    double ns;
  };
  static constexpr Unit units[] = {{"ns", 1},   {"us", 1e3},    {"ms", 1e6},     {"s", 1e9},
                                   {"m", 60e9}, {"h", 3'600e9}, {"d", 86'400e9}, {"w", 604'800e9}};
  double total = 0;
  if (double seconds = 0; parse_number(text, seconds)) {
    total = seconds * 1e9;
  } else {
    if (text.empty()) return false;
    while (!text.empty()) {
      double count = 0;
      const auto [end, error] =
          std::from_chars(text.data(), text.data() + text.size(), count, std::chars_format::fixed);
      if (error != std::errc{}) return false;
      text.remove_prefix(static_cast<std::size_t>(end - text.data()));
      std::size_t letters = 0;
      while (letters < text.size() && text[letters] >= 'a' && text[letters] <= 'z') ++letters;
      const auto* unit = std::find_if(std::begin(units), std::end(units), [&](const Unit& u) {
        return u.name == text.substr(0, letters);
      });
      if (unit == std::end(units)) return false;
      total += count * unit->ns;
      text.remove_prefix(letters);
    }
  }
  if (!(total >= 0 && total < 9.2e18)) return false;
  ns = std::llround(total);
  return true;
}

std::string allowed(const Option& option) {
  const bool bounded = option.min != 0 || option.max != 0;
  const std::string unit = option.unit.empty() ? "" : fmt::format(" {}", option.unit);
  const auto range = [&](std::string_view what) {
    return bounded
               ? fmt::format("{} from {} to {}{}", what, plain(option.min), plain(option.max), unit)
               : fmt::format("{}{}", what, unit.empty() ? "" : " of" + unit);
  };
  switch (option.type) {
    case OptionType::text:
    case OptionType::secret:
      return "text";
    case OptionType::boolean:
      return "true or false";
    case OptionType::integer:
      return range("a whole number");
    case OptionType::number:
      return range("a number");
    case OptionType::duration:
      return bounded
                 ? fmt::format("a duration from {} s to {} s", plain(option.min), plain(option.max))
                 : "a duration";
    case OptionType::choice:
      return "one of " + list_choices(option.choices);
    case OptionType::text_list:
      return option.choices.empty() ? "a text or a list of texts"
                                    : "one or a list of " + list_choices(option.choices);
    case OptionType::topic_list:
      return "a list of topic filters";
    case OptionType::choice_map:
      return "a map of names to one of " + list_choices(option.choices);
    case OptionType::key_list:
      return "a list of API keys";
  }
  return "text";
}

std::optional<std::vector<std::string>> check_value(const Option& option, Written written,
                                                    const Expand& expand,
                                                    std::vector<Problem>& problems) {
  return Checker(option, expand, problems).check(std::move(written));
}

bool same_value(const Option& option, const std::vector<std::string>& a,
                const std::vector<std::string>& b) {
  if (a == b) return true;
  if (a.size() != 1 || b.size() != 1) return false;
  double x = 0;
  double y = 0;
  std::int64_t i = 0;
  std::int64_t j = 0;
  if (option.type == OptionType::number) {
    return parse_number(a[0], x) && parse_number(b[0], y) && !(x < y) && !(y < x);
  }
  if (option.type == OptionType::duration) {
    return parse_duration(a[0], i) && parse_duration(b[0], j) && i == j;
  }
  return false;
}

std::vector<std::string> fallback_values(const Option& option) {
  if (option.fallback.empty()) return {};
  Written written;
  written.kind = Written::Kind::scalar;
  written.text = option.fallback;
  std::vector<Problem> problems;
  return check_value(option, std::move(written), {}, problems).value_or(std::vector<std::string>{});
}

}  // namespace telemetry::config
