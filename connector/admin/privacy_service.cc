#include "connector/admin/privacy_service.h"

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/synchronization/notification.h"
#include "connector/admin/lookup.h"
#include "connector/admin/standing.h"
#include "connector/admin/timestamps.h"
#include "connector/base/error.h"
#include "connector/base/limits.h"
#include "connector/ingest/grpc_status.h"
#include "identity_mapping/forget_forms.h"

namespace connector::admin {
namespace {

namespace v1 = audience_sync::v1;
using identity_mapping::IdentityMapping;
using identity_mapping::Record;
using membership::ForgetList;
using membership::ForgetPhase;
using membership::SegmentRow;

v1::ForgetState ToState(ForgetPhase phase) {
  switch (phase) {
    case ForgetPhase::kRemoving:
      return v1::FORGET_STATE_REMOVING;
    case ForgetPhase::kPurging:
      return v1::FORGET_STATE_PURGING;
    case ForgetPhase::kErasing:
      return v1::FORGET_STATE_ERASING;
    case ForgetPhase::kDone:
      return v1::FORGET_STATE_DONE;
  }
  return v1::FORGET_STATE_UNSPECIFIED;
}

v1::ForgetOutcome ToOutcome(ForgetList::Outcome outcome) {
  switch (outcome) {
    case ForgetList::Outcome::kWaiting:
      return v1::FORGET_OUTCOME_WAITING;
    case ForgetList::Outcome::kRemoved:
      return v1::FORGET_OUTCOME_REMOVED;
    case ForgetList::Outcome::kNoList:
      return v1::FORGET_OUTCOME_NO_LIST;
    case ForgetList::Outcome::kGone:
      return v1::FORGET_OUTCOME_LIST_GONE;
    case ForgetList::Outcome::kRefused:
      return v1::FORGET_OUTCOME_REFUSED;
  }
  return v1::FORGET_OUTCOME_UNSPECIFIED;
}

absl::Status CheckRequestId(absl::string_view id) {
  const bool good =
      !id.empty() && id.size() <= limits::kMaxForgetRequestIdBytes &&
      std::all_of(id.begin(), id.end(), [](char c) {
        return absl::ascii_isalnum(static_cast<unsigned char>(c)) || c == '.' ||
               c == '_' || c == ':' || c == '-';
      });
  if (good) return absl::OkStatus();
  return FieldError("request_id", absl::StrCat("must be 1 to ",
                                               limits::kMaxForgetRequestIdBytes,
                                               " of A-Z a-z 0-9 . _ : -"));
}

absl::StatusOr<std::vector<Record>> ReadTarget(
    const v1::ForgetIdentityRequest& request, const IdentityMapping& mapping) {
  switch (request.target_case()) {
    case v1::ForgetIdentityRequest::kIdentity: {
      const std::string& name = request.identity().source_namespace();
      if (name.empty()) {
        return FieldError("identity.source_namespace", "must not be empty");
      }
      int row = mapping.FindRow(name);
      if (row < 0) row = mapping.FindRetiredRow(name);
      if (row < 0) {
        return FieldError("identity.source_namespace",
                          "has no row in the destination's mapping, neither in "
                          "today's nor in a former one");
      }
      std::vector<Record> forms;
      identity_mapping::RejectionReason reason;
      if (!identity_mapping::FormsToForget(
              mapping, row, request.identity().value(), &forms, &reason)) {
        return FieldError("identity.value",
                          absl::StrCat("is none of its namespace: ",
                                       RejectionReasonName(reason)));
      }
      return forms;
    }
    case v1::ForgetIdentityRequest::kRecord: {
      const absl::string_view type = mapping.ListType();
      std::vector<Record> forms = identity_mapping::RecordsOfWireText(
          request.record(), type == "LR_ID" || type == "DLX_ID");
      if (forms.empty()) {
        return FieldError("record",
                          "must be 64, 40 or 32 hex digits, or an ID of the "
                          "partner whose IDs the destination maps");
      }
      return forms;
    }
    case v1::ForgetIdentityRequest::TARGET_NOT_SET:
      break;
  }
  return FieldError("target", "must be an identity or a record");
}

void SetTime(absl::Time time,
             google::protobuf::Timestamp* (*field)(v1::ForgetReceipt*),
             v1::ForgetReceipt* receipt) {
  if (time != absl::InfinitePast()) *field(receipt) = ToTimestamp(time);
}

// Where a page begins: the number of its first request.
std::string PageToken(const membership::Forget& forget) {
  return absl::StrCat(forget.receipt_id);
}

}  // namespace

grpc::Status PrivacyServiceImpl::ForgetIdentity(
    grpc::ServerContext* /*call*/, const v1::ForgetIdentityRequest* request,
    v1::ForgetIdentityResponse* response) {
  absl::StatusOr<v1::ForgetIdentityResponse> result = Forget(*request);
  if (!result.ok()) return ingest::ToGrpcStatus(result.status());
  *response = *std::move(result);
  return grpc::Status::OK;
}

grpc::Status PrivacyServiceImpl::GetForgetReceipt(
    grpc::ServerContext* /*call*/, const v1::GetForgetReceiptRequest* request,
    v1::GetForgetReceiptResponse* response) {
  absl::StatusOr<v1::ForgetReceipt> receipt = Find(*request);
  if (!receipt.ok()) return ingest::ToGrpcStatus(receipt.status());
  *response->mutable_receipt() = *std::move(receipt);
  return grpc::Status::OK;
}

grpc::Status PrivacyServiceImpl::ListForgetReceipts(
    grpc::ServerContext* /*call*/, const v1::ListForgetReceiptsRequest* request,
    v1::ListForgetReceiptsResponse* response) {
  absl::StatusOr<v1::ListForgetReceiptsResponse> page = List(*request);
  if (!page.ok()) return ingest::ToGrpcStatus(page.status());
  *response = *std::move(page);
  return grpc::Status::OK;
}

absl::StatusOr<v1::ForgetIdentityResponse> PrivacyServiceImpl::Forget(
    const v1::ForgetIdentityRequest& request) {
  const auto destination = FindDestination(context_, request.ad_account_id());
  if (!destination.ok()) return destination.status();
  if (absl::Status s = CheckRequestId(request.request_id()); !s.ok()) return s;
  absl::StatusOr<std::vector<Record>> forms =
      ReadTarget(request, *(*destination)->mapping);
  if (!forms.ok()) return forms.status();

  membership::Batch batch;
  batch.destination = (*destination)->number;
  membership::ForgetRequest& forget = batch.forget.emplace();
  forget.forms = *std::move(forms);
  forget.request_id = request.request_id();
  forget.receipt_id = absl::StrFormat("%016x", random_->Next());
  absl::Notification done;
  absl::StatusOr<membership::CommitOutcome> outcome;
  context_.intake->Commit(
      std::move(batch), [&](absl::StatusOr<membership::CommitOutcome> answer) {
        outcome = std::move(answer);
        done.Notify();
      });
  done.WaitForNotification();
  if (!outcome.ok()) return outcome.status();
  if (!outcome->repeat) {
    // Nobody waits for more to come.
    context_.delivery->Flush((*destination)->number);
    on_request_();
  }
  for (const membership::Forget& each :
       forgets_->FindForgets((*destination)->number)) {
    if (each.number != outcome->forget) continue;
    v1::ForgetIdentityResponse response;
    *response.mutable_receipt() = ToReceipt(**destination, each);
    response.set_repeated(outcome->repeat);
    return response;
  }
  return MakeError(absl::StatusCode::kNotFound, "DESTINATION_NOT_FOUND",
                   "the destination was deleted");
}

absl::StatusOr<v1::ForgetReceipt> PrivacyServiceImpl::Find(
    const v1::GetForgetReceiptRequest& request) {
  const auto destination = FindDestination(context_, request.ad_account_id());
  if (!destination.ok()) return destination.status();
  for (const membership::Forget& forget :
       forgets_->FindForgets((*destination)->number)) {
    if (forget.receipt_id == request.receipt_id()) {
      return ToReceipt(**destination, forget);
    }
  }
  return MakeError(absl::StatusCode::kNotFound, "FORGET_RECEIPT_NOT_FOUND",
                   "the destination has no such receipt");
}

absl::StatusOr<v1::ListForgetReceiptsResponse> PrivacyServiceImpl::List(
    const v1::ListForgetReceiptsRequest& request) {
  const auto destination = FindDestination(context_, request.ad_account_id());
  if (!destination.ok()) return destination.status();
  if (request.page_size() < 0) {
    return FieldError("page_size", "must not be negative");
  }
  const int size = request.page_size() == 0
                       ? limits::kDefaultPageSize
                       : std::min(request.page_size(), limits::kMaxPageSize);
  const std::vector<membership::Forget> forgets =
      forgets_->FindForgets((*destination)->number);
  auto next = forgets.begin();
  if (!request.page_token().empty()) {
    next = std::find_if(forgets.begin(), forgets.end(), [&](const auto& each) {
      return PageToken(each) == request.page_token();
    });
    if (next == forgets.end()) {
      return FieldError("page_token",
                        "must be the next_page_token of an earlier answer for "
                        "this destination");
    }
  }
  v1::ListForgetReceiptsResponse response;
  for (; next != forgets.end(); ++next) {
    if (response.receipts_size() == size) {
      response.set_next_page_token(PageToken(*next));
      break;
    }
    *response.add_receipts() = ToReceipt(**destination, *next);
  }
  return response;
}

v1::ForgetReceipt PrivacyServiceImpl::ToReceipt(
    const config::DestinationState& destination,
    const membership::Forget& forget) {
  v1::ForgetReceipt receipt;
  receipt.set_receipt_id(forget.receipt_id);
  receipt.set_request_id(forget.request_id);
  receipt.set_state(ToState(forget.phase));
  receipt.set_form_count(forget.forms);
  SetTime(
      forget.request_time,
      [](v1::ForgetReceipt* r) { return r->mutable_request_time(); }, &receipt);
  SetTime(
      forget.confirm_time,
      [](v1::ForgetReceipt* r) { return r->mutable_confirm_time(); }, &receipt);
  SetTime(
      forget.purge_time,
      [](v1::ForgetReceipt* r) { return r->mutable_purge_time(); }, &receipt);
  SetTime(
      forget.done_time,
      [](v1::ForgetReceipt* r) { return r->mutable_complete_time(); },
      &receipt);
  receipt.set_later_events_may_add_again(true);

  absl::flat_hash_map<membership::SegmentNumber, SegmentRow> segments;
  for (SegmentRow& row : context_.catalog->Segments(destination.number)) {
    const membership::SegmentNumber number = row.number;
    segments.emplace(number, std::move(row));
  }
  const Standing whole = StandingOf(context_, destination);
  for (const ForgetList& list : forget.lists) {
    v1::ForgottenList* out = receipt.add_lists();
    out->set_customer_list_id(list.customer_list_id);
    out->set_outcome(ToOutcome(list.outcome));
    out->set_later_event(list.later_event);
    if (list.outcome_time != absl::InfinitePast()) {
      *out->mutable_outcome_time() = ToTimestamp(list.outcome_time);
    }
    const auto segment = segments.find(list.segment);
    if (segment == segments.end()) continue;
    out->set_segment_namespace(segment->second.segment_namespace);
    out->set_segment_id(segment->second.segment_id);
    if (list.outcome != ForgetList::Outcome::kWaiting) continue;
    SegmentRow row = segment->second;
    row.list = list.list;
    const Standing one = StandingOf(context_, row);
    const Standing& why = whole.stopped() || one.reason.ok() ? whole : one;
    out->set_wait_reason(std::string(why.reason.message()));
  }
  return receipt;
}

}  // namespace connector::admin
