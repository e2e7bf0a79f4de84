#include <string>

#include "absl/strings/str_cat.h"
#include "audience_sync/v1/full_sync_service.grpc.pb.h"
#include "connector/cli/commands.h"
#include "connector/cli/exit_code.h"
#include "connector/cli/full_sync_text.h"
#include "connector/cli/segment_argument.h"
#include "connector/cli/table.h"
#include "nlohmann/json.hpp"

namespace connector::cli {
namespace {

using audience_sync::v1::DecideFullSyncRequest;
using audience_sync::v1::DecideFullSyncResponse;
using audience_sync::v1::FullSyncDecision;
using audience_sync::v1::FullSyncService;
using audience_sync::v1::GetSyncStatusRequest;
using audience_sync::v1::GetSyncStatusResponse;
using audience_sync::v1::SegmentStatus;

int Show(CommandContext& context, const GetSyncStatusResponse& response) {
  if (context.json()) {
    nlohmann::ordered_json document;
    document["fullSyncs"] = nlohmann::ordered_json::array();
    for (const SegmentStatus& segment : response.status().segment_statuses()) {
      if (!segment.has_full_sync()) continue;
      nlohmann::ordered_json entry = ToJson(segment.full_sync());
      entry["segmentNamespace"] = segment.segment().segment_namespace();
      entry["segmentId"] = segment.segment().segment_id();
      document["fullSyncs"].push_back(std::move(entry));
    }
    context.PrintJson(document);
  } else {
    context.Print(
        FullSyncTable(response.status(), context.environment().clock->Now()));
  }
  return kExitOk;
}

int Run(CommandContext& context) {
  const std::string& id = context.arguments()[0];
  FullSyncDecision decision = audience_sync::v1::FULL_SYNC_DECISION_UNSPECIFIED;
  audience_sync::v1::SegmentName name;
  if (context.arguments().size() > 1) {
    const std::string& what = context.arguments()[1];
    if (what == "apply") decision = audience_sync::v1::FULL_SYNC_DECISION_APPLY;
    if (what == "discard") {
      decision = audience_sync::v1::FULL_SYNC_DECISION_DISCARD;
    }
    if (decision == audience_sync::v1::FULL_SYNC_DECISION_UNSPECIFIED ||
        context.arguments().size() < 4) {
      return context.FailUsage(
          "what follows the ad account is apply or discard, the segment and "
          "the ID of its full sync");
    }
    if (!ParseSegmentName(context.arguments()[2], &name)) {
      return context.FailUsage(kSegmentNameRule);
    }
  }
  if (decision == audience_sync::v1::FULL_SYNC_DECISION_UNSPECIFIED) {
    GetSyncStatusRequest request;
    request.set_ad_account_id(id);
    GetSyncStatusResponse response;
    if (absl::Status s = context.Call(&CommandContext::Stub::GetSyncStatus,
                                      request, response);
        !s.ok()) {
      return context.FailCall(s);
    }
    return Show(context, response);
  }
  DecideFullSyncRequest request;
  request.set_ad_account_id(id);
  request.mutable_segment()->set_segment_namespace(name.segment_namespace());
  request.mutable_segment()->set_segment_id(name.segment_id());
  request.set_full_sync_id(context.arguments()[3]);
  request.set_decision(decision);
  DecideFullSyncResponse response;
  if (absl::Status s = context.CallOf<FullSyncService>(
          &FullSyncService::Stub::DecideFullSync, request, response);
      !s.ok()) {
    return context.FailCall(s);
  }
  if (context.json()) {
    context.PrintJson(response.full_sync());
  } else {
    context.Print(absl::StrCat(
        "full sync ", Printable(response.full_sync().full_sync_id()), ": ",
        FullSyncStateName(response.full_sync()), "\n"));
  }
  return kExitOk;
}

}  // namespace

Command FullSyncCommand() {
  return {"full-sync",
          "AD_ACCOUNT_ID [apply|discard NAMESPACE/SEGMENT_ID FULL_SYNC_ID]",
          "Shows full syncs and what they would remove; applies or discards "
          "one that waits.",
          {},
          1,
          4,
          Run};
}

}  // namespace connector::cli
