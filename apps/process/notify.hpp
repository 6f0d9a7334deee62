// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string_view>

namespace telemetry {

/// Tells the service manager that settings are being reloaded; "READY=1" ends that.
/// Source: sd_notify(3), RELOADING=1, which Type=notify-reload wants with the time of the call.
void notify_reloading() noexcept;

/// Tells the service manager a state, "READY=1" or "STOPPING=1"; nothing happens without one.
/// Source: sd_notify(3), the protocol of $NOTIFY_SOCKET.
void notify_service_manager(std::string_view state) noexcept;

}  // namespace telemetry
