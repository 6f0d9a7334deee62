// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "telemetry/config.hpp"
#include "telemetry/environment.hpp"
#include "telemetry/store.hpp"

namespace telemetry {

/// A store or sink that `storage.backend` may name.
struct Backend {
  std::string_view name;                          ///< "sqlite"
  std::span<const Option> (*options)() noexcept;  ///< "storage.sqlite.*"
  /// As the configuration says; opens nothing. Errors: what of it is wrong.
  Result<std::unique_ptr<Sink>> (*make)(const Config& config, const Environment& environment);
  /// For queries beside the program that writes it; null: it answers none.
  Result<std::unique_ptr<Store>> (*make_reader)(const Config& config,
                                                const Environment& environment);
};
/// All of them: the only list that knows them by name.
[[nodiscard]] std::span<const Backend> backends() noexcept;

/// The option tables of all programs, in the order of the reference page.
[[nodiscard]] std::span<const std::span<const Option>> option_tables();

/// Those that `storage.backend` names, in its order. Settings of the others are checked, too.
[[nodiscard]] Result<std::vector<std::unique_ptr<Sink>>> make_sinks(const Config& config,
                                                                    const Environment& environment);
/// The first that `storage.backend` names and that answers queries.
/// Errors: failed_precondition  none of them does.
[[nodiscard]] Result<std::unique_ptr<Store>> make_reader(const Config& config,
                                                         const Environment& environment);

}  // namespace telemetry
