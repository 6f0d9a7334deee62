// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <new>
#include <utility>

/// Memory for one object that is made once, when the program says so. A global with a constructor
/// would run before main(), a local static has a guard that every use looks at.
template <class T>
class StaticObject {
 public:
  template <class... Arguments>
  T& make(Arguments&&... arguments) noexcept {
    return *new (memory_) T(std::forward<Arguments>(arguments)...);
  }
  /// After make().
  [[nodiscard]] T& get() noexcept { return *std::launder(reinterpret_cast<T*>(memory_)); }

 private:
  alignas(T) unsigned char memory_[sizeof(T)];
};
