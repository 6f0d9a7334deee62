// SPDX-License-Identifier: Apache-2.0
//
// Topic filters as sets of topics. Level by level: `+` takes any level but a leading `$...` one,
// `#` all levels that follow, the one above included.
#include "telemetry/auth.hpp"

namespace telemetry {
namespace {

/// The levels of a filter, one by one. After the last one it is at its end.
class Levels {
 public:
  explicit Levels(std::string_view filter) noexcept : rest_(filter) {}
  [[nodiscard]] bool at_end() const noexcept { return ended_; }
  [[nodiscard]] std::string_view level() const noexcept { return rest_.substr(0, rest_.find('/')); }
  [[nodiscard]] bool is_tail() const noexcept { return !ended_ && rest_ == "#"; }
  [[nodiscard]] bool is_one() const noexcept { return !ended_ && level() == "+"; }
  void next() noexcept {
    const std::size_t slash = rest_.find('/');
    ended_ = slash == std::string_view::npos;
    rest_ = ended_ ? std::string_view() : rest_.substr(slash + 1);
  }
  /// This level and all that follow.
  [[nodiscard]] std::string_view rest() const noexcept { return rest_; }

 private:
  std::string_view rest_;
  bool ended_ = false;
};

bool is_wild(std::string_view filter) noexcept {
  return filter.starts_with('+') || filter.starts_with('#');
}

void append_level(std::string_view level, std::string& out, bool& first) {
  if (!first) out += '/';
  first = false;
  out += level;
}

}  // namespace

std::optional<std::string> intersect_filters(std::string_view a, std::string_view b) {
  if ((is_wild(a) && b.starts_with('$')) || (is_wild(b) && a.starts_with('$'))) return std::nullopt;
  std::string both;
  bool first = true;
  Levels left(a), right(b);
  for (;;) {
    // The end meets the end, or a # that includes the level above.
    if (left.at_end() || right.at_end()) {
      const Levels& longer = left.at_end() ? right : left;
      if (longer.at_end() || longer.is_tail()) return both;
      return std::nullopt;
    }
    if (left.is_tail() || right.is_tail()) {
      append_level(left.is_tail() ? right.rest() : left.rest(), both, first);
      return both;
    }
    if (!left.is_one() && !right.is_one() && left.level() != right.level()) return std::nullopt;
    append_level(left.is_one() ? right.level() : left.level(), both, first);
    left.next();
    right.next();
  }
}

bool contains_filter(std::string_view outer, std::string_view inner) {
  if (is_wild(outer) && inner.starts_with('$')) return false;
  if (inner == "#" && outer == "+/#") return true;
  Levels out(outer), in(inner);
  for (;;) {
    if (out.is_tail()) return true;
    if (in.is_tail() || out.at_end() || in.at_end()) return out.at_end() && in.at_end();
    if (!out.is_one() && (in.is_one() || out.level() != in.level())) return false;
    out.next();
    in.next();
  }
}

}  // namespace telemetry
