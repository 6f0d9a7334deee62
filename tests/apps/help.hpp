// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <sstream>
#include <string>
#include <vector>

/// What the help of a program promises.
namespace help {

/// The command lines under "Example:" or "Examples:", each on one line.
inline std::vector<std::string> examples_in(const std::string& text) {
  std::vector<std::string> examples;
  bool inside = false;
  bool continued = false;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    if (line == "Example:" || line == "Examples:") inside = true;
    if (!inside || !line.starts_with("  ")) continue;
    const bool goes_on = line.ends_with('\\');
    if (goes_on) line.pop_back();
    line.erase(0, line.find_first_not_of(' '));
    if (continued) {
      examples.back() += line;
    } else {
      examples.push_back(line);
    }
    continued = goes_on;
  }
  return examples;
}

/// The names under "Commands:".
inline std::vector<std::string> commands_in(const std::string& text) {
  std::vector<std::string> commands;
  bool inside = false;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    if (!line.starts_with(' ')) inside = line == "Commands:";
    if (!inside || !line.starts_with("  ") || line.starts_with("   ")) continue;
    commands.push_back(line.substr(2, line.find(' ', 2) - 2));
  }
  return commands;
}

/// The words of a command line without quotes, behind the program's name.
inline std::vector<std::string> words_of(const std::string& line, const std::string& program) {
  std::vector<std::string> words;
  bool begun = false;
  std::istringstream in(line);
  for (std::string word; in >> word;) {
    if (begun) words.push_back(word);
    begun = begun || word == program;
  }
  return words;
}

/// The first line that is longer than a terminal of 80 columns; empty when there is none.
inline std::string too_long_in(const std::string& text) {
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    if (line.size() > 80) return line;
  }
  return {};
}

}  // namespace help
