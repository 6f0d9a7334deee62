// SPDX-License-Identifier: Apache-2.0
// The payloads of the simulated devices. Values drift slowly, power is voltage times current and
// energy is power over the time that really passed, so that charts of them look like charts of
// devices. Everything but the timestamps follows from the seed.
#include "devices.hpp"

#include <algorithm>
#include <charconv>
#include <chrono>
#include <cmath>
#include <numbers>
#include <utility>

namespace telemetry::simulator {
namespace {

constexpr std::int64_t ns_per_hour = 3'600'000'000'000;
constexpr std::int64_t ns_per_day = 24 * ns_per_hour;

void append(std::string& out, std::uint64_t number) {
  std::array<char, 20> text;
  const auto end = std::to_chars(text.data(), text.data() + text.size(), number).ptr;
  out.append(text.data(), end);
}

void append_padded(std::string& out, std::uint64_t number, std::size_t digits) {
  std::array<char, 20> text;
  const auto end = std::to_chars(text.data(), text.data() + text.size(), number).ptr;
  const auto length = static_cast<std::size_t>(end - text.data());
  if (length < digits) out.append(digits - length, '0');
  out.append(text.data(), length);
}

// Devices send a fixed number of decimals; to_chars would send the shortest exact form.
void append_fixed(std::string& out, double value, std::size_t decimals) {
  constexpr std::array<std::uint64_t, 5> powers{1, 10, 100, 1'000, 10'000};
  const auto scale = powers[decimals];
  const auto scaled =
      static_cast<std::uint64_t>(std::llround(std::fabs(value) * static_cast<double>(scale)));
  if (value < 0 && scaled != 0) out += '-';
  append(out, scaled / scale);
  out += '.';
  append_padded(out, scaled % scale, decimals);
}

void append_time(std::string& out, std::int64_t ns) {
  using namespace std::chrono;
  const auto time = sys_time<milliseconds>(floor<milliseconds>(nanoseconds(ns)));
  const auto day = floor<days>(time);
  const year_month_day date(day);
  const hh_mm_ss<milliseconds> clock(time - day);
  append_padded(out, static_cast<std::uint64_t>(static_cast<int>(date.year())), 4);
  out += '-';
  append_padded(out, static_cast<unsigned>(date.month()), 2);
  out += '-';
  append_padded(out, static_cast<unsigned>(date.day()), 2);
  out += 'T';
  append_padded(out, static_cast<std::uint64_t>(clock.hours().count()), 2);
  out += ':';
  append_padded(out, static_cast<std::uint64_t>(clock.minutes().count()), 2);
  out += ':';
  append_padded(out, static_cast<std::uint64_t>(clock.seconds().count()), 2);
  out += '.';
  append_padded(out, static_cast<std::uint64_t>(clock.subseconds().count()), 3);
  out += 'Z';
}

void append_text(std::string& out, std::string_view name, double value, std::size_t decimals,
                 std::string_view unit) {
  out.append(",\"").append(name).append("\":\"");
  append_fixed(out, value, decimals);
  out.append(" ").append(unit).append("\"");
}

void append_field(std::string& out, std::string_view name, double value, std::size_t decimals) {
  out.append(",\"").append(name).append("\":");
  append_fixed(out, value, decimals);
}

std::string topic_of(DeviceKind kind, const std::string& id) {
  switch (kind) {
    case DeviceKind::temperature:
      return "sensors/" + id + "/temperature";
    case DeviceKind::power_meter_dc:
      return "iot/dc/" + id + "/telemetry";
    case DeviceKind::power_meter_ac:
      return "iot/ac/" + id + "/telemetry";
    case DeviceKind::f2:
      return "f2/" + id + "/raw";
  }
  return {};
}

}  // namespace

std::uint64_t Random::next() noexcept {
  state_ += 0x9E3779B97F4A7C15u;
  auto z = state_;
  z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
  z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
  return z ^ (z >> 31);
}

double Random::uniform(double low, double high) noexcept {
  return low + (high - low) * (static_cast<double>(next() >> 11) * 0x1.0p-53);
}

bool Random::chance(double percent) noexcept { return percent > 0 && uniform(0, 100) < percent; }

double Drift::step(Random& random) noexcept {
  distance_ = 0.98 * distance_ + random.uniform(-noise_, noise_);
  return value();
}

Device::Device(DeviceKind kind, std::string id, std::uint64_t seed)
    : kind_(kind),
      id_(std::move(id)),
      topic_(topic_of(kind_, id_)),
      status_topic_("iot/" + id_ + "/status"),
      random_(seed),
      temperature_(random_.uniform(18, 26), 0.06),
      humidity_(random_.uniform(38, 56), 0.2),
      voltage_(random_.uniform(47.5, 48.5), 0.02),
      current_(random_.uniform(3, 9), 0.05),
      frequency_(50, 0.004),
      rssi_(random_.uniform(-75, -50), 0.8),
      phases_{{{Drift(230, 0.25), Drift(random_.uniform(4, 12), 0.08), Drift(0.94, 0.002)},
               {Drift(230, 0.25), Drift(random_.uniform(4, 12), 0.08), Drift(0.95, 0.002)},
               {Drift(230, 0.25), Drift(random_.uniform(4, 12), 0.08), Drift(0.93, 0.002)}}},
      phase_of_day_(random_.uniform(-0.5, 0.5)),
      energy_(random_.uniform(10, 5'000)),
      energy_export_(random_.uniform(0, 200)),
      old_firmware_(kind_ == DeviceKind::f2 && random_.chance(50)) {}

void Device::write_temperature(std::int64_t now, std::string& out) {
  const double day = 2 * std::numbers::pi *
                     (static_cast<double>(now % ns_per_day) / static_cast<double>(ns_per_day));
  const double drift = temperature_.step(random_);
  const double temperature = drift + 2.5 * std::sin(day + phase_of_day_);
  const double humidity = humidity_.step(random_) - 2 * std::sin(day + phase_of_day_);
  out += "{\"temperature\":";
  append_fixed(out, temperature, 2);
  append_field(out, "humidity", humidity, 1);
  out.append(",\"sensor_id\":\"").append(id_).append("\"");
}

void Device::write_power_meter_dc(double hours, std::string& out) {
  if (random_.chance(0.05)) relay_ = !relay_;
  const double voltage = voltage_.step(random_);
  const double load = current_.step(random_);
  const double current = relay_ ? load : 0;
  const double power = voltage * current;
  energy_ += power * hours;  // Wh here, kWh on AC meters, as such meters report
  out.append("{\"device_id\":\"").append(id_).append("\"");
  append_field(out, "voltage", voltage, 2);
  append_field(out, "current", current, 3);
  append_field(out, "power", power, 2);
  append_field(out, "energy", energy_, 4);
  append_field(out, "temperature", temperature_.step(random_) + current, 1);
  out.append(",\"relay\":").append(relay_ ? "true" : "false");
}

void Device::write_power_meter_ac(double hours, std::string& out) {
  out.append("{\"device_id\":\"").append(id_).append("\"");
  append_field(out, "frequency", frequency_.step(random_), 3);
  out += ",\"phases\":{";
  double total = 0;
  for (std::size_t i = 0; i < phases_.size(); ++i) {
    auto& phase = phases_[i];
    const double voltage = phase.voltage.step(random_);
    const double current = phase.current.step(random_);
    const double factor = phase.power_factor.step(random_);
    const double power = voltage * current * factor;
    total += power;
    out.append(i == 0 ? "" : ",").append("\"l").append(1, static_cast<char>('1' + i));
    out += "\":{\"voltage\":";
    append_fixed(out, voltage, 2);
    append_field(out, "current", current, 3);
    append_field(out, "power", power, 1);
    append_field(out, "power_factor", factor, 3);
    out += '}';
  }
  out += '}';
  energy_ += total / 1000 * hours;
  energy_export_ += total / 50'000 * hours;
  append_field(out, "energy_import", energy_, 4);
  append_field(out, "energy_export", energy_export_, 4);
  out += ",\"harmonics\":[100";  // percent of the fundamental, which is the first
  for (int order = 2; order <= 15; ++order) {
    out += ',';
    const bool odd = order % 2 == 1;
    append_fixed(out, odd ? random_.uniform(4, 6) / order : random_.uniform(0, 0.2), 2);
  }
  out += ']';
}

void Device::write_f2(std::string& out) {
  const auto name = [this](std::string_view fresh, std::string_view old) {
    return old_firmware_ ? old : fresh;
  };
  const double temperature = temperature_.step(random_);
  const double humidity = humidity_.step(random_);
  const double supply = voltage_.step(random_) / 4;
  out.append("{\"").append(name("device_id", "id")).append("\":\"").append(id_).append("\"");
  append_text(out, name("temperature", "T"), temperature, 2, "°C");
  append_text(out, name("humidity", "RH"), humidity, 1, "%");
  append_text(out, name("supply", "U"), supply, 2, "V");
  append_text(out, name("pressure", "P"), pressure_.step(random_), 2, "kPa");
  out.append(",\"").append(name("channels", "ch")).append("\":[");
  const auto counts = [](double share) {  // of the converter's range
    return static_cast<std::uint64_t>(std::llround(std::clamp(share, 0.0, 1.0) * 4095));
  };
  append(out, counts(temperature / 40));
  out += ',';
  append(out, counts(humidity / 100));
  out += ',';
  append(out, counts(supply / 15));
  out += ',';
  append(out, counts(random_.uniform(0, 0.01)));
  out += ']';
}

bool Device::clock_has_moved(std::int64_t now) const noexcept {
  const std::int64_t tick_ns = kind_ == DeviceKind::f2 ? 1'000'000'000 : 1'000'000;
  return now / tick_ns > last_at_ / tick_ns;
}

void Device::write_reading(std::int64_t now, std::int64_t timestamp, std::uint64_t sequence,
                           std::string& out) {
  const double hours =
      last_at_ == 0 ? 0 : static_cast<double>(now - last_at_) / static_cast<double>(ns_per_hour);
  last_at_ = now;
  out.clear();
  switch (kind_) {
    case DeviceKind::temperature:
      write_temperature(now, out);
      break;
    case DeviceKind::power_meter_dc:
      write_power_meter_dc(hours, out);
      break;
    case DeviceKind::power_meter_ac:
      write_power_meter_ac(hours, out);
      break;
    case DeviceKind::f2:
      write_f2(out);
      break;
  }
  if (kind_ == DeviceKind::f2) {
    out += old_firmware_ ? ",\"ts\":" : ",\"timestamp\":";
    append(out, static_cast<std::uint64_t>(timestamp / 1'000'000'000));
  } else {
    out += ",\"timestamp\":\"";
    append_time(out, timestamp);
    out += '"';
  }
  out += ",\"seq\":";
  append(out, sequence);
  out += '}';
}

void Device::write_heartbeat(std::int64_t now, std::uint64_t sequence, std::string& out) {
  if (started_at_ == 0) started_at_ = now;
  out = "{\"uptime_s\":";
  append(out, static_cast<std::uint64_t>((now - started_at_) / 1'000'000'000));
  out += ",\"fw_version\":\"1.4.2\",\"rssi\":-";
  append(out, static_cast<std::uint64_t>(std::llround(-rssi_.step(random_))));
  out += ",\"timestamp\":\"";
  append_time(out, now);
  out += "\",\"seq\":";
  append(out, sequence);
  out += '}';
}

void Device::write_bad_payload(unsigned variant, std::int64_t now, std::uint64_t sequence,
                               std::string& out) {
  write_reading(now, now, sequence, out);
  const bool sensor = kind_ == DeviceKind::temperature;
  switch (variant % bad_payload_variants) {
    case 0:
      out.resize(out.size() / 2);
      break;  // torn
    case 1:
      out += out;
      break;  // two documents in one
    case 2:
      out.insert(out.size() - 1, ",\"note\":\"\xC3\x28\"");
      break;  // not UTF-8
    case 3:
      out = "ERR 17: sensor not ready";
      break;   // not JSON
    case 4: {  // a field of another type
      const auto at = out.find("\"seq\":");
      out.replace(at, std::string::npos, "\"seq\":\"many\"}");
      break;
    }
    case 5: {  // a value out of range
      const std::string_view name = kind_ == DeviceKind::power_meter_dc   ? "\"voltage\":"
                                    : kind_ == DeviceKind::power_meter_ac ? "\"frequency\":"
                                    : old_firmware_                       ? "\"T\":"
                                                                          : "\"temperature\":";
      const auto at = out.find(name) + name.size();
      out.replace(at, out.find(',', at) - at,
                  kind_ == DeviceKind::f2 ? "\"1000000.5 °C\"" : "1000000.5");
      break;
    }
    default: {  // a required field is missing
      const std::string_view name = sensor          ? "\"sensor_id\":"
                                    : old_firmware_ ? "\"id\":"
                                                    : "\"device_id\":";
      const auto at = out.find(name);
      out.erase(at, out.find(',', at) + 1 - at);
      break;
    }
  }
}

}  // namespace telemetry::simulator
