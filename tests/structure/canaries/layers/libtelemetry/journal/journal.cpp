#include "telemetry/ingest.hpp"
#include "journal/inner.hpp"
