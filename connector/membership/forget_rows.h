#ifndef CONNECTOR_MEMBERSHIP_FORGET_ROWS_H_
#define CONNECTOR_MEMBERSHIP_FORGET_ROWS_H_

#include <optional>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "connector/membership/forget.h"
#include "identity_mapping/record.h"

namespace connector::membership {

// A request to forget as it is stored.
struct ForgetRow {
  Forget forget;
  // Ascending; empty once they are purged.
  std::vector<identity_mapping::Record> records;
};

// Without destination and number, which stand in the key. FORMAT.md has the
// fields.
std::string EncodeForget(const ForgetRow& row);
std::optional<ForgetRow> DecodeForget(absl::string_view value);

}  // namespace connector::membership

#endif  // CONNECTOR_MEMBERSHIP_FORGET_ROWS_H_
