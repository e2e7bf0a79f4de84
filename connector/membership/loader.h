#ifndef CONNECTOR_MEMBERSHIP_LOADER_H_
#define CONNECTOR_MEMBERSHIP_LOADER_H_

#include "absl/status/status.h"
#include "connector/membership/tables.h"

namespace connector::membership {

// The version of the stored formats (FORMAT.md).
inline constexpr uint64_t kFormatVersion = 2;

// Brings what is stored into the tables, or sets up a new store. Must be done
// before anything else uses the core. FAILED_PRECONDITION for a format that
// this build does not know; DATA_LOSS for what does not read.
//
// Exports are loaded with the batches that are left; that some of those need no
// longer wait is for ExportProgress to find: `waiting` gets their names.
absl::Status LoadTables(Core& core, std::vector<ExportName>* waiting);

}  // namespace connector::membership

#endif  // CONNECTOR_MEMBERSHIP_LOADER_H_
