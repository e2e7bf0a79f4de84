#include <optional>
#include <string>
#include <vector>

#include "absl/flags/flag.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "audience_sync/v1/segment_service.grpc.pb.h"
#include "connector/cli/commands.h"
#include "connector/cli/exit_code.h"
#include "connector/cli/flags.h"
#include "connector/cli/segment_argument.h"
#include "connector/cli/status_text.h"
#include "connector/cli/table.h"

ABSL_FLAG(std::string, name, "",
          "segments map, set: the segment's name, which its audience gets");
ABSL_FLAG(std::string, description, "",
          "segments map, set: the segment's description");
ABSL_FLAG(bool, clear_name, false,
          "segments set: name the segment as exports do again");
ABSL_FLAG(bool, clear_description, false,
          "segments set: take the description away");
ABSL_FLAG(bool, keep, false,
          "segments unmap: leave list and audience as they are");
ABSL_FLAG(bool, empty, false,
          "segments unmap: remove every member and retire the audience");
ABSL_FLAG(bool, list_is_empty, false,
          "segments bind: the list is known to have no members");
ABSL_FLAG(bool, keep_old_members, false,
          "segments bind, replace-list: leave the members of the old list "
          "where they are");

ABSL_FLAG(bool, again, false,
          "segments replace-list: even though the list was replaced less than "
          "an hour ago");

