// SPDX-License-Identifier: Apache-2.0
//
// From what was seen to a schema. It shall refuse a wrong type, a missing member, a value ten times
// out of range and another unit of time, and accept what the same devices send tomorrow. Nothing is
// guessed as fact: a unit that only a name suggests is a comment.
#include "infer/draft.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <cmath>

#include "schema/specification.hpp"

namespace telemetry::infer {
namespace {

using core::FieldType;
using core::TimeFormat;

constexpr std::uint64_t for_a_range = 20;      // values; fewer say nothing about bounds
constexpr std::uint64_t for_whole = 100;       // numbers without fraction that make an integer
constexpr std::uint64_t per_enum_value = 20;   // texts
constexpr std::uint64_t steps_of_counter = 20;
constexpr std::size_t depth_max = 8;           // of a schema, the document included
constexpr std::size_t leaves_max = 256;        // of a schema
constexpr std::size_t name_bytes_max = 128;
constexpr double number_max = 1e300;
constexpr double integer_max = 9e18;

/// One member as the draft declares it.
struct Member {
  const Field* field = nullptr;
  std::string name, alias;
  FieldType type = FieldType::any;
  bool required = false;
  std::string unit;
  TimeFormat time_format = TimeFormat::automatic;
  std::vector<std::string> rules;
  std::string requires_;
  std::vector<Member> members;  // object
  bool allow_extra = false;     // object
  std::vector<Member> items;    // array: one or none
  std::string note;
};

std::string lower(std::string_view text) {
  std::string out(text);
  std::transform(out.begin(), out.end(), out.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
  return out;
}

constexpr std::array<std::string_view, 10> time_names{
    "timestamp", "time", "ts", "datetime", "date_time", "utc", "t", "at", "epoch", "date"};
constexpr std::array<std::string_view, 14> sequence_names{
    "seq",     "sequence", "seq_no",          "seqno",  "seq_nr",         "seq_num", "sequence_number",
    "msg_seq", "msg_no",   "sequencenumber", "packet", "message_number", "counter", "n"};

template <std::size_t count>
std::size_t rank(const std::array<std::string_view, count>& names, std::string_view name) {
  return static_cast<std::size_t>(std::find(names.begin(), names.end(), lower(name)) -
                                  names.begin());
}

bool sounds_like_time(std::string_view name) {
  const std::string text = lower(name);
  const auto has = [&](std::string_view part) { return text.find(part) != text.npos; };
  return rank(time_names, name) < time_names.size() || has("time") || has("date") ||
         has("stamp") || text.ends_with("_at") || text.ends_with("_ts");
}

std::string grouped(std::uint64_t number) {
  std::string text = fmt::format("{}", number);
  for (std::size_t at = text.size(); at > 3;) text.insert(at -= 3, 1, ',');
  return text;
}

/// A YAML text in double quotes, which may also stand in a comment.
std::string quoted(std::string_view text) {
  constexpr std::string_view byte_order_mark = "\uFEFF";
  std::string out = schemas::json_string(text);
  for (std::size_t at = 0; (at = out.find(byte_order_mark, at)) != out.npos;)
    out.replace(at, byte_order_mark.size(), "\\ufeff");
  return out;
}

bool is_plain(std::string_view text) {
  constexpr std::array<std::string_view, 9> words{"true", "false", "null", "yes", "no",
                                                  "on",   "off",   "y",    "n"};
  const bool letters = std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
  });
  return letters && !text.empty() && (text[0] < '0' || text[0] > '9') &&
         rank(words, text) == words.size();
}

std::string written(std::string_view text) {
  return is_plain(text) ? std::string(text) : quoted(text);
}

/// Away from the values, to two digits.
std::string bound(double number, bool up) {
  if (number == 0) return "0";
  const int exponent = static_cast<int>(std::floor(std::log10(std::fabs(number)))) - 1;
  const double digits = number / std::pow(10, exponent);
  const double whole = up ? std::ceil(digits - 1e-9) : std::floor(digits + 1e-9);
  return schemas::number_text(
      {static_cast<std::int64_t>(whole), static_cast<std::int16_t>(exponent)});
}

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

/// What a name suggests.
std::string_view unit_of(std::string_view name) {
  struct Known {
    std::string_view name, unit;
  };
  constexpr std::array known{
      Known{"temperature", "°C"}, Known{"temp", "°C"},       Known{"t", "°C"},
      Known{"humidity", "%"},     Known{"rh", "%"},          Known{"battery", "%"},
      Known{"pressure", "hPa"},   Known{"voltage", "V"},     Known{"current", "A"},
      Known{"power", "W"},        Known{"energy", "kWh"},    Known{"frequency", "Hz"},
      Known{"rssi", "dBm"},       Known{"co2", "ppm"},       Known{"illuminance", "lx"},
      Known{"lux", "lx"},         Known{"speed", "m/s"},     Known{"weight", "kg"},
      Known{"distance", "m"},     Known{"uptime", "s"},
  };
  constexpr std::array endings{
      Known{"_c", "°C"},    Known{"_pct", "%"},   Known{"_percent", "%"}, Known{"_v", "V"},
      Known{"_mv", "mV"},   Known{"_a", "A"},     Known{"_ma", "mA"},     Known{"_w", "W"},
      Known{"_kw", "kW"},   Known{"_wh", "Wh"},   Known{"_kwh", "kWh"},   Known{"_hz", "Hz"},
      Known{"_s", "s"},     Known{"_ms", "ms"},   Known{"_pa", "Pa"},     Known{"_hpa", "hPa"},
      Known{"_bar", "bar"}, Known{"_ppm", "ppm"}, Known{"_dbm", "dBm"},   Known{"_lx", "lx"},
      Known{"_mm", "mm"},   Known{"_kg", "kg"},   Known{"_l", "l"},
  };
  const std::string text = lower(name);
  for (const Known& one : endings)
    if (text.ends_with(one.name)) return one.unit;
  for (const Known& one : known)
    if (text == one.name || text.ends_with(fmt::format("_{}", one.name)))
      return one.unit;
  return {};
}

class Drafter {
 public:
  explicit Drafter(const Evidence& evidence) : evidence_(evidence) {
    sequence_ = find_sequence();
    lenient_ = has_unit_texts(evidence.root);
    members_ = members_of(evidence.root, 1, false, allow_extra_);
    time_ = find_time();
  }
  std::string write();

