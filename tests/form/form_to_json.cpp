// SPDX-License-Identifier: Apache-2.0
// For differential.py. Standard input: a form and a payload in hexadecimal a line; behind the form
// may stand @ and a topic. Standard output: a line for each, its documents with tabs between them,
// or "error: " and why not.
#include <algorithm>
#include <cstdio>
#include <iostream>
#include <map>

#include "telemetry/form.hpp"

int main() {
  using telemetry::Form;
  std::map<std::string, Form> forms;
  Form::Scratch scratch;
  telemetry::SparkplugBirths births;
  std::string name, payload, out;
  while (std::cin >> name >> payload) {
    const std::size_t at = std::min(name.find('@'), name.size());
    const std::string topic = name.substr(std::min(at + 1, name.size()));
    name.resize(at);
    auto found = forms.find(name);
    if (found == forms.end())
      found = forms.emplace(name, Form::make({.form = name, .unpack = {"hex"}}).value()).first;
    out.clear();
    const auto documents = found->second.read(payload, out, scratch, {topic, &births});
    if (!documents) out = "error: " + documents.error().context;
    for (char& c : out) c = c == '\n' ? '\t' : c;
    std::puts(out.c_str());
  }
  return 0;
}
