// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

/// Bytes of Protocol Buffers, written without the library that reads them.
namespace sparkplug_bytes {

inline std::string varint(std::uint64_t number) {
  std::string bytes;
  for (; number >= 0x80; number >>= 7) bytes.push_back(static_cast<char>(number | 0x80));
  bytes.push_back(static_cast<char>(number));
  return bytes;
}
inline std::string key(std::uint64_t field, unsigned wire_type) {
  return varint(field << 3 | wire_type);
}
inline std::string number(std::uint64_t field, std::uint64_t value) {
  return key(field, 0) + varint(value);
}
inline std::string content(std::uint64_t field, std::string_view value) {
  return key(field, 2) + varint(value.size()) + std::string(value);
}
template <class Real>
std::string real(std::uint64_t field, Real value) {
  std::string bytes(sizeof value, '\0');
  std::memcpy(bytes.data(), &value, sizeof value);  // this machine's order is that of the format
  return key(field, sizeof value == 4 ? 5 : 1) + bytes;
}

inline std::string payload_time(std::uint64_t ms) { return number(1, ms); }
inline std::string metric(std::string_view fields) { return content(2, fields); }
inline std::string sequence(std::uint64_t value) { return number(3, value); }

inline std::string name(std::string_view text) { return content(1, text); }
inline std::string alias(std::uint64_t value) { return number(2, value); }
inline std::string time(std::uint64_t ms) { return number(3, ms); }
inline std::string datatype(std::uint64_t value) { return number(4, value); }
inline std::string null() { return number(7, 1); }
inline std::string int_value(std::uint64_t value) { return number(10, value); }
inline std::string long_value(std::uint64_t value) { return number(11, value); }
inline std::string float_value(float value) { return real(12, value); }
inline std::string double_value(double value) { return real(13, value); }
inline std::string boolean_value(bool value) { return number(14, value ? 1 : 0); }
inline std::string string_value(std::string_view text) { return content(15, text); }
inline std::string bytes_value(std::string_view bytes) { return content(16, bytes); }

}  // namespace sparkplug_bytes
