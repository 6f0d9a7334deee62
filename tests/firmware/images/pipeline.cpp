// SPDX-License-Identifier: Apache-2.0
// One message of 100 bytes from topic to ring and out of it, again and again. Under -icount shift=0
// an instruction takes 1 ns, so that the timer counts instructions; else the figures mean nothing.
// Prints "name figure" lines.
#include "board.hpp"
#include "boards/stack.hpp"
#include "core/sample_schemas.hpp"
#include "drivers/semihosting.hpp"
#include "drivers/systick.hpp"
#include "images/pump.hpp"
#include "telemetry/core/decode.hpp"
#include "telemetry/core/ring_buffer.hpp"
#include "telemetry/core/topic.hpp"

using namespace telemetry;

namespace {

constexpr std::uint32_t messages = 1'000;

std::array<core::Value, 16> values;
std::array<char, 128> scratch;
std::array<core::Violation, 4> violations;
constinit const core::DecodeBuffers buffers{values, scratch, violations, {}};
std::array<std::uint8_t, 8192> memory;
std::array<std::uint8_t, 160> record;

std::span<const std::uint8_t> bytes_of(std::string_view text) {
  return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}

/// Not known to the compiler, so that nothing is done once for all.
[[gnu::noinline]] std::string_view received(std::string_view text) {
  const char* data = text.data();
  asm volatile("" : "+r"(data) : : "memory");
  return {data, text.size()};
}

std::size_t match(std::string_view topic) {
  std::size_t index = 0;
  while (index < budget::filters.size() && !core::topic_matches(budget::filters[index], topic)) {
    ++index;
  }
  return index;
}

bool judge(std::string_view payload) { return core::decode(budget::schema, payload, buffers).ok(); }

void print(std::string_view name, std::uint32_t figure) {
  semihosting::print(name);
  semihosting::print(" ");
  semihosting::print(figure);
  semihosting::print("\n");
}

/// Bytes of stack for what goes deepest: texts of times, escapes, numbers that are compared digit
/// by digit, objects in arrays.
std::uint32_t deepest() {
  namespace sensor = core::test::sensor;
  namespace meter = core::test::meter;
  struct Case {
    const core::SchemaView& schema;
    std::string_view payload;
  };
  static constexpr Case cases[] = {
      {budget::schema, budget::payload},
      {sensor::schema, R"({"\u0074emperature":150.00000000000001,"sensor_id":"\ud83d\ude00"})"},
      {sensor::schema, R"({"seq":9223372036854775807.0,"timestamp":1762862400.123456789})"},
      {meter::schema, R"({"mode":"auto","at":"2024-02-29T00:00:00.123456789+05:30","ratio":0.5})"},
      {meter::schema, R"({"mode":"\u0061\/b","parts":[{"tags":["\n",1]}],"place":{"lat":1e-5}})"},
  };
  std::size_t most = 0;
  for (const Case& one : cases) {
    const std::size_t bytes = firmware::stack_bytes_of(
        [&one] { static_cast<void>(core::decode(one.schema, one.payload, buffers)); });
    most = bytes > most ? bytes : most;
  }
  return static_cast<std::uint32_t>(most);
}

class Meter {
 public:
  template <class Function>
  void run(std::string_view name, const Function& function) {
    const std::uint64_t begin = clock_.ticks();
    for (std::uint32_t i = 0; i < messages; ++i) good_ = function() && good_;
    const std::uint64_t ns = (clock_.ticks() - begin) * 1'000'000'000 / board::clock_hz;
    print(name, static_cast<std::uint32_t>(ns / messages));
  }
  [[nodiscard]] bool good() const { return good_; }

 private:
  drivers::SysTick clock_{board::clock_hz};
  bool good_ = true;
};

}  // namespace

int main() {
  core::ByteRing ring(memory);
  const auto push = [&] {
    return ring.push(bytes_of(received(budget::topic)), bytes_of(received(budget::payload)));
  };
  const auto pop = [&] {
    std::size_t size = 0;
    return ring.pop(record, size) && size == budget::topic.size() + budget::payload.size();
  };
  Meter meter;
  meter.run("match", [] { return match(received(budget::topic)) + 1 == budget::filters.size(); });
  meter.run("decode", [] { return judge(received(budget::payload)); });
  meter.run("ring", [&] { return push() && pop(); });
  meter.run("pipeline", [&] {
    return match(received(budget::topic)) < budget::filters.size() &&
           judge(received(budget::payload)) && push() && pop();
  });
  print("stack", deepest());
  return meter.good() ? 0 : 1;
}
