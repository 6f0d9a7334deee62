// SPDX-License-Identifier: Apache-2.0
#include "process/command_line.hpp"

#include <cmath>
#include "catch.hpp"

#include "apps/help.hpp"

using namespace telemetry::command_line;
using Words = std::vector<std::string>;

namespace {

/// A program with everything that a command line can have.
struct Program {
  Program() {
    Command& shown = program.command("show", "Shows rows");
    shown.positional("FILTER", filter, "Topic filter").show_default();
    const Argument latest_flag = shown.flag("--latest", latest, "The newest ones");
    shown.option("-n,--limit", limit, "At most this many").type("N").excludes(latest_flag);
    shown.option("--port", port, "Port").range(1, 65'535);
    shown.option("--rate", rate, "Rate").range(0, INFINITY).show_default();
    shown.option("--ratio", ratio, "Ratio").range(0, 1).group("Faults");
    shown.option("--format", format, "Format").one_of({"table", "csv", "json"}).type("FORMAT");
    shown.option("--where", where, "Condition");
    shown.option("--name", name, "Name").check([](std::string_view text) -> std::string {
      return text.find('/') == std::string_view::npos ? "" : "a name without /";
    });
    shown.example("tool show a/b --limit 3");
    shown.action([this] { return chosen = 10, 10; });
    Command& group = program.command("file", "Files");
    Command& copied = group.command("copy", "Copies files");
    copied.positional("FROM", from, "Files to copy").required();
    copied.option("--to", to, "Where to").required();
    copied.action([this] { return chosen = 20, 20; });
    program.version("tool 1.2");
  }
  std::string mistake(const Words& words) {
    const Parsed parsed = program.parse(words);
    CHECK(parsed.code == 2);
    CHECK(parsed.out.empty());
    CHECK_FALSE(parsed.action);
    return parsed.err;
  }
  int done(const Words& words) {
    const Parsed parsed = program.parse(words);
    CHECK(parsed.err == "");
    return parsed.action ? parsed.action() : -1;
  }

  std::string filter = "#", format, name, to;
  std::vector<std::string> where, from;
  std::uint64_t limit = 0;
  std::uint16_t port = 0;
  double rate = 100, ratio = 0;
  bool latest = false;
  int chosen = 0;
  Command program{"tool", "Does things"};
};

}  // namespace

TEST_CASE("values reach their variables and the action's exit code is the program's") {
  Program p;
  CHECK(p.done({"show", "a/#", "-n", "7", "--port=65535", "--rate", "1e3", "--where", "a > 1",
                "--where", "b < 2", "--format", "csv"}) == 10);
  CHECK(p.filter == "a/#");
  CHECK(p.limit == 7);
  CHECK(p.port == 65'535);
  CHECK(p.rate == 1'000);
  CHECK(p.where == Words{"a > 1", "b < 2"});
  CHECK(p.format == "csv");
  CHECK_FALSE(p.latest);
  CHECK(p.done({"file", "copy", "x", "y", "--to", "z"}) == 20);
  CHECK(p.from == Words{"x", "y"});
}

TEST_CASE("an argument may have the name of a command, and a value that of an option's sort") {
  Program p;
  CHECK(p.done({"show", "file"}) == 10);
  CHECK(p.filter == "file");
  CHECK(p.done({"show", "[a]", "--where", "-3 = x", "--where", "[b,c]"}) == 10);
  CHECK(p.filter == "[a]");
  CHECK(p.where == Words{"-3 = x", "[b,c]"});
}

TEST_CASE("a mistake in a value names the option, the value and what to write") {
  Program p;
  CHECK(p.mistake({"show", "--limit", "-3"}) ==
        "tool: --limit \"-3\": write a whole number, 0 or more\n");
  CHECK(p.mistake({"show", "--limit", "3.5"}) ==
        "tool: --limit \"3.5\": write a whole number, 0 or more\n");
  CHECK(p.mistake({"show", "--limit", "18446744073709551616"}) ==
        "tool: --limit \"18446744073709551616\": write a whole number from 0 to "
        "18446744073709551615\n");
  for (const char* port : {"0", "65536", "4294967297", "http", "-1"}) {
    CHECK(p.mistake({"show", "--port", port}) ==
          "tool: --port \"" + std::string(port) + "\": write a whole number from 1 to 65535\n");
  }
  for (const char* rate : {"-1", "nan", "inf", "1e999", "fast"}) {
    CHECK(p.mistake({"show", "--rate", rate}) ==
          "tool: --rate \"" + std::string(rate) + "\": write a number, 0 or more\n");
  }
  CHECK(p.mistake({"show", "--ratio", "1.5"}) ==
        "tool: --ratio \"1.5\": write a number from 0 to 1\n");
  CHECK(p.mistake({"show", "--format", "xml"}) ==
        "tool: --format \"xml\": write table, csv or json\n");
  CHECK(p.mistake({"show", "--format", "tabl"}) ==
        "tool: --format \"tabl\": write table, csv or json (did you mean table?)\n");
  CHECK(p.mistake({"show", "--name", "a/b"}) == "tool: --name \"a/b\": write a name without /\n");
}

TEST_CASE("what is missing, too much or contradictory is said with the command that explains") {
  Program p;
  CHECK(p.mistake({}) == "tool: name a command: show or file (tool --help explains)\n");
  CHECK(p.mistake({"file"}) == "tool: name a command: copy (tool file --help explains)\n");
  CHECK(p.mistake({"file", "copy"}) ==
        "tool: FROM is missing: Files to copy (tool file copy --help explains)\n");
  CHECK(p.mistake({"file", "copy", "x"}) ==
        "tool: --to is missing: Where to (tool file copy --help explains)\n");
  CHECK(p.mistake({"show", "a", "b"}) ==
        "tool: \"b\" is one argument too many (tool show --help explains)\n");
  CHECK(p.mistake({"show", "--limit", "1", "--latest"}) ==
        "tool: --limit and --latest do not go together (tool show --help explains)\n");
  CHECK(p.mistake({"show", "--limit", "1", "-n", "2"}) ==
        "tool: --limit is given 2 times, \"1\", \"2\": it takes one value\n");
  CHECK(p.mistake({"show", "--latest=no"}) == "tool: --latest takes no value\n");
  for (const Words& words :
       {Words{"show", "--limit"}, Words{"show", "--limit="}, Words{"show", "-n", "--latest"}}) {
    CHECK(p.mistake(words) == "tool: --limit needs a value, N: At most this many\n");
  }
}

TEST_CASE("an unknown option or command comes with the nearest known one") {
  Program p;
  CHECK(p.mistake({"--nonsense"}) == "tool: unknown option --nonsense (tool --help explains)\n");
  CHECK(p.mistake({"show", "--limt", "3"}) ==
        "tool: unknown option --limt (did you mean --limit?)\n");
  CHECK(p.mistake({"show", "--limt=3"}) == "tool: unknown option --limt (did you mean --limit?)\n");
  CHECK(p.mistake({"show", "-q"}) == "tool: unknown option -q (tool show --help explains)\n");
  CHECK(p.mistake({"shwo"}) == "tool: unknown command shwo (did you mean show?)\n");
  CHECK(p.mistake({"fly"}) == "tool: unknown command fly (tool --help explains)\n");
  CHECK(p.mistake({"shows"}) == "tool: unknown command shows (did you mean show?)\n");
  CHECK(p.mistake({"shows", "--help"}) == "tool: unknown command shows (did you mean show?)\n");
  CHECK(p.mistake({"file", "copi", "x"}) == "tool: unknown command copi (did you mean copy?)\n");
  CHECK(p.mistake({"--limit", "3", "show"}) ==
        "tool: --limit belongs behind the command: tool show --limit ...\n");
}

TEST_CASE("help has a usage line, groups, defaults and its own examples, and no others") {
  Program p;
  const std::string text = p.program.parse({"show", "--help"}).out;
  CHECK_THAT(text, Catch::StartsWith("Shows rows\n\nUsage: tool show [OPTIONS] [FILTER]\n") &&
                       Catch::Contains("\n  FILTER                    Topic filter [#]\n") &&
                       Catch::Contains("\n  -n, --limit N             At most this many\n") &&
                       Catch::Contains("\n  --rate                    Rate [100]\n") &&
                       Catch::Contains("\n\nFaults:\n  --ratio ") &&
                       Catch::Contains("\n\nExample:\n  tool show a/b --limit 3\n"));
  CHECK(help::examples_in(text) == Words{"tool show a/b --limit 3"});
  const std::string other = p.program.parse({"file", "copy", "-h"}).out;
  CHECK_THAT(other, Catch::Contains("Usage: tool file copy [OPTIONS] FROM...\n"));
  CHECK(help::examples_in(other).empty());
  CHECK(help::commands_in(p.program.parse({"--help"}).out) == Words{"show", "file"});
  CHECK(p.program.parse({"--version"}).out == "tool 1.2\n");
}

TEST_CASE("help is wrapped at 80 columns, text that begins with a space is kept") {
  Command program("tool", std::string(30, 'a') + " " + std::string(60, 'b'));
  std::string value;
  program.option("--a-rather-long-option-name", value, "Many words " + std::string(45, 'c') + " d");
  program.footer("one two\n\n    code   code\n" + std::string(79, 'e') + " f");
  CHECK(program.parse({"--help"}).out ==
        std::string(30, 'a') + "\n" + std::string(60, 'b') +
            "\n\nUsage: tool [OPTIONS]\n\nOptions:\n  --a-rather-long-option-name\n" +
            std::string(28, ' ') + "Many words\n" + std::string(28, ' ') + std::string(45, 'c') +
            " d\n  -h, --help                Prints this\n\none two\n\n    code   code\n" +
            std::string(79, 'e') + "\nf\n");
}
