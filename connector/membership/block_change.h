#ifndef CONNECTOR_MEMBERSHIP_BLOCK_CHANGE_H_
#define CONNECTOR_MEMBERSHIP_BLOCK_CHANGE_H_

#include <cstdint>
#include <optional>
#include <string>

#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "connector/membership/block.h"

namespace connector::membership {

// A few changed entries of a block, stored on top of it in the place of the
// whole block: a change of one record costs as much as the record, not as much
// as its neighbours. The database puts them together when it reads and when it
// compacts.
//
// Stored form: as a block, with flag 1; an entry of state 0 says that the
// record has no entry any more. The block gets the change's epoch; what it
// holds of older epochs and the change does not name is not believed from then
// on. EntryBytes::Change() makes it.

// The block after the changes, the oldest first. nullopt if any of them cannot
// be read.
std::optional<std::string> ApplyBlockChanges(
    absl::string_view block, absl::Span<const absl::string_view> changes);

// One change that does the same as all of them, the oldest first; there is at
// least one. nullopt as above.
std::optional<std::string> JoinBlockChanges(
    absl::Span<const absl::string_view> changes);

}  // namespace connector::membership

#endif  // CONNECTOR_MEMBERSHIP_BLOCK_CHANGE_H_
