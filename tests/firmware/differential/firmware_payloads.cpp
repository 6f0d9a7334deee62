// SPDX-License-Identifier: Apache-2.0
// What the firmware image `differential` is compared with: payloads made by grammar, a fifth of
// them mutated byte by byte, and what the host's decoder says of each.
//
// usage: firmware_payloads --payloads N --seed S --input FILE --verdicts FILE SCHEMA...
//          the host reads the schemas as the gateway does
//        firmware_payloads --make-schema NUMBER
//          prints a schema without what firmware cannot do
#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iterator>
#include <memory>
#include <vector>

#include "core/json_mutation.hpp"
#include "firmware/differential/model_of.hpp"
#include "firmware/verdict.hpp"
#include "fuzz/differential/generator.hpp"
#include "telemetry/core/schema_table.hpp"

using namespace telemetry;
using namespace telemetry::reference;

namespace {

struct Case {
  std::shared_ptr<const Schema> schema;
  SchemaModel model;
};

void drop_patterns(std::vector<FieldModel>& fields) {
  for (FieldModel& field : fields) {
    field.pattern = nullptr;
    drop_patterns(field.fields);
    drop_patterns(field.items);
  }
}

std::string make_firmware_schema(std::uint64_t number) {
  Random random(number);
  SchemaModel model = make_schema(random);
  model.lenient = false;
  drop_patterns(model.fields);
  std::string text = document_of(model);
  const auto replace = [&text](std::string_view old, const std::string& with) {
    text.replace(text.find(old), old.size(), with);
  };
  replace("\"generated\"", fmt::format("\"generated_{:02}\"", number));
  replace("\"a/+\"", fmt::format("\"generated/{:02}/+\"", number));
  return text;
}

Case read_case(const char* path) {
  std::ifstream file(path);
  const std::string text{std::istreambuf_iterator<char>(file), {}};
  std::vector<Diagnostic> diagnostics;
  auto schema = Schema::parse(text, path, diagnostics);
  if (!schema || (*schema)->view().slot_count > differential::slots_max) {
    fmt::print(stderr, "{}: no schema, or one with too many fields\n", path);
    std::exit(2);
  }
  return {*schema, model_of(**schema)};
}

void put(std::string& out, std::size_t number) {
  out += static_cast<char>(number & 0xFF);
  out += static_cast<char>(number >> 8);
}

/// How often each rule was the first one: a run that breaks none of some shows less than it says.
using Rules = std::array<std::uint64_t, 32>;

Rules write(const std::vector<Case>& cases, std::uint64_t payloads, std::uint64_t seed,
            std::ofstream& input, std::ofstream& verdicts) {
  const auto judge = std::make_unique<differential::Judge>();
  Random random(seed);
  Rules rules{};
  for (std::uint64_t i = 0; i < payloads; ++i) {
    const std::size_t index = i % cases.size();
    std::string text;
    do {
      text = make_document(random, cases[index].model);
      if (random.percent(20)) core::test::mutate_json(text, random);
    } while (text.size() > differential::payload_bytes_max);
    std::string header;
    put(header, index);
    put(header, text.size());
    input << header << text;
    const differential::Verdict verdict = (*judge)(cases[index].schema->view(), text);
    verdicts.write(reinterpret_cast<const char*>(verdict.data()), verdict.size());
    ++rules[verdict[0]];
  }
  return rules;
}

/// In the order of choice, in which the compiled tables have them.
void sort(std::vector<Case>& cases) {
  std::sort(cases.begin(), cases.end(), [](const Case& a, const Case& b) {
    return core::compare_filters(a.schema->filter(), b.schema->filter()) < 0;
  });
}

int usage() {
  fmt::print(stderr,
             "usage: firmware_payloads --payloads N --seed S --input FILE --verdicts FILE "
             "SCHEMA...\n       firmware_payloads --make-schema NUMBER\n");
  return 2;
}

}  // namespace

int main(int argc, char** argv) {
  std::uint64_t payloads = 0, seed = 1;
  const char* input_path = nullptr;
  const char* verdicts_path = nullptr;
  std::vector<Case> cases;
  for (int i = 1; i < argc; ++i) {
    const bool option = argv[i][0] == '-';
    if (option && i + 1 == argc) return usage();
    if (!option) {
      cases.push_back(read_case(argv[i]));
    } else if (std::strcmp(argv[i], "--make-schema") == 0) {
      fmt::print("{}\n", make_firmware_schema(std::strtoull(argv[i + 1], nullptr, 10)));
      return 0;
    } else if (std::strcmp(argv[i], "--payloads") == 0) {
      payloads = std::strtoull(argv[++i], nullptr, 10);
    } else if (std::strcmp(argv[i], "--seed") == 0) {
      seed = std::strtoull(argv[++i], nullptr, 10);
    } else if (std::strcmp(argv[i], "--input") == 0) {
      input_path = argv[++i];
    } else if (std::strcmp(argv[i], "--verdicts") == 0) {
      verdicts_path = argv[++i];
    } else {
      return usage();
    }
  }
  if (cases.empty() || input_path == nullptr || verdicts_path == nullptr) return usage();
  sort(cases);
  std::ofstream input(input_path, std::ios::binary);
  std::ofstream verdicts(verdicts_path, std::ios::binary);
  const Rules rules = write(cases, payloads, seed, input, verdicts);
  input.flush();
  verdicts.flush();
  if (!input || !verdicts) {
    fmt::print(stderr, "firmware_payloads: {} or {} cannot be written\n", input_path,
               verdicts_path);
    return 1;
  }
  for (std::size_t i = 0; i < rules.size(); ++i) {
    if (rules[i] != 0)
      fmt::print("first broken {:<18} {:>8}\n", core::to_string(static_cast<core::Rule>(i)),
                 rules[i]);
  }
  return 0;
}
