// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <string_view>

#include "process/command_line_data.hpp"

namespace telemetry::command_line {

namespace {

constexpr std::size_t columns = 80, text_column = 28;

// Appends words; those that do not fit go to lines that begin at `column`, where the text is now.
void append_wrapped(std::string_view text, std::size_t column, std::string& out) {
  std::size_t at = column;
  while (!text.empty()) {
    const std::string_view word = text.substr(0, text.find(' '));
    text.remove_prefix(std::min(text.size(), word.size() + 1));
    if (at > column && at + 1 + word.size() > columns) {
      out.append("\n").append(column, ' ');
      at = column;
    }
    if (at > column) out += ' ';
    at += word.size() + (at > column ? 1 : 0);
    out += word;
  }
  out += '\n';
}

void append_entry(std::string_view name, std::string_view text, std::string& out) {
  out.append("  ").append(name);
  const std::size_t at = 2 + name.size();
  if (at + 2 > text_column) {
    out.append("\n").append(text_column, ' ');
  } else {
    out.append(text_column - at, ' ');
  }
  append_wrapped(text, text_column, out);
}

void append_footer(std::string_view text, std::string& out) {
  out += '\n';
  while (!text.empty()) {
    const std::string_view line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(text.size(), line.size() + 1));
    if (line.starts_with(' ')) {
      out.append(line) += '\n';
    } else {
      append_wrapped(line, 0, out);
    }
  }
}

}  // namespace

std::string Command::Data::usage() const {
  std::string text = fmt::format("Usage: {}{}", path, arguments.empty() ? "" : " [OPTIONS]");
  if (!commands.empty()) text += " COMMAND";
  for (const auto& argument : arguments) {
    if (!argument->positional) continue;
    const std::string word = argument->name() + (argument->list ? "..." : "");
    text += argument->required ? " " + word : " [" + word + "]";
  }
  return text + "\n";
}

std::string Command::Data::help() const {
  std::string out;
  append_wrapped(description, 0, out);
  out += "\n" + usage();
  if (!commands.empty()) {
    out += "\nCommands:\n";
    for (const auto& command : commands) {
      append_entry(command->data_->name, command->data_->description, out);
    }
  }
  const auto entry = [&out](const Argument::Data& argument) {
    std::string words = fmt::format("{}", fmt::join(argument.names, ", "));
    if (!argument.placeholder.empty()) words += " " + argument.placeholder;
    append_entry(words,
                 argument.fallback.empty()
                     ? argument.help
                     : fmt::format("{} [{}]", argument.help, argument.fallback),
                 out);
  };
  std::vector<std::string> headings{"Options"};
  bool any = false;
  for (const auto& argument : arguments) {
    if (argument->positional) {
      if (!any) out += "\nArguments:\n";
      any = true;
      entry(*argument);
    } else if (!argument->heading.empty() && argument->heading != headings.back()) {
      headings.push_back(argument->heading);
    }
  }
  for (std::size_t i = 0; i < headings.size(); ++i) {
    out += fmt::format("\n{}:\n", headings[i]);
    for (const auto& argument : arguments) {
      const bool here = i == 0 ? argument->heading.empty() : argument->heading == headings[i];
      if (here && !argument->positional) entry(*argument);
    }
    if (i == 0) append_entry("-h, --help", "Prints this", out);
    if (i == 0 && !version.empty()) append_entry("--version", "Prints the version", out);
  }
  if (!footer.empty()) append_footer(footer, out);
  if (!examples.empty()) out += examples.size() == 1 ? "\nExample:\n" : "\nExamples:\n";
  for (const std::string& line : examples) out += "  " + line + "\n";
  return out;
}

}  // namespace telemetry::command_line
