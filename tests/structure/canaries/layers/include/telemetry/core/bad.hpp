#include <string>
#include "telemetry/journal.hpp"
#include <FreeRTOS.h>
