#include <string>

#include "absl/flags/flag.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "connector/cli/commands.h"
#include "connector/cli/exit_code.h"
#include "connector/cli/flags.h"
#include "connector/cli/humanize.h"
#include "connector/cli/segment_argument.h"
#include "connector/cli/table.h"

namespace connector::cli {
namespace {

using audience_sync::v1::PreviewDeliveryRequest;
using audience_sync::v1::PreviewDeliveryResponse;
using audience_sync::v1::SegmentPreview;

std::string Text(const std::string& id,
                 const PreviewDeliveryResponse& response) {
  const std::string state =
      audience_sync::v1::DeliveryState_Name(response.delivery_state());
  Table table({{"LIST"},
               {"ADDITIONS", true},
               {"REMOVALS", true},
               {"REQUESTS", true},
               {"ALREADY THERE", true},
               {"NETTED OUT", true},
               {"SUPERSEDED", true},
               {"REFUSED", true}});
  int64_t requests = 0;
  for (const SegmentPreview& segment : response.segment_previews()) {
    std::string list = segment.customer_list_name();
    if (segment.creates_customer_list()) {
      absl::StrAppend(&list, " (would be created)");
    } else if (segment.customer_list_id().empty()) {
      absl::StrAppend(&list, " (not created yet)");
    } else {
      absl::StrAppend(&list, " (", segment.customer_list_id(), ")");
    }
    table.AddRow({list, Grouped(segment.addition_count()),
                  Grouped(segment.removal_count()),
                  Grouped(segment.request_count()),
                  Grouped(segment.already_there_count()),
                  Grouped(segment.netted_out_count()),
                  Grouped(segment.superseded_count()),
                  Grouped(segment.refused_count())});
    requests += segment.request_count();
  }
  return absl::StrCat("destination ", Printable(id), ": ",
                      absl::StripPrefix(state, "DELIVERY_STATE_"), "; ",
                      Counted(requests, "request"), " would be sent\n",
                      table.Render());
}

int Run(CommandContext& context) {
  PreviewDeliveryRequest request;
  request.set_ad_account_id(context.arguments()[0]);
  if (context.arguments().size() > 1 &&
      !ParseSegmentName(context.arguments()[1], request.mutable_segment())) {
    return context.FailUsage(kSegmentNameRule);
  }
  PreviewDeliveryResponse response;
  if (absl::Status s =
          context.Call(&CommandContext::Stub::PreviewDelivery, request,
                       response, absl::GetFlag(FLAGS_timeout));
      !s.ok()) {
    return context.FailCall(s);
  }
  if (context.json()) {
    context.PrintJson(response);
  } else {
    context.Print(Text(request.ad_account_id(), response));
  }
  return kExitOk;
}

}  // namespace

Command PreviewCommand() {
  return {"preview",
          "AD_ACCOUNT_ID [NAMESPACE/SEGMENT_ID]",
          "Shows what delivery would send now: of a dry run, or of any "
          "destination. Sends nothing.",
          {"timeout"},
          1,
          2,
          Run};
}

}  // namespace connector::cli
