// SPDX-License-Identifier: Apache-2.0
// A sensor logger: reading -> schema -> ring -> MQTT over the UART; over the SD card while the
// broker is away. No heap, no operating system. docs/firmware.md explains it line by line.
//
// One life of the loop: take bytes from the UART, make a reading when it is time, let StoreForward
// move what can be moved, give bytes to the UART. Nothing in it waits but the card.
#include <array>

#include "boards/static_object.hpp"
#include "card_device.hpp"
#include "drivers/systick.hpp"
#include "schemas.hpp"
#include "settings.hpp"
#include "telemetry/core/deadband.hpp"
#include "telemetry/core/decode.hpp"
#include "telemetry/core/mqtt_session.hpp"
#include "telemetry/core/store_forward.hpp"
#include "text_writer.hpp"

using namespace telemetry;

namespace {

constexpr std::string_view device = "mcu-001";
constexpr std::string_view reading_topic = "mcu/mcu-001/reading";
constexpr std::string_view command_topic = "mcu/mcu-001/command";
constexpr std::string_view status_topic = "mcu/mcu-001/status";
constexpr std::size_t window = 16;
constexpr std::uint32_t reconnect_ms = 500;
constexpr std::uint32_t ticks_per_ms = board::clock_hz / 1'000;

constexpr core::MqttOptions mqtt_options{.client_id = device,
                                         .will_topic = status_topic,
                                         .will_payload = R"({"online":false})",
                                         .keepalive_s = 10,
                                         .response_timeout_ms = 2'000};

// All memory of the program but the stack, 12.5 KB: the linker knows that it suffices.
std::array<std::uint8_t, 8192> ring_memory;
std::array<std::uint8_t, 256> receive_memory;
std::array<std::uint8_t, 768> send_memory;
std::array<core::MqttSession::InFlight, window> session_window;
using Forward = core::StoreForward<core::MqttSession, core::CardJournal>;
std::array<Forward::Slot, window> forward_window;
std::array<std::uint8_t, 256> record_memory;

struct Counters {
  std::uint32_t readings = 0;          ///< made, and kept by the deadband
  std::uint32_t invalid = 0;           ///< broke a rule of the schema
  std::uint32_t commands = 0;          ///< obeyed
  std::uint32_t refused_commands = 0;  ///< not JSON, unknown, or out of range
};

/// Judges a payload by the schema of its topic, as the gateway will.
template <std::size_t slots>
core::DecodeResult judge(std::string_view topic, std::string_view payload,
                         std::array<core::Value, slots>& values) noexcept {
  std::array<char, 192> scratch;
  std::array<core::Violation, 1> violations;
  const core::SchemaEntry* schema = core::choose(schemas::all, topic);
  if (schema == nullptr) return {.first = core::Rule::no_schema};
  return core::decode(*schema->view, payload, {values, scratch, violations, {}});
}

class Logger {
 public:
  explicit Logger(core::CardJournal& card) noexcept
      : forward_(ring_, session_, card, forward_window, record_memory, card_options_) {}

  void run() noexcept {
    (void)session_.open(clock_.now_ms());
    while (!is_done()) {
      const std::uint64_t began = clock_.ticks();
      const std::uint32_t now = clock_.now_ms();
      bool worked = receive(now);
      session_.poll(now);
      connect(now);
      worked = take_reading(now) || worked;
      worked = forward_.poll(now) || worked;
      print_saved();
      const std::size_t sent = uart_.write(session_.to_send());
      session_.sent(sent);
      if (report_ && publish_status()) report_ = false;
      // A round without work is where a product sleeps until the next interrupt.
      if (worked || sent > 0) busy_ticks_ += static_cast<std::uint32_t>(clock_.ticks() - began);
      for (; busy_ticks_ >= ticks_per_ms; busy_ticks_ -= ticks_per_ms) ++busy_ms_;
    }
    if (session_.disconnect()) {
      while (!session_.to_send().empty()) session_.sent(uart_.write(session_.to_send()));
    }
  }

  void print(std::uint32_t writes) noexcept {
    const struct {
      const char* name;
      std::uint32_t figure;
    } lines[] = {{"ms ", clock_.now_ms()},
                 {"busy_ms ", busy_ms_},
                 {"readings ", counters_.readings},
                 {"invalid ", counters_.invalid},
                 {"commands ", counters_.commands},
                 {"refused_commands ", counters_.refused_commands},
                 {"oversize ", session_.counters().oversize},
                 {"malformed ", session_.counters().malformed},
                 {"resent ", session_.counters().resent},
                 {"saved ", forward_.counters().saved},
                 {"lost ", forward_.counters().lost + forward_.counters().refused},
                 {"card_writes ", writes}};
    for (const auto& line : lines) say(line.name, line.figure);
  }

  // --- What the session hears.

  void on_acknowledged(std::uint32_t token) noexcept { forward_.on_acknowledged(token); }
  void on_subscribed(std::uint16_t, std::uint8_t) noexcept {}
  void on_message(const core::MqttMessage& message) noexcept {
    std::array<core::Value, schemas::mcu_command_v1.slot_count> values;
    if (message.topic != command_topic || !judge(message.topic, message.payload, values).ok()) {
      ++counters_.refused_commands;
      return;
    }
    ++counters_.commands;
    const auto& [interval, report, stop] = values;
    if (!interval.is_null()) {
      interval_ms_ = static_cast<std::uint32_t>(interval.as_integer());
    }
    report_ = report_ || report.as_integer() != 0;
    stopped_ = stopped_ || stop.as_integer() != 0;
  }

 private:
  bool receive(std::uint32_t now) noexcept {
    if (unread_ == 0) unread_ = uart_.read(input_);
    const std::size_t taken = session_.receive({input_.data(), unread_}, now, *this);
    std::memmove(input_.data(), input_.data() + taken, unread_ - taken);
    unread_ -= taken;
    return taken > 0;
  }

  /// A UART does not say that the other end is gone: answers that do not come do.
  void connect(std::uint32_t now) noexcept {
    if (session_.wants_close()) {
      session_.close();
      closed_ms_ = now;
    }
    if (session_.state() == core::MqttState::disconnected && now - closed_ms_ >= reconnect_ms) {
      unread_ = 0;
      subscribed_ = false;
      (void)session_.open(now);
    }
    std::uint16_t packet_id = 0;
    if (!subscribed_) subscribed_ = session_.subscribe(command_topic, 1, packet_id);
  }

  [[nodiscard]] bool has_all() const noexcept {
    return stopped_ || (settings.count != 0 && counters_.readings >= settings.count);
  }
  [[nodiscard]] bool is_done() noexcept {
    return has_all() && ring_.empty() && (settings.offline != 0 || forward_.waiting_on_card() == 0);
  }

  bool take_reading(std::uint32_t now) noexcept {
    if (has_all() || now - last_reading_ms_ < interval_ms_) return false;
    if (settings.online != 0 && session_.state() != core::MqttState::connected) return false;
    // Without an interval it shall not outrun the line: half of the ring is enough.
    if (interval_ms_ == 0 && ring_.bytes_used() > ring_.capacity() / 2) return false;
    last_reading_ms_ = now;
    const Measured measured = measure();
    if (!deadband_.passes({measured.temperature, -2}, now)) return true;
    const std::uint64_t time_ms = std::uint64_t{settings.epoch_s} * 1'000 + now;
    std::array<char, 160> payload;
    TextWriter text(payload);
    text.text(R"({"device_id":")").text(device).text(R"(","temperature":)");
    text.hundredths(measured.temperature).text(R"(,"humidity":)").hundredths(measured.humidity);
    text.text(R"(,"timestamp":)")
        .milliseconds(settings.epoch_s, now)
        .text(R"(,"seq":)")
        .number(next_)
        .text("}");
    std::array<core::Value, schemas::mcu_reading_v1.slot_count> values;
    if (!judge(reading_topic, text.result(), values).ok()) {
      ++counters_.invalid;
      return true;
    }
    if (!forward_.offer(reading_topic, text.result(),
                        static_cast<std::int64_t>(time_ms) * 1'000'000)) {
      return true;  // no room: the same number comes with the next one
    }
    ++next_;
    ++counters_.readings;
    return true;
  }

  /// For tests: what the card has confirmed when the power fails; when all is on the card.
  void print_saved() noexcept {
    const std::uint32_t saved = forward_.counters().saved;
    if (saved == printed_) return;
    const bool all = has_all() && ring_.empty();
    if (settings.cut == 0 && !all) return;
    printed_ = saved;
    say(all ? "all_saved " : "saved ", saved);
  }

  struct Measured {
    std::int32_t temperature, humidity;  // hundredths
  };
  /// A day of the weather, in the place of a sensor.
  [[nodiscard]] Measured measure() noexcept {
    phase_ = (phase_ + 7) % 4'000;
    const std::int32_t up = phase_ < 2'000 ? phase_ : 4'000 - phase_;
    return {up - 500, 9'000 - 3 * up};
  }

  bool publish_status() noexcept {
    std::array<char, 160> payload;
    TextWriter text(payload);
    text.text(R"({"online":true,"readings":)").number(counters_.readings);
    text.text(R"(,"commands":)").number(counters_.commands);
    text.text(R"(,"refused_commands":)").number(counters_.refused_commands);
    text.text(R"(,"oversize":)").number(session_.counters().oversize);
    text.text(R"(,"saved":)").number(forward_.counters().saved).text("}");
    return session_.publish(status_topic, text.result());
  }

  core::StoreForwardOptions card_options_{.save_interval_ms = settings.save_ms};
  board::Uart uart_ = board::uart();
  drivers::SysTick clock_{board::clock_hz};
  core::ByteRing ring_{ring_memory};
  core::MqttSession session_{mqtt_options, receive_memory, send_memory, session_window};
  Forward forward_;
  core::Deadband deadband_{{static_cast<std::int64_t>(settings.deadband), -2}, 60'000};
  Counters counters_;
  std::uint32_t busy_ms_ = 0, busy_ticks_ = 0;
  std::array<std::uint8_t, 64> input_;
  std::size_t unread_ = 0;
  std::uint32_t interval_ms_ = settings.interval_ms;
  std::uint32_t next_ = settings.first;
  std::uint32_t closed_ms_ = 0;
  std::uint32_t last_reading_ms_ = 0;
  std::uint32_t printed_ = 0;
  std::int32_t phase_ = 0;
  bool subscribed_ = false;
  bool report_ = false;
  bool stopped_ = false;
};

/// Empty cards are made ready; anything else on a card is left alone.
core::CardStatus prepare(core::CardJournal& card) noexcept {
  const core::CardStatus status = card.open();
  if (status != core::CardStatus::blank) return status;
  std::array<std::uint8_t, 16> id{};  // must not come twice: the device and the time
  std::memcpy(id.data(), device.data(), device.size());
  std::memcpy(id.data() + 12, &settings.epoch_s, 4);
  const core::CardStatus formatted = card.format(id);
  return formatted == core::CardStatus::ok ? card.open() : formatted;
}

int check(core::CardJournal& card) noexcept {
  say("synced ", static_cast<std::uint32_t>(card.synced_sequence()));
  say("cursor ", static_cast<std::uint32_t>(card.cursor()));
  std::uint64_t next = card.cursor() + 1;
  std::uint32_t found = 0;
  core::FrameView frame;
  while (card.read(next, record_memory, frame) == core::CardStatus::ok) {
    next = frame.header.sequence + 1;
    ++found;
  }
  say("found ", found);
  return 0;
}

StaticObject<CardDevice> device_memory;
StaticObject<core::CardJournal> card_memory;
StaticObject<Logger> logger_memory;

}  // namespace

int main() {
  if (!read_settings()) {
    semihosting::print("unknown setting\n");
    return 2;
  }
  CardDevice& device = device_memory.make(settings.cut);
  core::CardJournal& card = card_memory.make(device);
  if (settings.card != 0) {
    const core::CardStatus status = prepare(card);
    if (status != core::CardStatus::ok) {
      say("no card, status ", static_cast<std::uint32_t>(status));
      if (settings.check != 0) return 1;
    }
  }
  if (settings.check != 0) return check(card);
  Logger& logger = logger_memory.make(card);
  logger.run();
  logger.print(device.writes());
  return 0;
}
