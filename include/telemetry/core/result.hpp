// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <new>
#include <string_view>
#include <type_traits>
#include <utility>

namespace telemetry {

/// What went wrong, in terms of what the caller should do about it. The list is closed.
enum class Errc : std::uint8_t {
  invalid_argument,     ///< The request itself is wrong; repeating it cannot help.
  not_found,            ///< The named thing does not exist.
  already_exists,       ///< The named thing exists and would be overwritten.
  permission_denied,    ///< The caller, or this process, may not do that.
  unauthenticated,      ///< The caller has not said who it is.
  resource_exhausted,   ///< A limit or a disk is full; later may work.
  failed_precondition,  ///< Something else must be done or configured first.
  unavailable,          ///< The other side is away for now; retry.
  data_loss,            ///< Stored bytes are damaged or gone.
  cancelled,            ///< The caller asked to stop.
  deadline_exceeded,    ///< It took longer than allowed.
  unimplemented,        ///< This build cannot do that.
  internal,             ///< A broken invariant of ours; report it.
};

/// Name of a code as it appears in logs and JSON, for example "not_found".
[[nodiscard]] constexpr std::string_view to_string(Errc code) noexcept {
  switch (code) {
    case Errc::invalid_argument:
      return "invalid_argument";
    case Errc::not_found:
      return "not_found";
    case Errc::already_exists:
      return "already_exists";
    case Errc::permission_denied:
      return "permission_denied";
    case Errc::unauthenticated:
      return "unauthenticated";
    case Errc::resource_exhausted:
      return "resource_exhausted";
    case Errc::failed_precondition:
      return "failed_precondition";
    case Errc::unavailable:
      return "unavailable";
    case Errc::data_loss:
      return "data_loss";
    case Errc::cancelled:
      return "cancelled";
    case Errc::deadline_exceeded:
      return "deadline_exceeded";
    case Errc::unimplemented:
      return "unimplemented";
    case Errc::internal:
      return "internal";
  }
  return "internal";
}

/// True when the same call may succeed later without the caller changing anything.
[[nodiscard]] constexpr bool is_retryable(Errc code) noexcept {
  return code == Errc::resource_exhausted || code == Errc::unavailable ||
         code == Errc::deadline_exceeded;
}

namespace core {

/// A value or an error; never both, never neither. No heap, no exceptions.
///
/// E must not be convertible to T. Reading the wrong side is a programmer error and is undefined;
/// test with `if (result)` first.
template <class T, class E>
class [[nodiscard]] Result {
 public:
  Result(T value) : has_value_(true) { new (&value_) T(std::move(value)); }   // NOLINT(*explicit*)
  Result(E error) : has_value_(false) { new (&error_) E(std::move(error)); }  // NOLINT(*explicit*)
  Result(const Result& other) : has_value_(other.has_value_) {
    if (has_value_)
      new (&value_) T(other.value_);
    else
      new (&error_) E(other.error_);
  }
  Result(Result&& other) noexcept : has_value_(other.has_value_) {
    if (has_value_)
      new (&value_) T(std::move(other.value_));
    else
      new (&error_) E(std::move(other.error_));
  }
  Result& operator=(Result other) noexcept {
    destroy();
    has_value_ = other.has_value_;
    if (has_value_)
      new (&value_) T(std::move(other.value_));
    else
      new (&error_) E(std::move(other.error_));
    return *this;
  }
  ~Result() { destroy(); }

  [[nodiscard]] explicit operator bool() const noexcept { return has_value_; }
  [[nodiscard]] T& operator*() & noexcept { return value_; }
  [[nodiscard]] const T& operator*() const& noexcept { return value_; }
  [[nodiscard]] T&& operator*() && noexcept { return std::move(value_); }
  [[nodiscard]] T* operator->() noexcept { return &value_; }
  [[nodiscard]] const T* operator->() const noexcept { return &value_; }
  [[nodiscard]] const E& error() const& noexcept { return error_; }
  [[nodiscard]] E&& error() && noexcept { return std::move(error_); }
  /// For a program that cannot go on without: the value, or the process ends with the error's text
  /// (`end_with` of the error's own namespace).
  [[nodiscard]] T& value() & {
    if (!has_value_) end_with(error_);
    return value_;
  }
  [[nodiscard]] T value() && {
    if (!has_value_) end_with(error_);
    return std::move(value_);
  }

 private:
  void destroy() noexcept {
    if (has_value_)
      value_.~T();
    else
      error_.~E();
  }

  bool has_value_;
  union {
    T value_;
    E error_;
  };
};

/// Success or an error.
template <class E>
class [[nodiscard]] Result<void, E> {
 public:
  Result() = default;
  Result(E error) : error_(std::move(error)), ok_(false) {}  // NOLINT(*explicit*)
  [[nodiscard]] explicit operator bool() const noexcept { return ok_; }
  [[nodiscard]] const E& error() const& noexcept { return error_; }
  [[nodiscard]] E&& error() && noexcept { return std::move(error_); }
  /// Returns, or the process ends with the error's text.
  void value() const {
    if (!ok_) end_with(error_);
  }

 private:
  E error_{};
  bool ok_ = true;
};

}  // namespace core
}  // namespace telemetry
