// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <concepts>
#include <cstdint>
#include <functional>
#include <initializer_list>
#include <limits>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

/// The command line of every app: what may be given, one kind of help and of error message.
namespace telemetry::command_line {

/// An option, flag or positional of a Command. A handle, valid as long as its command.
class Argument {
 public:
  Argument required() const;
  /// What stands for the value in help: FILE.
  Argument type(std::string placeholder) const;
  /// A number outside is refused; both limits are allowed.
  Argument range(double min, double max) const;
  /// Any other text is refused.
  Argument one_of(std::initializer_list<const char*> choices) const;
  /// Refuses a text for which the function returns what to write instead: "a name without /".
  Argument check(std::function<std::string(std::string_view)> write_instead) const;
  /// Help shows the value that is in force without the option, which is the one it has now.
  Argument show_default() const;
  /// A heading of its own in help.
  Argument group(std::string heading) const;
  /// The two may not be given together.
  Argument excludes(const Argument& other) const;

 private:
  friend class Command;
  struct Data;
  explicit Argument(Data& data) noexcept : data_(&data) {}
  Data* data_;
};

/// What a command line comes to: something to print, something to do, or both.
struct Parsed {
  std::string out, err;         ///< whole lines for standard output and standard error
  int code = 0;                 ///< exit code when there is nothing to do: 0, or 2 for wrong usage
  std::function<int()> action;  ///< what the chosen command does; returns the exit code
};

/// A program or one of its commands. What it is given to fill must live until run() has returned.
/// `names` are "-c,--config", for a positional "FILE". A list may be given several times, anything
/// else once.
class Command {
 public:
  Command(std::string name, std::string description);
  ~Command();
  Command(const Command&) = delete;
  Command& operator=(const Command&) = delete;

  /// Adds a sub-command; one of them must be chosen then. Lives as long as this.
  Command& command(std::string name, std::string description);
  /// Stands below the options in help. Each line is a paragraph, and wrapped unless it begins
  /// with a space.
  void footer(std::string text);
  /// A command line that works, shown under "Examples"; longer ones end their lines with "\\\n".
  void example(std::string line);
  /// Adds --version, which prints this.
  void version(std::string text);
  /// What the command does when it is chosen.
  void action(std::function<int()> run);

  Argument flag(std::string names, bool& value, std::string help);
  Argument option(std::string names, std::string& value, std::string help);
  Argument option(std::string names, double& value, std::string help);
  Argument option(std::string names, std::vector<std::string>& values, std::string help);
  template <std::unsigned_integral T>
  Argument option(std::string names, T& value, std::string help) {
    return whole(
        std::move(names), {value, std::numeric_limits<T>::max()},
        [&value](std::uint64_t given) { value = static_cast<T>(given); }, std::move(help));
  }
  Argument positional(std::string name, std::string& value, std::string help);
  Argument positional(std::string name, std::vector<std::string>& values, std::string help);

  /// Reads the words behind the program's name. Prints nothing.
  [[nodiscard]] Parsed parse(const std::vector<std::string>& words) const;
  /// parse(), then prints and does what it came to.
  /// @returns exit code of the program.
  [[nodiscard]] int run(int argc, char** argv) const;

 private:
  struct Whole {
    std::uint64_t now, max;
  };
  struct Data;
  explicit Command(std::unique_ptr<Data> data) noexcept;
  Argument add(std::string names, std::string help, bool flag);
  Argument whole(std::string names, Whole whole, std::function<void(std::uint64_t)> set,
                 std::string help);

  std::unique_ptr<Data> data_;
};

}  // namespace telemetry::command_line
