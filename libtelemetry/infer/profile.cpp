// SPDX-License-Identifier: Apache-2.0
#include "infer/profile.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <functional>

#include "schema/specification.hpp"
#include "telemetry/core/time.hpp"
#include "telemetry/core/utf8.hpp"

namespace telemetry::infer {
namespace {

using Kind = schemas::JsonValue::Kind;

constexpr std::size_t unit_bytes_max = 16;
constexpr double ns_per_day = 24 * 3600 * 1e9;

int decade_of(double number) {
  if (number == 0) return 0;
  const int power = static_cast<int>(std::floor(std::log10(std::fabs(number))));
  const int key = std::clamp(power, -300, 308) + 400;
  return number < 0 ? -key : key;
}

Spread together(const Spread& a, const Spread& b) {
  return {std::min(a.min, b.min), std::max(a.max, b.max), a.count + b.count};
}

bool is_digit(char c) { return c >= '0' && c <= '9'; }

}  // namespace

void Numbers::add(double number) { add(decade_of(number), {number, number, 1}); }

void Numbers::merge(const Numbers& other) {
  for (const Decade& decade : other.decades_) add(decade.key, decade.spread);
}

void Numbers::add(int key, const Spread& spread) {
  auto at = std::lower_bound(decades_.begin(), decades_.end(), key,
                             [](const Decade& one, int wanted) { return one.key < wanted; });
  const bool known = at != decades_.end() && at->key == key;
  if (!known && decades_.size() < decades_max) {
    decades_.insert(at, {key, spread});
    return;
  }
  if (!known && at == decades_.end()) --at;
  at->spread = together(at->spread, spread);
}

std::uint64_t Numbers::count() const noexcept {
  std::uint64_t count = 0;
  for (const Decade& decade : decades_) count += decade.spread.count;
  return count;
}

Spread Numbers::spread(std::uint64_t outliers_max) const {
  if (decades_.empty()) return {};
  const auto farthest = [](auto first, auto last) {
    double far = 0;
    for (; first != last; ++first)
      far = std::max({far, std::fabs(first->spread.min), std::fabs(first->spread.max)});
    return far;
  };
  auto begin = decades_.begin();
  auto end = decades_.end();
  for (std::uint64_t left = outliers_max; end - begin > 1; --end) {
    const Spread& last = std::prev(end)->spread;
    if (last.count > left || last.min < 1'000 * farthest(begin, std::prev(end))) break;
    left -= last.count;
  }
  for (std::uint64_t left = outliers_max; end - begin > 1; ++begin) {
    const Spread& first = begin->spread;
    if (first.count > left || -first.max < 1'000 * farthest(std::next(begin), end)) break;
    left -= first.count;
  }
  Spread all = begin->spread;
  for (++begin; begin != end; ++begin) all = together(all, begin->spread);
  return all;
}

void Steps::merge(const Steps& other) noexcept {
  count += other.count;
  up += other.up;
  by_one += other.by_one;
  down += other.down;
  resets += other.resets;
}

std::size_t unit_at(std::string_view text) noexcept {
  const std::size_t end = std::min(text.find_first_not_of("0123456789.-"), text.size());
  if (end == 0 || end == text.size() || !schemas::text_number(text.substr(0, end))) return 0;
  const std::size_t at = text[end] == ' ' ? end + 1 : end;
  const std::string_view unit = text.substr(at);
  if (unit.empty() || unit.size() > unit_bytes_max ||
      std::any_of(unit.begin(), unit.end(), is_digit))
    return 0;
  // It must be what lenient mode reads, and stand in a comment.
  const bool plain = std::all_of(unit.begin(), unit.end(), [](char c) {
    return static_cast<unsigned char>(c) > 0x20 && c != 0x7F && c != '"';
  });
  return plain && schemas::number_in_text(text, unit) == text.substr(0, end) ? at : 0;
}

void Field::step(double number) {
  if (last_) {
    ++steps.count;
    if (number > *last_) ++steps.up;
    if (number == *last_ + 1) ++steps.by_one;
    if (number < *last_) ++(number < *last_ / 2 ? steps.resets : steps.down);
  }
  last_ = number;
}

void Field::add_number(std::string_view text, const Room& room, bool in_array) {
  double number = 0;
  const char* end = text.data() + text.size();
  // Beyond a double: no number of a schema.
  if (std::from_chars(text.data(), end, number).ec != std::errc()) return;
  std::int64_t integer = 0;
  const auto whole_end = std::from_chars(text.data(), end, integer);
  ++(whole_end.ec == std::errc() && whole_end.ptr == end ? whole : fractions);
  numbers.add(number);
  if (in_array) return;
  step(number);
  for (std::size_t i = 0; i < epochs.size(); ++i) {
    const double seconds = number / epoch_units_per_s[i];
    if (seconds < 1e9 || seconds > 4.2e9) continue;  // 2001 to 2103
    ++epochs[i];
    if (room.received_at != 0 &&
        std::fabs(seconds * 1e9 - static_cast<double>(room.received_at)) < ns_per_day)
      ++near_arrival[i];
  }
}

void Field::add_text(std::string_view text, bool in_array) {
  ++texts;
  longest = std::max(longest, core::count_code_points(text));
  std::int64_t ns = 0;
  if (core::parse_time(text, 0, ns)) {
    ++time_texts;
    std::int64_t elsewhere = 0;
    if (core::parse_time(text, 3'600, elsewhere) && elsewhere != ns) ++zoneless;
    if (!in_array) step(static_cast<double>(ns));
  } else if (const std::size_t at = unit_at(text); at != 0) {
    if (unit.empty()) unit = text.substr(at);
    double number = 0;
    std::from_chars(text.data(), text.data() + at, number);
    if (unit == text.substr(at)) {
      ++unit_texts;
      numbers.add(number);
    }
  }
  const std::size_t hash = std::hash<std::string_view>()(text);
  if (last_text_ && *last_text_ != hash) ++text_changes;
  last_text_ = hash;
  if (too_many_texts) return;
  const auto known = std::find_if(distinct.begin(), distinct.end(),
                                  [&](const auto& one) { return one.first == text; });
  if (known != distinct.end()) {
    ++known->second;
  } else if (distinct.size() < texts_max && text.size() <= text_bytes_max) {
    distinct.emplace_back(text, 1);
  } else {
    too_many_texts = true;
    distinct = {};
  }
}

void Field::add(const schemas::JsonValue& value, Room& room, bool in_array) {
  ++(value.kind == Kind::null ? nulls : seen);
  switch (value.kind) {
    case Kind::null:
      return;
    case Kind::boolean:
      ++booleans;
      return;
    case Kind::number:
      return add_number(value.text, room, in_array);
    case Kind::string:
      return add_text(value.text, in_array);
    case Kind::array:
      ++arrays;
      items_max = std::max(items_max, value.inside.size());
      if (!items && !value.inside.empty() && room.fields_left != 0) {
        items = std::make_unique<Field>();
        --room.fields_left;
      }
      for (std::size_t i = 0; items && i < value.inside.size(); ++i)
        items->add(value.inside[i].value, room, true);
      return;
    case Kind::object:
      ++objects;
      if (!object) object = std::make_unique<Object>();
      object->add(value, room, in_array);
  }
}

void Field::merge(const Field& other) {
  seen += other.seen;
  nulls += other.nulls;
  booleans += other.booleans;
  texts += other.texts;
  arrays += other.arrays;
  objects += other.objects;
  whole += other.whole;
  fractions += other.fractions;
  numbers.merge(other.numbers);
  steps.merge(other.steps);
  for (std::size_t i = 0; i < epochs.size(); ++i) {
    epochs[i] += other.epochs[i];
    near_arrival[i] += other.near_arrival[i];
  }
  time_texts += other.time_texts;
  zoneless += other.zoneless;
  if (unit.empty()) unit = other.unit;
  if (unit == other.unit) unit_texts += other.unit_texts;
  longest = std::max(longest, other.longest);
  text_changes += other.text_changes;
  too_many_texts = too_many_texts || other.too_many_texts;
  for (const auto& [text, times] : other.distinct) {
    const auto known = std::find_if(distinct.begin(), distinct.end(),
                                    [&](const auto& one) { return one.first == text; });
    if (known == distinct.end())
      distinct.emplace_back(text, times);
    else
      known->second += times;
  }
  if (too_many_texts || distinct.size() > texts_max) {
    too_many_texts = true;
    distinct = {};
  }
  items_max = std::max(items_max, other.items_max);
  if (other.items) {
    if (!items) items = std::make_unique<Field>();
    items->merge(*other.items);
  }
  if (other.object) {
    if (!object) object = std::make_unique<Object>();
    object->merge(*other.object);
  }
}

std::size_t Object::find(std::string_view name, std::size_t hint) const noexcept {
  if (hint < fields.size() && fields[hint].name == name) return hint;
  const auto at = std::find_if(fields.begin(), fields.end(),
                               [&](const Field& field) { return field.name == name; });
  return static_cast<std::size_t>(at - fields.begin());
}

void Object::add_shape(const Shape& shape, std::uint64_t times) {
  const auto at = std::find_if(shapes.begin(), shapes.end(),
                               [&](const auto& one) { return one.first == shape; });
  if (at != shapes.end())
    at->second += times;
  else if (shapes.size() < shapes_max)
    shapes.emplace_back(shape, times);
  else
    too_many_shapes = true;
}

void Object::add(const schemas::JsonValue& value, Room& room, bool in_array) {
  ++count;
  Shape shape;
  std::size_t hint = 0;  // members mostly come in the same order
  for (const schemas::JsonMember& member : value.inside) {
    const std::size_t at = find(member.name, hint);
    if (at == fields.size()) {
      if (fields.size() == members_max || room.fields_left == 0) {
        ++undeclared;
        continue;
      }
      --room.fields_left;
      fields.emplace_back().name = member.name;
    }
    fields[at].add(member.value, room, in_array);
    if (member.value.kind != Kind::null) shape.set(at);
    hint = at + 1;
  }
  add_shape(shape, 1);
}

void Object::merge(const Object& other) {
  count += other.count;
  undeclared += other.undeclared;
  too_many_shapes = too_many_shapes || other.too_many_shapes;
  std::vector<std::size_t> places;
  for (const Field& field : other.fields) {
    std::size_t at = find(field.name, places.size());
    if (at == fields.size()) {
      if (at == members_max) {
        undeclared += field.seen;
        places.push_back(members_max);
        continue;
      }
      fields.emplace_back().name = field.name;
    }
    fields[at].merge(field);
    places.push_back(at);
  }
  for (const auto& [shape, times] : other.shapes) {
    Shape here;
    for (std::size_t i = 0; i < places.size(); ++i)
      if (shape.test(i) && places[i] < members_max) here.set(places[i]);
    add_shape(here, times);
  }
}

}  // namespace telemetry::infer
