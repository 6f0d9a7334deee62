// SPDX-License-Identifier: Apache-2.0
//
// From what was seen to what a schema should say. It shall refuse a wrong type, a missing member, a
// value ten times out of range and another unit of time, and accept what the same devices send
// tomorrow. Nothing is guessed as fact: a unit that only a name suggests is a comment.
#include "infer/conclusion.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <cmath>

#include "infer/names.hpp"

namespace telemetry::infer {
namespace {

using core::FieldType;
using core::TimeFormat;

constexpr std::uint64_t for_a_range = 20;     // values; fewer say nothing about bounds
constexpr std::uint64_t for_whole = 100;      // numbers without fraction that make an integer
constexpr std::uint64_t per_enum_value = 20;  // texts
constexpr std::uint64_t steps_of_counter = 20;
constexpr std::size_t depth_max = 8;     // of a schema, the document included
constexpr std::size_t leaves_max = 256;  // of a schema
constexpr std::size_t name_bytes_max = 128;
constexpr double number_max = 1e300;
constexpr double integer_max = 9e18;

bool is_counter(const Field& field, const Spread& spread) {
  const Steps& steps = field.steps;
  return steps.count >= steps_of_counter && spread.min >= 0 && steps.up >= 3 &&
         steps.down <= few(steps.count) && steps.resets <= steps.count / 50;
}

bool is_sequence(const Field& field) {
  const Steps& steps = field.steps;
  const std::uint64_t moved = steps.up + steps.down + steps.resets;
  if (field.fractions != 0 || field.whole == 0 || field.whole + few(field.seen) < field.seen)
    return false;
  return steps.by_one >= 1 && steps.by_one * 10 >= moved * 9;
}

/// The unit of a number that is a time by its size and by its name or arrival.
std::optional<std::size_t> epoch_of(const Field& field) {
  const std::uint64_t needed = field.seen - few(field.seen);
  for (std::size_t unit = 0; unit < field.epochs.size(); ++unit) {
    if (field.epochs[unit] < needed || needed == 0) continue;
    if (sounds_like_time(field.name)) return unit;
    if (field.near_arrival[unit] >= needed && field.steps.up > 0) return unit;
  }
  return std::nullopt;
}

TimeFormat format_of(std::size_t unit) {
  constexpr std::array formats{TimeFormat::s, TimeFormat::ms, TimeFormat::us, TimeFormat::ns};
  return formats[unit];
}

class Concluder {
 public:
  Concluder(const Object& root, bool marked) {
    if (marked) out_.sequence = find_sequence(root);
    out_.lenient = has_unit_texts(root);
    out_.members = members_of(root, 1, false, out_.allow_extra);
    if (marked) find_time();
  }
  Conclusion take() { return std::move(out_); }

 private:
  struct Place {
    std::string path;
    const Member* member = nullptr;
  };

  static bool has_unit_texts(const Object& object);
  static const Field* find_sequence(const Object& root);
  void find_time();
  static void collect(const std::vector<Member>& members, const std::string& prefix,
                      std::vector<Place>& places);

  std::vector<Member> members_of(const Object& object, std::size_t depth, bool in_array,
                                 bool& allow_extra);
  static void link(const Object& object, std::vector<Member>& members);
  void conclude(const Field& field, std::size_t depth, bool in_array, Member& member);
  void conclude_number(const Field& field, Member& member) const;
  bool conclude_epoch(const Field& field, Member& member) const;
  static void conclude_text(const Field& field, Member& member);
  void conclude_object(const Field& field, std::size_t depth, bool in_array, Member& member);
  void conclude_array(const Field& field, std::size_t depth, Member& member);
  static void range(const Field& field, Member& member);

