#ifndef CONNECTOR_CLI_EXPORT_SUMMARY_H_
#define CONNECTOR_CLI_EXPORT_SUMMARY_H_

#include <functional>
#include <optional>
#include <string>

#include "absl/time/time.h"
#include "connector/cli/export_client.h"
#include "connector/cli/export_input.h"
#include "nlohmann/json_fwd.hpp"

namespace connector::cli {

// What came of an export whose end is durable.
struct ExportSummary {
  std::string ad_account_id;
  std::string export_id;
  std::string history_id;
  absl::Duration elapsed;
  ReadingTally reading;
  ExportTally tally;
  RejectionList rejections;
  // Whether all of it is delivered; unset when it was not waited for.
  std::optional<bool> delivered;
};

// Names a place in the input: "file:17".
using PlaceName = std::function<std::string(const SourceLine&)>;

// The summary for people, with at most `max_places` rejections by place.
std::string SummaryText(const ExportSummary& summary, const PlaceName& place,
                        int max_places);

// The summary for programs. The fields are described in README.md.
nlohmann::ordered_json SummaryJson(const ExportSummary& summary,
                                   const PlaceName& place, int max_places);

}  // namespace connector::cli

#endif  // CONNECTOR_CLI_EXPORT_SUMMARY_H_
