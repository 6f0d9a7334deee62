// SPDX-License-Identifier: Apache-2.0
//
// The bar: a tenth of what a simulated device sends is enough for a schema that takes the rest.
#include <rapidjson/document.h>
#include <rapidjson/pointer.h>
#include <rapidjson/stringbuffer.h>
#include <rapidjson/writer.h>

#include <algorithm>
#include <cmath>
#include <map>

#include "fleet.hpp"
#include "infer/support.hpp"

using namespace inferred;
using simulator::Fleet;
using simulator::FleetOptions;
using simulator::MessageKind;
using simulator::Outgoing;

namespace {

struct Simulated : Sent {
  MessageKind kind = MessageKind::reading;
};

std::vector<Simulated> simulated(const FleetOptions& options, std::size_t count,
                                 std::int64_t step) {
  Fleet fleet(options);
  std::vector<Simulated> all;
  Outgoing out;
  for (std::int64_t now = start; all.size() < count; now += step) {
    REQUIRE(fleet.next(now, out));
    all.push_back({{std::string(out.topic), std::string(out.payload), now}, out.kind});
  }
  return all;
}

std::string text_of(const rapidjson::Value& value) {
  rapidjson::StringBuffer buffer;
  rapidjson::Writer<rapidjson::StringBuffer> writer(buffer);
  value.Accept(writer);
  return {buffer.GetString(), buffer.GetSize()};
}

struct Spoilt {
  std::string what, payload;
};

void find_largest(const rapidjson::Value& object, const std::string& prefix,
                  std::map<std::string, double>& largest) {
  for (const auto& member : object.GetObject()) {
    const std::string pointer = prefix + "/" + member.name.GetString();
    if (member.value.IsObject()) find_largest(member.value, pointer, largest);
    if (!member.value.IsNumber()) continue;
    double& known = largest[pointer];
    known = std::max(known, std::fabs(member.value.GetDouble()));
  }
}

/// Numbers without an upper limit: they only rise.
bool is_counter(const std::string& name) {
  return name == "seq" || name == "uptime_s" || name.starts_with("energy");
}

/// A payload for each member and each way to spoil it: gone, of another type, ten times out of
/// range, in another unit of time.
class Spoiler {
 public:
  Spoiler(const std::string& payload, const std::map<std::string, double>& largest)
      : payload_(payload), largest_(largest) {
    rapidjson::Document document;
    document.Parse(payload.c_str());
    visit(document, "");
  }
  std::vector<Spoilt> out;