namespace connector::cli {
namespace {

namespace v1 = audience_sync::v1;
using Service = v1::SegmentService;

constexpr char kActions[] =
    "an action is map, set, bind, unmap, resync or replace-list";

std::string StateText(const v1::SegmentMapping& mapping) {
  switch (mapping.state()) {
    case v1::MAPPING_STATE_MAPPED:
      return "mapped";
    case v1::MAPPING_STATE_UNMAPPED_KEPT:
      return "unmapped, the list is kept";
    case v1::MAPPING_STATE_UNMAPPED_EMPTIED:
      return "unmapped, the list is emptied";
    default:
      return "unknown";
  }
}

// What the last line of an answer says.
std::string Report(const std::string& segment,
                   const v1::SegmentMapping& mapping, const std::string& note) {
  std::string text =
      absl::StrCat("segment ", Printable(segment), ": ", StateText(mapping));
  if (mapping.has_operation()) {
    absl::StrAppend(&text, "; ", OperationText(mapping.operation()));
  }
  absl::StrAppend(&text, "\n");
  if (!note.empty()) absl::StrAppend(&text, "note: ", Printable(note), "\n");
  return text;
}

template <typename Request, typename Response>
int Call(CommandContext& context,
         grpc::Status (Service::Stub::*method)(grpc::ClientContext*,
                                               const Request&, Response*),
         Request request, Response& response) {
  request.set_ad_account_id(context.arguments()[1]);
  if (!ParseSegmentName(context.arguments()[2], request.mutable_segment())) {
    return context.FailUsage(kSegmentNameRule);
  }
  if (absl::Status s = context.CallOf<Service>(
          method, request, response, absl::GetFlag(FLAGS_call_timeout));
      !s.ok()) {
    return context.FailCall(s);
  }
  if (context.json()) context.PrintJson(response);
  return kExitOk;
}

template <typename Request>
void SetText(Request& request) {
  if (!absl::GetFlag(FLAGS_name).empty()) {
    request.set_display_name(absl::GetFlag(FLAGS_name));
  }
  if (!absl::GetFlag(FLAGS_description).empty()) {
    request.set_description(absl::GetFlag(FLAGS_description));
  }
}

int Map(CommandContext& context) {
  v1::MapSegmentRequest request;
  SetText(request);
  v1::MapSegmentResponse response;
  const int code = Call(context, &Service::Stub::MapSegment, request, response);
  if (code == kExitOk && !context.json()) {
    context.Print(Report(context.arguments()[2], response.mapping(),
                         response.created() ? "it was not known before"
                         : response.reactivated()
                             ? "it was unmapped: export it anew, "
                               "as what its members did meanwhile "
                               "is not known"
                             : ""));
  }
  return code;
}

int Set(CommandContext& context) {
  v1::UpdateSegmentRequest request;
  SetText(request);
  if (absl::GetFlag(FLAGS_clear_name)) request.set_display_name("");
  if (absl::GetFlag(FLAGS_clear_description)) request.set_description("");
  if (!request.has_display_name() && !request.has_description()) {
    return context.FailUsage(
        "segments set needs --name, --description, --clear_name or "
        "--clear_description");
  }
  v1::UpdateSegmentResponse response;
  const int code =
      Call(context, &Service::Stub::UpdateSegment, request, response);
  if (code == kExitOk && !context.json()) {
    context.Print(
        Report(context.arguments()[2], response.mapping(), response.note()));
  }
  return code;
}

int Bind(CommandContext& context) {
  if (context.arguments().size() != 4) {
    return context.FailUsage(
        "usage: segments bind AD_ACCOUNT_ID NAMESPACE/SEGMENT_ID LIST_ID");
  }
  v1::BindCustomerListRequest request;
  request.set_customer_list_id(context.arguments()[3]);
  request.set_list_is_empty(absl::GetFlag(FLAGS_list_is_empty));
  request.set_force(absl::GetFlag(FLAGS_force));
  request.set_keep_old_members(absl::GetFlag(FLAGS_keep_old_members));
  v1::BindCustomerListResponse response;
  const int code =
      Call(context, &Service::Stub::BindCustomerList, request, response);
  if (code == kExitOk && !context.json()) {
    context.Print(absl::StrCat("customer list ",
                               Printable(context.arguments()[3]), ": ",
                               Printable(response.customer_list_name()), "\n"));
    context.Print(
        Report(context.arguments()[2], response.mapping(), response.note()));
  }
  return code;
}

int Unmap(CommandContext& context) {
  if (absl::GetFlag(FLAGS_keep) == absl::GetFlag(FLAGS_empty)) {
    return context.FailUsage(
        "segments unmap needs --keep or --empty: what becomes of the list");
  }
  v1::UnmapSegmentRequest request;
  request.set_mode(absl::GetFlag(FLAGS_empty) ? v1::UNMAP_MODE_EMPTY
                                              : v1::UNMAP_MODE_KEEP);
  v1::UnmapSegmentResponse response;
  const int code =
      Call(context, &Service::Stub::UnmapSegment, request, response);
  if (code == kExitOk && !context.json()) {
    context.Print(
        Report(context.arguments()[2], response.mapping(), response.note()));
  }
  return code;
}

int Resync(CommandContext& context) {
  v1::ResyncSegmentResponse response;
  const int code = Call(context, &Service::Stub::ResyncSegment,
                        v1::ResyncSegmentRequest(), response);
  if (code == kExitOk && !context.json()) {
    context.Print(
        Report(context.arguments()[2], response.mapping(), response.note()));
  }
  return code;
}

int Replace(CommandContext& context) {
  v1::ReplaceCustomerListRequest request;
  request.set_keep_old_members(absl::GetFlag(FLAGS_keep_old_members));
  request.set_again(absl::GetFlag(FLAGS_again));
  v1::ReplaceCustomerListResponse response;
  const int code =
      Call(context, &Service::Stub::ReplaceCustomerList, request, response);
  if (code == kExitOk && !context.json()) {
    context.Print(absl::StrCat(
        "old customer list: ", Printable(response.old_customer_list_id()),
        "\n"));
    context.Print(
        Report(context.arguments()[2], response.mapping(), response.note()));
  }
  return code;
}

int Run(CommandContext& context) {
  const std::string& action = context.arguments()[0];
  if (action == "bind") return Bind(context);
  if (context.arguments().size() != 3) {
    return context.FailUsage(absl::StrCat(
        "usage: segments ", action, " AD_ACCOUNT_ID NAMESPACE/SEGMENT_ID"));
  }
  if (action == "map") return Map(context);
  if (action == "set") return Set(context);
  if (action == "unmap") return Unmap(context);
  if (action == "resync") return Resync(context);
  if (action == "replace-list") return Replace(context);
  return context.FailUsage(kActions);
}

}  // namespace

Command SegmentsCommand() {
  return {"segments",
          "ACTION AD_ACCOUNT_ID NAMESPACE/SEGMENT_ID [LIST_ID]",
          "Changes which list mirrors a segment, and how: map, set, bind, "
          "unmap, resync, replace-list.",
          {"name", "description", "clear_name", "clear_description", "keep",
           "empty", "list_is_empty", "keep_old_members", "again", "force"},
          3,
          4,
          Run};
}

}  // namespace connector::cli
