// SPDX-License-Identifier: Apache-2.0
// For differential.py. Standard input: a form and a payload in hexadecimal a line. Standard output:
// a line for each, its documents with tabs between them, or "error: " and why not.
#include <cstdio>
#include <iostream>
#include <map>

#include "telemetry/form.hpp"

int main() {
  using telemetry::Form;
  std::map<std::string, Form> forms;
  Form::Scratch scratch;
  std::string name, payload, out;
  while (std::cin >> name >> payload) {
    auto found = forms.find(name);
    if (found == forms.end())
      found = forms.emplace(name, Form::make({.form = name, .unpack = {"hex"}}).value()).first;
    out.clear();
    const auto documents = found->second.read(payload, out, scratch);
    if (!documents) out = "error: " + documents.error().context;
    for (char& c : out) c = c == '\n' ? '\t' : c;
    std::puts(out.c_str());
  }
  return 0;
}
