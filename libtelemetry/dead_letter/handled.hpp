// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "telemetry/journal.hpp"

namespace telemetry {

/// What may or may not stand in the main journal: nobody knows before someone has looked.
struct LettersUnderWay {
  JournalId journal{};      ///< the main one
  std::uint64_t above = 0;  ///< of its sequences: they can stand only there
  std::vector<std::pair<std::uint64_t, std::uint64_t>> letters;  ///< id and reference
};

/// Which letters of a dead-letter journal were replayed or dropped, and what a replay has under
/// way: the file `handled` in its folder (docs/formats/handled_letters_v1.md). Whoever writes it
/// holds the lock of the main journal.
class Handled {
 public:
  /// Nothing is handled where there is no file. Errors: data_loss  it is damaged.
  [[nodiscard]] static Result<Handled> load(FileSystem& files, const std::string& folder);
  /// The old or the new content is there after a crash.
  [[nodiscard]] Result<void> store(FileSystem& files, const std::string& folder) const;

  [[nodiscard]] bool contains(std::uint64_t id) const noexcept;
  void add(std::span<const std::uint64_t> ids);
  /// What the journal does not hold any more, or again: its numbers began anew.
  void forget_below(std::uint64_t first);
  /// @returns false when there was nothing.
  bool forget_above(std::uint64_t last);

  /// Finds out what of it is in the main journal: those letters are handled.
  [[nodiscard]] Result<void> settle(Journal& main);

  std::optional<LettersUnderWay> under_way;

 private:
  using Range = std::pair<std::uint64_t, std::uint64_t>;  // first and last
  std::vector<Range> ranges_;                             // rising, never adjacent
};

}  // namespace telemetry
