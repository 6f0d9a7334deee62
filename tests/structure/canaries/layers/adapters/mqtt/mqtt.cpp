#include "sqlite/store.hpp"
#include "telemetry/pipeline.hpp"
