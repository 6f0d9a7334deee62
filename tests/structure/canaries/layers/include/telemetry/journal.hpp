#include <fmt/format.h>
#include "telemetry/core/bad.hpp"
