#include <string>
#include <vector>

#include "absl/flags/flag.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/strip.h"
#include "audience_sync/v1/privacy_service.grpc.pb.h"
#include "connector/cli/commands.h"
#include "connector/cli/exit_code.h"
#include "connector/cli/flags.h"
#include "connector/cli/table.h"

namespace connector::cli {
namespace {

using audience_sync::v1::ForgetIdentityRequest;
using audience_sync::v1::ForgetIdentityResponse;
using audience_sync::v1::ForgetOutcome_Name;
using audience_sync::v1::ForgetReceipt;
using audience_sync::v1::ForgetState_Name;
using audience_sync::v1::ForgottenList;
using audience_sync::v1::GetForgetReceiptRequest;
using audience_sync::v1::GetForgetReceiptResponse;
using audience_sync::v1::ListForgetReceiptsRequest;
using audience_sync::v1::ListForgetReceiptsResponse;
using audience_sync::v1::PrivacyService;

// Longer values are refused by the mapping, whatever they hold.
constexpr size_t kMaxValue = 64 << 10;
constexpr absl::Duration kLookInterval = absl::Milliseconds(500);
constexpr int kMaxPage = 1000;

// A line of standard input without its line end.
std::string ReadValue(FILE* in) {
  std::string value;
  for (int c = fgetc(in); c != EOF && c != '\n' && value.size() < kMaxValue;
       c = fgetc(in)) {
    value.push_back(static_cast<char>(c));
  }
  if (!value.empty() && value.back() == '\r') value.pop_back();
  return value;
}

std::string StateName(const ForgetReceipt& receipt) {
  return std::string(
      absl::StripPrefix(ForgetState_Name(receipt.state()), "FORGET_STATE_"));
}

std::string TimeText(bool has, const google::protobuf::Timestamp& time) {
  if (!has) return "";
  return absl::FormatTime("%Y-%m-%dT%H:%M:%SZ",
                          absl::FromUnixSeconds(time.seconds()),
                          absl::UTCTimeZone());
}

void Show(CommandContext& context, const ForgetReceipt& receipt) {
  if (context.json()) {
    context.PrintJson(receipt);
    return;
  }
  std::string text = absl::StrCat(
      "receipt     ", Printable(receipt.receipt_id()), "\nrequest     ",
      Printable(receipt.request_id()), "\nstate       ", StateName(receipt),
      "\nforms       ", receipt.form_count(), "\n");
  const auto add = [&text](absl::string_view name, bool has,
                           const google::protobuf::Timestamp& time) {
    if (has) absl::StrAppend(&text, name, TimeText(has, time), "\n");
  };
  add("requested   ", receipt.has_request_time(), receipt.request_time());
  add("off lists   ", receipt.has_confirm_time(), receipt.confirm_time());
  add("purged      ", receipt.has_purge_time(), receipt.purge_time());
  add("done        ", receipt.has_complete_time(), receipt.complete_time());
  context.Print(text);
  if (receipt.lists_size() > 0) {
    Table table({{"SEGMENT"}, {"LIST"}, {"OUTCOME"}, {"TIME"}, {"WAITS FOR"}});
    for (const ForgottenList& list : receipt.lists()) {
      table.AddRow(
          {absl::StrCat(list.segment_namespace(), "/", list.segment_id()),
           list.customer_list_id(),
           absl::StrCat(absl::StripPrefix(ForgetOutcome_Name(list.outcome()),
                                          "FORGET_OUTCOME_"),
                        list.later_event() ? ", came again" : ""),
           TimeText(list.has_outcome_time(), list.outcome_time()),
           list.wait_reason()});
    }
    context.Print(table.Render());
  }
  context.Print(
      "Later events may add it again; backups made before still hold it.\n");
}

int Wait(CommandContext& context, const std::string& ad_account_id,
         ForgetReceipt* receipt) {
  Clock& clock = *context.environment().clock;
  const absl::Time end = clock.Now() + absl::GetFlag(FLAGS_timeout);
  GetForgetReceiptRequest request;
  request.set_ad_account_id(ad_account_id);
  request.set_receipt_id(receipt->receipt_id());
  while (receipt->state() != audience_sync::v1::FORGET_STATE_DONE) {
    if (clock.Now() >= end) {
      Show(context, *receipt);
      context.Warn(
          "not done in time; it goes on (audiencectl forget-receipts)");
      return kExitNotSettled;
    }
    context.environment().sleep(kLookInterval);
    GetForgetReceiptResponse response;
    if (absl::Status s = context.CallOf<PrivacyService>(
            &PrivacyService::Stub::GetForgetReceipt, request, response);
        !s.ok()) {
      return context.FailCall(s);
    }
    *receipt = response.receipt();
  }
  Show(context, *receipt);
  return kExitOk;
}

int Forget(CommandContext& context) {
  ForgetIdentityRequest request;
  request.set_ad_account_id(context.arguments()[0]);
  const std::vector<std::string> records = absl::GetFlag(FLAGS_record);
  const std::string name = absl::GetFlag(FLAGS_namespace);
  const bool has_value = context.arguments().size() > 1;
  if (records.empty() == !has_value || records.size() > 1 ||
      has_value == name.empty()) {
    return context.FailUsage(
        "what is to be forgotten is --namespace and a value (- reads it from "
        "standard input), or one --record");
  }
  if (has_value) {
    std::string value = context.arguments()[1];
    if (value == "-") value = ReadValue(context.environment().in);
    request.mutable_identity()->set_source_namespace(name);
    request.mutable_identity()->set_value(std::move(value));
  } else {
    request.set_record(records[0] == "-" ? ReadValue(context.environment().in)
                                         : records[0]);
  }
  std::string request_id = absl::GetFlag(FLAGS_request_id);
  if (request_id.empty()) {
    request_id = absl::StrFormat("audiencectl-%016x",
                                 context.environment().random->Next());
  }
  request.set_request_id(request_id);
  ForgetIdentityResponse response;
  if (absl::Status s = context.CallOf<PrivacyService>(
          &PrivacyService::Stub::ForgetIdentity, request, response);
      !s.ok()) {
    return context.FailCall(s);
  }
  if (absl::GetFlag(FLAGS_wait)) {
    return Wait(context, request.ad_account_id(), response.mutable_receipt());
  }
  Show(context, response.receipt());
  return kExitOk;
}

int Receipts(CommandContext& context) {
  const std::string& id = context.arguments()[0];
  if (context.arguments().size() > 1) {
    GetForgetReceiptRequest request;
    request.set_ad_account_id(id);
    request.set_receipt_id(context.arguments()[1]);
    GetForgetReceiptResponse response;
    if (absl::Status s = context.CallOf<PrivacyService>(
            &PrivacyService::Stub::GetForgetReceipt, request, response);
        !s.ok()) {
      return context.FailCall(s);
    }
    Show(context, response.receipt());
    return kExitOk;
  }
  ListForgetReceiptsRequest request;
  request.set_ad_account_id(id);
  request.set_page_size(kMaxPage);
  ListForgetReceiptsResponse all;
  do {
    ListForgetReceiptsResponse page;
    if (absl::Status s = context.CallOf<PrivacyService>(
            &PrivacyService::Stub::ListForgetReceipts, request, page);
        !s.ok()) {
      return context.FailCall(s);
    }
    all.mutable_receipts()->MergeFrom(page.receipts());
    request.set_page_token(page.next_page_token());
  } while (!request.page_token().empty());
  if (context.json()) {
    context.PrintJson(all);
    return kExitOk;
  }
  if (all.receipts_size() == 0) {
    context.Print("nothing was asked to be forgotten\n");
    return kExitOk;
  }
  Table table({{"RECEIPT"},
               {"REQUEST"},
               {"STATE"},
               {"REQUESTED"},
               {"DONE"},
               {"LISTS", true},
               {"WAITING", true}});
  for (const ForgetReceipt& receipt : all.receipts()) {
    int waiting = 0;
    for (const ForgottenList& list : receipt.lists()) {
      waiting += list.outcome() == audience_sync::v1::FORGET_OUTCOME_WAITING;
    }
    table.AddRow(
        {receipt.receipt_id(), receipt.request_id(), StateName(receipt),
         TimeText(receipt.has_request_time(), receipt.request_time()),
         TimeText(receipt.has_complete_time(), receipt.complete_time()),
         absl::StrCat(receipt.lists_size()), absl::StrCat(waiting)});
  }
  context.Print(table.Render());
  return kExitOk;
}

}  // namespace

Command ForgetCommand() {
  return {"forget",
          "AD_ACCOUNT_ID --namespace=NAMESPACE VALUE|- | --record=RECORD|-",
          "Takes one identity off every list and deletes it from everything "
          "the server stores.",
          {"namespace", "record", "request_id", "wait", "timeout"},
          1,
          2,
          Forget};
}

Command ForgetReceiptsCommand() {
  return {"forget-receipts",
          "AD_ACCOUNT_ID [RECEIPT]",
          "Shows what became of requests to forget.",
          {},
          1,
          2,
          Receipts};
}

}  // namespace connector::cli
