// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "fuzz/differential/random.hpp"
#include "fuzz/differential/schema_model.hpp"

/// Schemas and documents by grammar. What they may hold is the documentation's, not the code's.
namespace telemetry::reference {

/// A schema without mistakes that uses any of the types and rules.
SchemaModel make_schema(Random& random);
/// JSON that the schema may like, or break in one place or in many.
std::string make_document(Random& random, const SchemaModel& schema);

/// A number as JSON, near the edges of what can be held.
std::string make_number(Random& random);
/// The same number, perhaps written otherwise.
std::string spell_number(Random& random, const std::string& number);
/// The number and a little more: as many digits behind it as no Decimal holds.
std::string lengthen_number(Random& random, const std::string& number);
/// Unescaped UTF-8.
std::string make_text(Random& random);
/// A text as a device writes times, or nearly.
std::string make_time(Random& random);
/// A number of seconds, milliseconds, ... of these decades.
std::string make_epoch(Random& random);

}  // namespace telemetry::reference
