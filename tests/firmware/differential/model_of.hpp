// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "fuzz/differential/schema_model.hpp"
#include "telemetry/schema.hpp"

namespace telemetry::reference {

/// The tables of a schema as the generator of documents wants them: enough to make documents that
/// it likes. Defaults and relations between fields are left out.
SchemaModel model_of(const Schema& schema);

}  // namespace telemetry::reference
