#include <algorithm>
#include <string>

#include "absl/flags/flag.h"
#include "absl/strings/str_cat.h"
#include "connector/cli/commands.h"
#include "connector/cli/exit_code.h"
#include "connector/cli/flags.h"
#include "connector/cli/rejection_name.h"
#include "connector/cli/segment_argument.h"
#include "connector/cli/table.h"

namespace connector::cli {
namespace {

using audience_sync::v1::ListRejectionsRequest;
using audience_sync::v1::ListRejectionsResponse;
using audience_sync::v1::Rejection;
using audience_sync::v1::ReplayRejectionsRequest;
using audience_sync::v1::ReplayRejectionsResponse;

constexpr int kMaxPage = 1000;

std::string TimeCell(const google::protobuf::Timestamp& time) {
  return absl::FormatTime("%Y-%m-%dT%H:%M:%SZ",
                          absl::FromUnixSeconds(time.seconds()),
                          absl::UTCTimeZone());
}

void AddRow(const Rejection& rejection, Table& table) {
  if (rejection.has_refusal()) {
    const auto& refusal = rejection.refusal();
    table.AddRow({TimeCell(rejection.rejection_time()), "REFUSED_BY_PINTEREST",
                  absl::StrCat("list ", refusal.customer_list_id(), ", ",
                               refusal.addition() ? "addition" : "removal",
                               " of ", refusal.record()),
                  absl::StrCat("HTTP ", refusal.http_status(), ", request ",
                               refusal.pinterest_request_id(), ": ",
                               refusal.message())});
    return;
  }
  const auto& intake = rejection.intake();
  const auto& place = intake.rejection();
  std::string where = absl::StrCat("batch ", intake.sequence_number(),
                                   ", profile ", place.profile_index());
  if (place.has_identity_index()) {
    absl::StrAppend(&where, ", identity ", place.identity_index());
  }
  if (place.has_membership_index()) {
    absl::StrAppend(&where, ", membership ", place.membership_index());
  }
  table.AddRow({TimeCell(rejection.rejection_time()),
                RejectionName(place.reason()), where,
                absl::StrCat("export ", intake.export_id())});
}

int Replay(CommandContext& context) {
  ReplayRejectionsRequest request;
  request.set_ad_account_id(context.arguments()[1]);
  if (context.arguments().size() > 2 &&
      !ParseSegmentName(context.arguments()[2], request.mutable_segment())) {
    return context.FailUsage(kSegmentNameRule);
  }
  for (const std::string& record : absl::GetFlag(FLAGS_record)) {
    request.add_records(record);
  }
  ReplayRejectionsResponse response;
  if (absl::Status s = context.Call(&CommandContext::Stub::ReplayRejections,
                                    request, response);
      !s.ok()) {
    return context.FailCall(s);
  }
  if (context.json()) {
    context.PrintJson(response);
  } else {
    context.Print(absl::StrCat(response.replayed_count(),
                               " refused memberships are tried again\n"));
  }
  return kExitOk;
}

int List(CommandContext& context) {
  const int limit = absl::GetFlag(FLAGS_limit);
  if (limit < 0) return context.FailUsage("--limit must not be negative");
  ListRejectionsResponse all;
  std::string token;
  do {
    ListRejectionsRequest request;
    request.set_ad_account_id(context.arguments()[0]);
    const int left = limit - all.rejections_size();
    request.set_page_size(limit == 0 ? kMaxPage : std::min(left, kMaxPage));
    request.set_page_token(token);
    ListRejectionsResponse page;
    if (absl::Status s =
            context.Call(&CommandContext::Stub::ListRejections, request, page);
        !s.ok()) {
      return context.FailCall(s);
    }
    for (Rejection& rejection : *page.mutable_rejections()) {
      *all.add_rejections() = std::move(rejection);
    }
    token = page.next_page_token();
  } while (!token.empty() && (limit == 0 || all.rejections_size() < limit));
  if (context.json()) {
    all.set_next_page_token(token);
    context.PrintJson(all);
    return kExitOk;
  }
  if (all.rejections().empty()) {
    context.Print("no rejections\n");
    return kExitOk;
  }
  Table table({{"TIME"}, {"REASON"}, {"WHERE (FROM 0)"}, {"ORIGIN"}});
  for (const Rejection& rejection : all.rejections()) AddRow(rejection, table);
  context.Print(table.Render());
  if (!token.empty()) context.Print("there are more; see --limit\n");
  return kExitOk;
}

int Run(CommandContext& context) {
  const bool replay = context.arguments()[0] == "replay";
  if (!replay && context.arguments().size() > 1) {
    return context.FailUsage(
        "only \"rejections replay\" takes more than an ad account");
  }
  if (replay && context.arguments().size() < 2) {
    return context.FailUsage("\"rejections replay\" needs an ad account");
  }
  return replay ? Replay(context) : List(context);
}

}  // namespace

Command RejectionsCommand() {
  return {"rejections",
          "[replay] AD_ACCOUNT_ID [NAMESPACE/SEGMENT_ID]",
          "Lists what was rejected, newest first: places and reasons. With "
          "\"replay\": tries again what Pinterest refused.",
          {"limit", "record"},
          1,
          3,
          Run};
}

}  // namespace connector::cli
