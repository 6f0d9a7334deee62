// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "telemetry/import.hpp"

namespace telemetry {

/// Imports a file by what its first bytes are: a card, a table `messages` of an older program, or
/// records in JSONL or CSV, also packed.
/// Errors: those of import_card(), open_old_messages() and import_records().
[[nodiscard]] Result<ImportReport> import_file(Ingest& ingest, const std::string& journal_path,
                                               const std::string& path,
                                               const Environment& environment);

}  // namespace telemetry
