#ifndef CONNECTOR_MEMBERSHIP_DAMAGE_H_
#define CONNECTOR_MEMBERSHIP_DAMAGE_H_

#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

namespace connector::membership {

// DATA_LOSS STORE_DAMAGED that says what is damaged ("file 000012.sst") and
// what to do about it.
absl::Status Damaged(absl::string_view what);

// The name of the store's file that a message of the database speaks of:
// "000012.sst", "000013.log", "MANIFEST-000004", "CURRENT"; empty if there is
// none. The rest of such a message may quote keys.
std::string FileNamedIn(absl::string_view message);

}  // namespace connector::membership

#endif  // CONNECTOR_MEMBERSHIP_DAMAGE_H_
