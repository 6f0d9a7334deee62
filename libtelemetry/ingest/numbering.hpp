// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>

namespace telemetry {

/// One run of a device's numbers: the last one, and the payload hashes of the `kept` numbers up to
/// and including it. A number that never came has hash 0. Grows by powers of two.
class NumberRun {
 public:
  NumberRun() = default;
  NumberRun(const NumberRun& other) { *this = other; }
  NumberRun& operator=(const NumberRun& other);
  NumberRun(NumberRun&&) noexcept = default;
  NumberRun& operator=(NumberRun&&) noexcept = default;

  [[nodiscard]] bool exists() const noexcept { return kept_ != 0; }
  [[nodiscard]] std::int64_t last() const noexcept { return last_; }
  [[nodiscard]] std::uint32_t kept() const noexcept { return kept_; }
  /// Began below the window of another run and did not go on yet.
  [[nodiscard]] bool is_late() const noexcept { return late_; }

  /// How far `number` lies above the last one; 0 when it does not.
  [[nodiscard]] std::uint64_t above(std::int64_t number) const noexcept {
    return number > last_ ? static_cast<std::uint64_t>(number) - static_cast<std::uint64_t>(last_)
                          : 0;
  }
  [[nodiscard]] bool covers(std::int64_t number) const noexcept {
    return number <= last_ &&
           static_cast<std::uint64_t>(last_) - static_cast<std::uint64_t>(number) < kept_;
  }
  /// Hash of a covered number; 0 when it did not come.
  [[nodiscard]] std::uint64_t hash(std::int64_t number) const noexcept {
    return ring_[index(number)];
  }
  [[nodiscard]] bool holds(std::int64_t number, std::uint64_t hash_of) const noexcept {
    return covers(number) && hash(number) == hash_of;
  }

  void begin(std::int64_t number, std::uint64_t hash_of, bool late);
  /// Moves on to a number above the last; what lies more than `window` back is forgotten.
  void advance(std::int64_t number, std::uint64_t hash_of, std::uint32_t window);
  /// Enters a covered number that had not come.
  void fill(std::int64_t number, std::uint64_t hash_of) noexcept { ring_[index(number)] = hash_of; }
  void settle() noexcept { late_ = false; }
  void erase() noexcept { *this = NumberRun(); }

  /// What advance() by one takes away, so that it can be given back.
  struct Step {
    std::int64_t last = 0;
    std::uint64_t overwritten = 0;
    std::uint32_t kept = 0;
  };
  [[nodiscard]] Step before_step(std::uint32_t window) const noexcept;
  void undo_step(const Step& step) noexcept;
  /// The same after roll(): memory was given up meanwhile, so less is restored.
  void undo_step_after_roll(const Step& step) noexcept;

  /// A new segment begins: numbers from before the previous segment go, down to `kept_min`.
  /// @returns false when nothing came since the segment before: the run may be forgotten.
  bool roll(std::uint32_t kept_min);
  /// Forgets all but the newest `kept_max` numbers.
  void shrink(std::uint32_t kept_max);
  /// A run as a snapshot describes it; hashes are set by fill().
  void restore(std::int64_t last, std::uint32_t kept, bool late);

 private:
  [[nodiscard]] std::size_t index(std::int64_t number) const noexcept {
    return static_cast<std::uint64_t>(number) & (capacity_ - 1);
  }
  void resize(std::uint32_t numbers);

  std::int64_t last_ = 0;
  std::uint64_t since_roll_ = 0;  // how far the run went on since the last roll()
  std::uint32_t kept_ = 0;
  std::uint32_t capacity_ = 0;
  bool late_ = false;
  std::unique_ptr<std::uint64_t[]> ring_;
};

}  // namespace telemetry
