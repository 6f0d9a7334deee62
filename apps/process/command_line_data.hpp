// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "process/command_line.hpp"

namespace CLI {
class App;
class Option;
}  // namespace CLI

namespace telemetry::command_line {

struct Argument::Data {
  std::vector<std::string> names;  // as they are written; the last one stands in messages
  std::string help, placeholder, heading, fallback;
  bool positional = false, flag = false, list = false, required = false;
  std::optional<std::pair<double, double>> range;
  std::vector<std::string> choices;
  std::vector<const Data*> excluded;
  std::function<std::string(std::string_view)> write_instead;
  // Takes one value; returns what is allowed when this is not.
  std::function<std::string(const std::string&)> set;
  std::function<std::string()> show;
  CLI::Option* parsed = nullptr;

  [[nodiscard]] const std::string& name() const { return names.back(); }
  // What one_of() and check() would take; nothing when they take this.
  [[nodiscard]] std::string allowed_instead_of(const std::string& text) const;
};

struct Command::Data {
  std::string name, path, description, footer, version;  // path: "telemetry journal check"
  std::vector<std::string> examples;
  std::vector<std::unique_ptr<Argument::Data>> arguments;
  std::vector<std::unique_ptr<Command>> commands;
  std::function<int()> action;
  std::shared_ptr<CLI::App> parser;  // the program's; a command's is owned by that of its parent

  void prepare();
  [[nodiscard]] std::string usage() const;
  [[nodiscard]] std::string help() const;
  [[nodiscard]] std::string help_hint() const;
  [[nodiscard]] std::vector<std::string_view> option_names() const;
  // Each returns a mistake as text, or nothing.
  [[nodiscard]] std::string unknown_word() const;
  [[nodiscard]] std::string take(const Argument::Data& argument) const;
  [[nodiscard]] std::string needs_value(const Argument::Data& argument) const;
  [[nodiscard]] std::string mistake(const std::string& last, const std::string& otherwise) const;
  [[nodiscard]] Parsed take_all() const;
  [[nodiscard]] Parsed explain() const;
};

}  // namespace telemetry::command_line
