// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <iterator>
#include <optional>
#include <stdexcept>
#include <utility>
#include <valijson/internal/adapter.hpp>
#include <valijson/internal/basic_adapter.hpp>
#include <valijson/internal/frozen_value.hpp>

#include "schema/json_value.hpp"
#include "schema/specification.hpp"

/// A JsonValue as valijson asks for it. valijson's own trees hold numbers as doubles; here nothing
/// is judged by a double.
namespace telemetry::schemas {

class JsonAdapter;

/// Of what is inside an object or array.
template <class Element>
class JsonIterator {
 public:
  using iterator_category = std::bidirectional_iterator_tag;
  using value_type = Element;
  using difference_type = std::ptrdiff_t;
  using pointer = Element*;
  using reference = Element&;

  explicit JsonIterator(const JsonMember* at) : at_(at) {}
  Element operator*() const;
  valijson::adapters::DerefProxy<Element> operator->() const {
    return valijson::adapters::DerefProxy<Element>(**this);
  }
  bool operator==(const JsonIterator& other) const { return at_ == other.at_; }
  bool operator!=(const JsonIterator& other) const { return at_ != other.at_; }
  const JsonIterator& operator++() { return ++at_, *this; }
  JsonIterator operator++(int) { return JsonIterator(at_++); }
  const JsonIterator& operator--() { return --at_, *this; }
  void advance(std::ptrdiff_t count) { at_ += count; }

 private:
  const JsonMember* at_;
};

class JsonArray {
 public:
  using const_iterator = JsonIterator<JsonAdapter>;
  using iterator = const_iterator;
  explicit JsonArray(std::span<const JsonMember> inside = {}) : inside_(inside) {}
  const_iterator begin() const { return const_iterator(inside_.data()); }
  const_iterator end() const { return const_iterator(inside_.data() + inside_.size()); }
  std::size_t size() const { return inside_.size(); }

 private:
  std::span<const JsonMember> inside_;
};

using JsonObjectMember = std::pair<std::string, JsonAdapter>;

class JsonObject {
 public:
  using const_iterator = JsonIterator<JsonObjectMember>;
  using iterator = const_iterator;
  explicit JsonObject(std::span<const JsonMember> inside = {}) : inside_(inside) {}
  const_iterator begin() const { return const_iterator(inside_.data()); }
  const_iterator end() const { return const_iterator(inside_.data() + inside_.size()); }
  const_iterator find(const std::string& name) const {
    const JsonMember* at = inside_.data();
    while (at != inside_.data() + inside_.size() && at->name != name) ++at;
    return const_iterator(at);
  }
  std::size_t size() const { return inside_.size(); }

 private:
  std::span<const JsonMember> inside_;
};

/// What BasicAdapter asks of a value.
class JsonView {
 public:
  JsonView() : value_(&null) {}
  explicit JsonView(const JsonValue& value) : value_(&value) {}

  static bool hasStrictTypes() { return true; }
  bool isNull() const { return is(JsonValue::Kind::null); }
  bool isBool() const { return is(JsonValue::Kind::boolean); }
  bool isString() const { return is(JsonValue::Kind::string); }
  bool isArray() const { return is(JsonValue::Kind::array); }
  bool isObject() const { return is(JsonValue::Kind::object); }
  bool isNumber() const { return is(JsonValue::Kind::number); }
  bool isDouble() const { return isNumber() && !isInteger(); }
  /// Whole, in any size.
  bool isInteger() const { return isNumber() && long_number(value_->text).exponent >= 0; }

  bool getBool(bool& result) const { return result = value_->truth, isBool(); }
  bool getString(std::string& result) const { return result = value_->text, isString(); }
  /// False when 64 bits do not hold it.
  bool getInteger(std::int64_t& result) const {
    const auto number = isNumber() ? text_number(value_->text) : std::nullopt;
    return number && number->rest == core::Rest::none && core::to_int64(number->value, result);
  }
  static bool getDouble(double&) { return false; }
  bool getArraySize(std::size_t& result) const { return result = value_->inside.size(), isArray(); }
  bool getObjectSize(std::size_t& result) const {
    return result = value_->inside.size(), isObject();
  }
  std::optional<JsonArray> getArrayOptional() const;
  std::optional<JsonObject> getObjectOptional() const;
  /// No constraint that keeps a value is made: our own take their place.
  [[noreturn]] static valijson::adapters::FrozenValue* freeze() {
    throw std::logic_error("a value of a schema was kept");
  }

 private:
  static constexpr JsonValue null{};
  bool is(JsonValue::Kind kind) const { return value_->kind == kind; }

  const JsonValue* value_;
};

class JsonAdapter
    : public valijson::adapters::BasicAdapter<JsonAdapter, JsonArray, JsonObjectMember, JsonObject,
                                              JsonView> {
 public:
  JsonAdapter() = default;
  explicit JsonAdapter(const JsonValue& value) : BasicAdapter(JsonView(value)), value_(&value) {}
  [[nodiscard]] const JsonValue& value() const { return *value_; }

 private:
  static constexpr JsonValue null{};
  const JsonValue* value_ = &null;
};

inline std::optional<JsonArray> JsonView::getArrayOptional() const {
  return isArray() ? std::optional(JsonArray(value_->inside)) : std::nullopt;
}
inline std::optional<JsonObject> JsonView::getObjectOptional() const {
  return isObject() ? std::optional(JsonObject(value_->inside)) : std::nullopt;
}

template <>
inline JsonAdapter JsonIterator<JsonAdapter>::operator*() const {
  return JsonAdapter(at_->value);
}
template <>
inline JsonObjectMember JsonIterator<JsonObjectMember>::operator*() const {
  return {std::string(at_->name), JsonAdapter(at_->value)};
}

}  // namespace telemetry::schemas

template <>
struct valijson::adapters::AdapterTraits<telemetry::schemas::JsonAdapter> {
  using DocumentType = telemetry::schemas::JsonValue;
  static std::string adapterName() { return "JsonAdapter"; }
};