  Conclusion out_;
  std::size_t leaves_ = 0;
};

bool Concluder::has_unit_texts(const Object& object) {
  return std::any_of(object.fields.begin(), object.fields.end(), [](const Field& field) {
    return field.unit_texts > few(field.seen) || (field.object && has_unit_texts(*field.object));
  });
}

const Field* Concluder::find_sequence(const Object& root) {
  const Field* best = nullptr;
  std::size_t best_rank = no_rank;
  std::vector<const Field*> others;
  for (const Field& field : root.fields) {
    if (!is_sequence(field) || epoch_of(field)) continue;
    if (const std::size_t at = sequence_rank(field.name); at < best_rank) {
      best = &field;
      best_rank = at;
    }
    if (field.steps.by_one >= steps_of_counter && !sounds_like_time(field.name))
      others.push_back(&field);
  }
  if (best != nullptr) return best;
  return others.size() == 1 ? others.front() : nullptr;
}

void Concluder::collect(const std::vector<Member>& members, const std::string& prefix,
                        std::vector<Place>& places) {
  for (const Member& member : members) {
    if (member.type == FieldType::timestamp) places.push_back({prefix + member.name, &member});
    collect(member.members, prefix + member.name + ".", places);
  }
}

/// The device's clock: by its name, else what rises from message to message.
void Concluder::find_time() {
  std::vector<Place> places;
  collect(out_.members, "", places);
  std::size_t best = no_rank;
  for (const Place& place : places) {
    const Steps& steps = place.member->field->steps;
    const std::size_t rank = time_rank(place.member->field->name);
    if (rank == no_rank && (steps.count < 5 || steps.up * 2 < steps.count)) continue;
    if (!out_.time_path.empty() && rank >= best) continue;
    best = rank;
    out_.time_path = place.path;
    out_.time_format = place.member->time_format;
  }
}

/// Members that always come together require each other, in a ring: one of them missing is a
/// mistake though each of them is optional.
void Concluder::link(const Object& object, std::vector<Member>& members) {
  if (object.too_many_shapes) return;
  auto shapes = object.shapes;
  std::sort(shapes.begin(), shapes.end(),
            [](const auto& a, const auto& b) { return a.second > b.second; });
  for (std::uint64_t left = few(object.count); !shapes.empty() && shapes.back().second <= left;) {
    left -= shapes.back().second;
    shapes.pop_back();
  }
  const auto presence = [&](const Member& member) {
    const auto at = static_cast<std::size_t>(member.field - object.fields.data());
    std::vector<bool> bits;
    for (const auto& [shape, times] : shapes) bits.push_back(shape.test(at));
    return bits;
  };
  std::vector<std::vector<Member*>> rings;
  std::vector<std::vector<bool>> presences;
  for (Member& member : members) {
    if (member.required) continue;
    const auto bits = presence(member);
    const auto at = static_cast<std::size_t>(std::find(presences.begin(), presences.end(), bits) -
                                             presences.begin());
    if (std::find(bits.begin(), bits.end(), true) == bits.end()) continue;
    if (at == presences.size()) {
      presences.push_back(bits);
      rings.emplace_back();
    }
    rings[at].push_back(&member);
  }
  for (const auto& ring : rings) {
    for (std::size_t i = 0; ring.size() > 1 && i < ring.size(); ++i)
      ring[i]->requires_ = ring[(i + 1) % ring.size()]->name;
  }
}

std::vector<Member> Concluder::members_of(const Object& object, std::size_t depth, bool in_array,
                                          bool& allow_extra) {
  allow_extra = object.undeclared > few(object.count);
  std::vector<Member> members;
  const auto is_taken = [&](const std::string& name) {
    return std::any_of(object.fields.begin(), object.fields.end(),
                       [&](const Field& field) { return field.name == name; }) ||
           std::any_of(members.begin(), members.end(),
                       [&](const Member& member) { return member.name == name; });
  };
  for (const Field& field : object.fields) {
    const bool spelled = !field.name.empty() && field.name.size() <= name_bytes_max &&
                         std::none_of(field.name.begin(), field.name.end(), [](char c) {
                           return static_cast<unsigned char>(c) < 0x20 || c == 0x7F;
                         });
    if (!spelled || leaves_ == leaves_max) {
      allow_extra = true;
      continue;
    }
    Member member;
    member.field = &field;
    member.name = field.name;
    if (!in_array && field.name.find('.') != field.name.npos) {
      std::replace(member.name.begin(), member.name.end(), '.', '_');
      while (is_taken(member.name)) member.name += '_';
      if (member.name.size() > name_bytes_max) {
        allow_extra = true;
        continue;
      }
      member.alias = field.name;
    }
    ++leaves_;
    member.required = field.seen + few(object.count) >= object.count;
    conclude(field, depth, in_array, member);
    member.note = fmt::format("in {} of {}{}{}", grouped(field.seen), grouped(object.count),
                              member.note.empty() ? "" : "; ", member.note);
    members.push_back(std::move(member));
  }
  if (!in_array) link(object, members);
  return members;
}

void Concluder::conclude(const Field& field, std::size_t depth, bool in_array, Member& member) {
  const std::uint64_t needed = field.seen - few(field.seen);
  const std::uint64_t numbers = field.count_of_numbers();
  std::uint64_t of_type = 0;
  if (field.seen == 0) {
    member.note = "always null";
    return;
  }
  if (numbers >= needed) {
    of_type = numbers;
    if (in_array || !conclude_epoch(field, member)) conclude_number(field, member);
  } else if (!in_array && field.unit_texts > few(field.seen) &&
             numbers + field.unit_texts >= needed) {
    of_type = numbers + field.unit_texts;
    member.type = FieldType::number;
    member.unit = field.unit;
    range(field, member);
  } else if (field.texts >= needed) {
    of_type = field.texts;
    conclude_text(field, member);
  } else if (field.booleans >= needed) {
    of_type = field.booleans;
    member.type = FieldType::boolean;
  } else if (field.objects >= needed) {
    of_type = field.objects;
    conclude_object(field, depth, in_array, member);
  } else if (field.arrays >= needed) {
    of_type = field.arrays;
    conclude_array(field, depth, member);
  } else {
    of_type = field.seen;
    for (const auto& [count, what] : {std::pair{numbers, "numbers"},
                                      {field.texts, "texts"},
                                      {field.booleans, "booleans"},
                                      {field.objects, "objects"},
                                      {field.arrays, "arrays"}}) {
      if (count == 0) continue;
      member.note += fmt::format("{}{} {}", member.note.empty() ? "" : ", ", grouped(count), what);
    }
  }
  if (of_type < field.seen) {
    member.note += fmt::format("{}{} of another type are refused", member.note.empty() ? "" : "; ",
                               grouped(field.seen - of_type));
  }
}

/// Head room of twice the spread or the distance from 0, whichever is more: ten times the largest
/// is still outside.
void Concluder::range(const Field& field, Member& member) {
  const std::uint64_t count = field.numbers.count();
  const Spread spread = field.numbers.spread(few(count));
  const auto add_note = [&](const std::string& text) {
    member.note += (member.note.empty() ? "" : "; ") + text;
  };
  add_note(spread.min == spread.max ? fmt::format("always {:.6g}", spread.min)
                                    : fmt::format("{:.6g} to {:.6g}", spread.min, spread.max));
  if (spread.count < count)
    add_note(fmt::format("{} far outside are refused", grouped(count - spread.count)));
  if (is_counter(field, spread)) {
    add_note("only rises, so it has no max");
    member.rules.emplace_back("min: 0");
    return;
  }
  const double far = std::max(std::fabs(spread.min), std::fabs(spread.max));
  if (far == 0) return;
  if (count < for_a_range) return add_note("too few for a range");
  const double reach = 2 * std::max(spread.max - spread.min, far);
  const double limit = member.type == FieldType::integer ? integer_max : number_max;
  const double low = spread.min - reach, high = spread.max + reach;
  if (low > -limit) member.rules.push_back("min: " + bound(low, false));
  if (high < limit) member.rules.push_back("max: " + bound(high, true));
}

void Concluder::conclude_number(const Field& field, Member& member) const {
  const bool whole = field.fractions == 0;
  const bool counts = &field == out_.sequence ||
                      is_counter(field, field.numbers.spread(few(field.numbers.count())));
  member.type =
      whole && (counts || field.whole >= for_whole) ? FieldType::integer : FieldType::number;
  if (&field == out_.sequence) {
    member.rules.emplace_back("min: 0");
    if (field.numbers.spread(0).min < 0) member.rules.clear();
    return;
  }
  range(field, member);
  if (whole && member.type == FieldType::number) member.note += "; whole so far: integer?";
  if (const auto unit = suggested_unit(field.name); !unit.empty())
    member.note += fmt::format("; unit: \"{}\"?", unit);
}

bool Concluder::conclude_epoch(const Field& field, Member& member) const {
  const auto unit = epoch_of(field);
  if (!unit) return false;
  member.type = FieldType::timestamp;
  member.time_format = format_of(*unit);
  // In a coarser unit it would be a time in 1970: valid, and not used. In a finer one it is none.
  if (*unit != 0 && !out_.lenient && field.epochs[*unit] == field.seen) {
    member.rules.push_back(
        fmt::format("json_schema: {{minimum: {:.0f}}}", 1e9 * epoch_units_per_s[*unit]));
    member.note = "the minimum refuses other units of time; firmware has no json_schema";
  }
  return true;
}

void Concluder::conclude_text(const Field& field, Member& member) {
  const std::uint64_t needed = field.seen - few(field.seen);
  if (field.time_texts >= needed) {
    member.type = FieldType::timestamp;
    member.time_format = TimeFormat::rfc3339;
    if (field.zoneless != 0) member.note = "without a zone it is taken as UTC: time_zone?";
    return;
  }
  member.type = FieldType::string;
  const std::string name = lower(field.name);
  const bool names_something = name.ends_with("id") || name.ends_with("name");
  const bool repeats =
      std::all_of(field.distinct.begin(), field.distinct.end(), [](const auto& one) {
        // What has a digit is a number of something: there will be others.
        return one.second >= 5 && std::none_of(one.first.begin(), one.first.end(),
                                               [](char c) { return c >= '0' && c <= '9'; });
      });
  const std::size_t count = field.distinct.size();
  if (count > 1 && repeats && !names_something && field.text_changes >= count &&
      field.texts >= per_enum_value * count) {
    std::string list;
    for (const auto& [text, times] : field.distinct)
      list += (list.empty() ? "" : ", ") + yaml_quoted(text);
    member.rules.push_back(fmt::format("enum: [{}]", list));
    member.note = "no other text was seen";
    return;
  }
  if (count == 1) member.note = "always " + yaml_quoted(field.distinct.front().first);
  if (field.texts >= for_a_range && field.longest < 1'000'000) {
    const std::size_t length = std::bit_ceil(std::max<std::size_t>(16, field.longest) * 2);
    member.rules.push_back(fmt::format("max_length: {}", length));
  }
}

void Concluder::conclude_object(const Field& field, std::size_t depth, bool in_array,
                                Member& member) {
  if (depth + 1 > depth_max) {
    member.note = "deeper than a schema goes: not checked inside";
    return;
  }
  member.members = members_of(*field.object, depth + 1, in_array, member.allow_extra);
  if (!member.members.empty()) {
    member.type = FieldType::object;
  } else {
    member.note = field.object->fields.empty() ? "an empty object" : "not checked inside";
  }
}

void Concluder::conclude_array(const Field& field, std::size_t depth, Member& member) {
  if (depth + 1 > depth_max) {
    member.note = "deeper than a schema goes: not checked inside";
    return;
  }
  member.type = FieldType::array;
  member.note = fmt::format("at most {} items", grouped(field.items_max));
  if (field.arrays >= for_a_range && field.items_max < 1'000'000) {
    member.rules.push_back(
        fmt::format("max_items: {}", std::bit_ceil(std::max<std::size_t>(4, field.items_max) * 2)));
  }
  if (!field.items || field.items->nulls != 0) return;
  Member item;
  item.field = field.items.get();
  conclude(*field.items, depth + 1, true, item);
  if (!item.note.empty()) member.note += "; items " + item.note;
  if (item.type != FieldType::any) member.items.push_back(std::move(item));
}

}  // namespace

Conclusion conclude(const Object& root, bool marked) { return Concluder(root, marked).take(); }

}  // namespace telemetry::infer