 private:
  struct Place {
    std::string path;
    const Member* member = nullptr;
    TimeFormat format = TimeFormat::automatic;
  };

  static bool has_unit_texts(const Object& object);
  const Field* find_sequence() const;
  Place find_time() const;
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

  void write_members(const std::vector<Member>& members, const std::string& indent);
  void write_block(const Member& member, const std::string& indent);
  [[nodiscard]] std::vector<std::string> keys_of(const Member& member) const;
  [[nodiscard]] std::string in_one_line(const Member& member) const;
  [[nodiscard]] static bool has_objects(const Member& member);
  [[nodiscard]] static bool has_rings(const std::vector<Member>& members);

  const Evidence& evidence_;
  const Field* sequence_ = nullptr;
  bool lenient_ = false, allow_extra_ = false;
  std::size_t leaves_ = 0;
  std::vector<Member> members_;
  Place time_;
  std::string out_;
};

bool Drafter::has_unit_texts(const Object& object) {
  return std::any_of(object.fields.begin(), object.fields.end(), [](const Field& field) {
    return field.unit_texts > few(field.seen) || (field.object && has_unit_texts(*field.object));
  });
}

const Field* Drafter::find_sequence() const {
  const Field* best = nullptr;
  std::size_t best_rank = sequence_names.size();
  std::vector<const Field*> others;
  for (const Field& field : evidence_.root.fields) {
    if (!is_sequence(field) || epoch_of(field)) continue;
    if (const std::size_t at = rank(sequence_names, field.name); at < best_rank) {
      best = &field;
      best_rank = at;
    }
    if (field.steps.by_one >= steps_of_counter && !sounds_like_time(field.name))
      others.push_back(&field);
  }
  if (best != nullptr) return best;
  return others.size() == 1 ? others.front() : nullptr;
}

void Drafter::collect(const std::vector<Member>& members, const std::string& prefix,
                      std::vector<Place>& places) {
  for (const Member& member : members) {
    if (member.type == FieldType::timestamp) places.push_back({prefix + member.name, &member, member.time_format});
    collect(member.members, prefix + member.name + ".", places);
  }
}

/// The device's clock: by its name, else what rises from message to message.
Drafter::Place Drafter::find_time() const {
  std::vector<Place> places;
  collect(members_, "", places);
  Place best;
  std::size_t best_rank = time_names.size() + 1;
  for (const Place& place : places) {
    const Steps& steps = place.member->field->steps;
    std::size_t at = rank(time_names, place.member->field->name);
    if (at == time_names.size() && (steps.count < 5 || steps.up * 2 < steps.count)) continue;
    if (at < best_rank) best = place;
    best_rank = std::min(at, best_rank);
  }
  return best;
}

/// Members that always come together require each other, in a ring: one of them missing is a
/// mistake though each of them is optional.
void Drafter::link(const Object& object, std::vector<Member>& members) {
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
    const auto at = static_cast<std::size_t>(
        std::find(presences.begin(), presences.end(), bits) - presences.begin());
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

std::vector<Member> Drafter::members_of(const Object& object, std::size_t depth, bool in_array,
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
    const bool spelled =
        !field.name.empty() && field.name.size() <= name_bytes_max &&
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

void Drafter::conclude(const Field& field, std::size_t depth, bool in_array, Member& member) {
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
    for (const auto& [count, what] : {std::pair{numbers, "numbers"}, {field.texts, "texts"},
                                      {field.booleans, "booleans"}, {field.objects, "objects"},
                                      {field.arrays, "arrays"}}) {
      if (count == 0) continue;
      member.note += fmt::format("{}{} {}", member.note.empty() ? "" : ", ", grouped(count), what);
    }
  }
  if (of_type < field.seen) {
    member.note += fmt::format("{}{} of another type are refused",
                               member.note.empty() ? "" : "; ", grouped(field.seen - of_type));
  }
}

/// Head room of twice the spread or the distance from 0, whichever is more: ten times the largest is
/// still outside.
void Drafter::range(const Field& field, Member& member) {
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

void Drafter::conclude_number(const Field& field, Member& member) const {
  const bool whole = field.fractions == 0;
  const bool counts = &field == sequence_ ||
                      is_counter(field, field.numbers.spread(few(field.numbers.count())));
  member.type =
      whole && (counts || field.whole >= for_whole) ? FieldType::integer : FieldType::number;
  if (&field == sequence_) {
    member.rules.emplace_back("min: 0");
    if (field.numbers.spread(0).min < 0) member.rules.clear();
    return;
  }
  range(field, member);
  if (whole && member.type == FieldType::number) member.note += "; whole so far: integer?";
  if (const auto unit = unit_of(field.name); !unit.empty())
    member.note += fmt::format("; unit: \"{}\"?", unit);
}

bool Drafter::conclude_epoch(const Field& field, Member& member) const {
  const auto unit = epoch_of(field);
  if (!unit) return false;
  member.type = FieldType::timestamp;
  member.time_format = format_of(*unit);
  // In a coarser unit it would be a time in 1970: valid, and not used. In a finer one it is none.
  if (*unit != 0 && !lenient_ && field.epochs[*unit] == field.seen) {
    member.rules.push_back(
        fmt::format("json_schema: {{minimum: {:.0f}}}", 1e9 * epoch_units_per_s[*unit]));
    member.note = "the minimum refuses other units of time; firmware has no json_schema";
  }
  return true;
}

void Drafter::conclude_text(const Field& field, Member& member) {
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
  const bool repeats = std::all_of(
      field.distinct.begin(), field.distinct.end(), [](const auto& one) {
        // What has a digit is a number of something: there will be others.
        return one.second >= 5 &&
               std::none_of(one.first.begin(), one.first.end(),
                            [](char c) { return c >= '0' && c <= '9'; });
      });
  const std::size_t count = field.distinct.size();
  if (count > 1 && repeats && !names_something && field.text_changes >= count &&
      field.texts >= per_enum_value * count) {
    std::string list;
    for (const auto& [text, times] : field.distinct)
      list += (list.empty() ? "" : ", ") + quoted(text);
    member.rules.push_back(fmt::format("enum: [{}]", list));
    member.note = "no other text was seen";
    return;
  }
  if (count == 1) member.note = "always " + quoted(field.distinct.front().first);
  if (field.texts >= for_a_range && field.longest < 1'000'000) {
    const std::size_t length = std::bit_ceil(std::max<std::size_t>(16, field.longest) * 2);
    member.rules.push_back(fmt::format("max_length: {}", length));
  }
}

void Drafter::conclude_object(const Field& field, std::size_t depth, bool in_array,
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

void Drafter::conclude_array(const Field& field, std::size_t depth, Member& member) {
  if (depth + 1 > depth_max) {
    member.note = "deeper than a schema goes: not checked inside";
    return;
  }
  member.type = FieldType::array;
  member.note = fmt::format("at most {} items", grouped(field.items_max));
  if (field.arrays >= for_a_range && field.items_max < 1'000'000) {
    member.rules.push_back(fmt::format(
        "max_items: {}", std::bit_ceil(std::max<std::size_t>(4, field.items_max) * 2)));
  }
  if (!field.items || field.items->nulls != 0) return;
  Member item;
  item.field = field.items.get();
  conclude(*field.items, depth + 1, true, item);
  if (!item.note.empty()) member.note += "; items " + item.note;
  if (item.type != FieldType::any) member.items.push_back(std::move(item));
}

bool Drafter::has_objects(const Member& member) {
  return !member.members.empty() ||
         std::any_of(member.items.begin(), member.items.end(), has_objects);
}

/// All but name, members and items.
std::vector<std::string> Drafter::keys_of(const Member& member) const {
  std::vector<std::string> keys{fmt::format("type: {}", schemas::type_name(member.type))};
  if (!member.alias.empty()) keys.push_back("aliases: " + quoted(member.alias));
  if (member.required) keys.emplace_back("required: true");
  if (!member.unit.empty()) keys.push_back("unit: " + quoted(member.unit));
  if (!member.requires_.empty()) keys.push_back("requires: " + written(member.requires_));
  const bool inherited = time_.member != nullptr && time_.format == member.time_format;
  if (member.time_format != TimeFormat::automatic && !inherited)
    keys.push_back(fmt::format("time_format: {}", schemas::time_format_name(member.time_format)));
  std::string rules = fmt::format("{}", fmt::join(member.rules, ", "));
  if (member.type == FieldType::object && member.allow_extra != allow_extra_)
    rules = fmt::format("allow_extra_fields: {}", member.allow_extra);
  if (!rules.empty()) keys.push_back("validation: {" + rules + "}");
  return keys;
}

std::string Drafter::in_one_line(const Member& member) const {
  std::string out = fmt::format("{}", fmt::join(keys_of(member), ", "));
  for (const Member& item : member.items) out += ", items: {" + in_one_line(item) + "}";
  return out;
}

void Drafter::write_block(const Member& member, const std::string& indent) {
  for (const std::string& key : keys_of(member)) out_ += indent + key + "\n";
  if (!member.members.empty()) {
    out_ += indent + "fields:\n";
    write_members(member.members, indent + "  ");
  }
  for (const Member& item : member.items) {
    out_ += indent + "items:\n";
    write_block(item, indent + "  ");
  }
}

void Drafter::write_members(const std::vector<Member>& members, const std::string& indent) {
  for (const Member& member : members) {
    const std::string name = "name: " + written(member.name);
    if (has_objects(member)) {
      out_ += fmt::format("{}- {}  # {}\n", indent, name, member.note);
      write_block(member, indent + "  ");
    } else {
      out_ += fmt::format("{}- {{{}, {}}}  # {}\n", indent, name, in_one_line(member), member.note);
    }
  }
}

bool Drafter::has_rings(const std::vector<Member>& members) {
  return std::any_of(members.begin(), members.end(), [](const Member& member) {
    return !member.requires_.empty() || has_rings(member.members);
  });
}

std::string Drafter::write() {
  if (members_.empty()) return {};
  const std::uint64_t messages = evidence_.root.count;
  out_ = fmt::format("# A draft by `telemetry schema infer`: {} messages on {} topic{}, such as {}\n",
                     grouped(messages), grouped(evidence_.topics.size()),
                     evidence_.topics.size() == 1 ? "" : "s",
                     quoted(schemas::excerpt(evidence_.topics.front())));
  out_ += fmt::format("# Confidence: {}\n",
                      messages >= 1'000 ? "high; what fewer than one message in 1,000 did may be refused"
                      : messages >= 100 ? "fair; rare values and members may not have been seen"
                                        : "low; let it see at least 100 messages");
  out_ += fmt::format("name: {}\nversion: \"1.0\"\ntopic_pattern: {}{}{}\n", evidence_.name,
                      quoted(evidence_.topic_pattern), evidence_.pattern_note.empty() ? "" : "  # ",
                      evidence_.pattern_note);
  if (time_.member == nullptr) {
    out_ += "# No time of the device was found: the time of receipt counts\n";
  } else {
    out_ += fmt::format("time_field: {}\ntime_format: {}\n", written(time_.path),
                        schemas::time_format_name(time_.format));
  }
  for (const Member& member : members_) {
    if (member.field != sequence_) continue;
    out_ += fmt::format("sequence_field: {}  # rose by 1 in {} of {} steps\n",
                        written(member.name), grouped(sequence_->steps.by_one),
                        grouped(sequence_->steps.count));
  }
  if (lenient_) out_ += "# Not strict, for numbers come as texts with their unit\n";
  if (has_rings(members_)) {
    out_ += "# Members that require each other: are some of them others under an older name (aliases)?\n";
  }
  if (allow_extra_) out_ += "# There are more members than a schema declares\n";
  out_ += fmt::format("validation: {{strict: {}, allow_extra_fields: {}}}\nfields:\n", !lenient_,
                      allow_extra_);
  write_members(members_, "  ");
  return std::move(out_);
}

}  // namespace

bool is_time_name(std::string_view name) { return sounds_like_time(name); }
bool is_sequence_name(std::string_view name) {
  return rank(sequence_names, name) < sequence_names.size();
}

std::string draft(const Evidence& evidence) {
  return Drafter(evidence).write();
}

}  // namespace telemetry::infer
