// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "telemetry/environment.hpp"
#include "telemetry/error.hpp"

namespace telemetry::web {

/// Charts that somebody has saved under a name.
struct Board {
  struct Chart {
    std::string title, query;  ///< the query string of the explorer
  };
  std::string name;
  std::int64_t updated_ns = 0;
  std::string by;  ///< who saved it last; empty: nobody signs in
  std::vector<Chart> charts;
};

/// All boards, in one file: the old or the new one is there after a crash. A malformed file is
/// named in the log, moved aside, and there are none then. Thread: any.
class Boards {
 public:
  static constexpr std::size_t boards_max = 100, charts_max = 100, board_bytes_max = 64 * 1024;
  static constexpr std::size_t name_bytes_max = 64, title_bytes_max = 200, query_bytes_max = 2'000;

  /// @param path  empty: none are kept
  Boards(std::string path, Environment environment)
      : path_(std::move(path)), environment_(std::move(environment)) {}

  [[nodiscard]] bool is_kept() const noexcept { return !path_.empty(); }
  /// In the order of their names. Errors of all: the file cannot be read or written.
  [[nodiscard]] Result<std::vector<Board>> all();
  /// Nothing when there is none.
  [[nodiscard]] Result<std::optional<Board>> find(std::string_view name);
  /// Whether a board may be changed that is `now` like this; null: there is none. Nobody else
  /// changes one before it is done.
  using Check = std::function<bool(const Board* now)>;
  /// In the place of one with this name. @returns false when `may` says no. Errors:
  /// resource_exhausted  there are as many as may be.
  [[nodiscard]] Result<bool> save(Board board, const Check& may = {});
  /// @returns false when there is none, or when `may` says no.
  [[nodiscard]] Result<bool> remove(std::string_view name, const Check& may = {});

  /// What is wrong with it, for people, or nothing.
  [[nodiscard]] static std::string name_problem(std::string_view name);
  [[nodiscard]] static std::string problem(const Board& board);

 private:
  using Map = std::map<std::string, Board, std::less<>>;
  [[nodiscard]] Result<void> load();
  [[nodiscard]] Result<void> store(const Map& boards);
  [[nodiscard]] Result<void> move_aside(const std::string& why);

  const std::string path_;
  const Environment environment_;
  std::mutex mutex_;
  bool loaded_ = false;
  Map boards_;
};

/// Another one whenever it was saved: 16 hexadecimal digits.
[[nodiscard]] std::string version_of(const Board& board);
/// {"charts":[{"title","query"}]}
[[nodiscard]] std::string document_of(const Board& board);

}  // namespace telemetry::web
