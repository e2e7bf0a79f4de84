#include <string>

#include "absl/strings/str_cat.h"
#include "connector/cli/commands.h"
#include "connector/cli/exit_code.h"
#include "connector/cli/segment_argument.h"
#include "connector/cli/table.h"
#include "nlohmann/json.hpp"

namespace connector::cli {
namespace {

using audience_sync::v1::PauseDeliveryRequest;
using audience_sync::v1::PauseDeliveryResponse;
using audience_sync::v1::ResumeDeliveryRequest;
using audience_sync::v1::ResumeDeliveryResponse;

// Both requests have the same fields, and both calls the same form.
template <typename Request, typename Response>
int Run(CommandContext& context,
        grpc::Status (CommandContext::Stub::*method)(grpc::ClientContext*,
                                                     const Request&, Response*),
        const char* state) {
  const std::string& id = context.arguments()[0];
  Request request;
  request.set_ad_account_id(id);
  nlohmann::ordered_json document{{"adAccountId", id}};
  std::string subject = absl::StrCat("destination ", Printable(id));
  if (context.arguments().size() > 1) {
    const std::string& segment = context.arguments()[1];
    if (!ParseSegmentName(segment, request.mutable_segment())) {
      return context.FailUsage(kSegmentNameRule);
    }
    document["segmentNamespace"] = request.segment().segment_namespace();
    document["segmentId"] = request.segment().segment_id();
    absl::StrAppend(&subject, ", segment ", Printable(segment));
  }
  Response response;
  if (absl::Status s = context.Call(method, request, response); !s.ok()) {
    return context.FailCall(s);
  }
  if (context.json()) {
    document["delivery"] = state;
    context.PrintJson(document);
  } else {
    context.Print(absl::StrCat(subject, ": ", state, "\n"));
  }
  return kExitOk;
}

}  // namespace

Command PauseCommand() {
  return {"pause",
          "AD_ACCOUNT_ID [NAMESPACE/SEGMENT_ID]",
          "Stops delivery of a destination or of one segment; exports are "
          "still taken.",
          {},
          1,
          2,
          [](CommandContext& context) {
            return Run<PauseDeliveryRequest, PauseDeliveryResponse>(
                context, &CommandContext::Stub::PauseDelivery, "paused");
          }};
}

Command ResumeCommand() {
  return {"resume",
          "AD_ACCOUNT_ID [NAMESPACE/SEGMENT_ID]",
          "Lets delivery go on, and tries again what Pinterest had stopped.",
          {},
          1,
          2,
          [](CommandContext& context) {
            return Run<ResumeDeliveryRequest, ResumeDeliveryResponse>(
                context, &CommandContext::Stub::ResumeDelivery, "resumed");
          }};
}

}  // namespace connector::cli
