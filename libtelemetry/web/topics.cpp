// SPDX-License-Identifier: Apache-2.0
//
// What has come since the start is counted in memory; the store knows the topics from before.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <unordered_map>
#include <unordered_set>

#include "routes.hpp"
#include "telemetry/export.hpp"

namespace telemetry::web {
namespace {

constexpr std::size_t devices_max = 200'000;

using Text = std::shared_ptr<const std::string>;

Text text_or_null(std::string_view text) {
  return text.empty() ? nullptr : std::make_shared<const std::string>(text);
}

/// Whether `search` stands in it, whatever the case of its letters of ASCII.
bool is_found(std::string_view name, std::string_view search) {
  const auto same = [](char a, char b) {
    const auto lower = [](char c) {
      return c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c;
    };
    return lower(a) == lower(b);
  };
  return std::search(name.begin(), name.end(), search.begin(), search.end(), same) != name.end() ||
         search.empty();
}

/// What who asks may see of the topics that have spoken since the start.
std::vector<TopicActivity> heard(const Call& call, const Selection& visible) {
  if (call.here.options.activity == nullptr) return {};
  auto all = call.here.options.activity->snapshot(call.here.environment.clock.now());
  std::erase_if(all,
                [&](const TopicActivity& one) { return !matches_any(visible.topics, *one.topic); });
  return all;
}

/// Those that are stored, as if nothing had come of them, in the order of their names.
/// @param visit  false: no more
Result<void> visit_stored(const Call& call, Latest latest,
                          const std::function<bool(TopicActivity)>& visit) {
  auto done = call.here.pipeline.api().latest(call.principal, latest, [&](const Row& row) {
    TopicActivity one;
    one.topic = std::make_shared<const std::string>(row.topic);
    one.device = text_or_null(row.device);
    one.schema = text_or_null(row.schema);
    one.last_seen = row.received_at;
    return visit(std::move(one));
  });
  if (!done && done.error().code == Errc::not_found) return {};  // nothing is stored yet
  // Without a store that answers there is what has been heard.
  if (!done && done.error().code == Errc::failed_precondition) return {};
  return done;
}

using Before = bool (*)(const TopicActivity&, const TopicActivity&);
Before order_of(std::string_view name) {
  if (name == "rate") {
    return [](const TopicActivity& a, const TopicActivity& b) {
      return a.rate_per_minute != b.rate_per_minute ? a.rate_per_minute > b.rate_per_minute
                                                    : *a.topic < *b.topic;
    };
  }
  if (name == "last_seen") {
    return [](const TopicActivity& a, const TopicActivity& b) {
      return a.last_seen != b.last_seen ? a.last_seen > b.last_seen : *a.topic < *b.topic;
    };
  }
  return [](const TopicActivity& a, const TopicActivity& b) { return *a.topic < *b.topic; };
}

void keep_first(std::vector<TopicActivity>& lines, std::size_t count, Before before) {
  if (lines.size() <= count) return;
  std::nth_element(lines.begin(), lines.begin() + static_cast<std::ptrdiff_t>(count), lines.end(),
                   before);
  lines.resize(count);
}

void append_text(std::string_view name, const Text& text, std::string& out) {
  out += fmt::format(",\"{}\":", name);
  if (text == nullptr)
    out += "null";
  else
    append_json_string(*text, out);
}

/// To a tenth: it is an estimate.
double shown_rate(double rate) { return std::round(rate * 10) / 10; }

void append_counts(const TopicActivity& one, std::string& out) {
  out += ",\"last_seen\":";
  append_json_time(one.last_seen, out);
  out += fmt::format(",\"messages\":{},\"invalid\":{},\"rate_per_minute\":{}", one.messages,
                     one.invalid, shown_rate(one.rate_per_minute));
}

std::string ended(std::string out, const Text& next_cursor) {
  out += ']';
  append_text("next_cursor", next_cursor, out);
  return out + "}\n";
}

/// A cursor is a name: it makes sense where names are in order.
std::optional<Problem> wrong_cursor(const Call& call, std::string_view order) {
  if (call.value("cursor").empty() || call.value("order") == order) return std::nullopt;
  return problem_of({Errc::invalid_argument,
                     fmt::format("pages are in the order of names: leave out cursor, or order={}",
                                 call.value("order"))},
                    "cursor");
}

struct DeviceLine {
  std::string name;
  std::uint64_t topics = 0;
  TopicActivity sum;

