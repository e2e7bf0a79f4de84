#ifndef CONNECTOR_MEMBERSHIP_AUDIENCE_ROWS_H_
#define CONNECTOR_MEMBERSHIP_AUDIENCE_ROWS_H_

#include <optional>
#include <string>

#include "absl/strings/string_view.h"
#include "connector/membership/audience_table.h"
#include "connector/membership/counter_table.h"

// The stored form of audiences and counters (FORMAT.md). Decode*() give nullopt
// for what Encode*() never made.
namespace connector::membership {

// 'A' destination(4) and then 's' segment(4), or 'd' and the bytes of type and
// name, or 'c' list(4).
std::string AudienceKeyBytes(const AudienceKey& key);
std::string CounterKeyBytes(DestinationNumber destination, ListNumber list);

// A key of the letter 'A'; exactly one of `audience` and `list` is set.
struct AudienceKeyParts {
  DestinationNumber destination = 0;
  std::optional<AudienceKey> audience;
  std::optional<ListNumber> list;
};
std::optional<AudienceKeyParts> ParseAudienceKey(absl::string_view key);

std::string EncodeAudience(const AudienceRow& row);
std::optional<AudienceRow> DecodeAudience(absl::string_view value);

std::string EncodeListCounters(const ListCounterRow& row);
std::optional<ListCounterRow> DecodeListCounters(absl::string_view value);

}  // namespace connector::membership

#endif  // CONNECTOR_MEMBERSHIP_AUDIENCE_ROWS_H_
