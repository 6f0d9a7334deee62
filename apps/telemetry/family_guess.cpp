// SPDX-License-Identifier: Apache-2.0
#include "family_guess.hpp"

#include <algorithm>

#include "settings.hpp"
#include "telemetry/core/limits.hpp"
#include "telemetry/ingest.hpp"

namespace telemetry::command_line {
namespace {

/// A filter that says by itself whose messages these are: `+/status` does not.
bool is_telling(const Schema& schema) {
  const std::string_view filter = schema.filter();
  if (schema.is_conditional() || (filter.front() != '+' && filter.front() != '#')) return true;
  std::size_t literals = 0;
  for (std::size_t begin = 0; begin <= filter.size();) {
    const std::size_t end = std::min(filter.find('/', begin), filter.size());
    const std::string_view level = filter.substr(begin, end - begin);
    if (level != "+" && level != "#") ++literals;
    begin = end + 1;
  }
  return literals > 1;
}

bool has_value(const Reading& reading) {
  return reading.verdict == Verdict::valid &&
         std::ranges::any_of(reading.values,
                             [](const core::Value& value) { return !value.is_null(); });
}

}  // namespace

FamilyGuess::FamilyGuess() {
  for (const Family& family : families()) {
    std::vector<Diagnostic> diagnostics;
    auto set = SchemaSet::make(family.schemas(), diagnostics);
    if (set) tried_.push_back({family.name, *std::move(set), 0, 0, {}, false});
  }
}

void FamilyGuess::add(std::string_view topic, std::string_view payload, std::int64_t received_at) {
  if (payload.size() > core::payload_bytes_max) return;
  for (Tried& one : tried_) {
    const Schema* schema =
        one.schemas->choose(UnfoldInput{topic, payload, received_at, false, &births_});
    if (schema == nullptr) continue;
    batch_.clear();
    judge(schema, {.topic = topic, .payload = payload, .received_at = received_at}, batch_, nullptr,
          &births_);
    if (batch_.readings.empty()) continue;  // dropped: it says nothing
    if (std::ranges::none_of(batch_.readings, has_value)) {
      ++one.refused;
      continue;
    }
    ++one.read;
    one.is_telling = one.is_telling || is_telling(*schema);
    if (one.topics.size() < topics_max) one.topics.emplace(topic);
  }
}

std::vector<FamilyFit> FamilyGuess::fits() const {
  std::vector<const Tried*> order;
  for (const Tried& one : tried_) {
    if (one.is_telling && one.read > one.refused) order.push_back(&one);
  }
  std::ranges::stable_sort(order, [](const Tried* a, const Tried* b) { return a->read > b->read; });
  std::vector<FamilyFit> out;
  std::set<std::string_view> covered;
  for (const Tried* one : order) {
    const std::size_t before = covered.size();
    covered.insert(one->topics.begin(), one->topics.end());
    if (covered.size() > before) out.push_back({one->family, one->read, one->topics.size()});
  }
  return out;
}

}  // namespace telemetry::command_line
