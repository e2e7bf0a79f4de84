#include "connector/cli/export_summary.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "connector/cli/humanize.h"
#include "connector/cli/rejection_name.h"
#include "connector/cli/table.h"
#include "nlohmann/json.hpp"

namespace connector::cli {
namespace {

size_t PlacesShown(const ExportSummary& summary, int max_places) {
  return std::min<size_t>(summary.rejections.places.size(),
                          std::max(max_places, 0));
}

// Rejections that the stream only counted.
int64_t Unlisted(const ExportSummary& summary) {
  int64_t listed = 0;
  for (const auto& [reason, count] : summary.rejections.by_reason) {
    listed += count;
  }
  return std::max<int64_t>(summary.tally.rejections - listed, 0);
}

}  // namespace

std::string SummaryText(const ExportSummary& summary, const PlaceName& place,
                        int max_places) {
  const ExportTally& tally = summary.tally;
  std::string text;
  const size_t shown = PlacesShown(summary, max_places);
  for (size_t i = 0; i < shown; ++i) {
    const RejectedPlace& rejected = summary.rejections.places[i];
    absl::StrAppend(&text, "rejected: ", place(rejected.line));
    if (rejected.identity_index.has_value()) {
      absl::StrAppend(&text, ", identity ", *rejected.identity_index + 1);
    }
    if (rejected.membership_index.has_value()) {
      absl::StrAppend(&text, ", membership ", *rejected.membership_index + 1);
    }
    absl::StrAppend(&text, ": ", RejectionName(rejected.reason), "\n");
  }
  if (tally.rejections > static_cast<int64_t>(shown)) {
    absl::StrAppend(&text, shown > 0 ? "… " : "", "audiencectl rejections ",
                    summary.ad_account_id, " lists what was rejected\n");
  }
  const double seconds = std::max(absl::ToDoubleSeconds(summary.elapsed), 1e-3);
  absl::StrAppend(&text, "export ", summary.export_id, ": durable",
                  !summary.delivered.has_value() ? ""
                  : *summary.delivered           ? " and delivered"
                                                 : ", not yet delivered",
                  "\n");
  Table table({{"WHAT"}, {"COUNT", true}, {""}});
  table.AddRow({"profiles", Grouped(tally.profiles),
                absl::StrCat(HumanDuration(summary.elapsed), ", ",
                             Grouped(static_cast<int64_t>(
                                 static_cast<double>(tally.profiles -
                                                     tally.skipped_profiles) /
                                 seconds)),
                             "/s")});
  table.AddRow({"identities", Grouped(tally.identities)});
  table.AddRow({"memberships", Grouped(tally.memberships)});
  table.AddRow({"batches", Grouped(tally.batches),
                tally.skipped_batches > 0
                    ? absl::StrCat(Grouped(tally.skipped_batches),
                                   " were durable before this run")
                    : ""});
  table.AddRow({"rejected", Grouped(tally.rejections)});
  for (const auto& [reason, count] : summary.rejections.by_reason) {
    table.AddRow({absl::StrCat("  ", RejectionName(reason)), Grouped(count)});
  }
  if (const int64_t unlisted = Unlisted(summary); unlisted > 0) {
    table.AddRow({"  not listed here", Grouped(unlisted)});
  }
  if (summary.reading.bad_lines > 0) {
    table.AddRow({"lines passed over", Grouped(summary.reading.bad_lines)});
  }
  if (summary.reading.unreadable_times > 0) {
    table.AddRow({"qualification times left out",
                  Grouped(summary.reading.unreadable_times),
                  "in no known spelling"});
  }
  if (tally.reconnects > 0) {
    table.AddRow({"reconnects", Grouped(tally.reconnects)});
  }
  return text + table.Render();
}

nlohmann::ordered_json SummaryJson(const ExportSummary& summary,
                                   const PlaceName& place, int max_places) {
  const ExportTally& tally = summary.tally;
  nlohmann::ordered_json json;
  json["adAccountId"] = summary.ad_account_id;
  json["exportId"] = summary.export_id;
  json["historyId"] = summary.history_id;
  json["durable"] = true;
  if (summary.delivered.has_value()) json["delivered"] = *summary.delivered;
  json["profiles"] = tally.profiles;
  json["identities"] = tally.identities;
  json["memberships"] = tally.memberships;
  json["batches"] = tally.batches;
  json["skippedBatches"] = tally.skipped_batches;
  json["badLines"] = summary.reading.bad_lines;
  json["unreadableTimes"] = summary.reading.unreadable_times;
  json["reconnects"] = tally.reconnects;
  json["seconds"] = absl::ToDoubleSeconds(summary.elapsed);
  nlohmann::ordered_json& rejections = json["rejections"];
  rejections["total"] = tally.rejections;
  rejections["byReason"] = nlohmann::ordered_json::object();
  for (const auto& [reason, count] : summary.rejections.by_reason) {
    rejections["byReason"][RejectionName(reason)] = count;
  }
  rejections["unlisted"] = Unlisted(summary);
  rejections["places"] = nlohmann::ordered_json::array();
  for (size_t i = 0; i < PlacesShown(summary, max_places); ++i) {
    const RejectedPlace& rejected = summary.rejections.places[i];
    nlohmann::ordered_json entry;
    entry["line"] = place(rejected.line);
    if (rejected.identity_index.has_value()) {
      entry["identityIndex"] = *rejected.identity_index;
    }
    if (rejected.membership_index.has_value()) {
      entry["membershipIndex"] = *rejected.membership_index;
    }
    entry["reason"] = RejectionName(rejected.reason);
    rejections["places"].push_back(std::move(entry));
  }
  return json;
}

}  // namespace connector::cli
