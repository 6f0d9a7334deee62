#include <string>
#include "telemetry/journal.hpp"
