#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# yaml-cpp 0.7.0 takes a file whose last quote is never closed, and swallows all that follows it into one text.
# Expected: an error with line and column; a double- or single-quoted scalar ends with its quote (YAML 1.2, 7.3.1 and 7.3.2), and an
#   unclosed "[" or "{" is refused so.
# Happens: when the file ends with a line break, as files do, the missing quote is no error. `host: "broker` followed by
#   `port: 1883` is one key, whose value has the second line in it; port is not set. Without the last line break it is an error.
# Meets: hand-edited configurations of loggers and gateways: the program starts with defaults for all that was swallowed.
# Do: refuse unknown and missing keys; check files with another parser (yamllint) before they are installed.
. "$(dirname "$0")/lib/finding.sh"
debian libyaml-cpp0.7=0.7.0+dfsg-8+b1 libyaml-cpp-dev=0.7.0+dfsg-8+b1
cat >parse.cpp <<'CPP'
#include <yaml-cpp/yaml.h>

#include <iostream>

std::string parse(const std::string& text) {
  try {
    const auto node = YAML::Load(text);
    return node["port"] ? "port " + node["port"].as<std::string>() : "no port, host '" + node["host"].as<std::string>() + "'";
  } catch (const YAML::Exception& error) {
    return std::string("error: ") + error.what();
  }
}

int main() {
  std::cout << parse("host: \"broker\"\nport: 1883\n") << '\n' << parse("host: \"broker\nport: 1883\n") << '\n'
            << parse("host: \"broker\nport: 1883") << '\n' << parse("host: [broker\nport: 1883\n") << '\n';
}
CPP
g++ -std=c++17 -isystem debian/usr/include parse.cpp -o parse -L"${LD_LIBRARY_PATH}" -lyaml-cpp
./parse >output
python3 - <<'PY'
from outcome import verdict

print("expected: an error for each text with a quote or bracket that is not closed")
lines = open("output").read().splitlines()
for name, line in zip(("whole", 'no closing quote', "the same without the last line break", "no closing bracket"), lines):
    print(f"{name}: {line}")
verdict(lines[0] == "port 1883" and lines[1] == "no port, host 'broker port: 1883 '" and lines[2].startswith("error: ")
        and lines[3].startswith("error: "), "the unclosed quote swallows the next line without an error")
PY
