#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# A CLI11 program that takes a list of arguments gets two when the user gives one, '[21.5,22]', and none for '[]'.
# Expected: one word of the shell is one argument, so a vector<string> has what argv has.
# Happens: a word that begins with [ and ends with ] is taken for a list in the notation of CLI11's configuration files, its
#   brackets are dropped and it is cut at the commas. '{"v":[1,2]}' is left alone. Options with several values do it, too.
# Meets: tools that take JSON payloads or topic filters as arguments: `publish '[21.5,22]'` sends two messages.
# Do: give one value per option call of a plain std::string, or read payloads from a file or standard input.
. "$(dirname "$0")/lib/finding.sh"
debian libcli11-dev=2.1.2+ds-1
cat >arguments.cpp <<'CPP'
#include <CLI/CLI.hpp>

#include <iostream>

int main(int argc, char** argv) {
  CLI::App app;
  std::vector<std::string> payloads;
  app.add_option("payload", payloads);
  CLI11_PARSE(app, argc, argv);
  for (const auto& payload : payloads) std::cout << payload << '\n';
}
CPP
g++ -std=c++17 -isystem debian/usr/include arguments.cpp -o arguments
python3 - <<'PY'
import subprocess

from outcome import verdict

print("expected: the arguments as they were given")
found = []
for given in (["21.5", "22"], ["[21.5,22]"], ["[]"], ['{"v":[1,2]}']):
    found.append(subprocess.run(["./arguments", *given], stdout=subprocess.PIPE, text=True, check=True).stdout.split())
    print(f"given {given}: {found[-1]}")
verdict(found == [["21.5", "22"], ["21.5", "22"], [], ['{"v":[1,2]}']], "a JSON array of one argument becomes several or none")
PY
