// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include "fuzz/differential/generator.hpp"

namespace telemetry::reference {
namespace {

constexpr const char* edge_numbers[] = {
    "0",
    "-0",
    "0.0",
    "-0.0e5",
    "1",
    "-1",
    "0.1",
    "-0.5",
    "20",
    "23.51",
    "100",
    "1e3",
    "5.0",
    "1.5",
    "9223372036854775807",
    "9223372036854775808",
    "-9223372036854775808",
    "-9223372036854775809",
    "922337203685477580.7",
    "922337203685477580.8",
    "999999999999999999",
    "1000000000000000000",
    "9999999999999999999",
    "1.00000000000000000",
    "123456789012345678.0",
    "0.123456789012345678",
    "0.1234567890123456789",
    "1e18",
    "1e19",
    "1.0e19",
    "9.223372036854775807e18",
    "9.223372036854775808E+18",
    "1e308",
    "1e309",
    "-1E400",
    "1e-400",
    "1e32767",
    "1e32768",
    "922337203685477580e32768",
    "9223372036854775808e32767",
    "1e32785",
    "1e32786",
    "1e-32768",
    "1e-32769",
    "10e-32769",
    "100e-32771",
    "1e99999999999999999999",
    "0e99999999999999999999",
    "1e-99999999999999999999",
    "10000000000000000000000000000000000000000",
    "0.00000000000000000000000000000000000000001",
    "1000000000000000000000000000000e-30",
    "12682136550675316736",
    "12682136550675316736.5",
    "0.33333333333333333333",
    "9.999999999999999999",
    "9223372036854775807.5",
    "9223372036854775808.5",
    "-9223372036854775808.5",
    "922337203685477580.85",
    "9499999999999999999.5",
    "1.7976931348623157e308",
    "1.7976931348623157081e308",
    "-1.7976931348623157085e308",
    "1.797693134862315709e308",
    "9.3e308",
    "5e-324",
    "4.94065645841246544177e-324",
    "2.5e-324",
    "5e-325",
    "4.9e-325",
    "-1e-325",
    "1762862400.12345678901234567",
    "1762862400123456789.5",
    "-1762862400123456789.5",
};

constexpr const char* text_pieces[] = {"a",  "x",  "on",   "7",   "42",  "sensor-", "ü",    "€",
                                       "😀", "\n", "\t",   "\"",  "\\",  "/",       " ",    "-",
                                       ".",  "é",  "true", "off", "abc", "zz",      "\x7F", "日本"};

constexpr const char* edge_texts[] = {
    "",
    "true",
    "True",
    "FALSE",
    "false",
    "yes",
    "17",
    "-1.50",
    " 1e3 ",
    "+5",
    "007",
    "23,5",
    "n/a",
    "27.93 °C",
    "27.93°C",
    "5 kWh",
    "1\u00a0°C",
    "0x10",
    "0",
    "1",
    "1.0",
    "0e9",
    "5e",
    "1e400 °C",
    "°C",
    "1e40000",
    "sensor-017",
    "on",
    "off",
    "sensor-1234",
    "\u00a0\t12\n",
    "12 12",
    "9223372036854775808",
};

constexpr const char* edge_times[] = {
    "2025-11-11T12:00:00.123Z",
    "2026-11-21T09:00:00+01:00",
    "2026-11-21 09:00:00",
    "2026-11-21t09:00:00z",
    "2026-11-21T09:00:00,5-0530",
    "2026-11-21T09:00:00+05",
    "2016-12-31T23:59:60Z",
    "2016-12-31T23:59:60.9Z",
    "2017-01-01T00:59:60+01:00",
    "2016-12-31T22:59:60Z",
    "1678-01-01T00:00:00Z",
    "1677-12-31T23:59:59.999Z",
    "2261-12-31T23:59:59.999999999Z",
    "2262-01-01T00:00:00Z",
    "2261-12-31T23:59:60Z",
    "2262-01-01T00:59:59+01:00",
    "2024-02-29T00:00:00Z",
    "2023-02-29T00:00:00Z",
    "2100-02-29T00:00:00Z",
    "2000-02-29T00:00:00Z",
    "2025-04-31T00:00:00Z",
    "2025-11-11",
    "2025-11-11T12:00Z",
    "2025-11-11T24:00:00Z",
    "2025-11-11T12:00:00.Z",
    "2025-11-11T12:00:00.1234567890123Z",
    "0000-01-01T00:00:00Z",
    "2025-11-11T12:00:00+24:00",
    "2025-11-11T12:00:00+23:59",
    "2025-11-11T12:00:00+1:00",
    "0001-01-01T00:00:00Z",
    "9999-12-31T23:59:59.999Z",
    "1677-09-21T00:12:44Z",
    "1677-09-21T00:12:43.999999999Z",
    "2262-04-11T23:47:15.999999999Z",
    "2262-04-11T23:47:16Z",
    "0000-02-29T12:00:00+14",
    "2025-11-11T12:00:00 Z",
    "2025-00-11T12:00:00Z",
    "2025-11-11T12:00:00+05:3",
};

std::string digits(Random& random, std::size_t count) {
  std::string text;
  for (std::size_t i = 0; i < count; ++i)
    text += static_cast<char>('0' + (random.percent(20) ? 0 : random.below(10)));
  return text;
}

}  // namespace

std::string make_number(Random& random) {
  if (random.percent(25)) return random.pick(edge_numbers);
  std::string text = random.percent(30) ? "-" : "";
  const std::string whole = digits(random, 1 + random.below(random.percent(10) ? 24 : 4));
  text += whole.front() == '0' ? "0" : whole;
  if (random.percent(50))
    text += "." + digits(random, 1 + random.below(random.percent(10) ? 22 : 4));
  if (random.percent(15)) {
    constexpr const char* marks[] = {"e", "E", "e+", "e-", "E-"};
    text += random.pick(marks) + digits(random, 1 + random.below(random.percent(5) ? 6 : 2));
  }
  return text;
}

std::string spell_number(Random& random, const std::string& number) {
  if (number == "0" || number == "-0" || random.percent(50)) return number;
  const bool has_point = number.find('.') != std::string::npos;
  const bool has_power = number.find_first_of("eE") != std::string::npos;
  if (has_power) return number;
  const std::string zeros(1 + random.below(random.percent(5) ? 30 : 3), '0');
  switch (random.below(4)) {
    case 0:
      return number + (random.percent(50) ? "e0" : "E-00");
    case 1:
      return number + (has_point ? zeros : "." + zeros);
    case 2:
      return has_point ? number + "e+0" : fmt::format("{}{}e-{}", number, zeros, zeros.size());
    default:
      return has_point ? number : fmt::format("{}.0e0", number);
  }
}

std::string lengthen_number(Random& random, const std::string& number) {
  if (number.find_first_of("eE") != std::string::npos) return number;
  const bool has_point = number.find('.') != std::string::npos;
  return number + (has_point ? "" : ".") + std::string(random.below(24), '0') +
         digits(random, 1 + random.below(4));
}

std::string make_text(Random& random) {
  if (random.percent(25)) return random.pick(edge_texts);
  std::string text;
  for (std::size_t n = random.below(random.percent(10) ? 24 : 5); n > 0; --n)
    text += random.pick(text_pieces);
  if (random.percent(2)) text += std::string(1, '\0') + "u";
  return text;
}

std::string make_time(Random& random) {
  std::string text;
  if (random.percent(40)) {
    text = random.pick(edge_times);
  } else {
    constexpr const char* zones[] = {"Z", "z", "", "+01:00", "-0330", "+14", "-23:59"};
    text = fmt::format("{:04}-{:02}-{:02}{}{:02}:{:02}:{:02}",
                       random.percent(95) ? 1600 + random.below(700) : random.below(10'000),
                       1 + random.below(12), 1 + random.below(31), random.percent(80) ? "T" : " ",
                       random.below(25), random.below(60), random.below(61));
    if (random.percent(50)) text += "." + digits(random, 1 + random.below(12));
    text += random.pick(zones);
  }
  if (random.percent(8) && !text.empty()) {
    constexpr std::string_view others = "09-:.TZ+ ,x";
    text[random.below(text.size())] = random.pick(others);
  }
  return text;
}

std::string make_epoch(Random& random) {
  if (random.percent(25)) return make_number(random);
  constexpr const char* units[] = {"", "000", "000000", "000000000"};
  std::string text = fmt::format("{}{}{}", random.percent(10) ? "-" : "",
                                 1'000'000'000 + random.below(9'300'000'000), random.pick(units));
  if (random.percent(40)) text += "." + digits(random, 1 + random.below(12));
  if (random.percent(10)) text += fmt::format("e{}", random.below(12));
  return text;
}

}  // namespace telemetry::reference
