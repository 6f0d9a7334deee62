// SPDX-License-Identifier: Apache-2.0
//
// CLI11 tells words apart: commands, options, values. What is missing, too much or not allowed is
// judged here, so that all programs say it in the same way: which argument, its value, what to
// write instead. The only file that includes CLI11, whose header costs 10 s to compile.
#include "process/command_line.hpp"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdio>
#include <span>

#include "process/command_line_data.hpp"
#include "telemetry/error.hpp"

namespace telemetry::command_line {

namespace {

std::string limits_text(std::string_view kind, double min, double max) {
  if (std::isinf(max)) return fmt::format("{}, {} or more", kind, min);
  return fmt::format("{} from {} to {}", kind, min, max);
}

std::string did_you_mean(std::string_view word, std::span<const std::string_view> candidates) {
  const std::string_view near = nearest(word, candidates);
  return near.empty() ? std::string() : fmt::format(" (did you mean {}?)", near);
}

template <class Number>
bool read(const std::string& text, Number& number, std::errc& error) {
  const char* end = text.data() + text.size();
  const auto [stopped, code] = std::from_chars(text.data(), end, number);
  error = code;
  return stopped == end && code == std::errc();
}

// "a", "a or b", "a, b or c".
std::string one_of_text(const std::vector<std::string>& choices) {
  std::string text;
  for (std::size_t i = 0; i < choices.size(); ++i) {
    if (i > 0) text += i + 1 == choices.size() ? " or " : ", ";
    text += choices[i];
  }
  return text;
}

}  // namespace

// --- What may be given. --------------------------------------------------------------------------

Argument Argument::required() const {
  data_->required = true;
  return *this;
}

Argument Argument::type(std::string placeholder) const {
  data_->placeholder = std::move(placeholder);
  return *this;
}

Argument Argument::range(double min, double max) const {
  data_->range.emplace(min, max);
  return *this;
}

Argument Argument::one_of(std::initializer_list<const char*> choices) const {
  data_->choices.assign(choices.begin(), choices.end());
  return *this;
}

Argument Argument::check(std::function<std::string(std::string_view)> write_instead) const {
  data_->write_instead = std::move(write_instead);
  return *this;
}

Argument Argument::show_default() const {
  data_->fallback = data_->show();
  return *this;
}

Argument Argument::group(std::string heading) const {
  data_->heading = std::move(heading);
  return *this;
}

Argument Argument::excludes(const Argument& other) const {
  data_->excluded.push_back(other.data_);
  return *this;
}

Command::Command(std::string name, std::string description) : data_(std::make_unique<Data>()) {
  data_->path = data_->name = std::move(name);
  data_->description = std::move(description);
  data_->parser = std::make_shared<CLI::App>();
  data_->prepare();
}

Command::Command(std::unique_ptr<Data> data) noexcept : data_(std::move(data)) {}
Command::~Command() = default;

// One command at most, so that the next word may be an argument with the name of another one.
void Command::Data::prepare() {
  parser->allow_extras();
  parser->require_subcommand(0, 1);
  parser->set_help_flag("-h,--help");
}

Command& Command::command(std::string name, std::string description) {
  auto data = std::make_unique<Data>();
  data->path = data_->path + " " + name;
  data->description = std::move(description);
  data->parser = std::shared_ptr<CLI::App>(data_->parser, data_->parser->add_subcommand(name));
  data->name = std::move(name);
  data->prepare();
  data_->commands.push_back(std::unique_ptr<Command>(new Command(std::move(data))));
  return *data_->commands.back();
}

void Command::footer(std::string text) { data_->footer = std::move(text); }
void Command::example(std::string line) { data_->examples.push_back(std::move(line)); }
void Command::version(std::string text) {
  data_->version = std::move(text);
  data_->parser->set_version_flag("--version", data_->version);
}

void Command::action(std::function<int()> run) { data_->action = std::move(run); }

Argument Command::add(std::string names, std::string help, bool flag) {
  auto argument = std::make_unique<Argument::Data>();
  argument->names = CLI::detail::split(names, ',');
  argument->help = std::move(help);
  argument->positional = !names.starts_with('-');
  argument->flag = flag;
  argument->parsed =
      flag ? data_->parser->add_flag(names) : data_->parser->add_option(names, CLI::callback_t());
  // All values are taken as they are; how many may come is judged below.
  argument->parsed->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
  if (!flag) argument->parsed->allow_extra_args(false);
  data_->arguments.push_back(std::move(argument));
  return Argument(*data_->arguments.back());
}

Argument Command::flag(std::string names, bool& value, std::string help) {
  const Argument argument = add(std::move(names), std::move(help), true);
  argument.data_->set = [&value](const std::string&) {
    value = true;
    return std::string();
  };
  return argument;
}

Argument Command::option(std::string names, std::string& value, std::string help) {
  const Argument argument = add(std::move(names), std::move(help), false);
  argument.data_->show = [&value] { return value; };
  argument.data_->set = [&value](const std::string& text) {
    value = text;
    return std::string();
  };
  return argument;
}

Argument Command::option(std::string names, double& value, std::string help) {
  const Argument argument = add(std::move(names), std::move(help), false);
  argument.data_->show = [&value] { return fmt::format("{}", value); };
  argument.data_->set = [&value, data = argument.data_](const std::string& text) {
    const auto [min, max] = data->range.value_or(std::pair{-INFINITY, INFINITY});
    double number = 0;
    std::errc error{};
    if (read(text, number, error) && std::isfinite(number) && min <= number && number <= max) {
      value = number;
      return std::string();
    }
    return std::isinf(min) ? std::string("a number") : limits_text("a number", min, max);
  };
  return argument;
}

Argument Command::option(std::string names, std::vector<std::string>& values, std::string help) {
  const Argument argument = add(std::move(names), std::move(help), false);
  Argument::Data& data = *argument.data_;
  data.list = true;
  if (data.positional) {
    data.parsed->expected(1, CLI::detail::expected_max_vector_size)->allow_extra_args(true);
  }
  data.set = [&values](const std::string& text) {
    values.push_back(text);
    return std::string();
  };
  return argument;
}

Argument Command::whole(std::string names, Whole whole, std::function<void(std::uint64_t)> set,
                        std::string help) {
  const Argument argument = add(std::move(names), std::move(help), false);
  argument.data_->show = [whole] { return std::to_string(whole.now); };
  argument.data_->set = [whole, set, data = argument.data_](const std::string& text) {
    const auto [min, max] = data->range.value_or(std::pair{0.0, INFINITY});
    std::uint64_t number = 0;
    std::errc error{};
    if (read(text, number, error) && number <= whole.max && min <= static_cast<double>(number) &&
        static_cast<double>(number) <= max) {
      set(number);
      return std::string();
    }
    const bool too_large = error == std::errc::result_out_of_range || number > whole.max;
    if (too_large && std::isinf(max)) {
      return fmt::format("a whole number from {} to {}", min, whole.max);
    }
    return limits_text("a whole number", min, max);
  };
  return argument;
}

Argument Command::positional(std::string name, std::string& value, std::string help) {
  return option(std::move(name), value, std::move(help));
}

Argument Command::positional(std::string name, std::vector<std::string>& values, std::string help) {
  return option(std::move(name), values, std::move(help));
}

// --- What was given. -----------------------------------------------------------------------------

std::vector<std::string_view> Command::Data::option_names() const {
  std::vector<std::string_view> names{"--help"};
  if (!version.empty()) names.push_back("--version");
  for (const auto& argument : arguments) {
    if (argument->positional) continue;
    names.insert(names.end(), argument->names.begin(), argument->names.end());
  }
  return names;
}

// What stands before the command that was chosen, and behind it, is for one level each.
std::string Command::Data::unknown_word() const {
  for (const std::string& word : parser->remaining()) {
    if (word.starts_with('-') && word.size() > 1) {
      const std::string option = word.substr(0, word.find('='));
      for (const auto& command : commands) {
        const auto names = command->data_->option_names();
        if (std::find(names.begin(), names.end(), option) == names.end()) continue;
        return fmt::format("{} belongs behind the command: {} {} ...", option, command->data_->path,
                           option);
      }
      const std::string near = did_you_mean(option, option_names());
      return fmt::format("unknown option {}{}", option, near.empty() ? help_hint() : near);
    }
    if (commands.empty()) {
      return fmt::format("\"{}\" is one argument too many{}", word, help_hint());
    }
    std::vector<std::string_view> names;
    for (const auto& command : commands) names.push_back(command->data_->name);
    const std::string near = did_you_mean(word, names);
    return fmt::format("unknown command {}{}", word, near.empty() ? help_hint() : near);
  }
  return {};
}

std::string Command::Data::help_hint() const { return fmt::format(" ({} --help explains)", path); }

// Hands its values to an argument. Returns the mistake, or nothing.
std::string Command::Data::take(const Argument::Data& argument) const {
  const std::vector<std::string>& given = argument.parsed->results();
  if (given.empty()) {
    if (!argument.required) return {};
    return fmt::format("{} is missing: {}{}", argument.name(), argument.help, help_hint());
  }
  for (const Argument::Data* other : argument.excluded) {
    if (other->parsed->results().empty()) continue;
    return fmt::format("{} and {} do not go together{}", argument.name(), other->name(),
                       help_hint());
  }
  if (given.size() > 1 && !argument.list && !argument.flag) {
    return fmt::format("{} is given {} times, \"{}\": it takes one value", argument.name(),
                       given.size(), fmt::join(given, "\", \""));
  }
  const auto options = option_names();
  for (const std::string& text : given) {
    if (argument.flag && text != "true") return argument.name() + " takes no value";
    if (std::find(options.begin(), options.end(), text) != options.end()) {
      return needs_value(argument);
    }
    std::string allowed = argument.allowed_instead_of(text);
    if (allowed.empty()) allowed = argument.set(text);
    if (!allowed.empty()) return fmt::format("{} \"{}\": write {}", argument.name(), text, allowed);
  }
  return {};
}

std::string Argument::Data::allowed_instead_of(const std::string& text) const {
  if (write_instead) return write_instead(text);
  if (choices.empty() || std::find(choices.begin(), choices.end(), text) != choices.end()) {
    return {};
  }
  const std::vector<std::string_view> words(choices.begin(), choices.end());
  return one_of_text(choices) + did_you_mean(text, words);
}

std::string Command::Data::needs_value(const Argument::Data& argument) const {
  return fmt::format("{} needs a value{}: {}", argument.name(),
                     argument.placeholder.empty() ? "" : ", " + argument.placeholder,
                     argument.help);
}

// CLI11 gives an option the next word whatever it is; only the last one can lack its value.
std::string Command::Data::mistake(const std::string& last, const std::string& otherwise) const {
  for (const auto& argument : arguments) {
    const auto& names = argument->names;
    const std::string option = last.substr(0, last.find('='));
    if (std::find(names.begin(), names.end(), option) != names.end()) return needs_value(*argument);
  }
  for (const auto& command : commands) {
    if (command->data_->parser->parsed()) return command->data_->mistake(last, otherwise);
  }
  return otherwise;
}

Parsed Command::Data::take_all() const {
  const auto wrong = [](std::string text) { return Parsed{{}, std::move(text), 2, {}}; };
  if (std::string unknown = unknown_word(); !unknown.empty()) return wrong(std::move(unknown));
  for (const auto& argument : arguments) {
    if (std::string text = take(*argument); !text.empty()) return wrong(std::move(text));
  }
  for (const auto& command : commands) {
    if (command->data_->parser->parsed()) return command->data_->take_all();
  }
  if (commands.empty()) return {{}, {}, 0, action};
  std::vector<std::string> names;
  for (const auto& command : commands) names.push_back(command->data_->name);
  return wrong(fmt::format("name a command: {}{}", one_of_text(names), help_hint()));
}

Parsed Command::Data::explain() const {
  for (const auto& command : commands) {
    if (command->data_->parser->parsed()) return command->data_->explain();
  }
  const auto words = parser->remaining();
  const bool command_wanted = !commands.empty() && !words.empty() && !words[0].starts_with('-');
  if (command_wanted) return {{}, unknown_word(), 2, {}};
  return {help(), {}, 0, {}};
}

Parsed Command::parse(const std::vector<std::string>& words) const {
  Parsed parsed;
  try {
    data_->parser->parse(std::vector<std::string>(words.rbegin(), words.rend()));
    parsed = data_->take_all();
  } catch (const CLI::CallForHelp&) {
    parsed = data_->explain();
  } catch (const CLI::CallForVersion&) {
    parsed.out = data_->version + "\n";
  } catch (const CLI::ParseError& error) {
    parsed.code = 2;
    parsed.err = data_->mistake(words.empty() ? "" : words.back(), error.what());
  }
  if (!parsed.err.empty()) parsed.err = fmt::format("{}: {}\n", data_->name, parsed.err);
  return parsed;
}

int Command::run(int argc, char** argv) const {
  const Parsed parsed = parse(std::vector<std::string>(argv + 1, argv + argc));
  std::fputs(parsed.out.c_str(), stdout);
  std::fputs(parsed.err.c_str(), stderr);
  return parsed.action ? parsed.action() : parsed.code;
}

}  // namespace telemetry::command_line