 private:
  template <class Change>
  void add(const std::string& pointer, const std::string& what, const Change& change) {
    rapidjson::Document document;
    document.Parse(payload_.c_str());
    change(document, *rapidjson::Pointer(pointer.c_str()).Get(document));
    out.push_back({what + " " + pointer, text_of(document)});
  }
  template <class Set>
  void set(const std::string& pointer, const std::string& what, const Set& set_value) {
    add(pointer, what, [&](auto&, auto& value) { set_value(value); });
  }
  void visit(const rapidjson::Value& object, const std::string& prefix) {
    for (const auto& member : object.GetObject()) {
      const std::string name = member.name.GetString();
      const std::string pointer = prefix + "/" + name;
      const rapidjson::Value& value = member.value;
      const bool number = value.IsNumber();
      const bool time = name == "timestamp" || name == "ts";
      add(pointer, "missing",
          [&](auto& document, auto&) { rapidjson::Pointer(pointer.c_str()).Erase(document); });
      set(pointer, "wrong type", [&](auto& one) {
        if (value.IsArray()) return void(one.SetObject());
        one.SetArray();
      });
      if (number) set(pointer, "text", [](auto& one) { one.SetString("many"); });
      if (value.IsObject()) visit(value, pointer);
      for (const std::int64_t unit : {1'000, 1'000'000, 1'000'000'000}) {
        if (!time) break;
        set(pointer, "other clock",
            [&](auto& one) { one.SetInt64((number ? one.GetInt64() : 1'795'000'000) * unit); });
      }
      if (time && !number)
        set(pointer, "other clock", [](auto& one) { one.SetInt64(1'795'000'000); });
      for (const double factor : {10, -10}) {
        if (number && !time && !is_counter(name))
          set(pointer, "out of range",
              [&](auto& one) { one.SetDouble(largest_.at(pointer) * factor); });
      }
    }
  }

  const std::string& payload_;
  const std::map<std::string, double>& largest_;
};

struct Kind {
  const char* name;
  FleetOptions options;
};

std::vector<Kind> kinds() {
  FleetOptions none;
  none.temperature_sensors = none.power_meters_dc = none.power_meters_ac = none.f2_controllers = 0;
  std::vector<Kind> all;
  all.push_back({"temperature", none});
  all.back().options.temperature_sensors = 4;
  all.push_back({"dc", none});
  all.back().options.power_meters_dc = 3;
  all.push_back({"ac", none});
  all.back().options.power_meters_ac = 2;
  all.push_back({"f2", none});
  all.back().options.f2_controllers = 6;
  all.push_back({"one of each", none});
  all.back().options.temperature_sensors = all.back().options.power_meters_dc =
      all.back().options.power_meters_ac = all.back().options.f2_controllers = 1;
  return all;
}

}  // namespace

TEST_CASE("a tenth of what a simulated device sends gives a schema for the good rest") {
  for (Kind kind : kinds()) {
    for (const std::int64_t step : {second, 20 * second, 300 * second}) {
      ++kind.options.seed;
      kind.options.heartbeat_interval_ns = 50 * step;
      const auto all = simulated(kind.options, 20'000, step);
      const std::size_t sample = all.size() / 10;
      SchemaInference inference;
      for (std::size_t i = 0; i < sample; ++i)
        REQUIRE(inference.add(all[i].topic, all[i].payload, all[i].at));
      const auto drafts = drafts_of(inference);
      const SetPtr set = load(drafts);

      std::size_t refused = 0;
      std::string first;
      std::map<std::string, std::map<std::string, double>> largest;
      for (std::size_t i = 0; i < all.size(); ++i) {
        rapidjson::Document document;
        document.Parse(all[i].payload.c_str());
        find_largest(document, "", largest[all[i].topic]);
        const std::string problem = i < sample ? "" : problem_of(*set, all[i]);
        if (problem.empty()) continue;
        if (refused++ == 0) first = problem + " in " + all[i].payload;
      }
      INFO(kind.name << ", a message each " << step / second << " s: " << first);
      CHECK(refused * 1'000 <= all.size() - sample);

      std::size_t spoilt = 0;
      for (std::size_t i = all.size() - 100; i < all.size(); ++i) {
        for (const Spoilt& one : Spoiler(all[i].payload, largest[all[i].topic]).out) {
          ++spoilt;
          INFO(one.what << ": " << one.payload);
          CHECK(problem_of(*set, {all[i].topic, one.payload, all[i].at}) != "");
        }
      }
      CHECK(spoilt > 2'000);
    }
  }
}

TEST_CASE("spoilt messages in the sample are told, and do not keep good ones out") {
  for (Kind kind : kinds()) {
    kind.options.faults.bad_payloads = 1;
    kind.options.faults.duplicates = 1;
    kind.options.faults.gaps = 1;
    const auto all = simulated(kind.options, 20'000, second);
    SchemaInference inference;
    std::size_t refused = 0, unusable = 0;
    for (std::size_t i = 0; i < 2'000; ++i) {
      if (inference.add(all[i].topic, all[i].payload, all[i].at)) continue;
      ++unusable;
      CHECK(all[i].kind == MessageKind::bad_payload);
    }
    CHECK(unusable > 0);
    const SetPtr set = load(drafts_of(inference));
    for (std::size_t i = 2'000; i < all.size(); ++i)
      if (all[i].kind != MessageKind::bad_payload && !problem_of(*set, all[i]).empty()) ++refused;
    INFO(kind.name);
    CHECK(refused * 1'000 <= all.size() - 2'000);
    for (const InferredSchema& draft : drafts_of(inference)) {
      if (draft.messages > 100) CHECK_THAT(draft.document, Catch::Contains("sequence_field: seq"));
    }
  }
}
