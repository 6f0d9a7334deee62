// SPDX-License-Identifier: Apache-2.0
#include "telemetry/core/freertos.hpp"

#include <string>
#include <vector>
#include "catch.hpp"

#include "core/fake_session.hpp"
#include "telemetry/core/store_forward.hpp"

using namespace telemetry::core;

namespace {

struct Sample {
  std::int64_t time_ns = 0;
  std::int16_t value = 0;  // padding behind it
  friend bool operator==(const Sample&, const Sample&) = default;
};

/// What runs while a task waits; ends with the test.
struct Interrupt {
  explicit Interrupt(void (*run)()) { fake_interrupt = run; }
  ~Interrupt() { fake_interrupt = nullptr; }
  Interrupt(const Interrupt&) = delete;
  Interrupt& operator=(const Interrupt&) = delete;
};

bool lies_in(const void* part, std::size_t bytes, const void* object, std::size_t object_bytes) {
  const auto first = reinterpret_cast<std::uintptr_t>(part);
  const auto begin = reinterpret_cast<std::uintptr_t>(object);
  return first >= begin && first + bytes <= begin + object_bytes;
}

}  // namespace

TEST_CASE("items leave a static queue in the order in which they came, byte for byte") {
  StaticQueue<Sample, 3> queue;
  Sample out;
  CHECK_FALSE(queue.pop(out));
  for (std::int16_t i = 0; i < 10; ++i) {  // around the end of its memory
    CHECK(queue.push({std::int64_t{1} << (40 + i), i}));
    CHECK(queue.push({-i, static_cast<std::int16_t>(-i)}));
    CHECK(queue.size() == 2);
    CHECK(queue.pop(out));
    CHECK(out == Sample{std::int64_t{1} << (40 + i), i});
    CHECK(queue.pop(out));
    CHECK(out == Sample{-i, static_cast<std::int16_t>(-i)});
  }
  CHECK(queue.size() == 0);
}

TEST_CASE("a full static queue refuses and an empty one leaves the item as it was") {
  StaticQueue<int, 2> queue;
  CHECK(queue.push(1));
  CHECK(queue.push(2));
  CHECK_FALSE(queue.push(3));
  BaseType_t woken = pdFALSE;
  CHECK_FALSE(queue.push_from_isr(3, woken));
  int out = 0;
  CHECK((queue.pop(out) && out == 1));
  CHECK((queue.pop(out) && out == 2));
  CHECK_FALSE(queue.pop(out));
  CHECK(out == 2);
}

TEST_CASE("a static queue waits as many ticks as it is told, and by itself not at all") {
  StaticQueue<int, 1> queue;
  int out = 0;
  fake_ticks_waited = 0;
  CHECK_FALSE(queue.pop(out));
  CHECK(queue.push(1));
  CHECK_FALSE(queue.push(2));
  CHECK(fake_ticks_waited == 0);
  CHECK_FALSE(queue.push(2, 7));
  CHECK(fake_ticks_waited == 7);
  CHECK(queue.pop(out, 5));  // one is there
  CHECK(fake_ticks_waited == 7);
  CHECK_FALSE(queue.pop(out, 5));
  CHECK(fake_ticks_waited == 12);
}

TEST_CASE("a push from an interrupt says whether it woke a task, and never takes that back") {
  static StaticQueue<int, 4>* queue = nullptr;
  static BaseType_t woken = pdFALSE;
  StaticQueue<int, 4> made;
  queue = &made;
  CHECK(queue->push_from_isr(1, woken));
  CHECK(woken == pdFALSE);  // nobody waits
  int out = 0;
  CHECK(queue->pop(out));

  const Interrupt interrupt([] {
    CHECK(queue->push_from_isr(2, woken));
    CHECK(woken == pdTRUE);
  });
  CHECK(queue->pop(out, 10));
  CHECK(out == 2);

  CHECK(queue->push_from_isr(3, woken));
  CHECK(woken == pdTRUE);
}

TEST_CASE("a static queue and all of its items lie in the object") {
  const StaticQueue<Sample, 5> queue;
  const StaticQueue_t& control = *queue.handle();
  CHECK(control.length == 5);
  CHECK(control.item_size == sizeof(Sample));
  CHECK(lies_in(&control, sizeof(control), &queue, sizeof(queue)));
  CHECK(lies_in(control.storage, 5 * sizeof(Sample), &queue, sizeof(queue)));
}

TEST_CASE("a static task starts once, as it was told, on its own stack") {
  StaticTask<300> task;
  CHECK(task.handle() == nullptr);
  int argument = 0;
  const char* name = "sampling";
  const auto run = [](void* what) { ++*static_cast<int*>(what); };
  REQUIRE(task.start(name, run, &argument, 3));

  const StaticTask_t& control = *task.handle();
  CHECK(control.name == name);
  CHECK(control.depth == 300);
  CHECK(control.argument == &argument);
  CHECK(control.priority == 3);
  CHECK(lies_in(&control, sizeof(control), &task, sizeof(task)));
  CHECK(lies_in(control.stack, 300 * sizeof(StackType_t), &task, sizeof(task)));
  control.run(control.argument);
  CHECK(argument == 1);

  CHECK_FALSE(task.start("again", run, nullptr, 1));
  CHECK(control.name == name);
}

TEST_CASE("samples of a task and of an interrupt reach the broker through the network task") {
  static StaticQueue<Sample, 8> samples;
  static StaticTask<128> sampling;
  REQUIRE(sampling.start(
      "sampling",
      [](void*) {  // one round of its loop
        CHECK(samples.push({1, 11}));
        CHECK(samples.push({2, 22}));
      },
      nullptr, 2));
  const Interrupt interrupt([] {
    BaseType_t woken = pdFALSE;
    CHECK(samples.push_from_isr({3, 33}, woken));
  });

  telemetry::test::FakeSession session(4);
  session.connect();
  NoCard card;
  std::vector<std::uint8_t> memory(256);
  ByteRing ring(memory);
  std::vector<StoreForward<telemetry::test::FakeSession, NoCard>::Slot> slots(4);
  std::vector<std::uint8_t> buffer(64);
  const StoreForwardOptions options;
  StoreForward forward(ring, session, card, slots, buffer, options);

  sampling.handle()->run(nullptr);
  Sample sample;
  for (std::uint32_t now_ms = 0; now_ms < 3; ++now_ms) {  // the network task
    REQUIRE(samples.pop(sample, 10));                     // the third: an interrupt wakes it
    CHECK(forward.offer("t", std::to_string(sample.value), sample.time_ns));
    forward.poll(now_ms);
    session.acknowledge(forward);
  }
  CHECK(session.payloads() == std::vector<std::string>{"11", "22", "33"});
  CHECK(ring.empty());
}