  void add(const TopicActivity& one) {
    ++topics;
    sum.last_seen = std::max(sum.last_seen, one.last_seen);
    sum.messages += one.messages;
    sum.rate_per_minute += one.rate_per_minute;
    sum.gaps += one.gaps;
    sum.missing += one.missing;
    sum.resets += one.resets;
    sum.clock_trouble += one.clock_trouble;
  }
};

bool is_before(std::string_view order, const DeviceLine& a, const DeviceLine& b) {
  if (order == "last_seen" && a.sum.last_seen != b.sum.last_seen)
    return a.sum.last_seen > b.sum.last_seen;
  if (order == "gaps" && a.sum.gaps != b.sum.gaps) return a.sum.gaps > b.sum.gaps;
  return a.name < b.name;
}

}  // namespace

Answer get_topics(Call& call) {
  Latest latest;
  if (auto wrong = fill(call, latest)) return *std::move(wrong);
  if (auto wrong = wrong_cursor(call, "topic")) return *std::move(wrong);
  Selection visible = latest;
  if (const auto meets = call.here.pipeline.api().narrow(call.principal, visible); !meets)
    return problem_of(meets.error(), "topic");
  const std::string_view search = call.value("search"), order = call.value("order");
  const bool by_name = order == "topic";
  const std::string after(call.value("cursor"));
  const std::size_t limit = call.count("limit");
  auto lines = heard(call, visible);
  std::unordered_set<std::string_view> known;
  for (const TopicActivity& one : lines) known.insert(*one.topic);
  std::vector<TopicActivity> chosen;
  for (const TopicActivity& one : lines) {
    if ((!by_name || *one.topic > after) && is_found(*one.topic, search)) chosen.push_back(one);
  }
  // Whoever has spoken since the start comes before those who have not, of whom the store gives the
  // names in order.
  const bool in_order = order != "last_seen";
  if (by_name || chosen.size() <= limit) {
    latest.after = after;
    std::size_t found = 0;
    const auto done = visit_stored(call, latest, [&](TopicActivity one) {
      if (!is_found(*one.topic, search)) return !call.request.is_abandoned();
      ++found;
      if (!known.contains(*one.topic)) chosen.push_back(std::move(one));
      if (!in_order && chosen.size() > 4 * limit) keep_first(chosen, limit + 1, order_of(order));
      return !call.request.is_abandoned() && (!in_order || found <= limit);
    });
    if (!done) return problem_of(done.error());
  }
  const bool more = chosen.size() > limit;
  const auto end = chosen.begin() + static_cast<std::ptrdiff_t>(std::min(limit, chosen.size()));
  std::partial_sort(chosen.begin(), end, chosen.end(), order_of(order));
  std::string out = "{\"data\":[";
  for (auto one = chosen.begin(); one != end; ++one) {
    out += one == chosen.begin() ? "{\"topic\":" : ",\n{\"topic\":";
    append_json_string(*one->topic, out);
    append_text("device", one->device, out);
    append_text("schema", one->schema, out);
    append_counts(*one, out);
    out += '}';
  }
  Response response =
      json_answer(ended(std::move(out), more && by_name ? std::prev(end)->topic : nullptr));
  response.packs = true;
  return response;
}

Answer get_devices(Call& call) {
  Latest latest;
  if (auto wrong = fill(call, latest)) return *std::move(wrong);
  if (auto wrong = wrong_cursor(call, "device")) return *std::move(wrong);
  Selection visible = latest;
  if (const auto meets = call.here.pipeline.api().narrow(call.principal, visible); !meets)
    return problem_of(meets.error(), "topic");
  const std::string_view search = call.value("search"), order = call.value("order");
  const std::string after(call.value("cursor"));
  std::unordered_map<std::string, DeviceLine> by_name;
  const auto add = [&](const TopicActivity& one) {
    if (one.device == nullptr || !is_found(*one.device, search)) return;
    if (!after.empty() && *one.device <= after) return;
    by_name[*one.device].add(one);
  };
  const auto lines = heard(call, visible);
  std::unordered_set<std::string_view> known;
  for (const TopicActivity& one : lines) {
    known.insert(*one.topic);
    add(one);
  }
  const auto done = visit_stored(call, latest, [&](const TopicActivity& one) {
    if (!known.contains(*one.topic)) add(one);
    return !call.request.is_abandoned() && by_name.size() <= devices_max;
  });
  if (!done) return problem_of(done.error());
  if (by_name.size() > devices_max) {
    return problem_of({Errc::invalid_argument,
                       fmt::format("there are more than {} devices; ask for fewer with topic or "
                                   "search",
                                   devices_max)},
                      "topic");
  }
  std::vector<DeviceLine> devices;
  devices.reserve(by_name.size());
  for (auto& [name, line] : by_name) {
    devices.push_back(std::move(line));
    devices.back().name = name;
  }
  const std::size_t count = std::min<std::size_t>(call.count("limit"), devices.size());
  const auto end = devices.begin() + static_cast<std::ptrdiff_t>(count);
  std::partial_sort(
      devices.begin(), end, devices.end(),
      [&](const DeviceLine& a, const DeviceLine& b) { return is_before(order, a, b); });
  std::string out = "{\"data\":[";
  for (auto one = devices.begin(); one != end; ++one) {
    out += one == devices.begin() ? "{\"device\":" : ",\n{\"device\":";
    append_json_string(one->name, out);
    const TopicActivity& sum = one->sum;
    out += fmt::format(",\"topics\":{},\"last_seen\":", one->topics);
    append_json_time(sum.last_seen, out);
    out += fmt::format(
        ",\"messages\":{},\"rate_per_minute\":{},\"gaps\":{},\"missing\":{},\"resets\":{},"
        "\"clock_trouble\":{}}}",
        sum.messages, shown_rate(sum.rate_per_minute), sum.gaps, sum.missing, sum.resets,
        sum.clock_trouble);
  }
  const bool more = count < devices.size() && order == "device";
  Response response =
      json_answer(ended(std::move(out), more ? text_or_null(std::prev(end)->name) : nullptr));
  response.packs = true;
  return response;
}

}  // namespace telemetry::web
