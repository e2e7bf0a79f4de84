#include "connector/admin/lifecycle.h"

#include <cstdint>
#include <memory>
#include <string>

#include "absl/strings/str_cat.h"
#include "connector/admin/login_status.h"
#include "connector/admin/lookup.h"
#include "connector/admin/standing.h"
#include "connector/base/error.h"
#include "connector/ingest/grpc_status.h"

namespace connector::admin {
namespace {

namespace v1 = audience_sync::v1;

absl::Status SetPaused(const AdminContext& context,
                       const config::DestinationState& destination,
                       const v1::SegmentName* name, bool paused) {
  if (name == nullptr) {
    return context.registry->SetDestinationPaused(destination.ad_account_id,
                                                  paused);
  }
  auto segment = FindSegment(context, destination, *name);
  if (!segment.ok()) return segment.status();
  if (absl::Status s =
          context.catalog->SetSegmentPaused(segment->number, paused);
      !s.ok()) {
    return s;
  }
  context.on_segment_changed();
  return absl::OkStatus();
}

}  // namespace

absl::Status DeleteDestination(const AdminContext& context,
                               const v1::DeleteDestinationRequest& request) {
  auto destination = FindDestination(context, request.ad_account_id());
  if (!destination.ok()) return destination.status();
  // A wrong etag is the registry's to refuse: it says more.
  const bool etag_fits =
      request.etag().empty() || request.etag() == (*destination)->config.etag();
  if (!request.force() && etag_fits) {
    int lists = 0;
    int64_t bytes = 0;
    for (const membership::PendingList& pending :
         context.ledger->PendingLists()) {
      if (pending.destination != (*destination)->number) continue;
      ++lists;
      bytes += pending.bytes;
    }
    if (lists > 0) {
      ErrorDetail detail;
      detail.reason = "UNDELIVERED_CHANGES";
      detail.metadata["waitingLists"] = absl::StrCat(lists);
      detail.metadata["waitingBytes"] = absl::StrCat(bytes);
      detail.preconditions.push_back(
          {"UNDELIVERED_CHANGES", request.ad_account_id(),
           "drain the destination first, or force the deletion: the changes "
           "that wait are lost then"});
      return MakeError(absl::StatusCode::kFailedPrecondition,
                       absl::StrCat("changes to ", lists,
                                    " customer lists wait for delivery"),
                       detail);
    }
  }
  return context.registry->DeleteDestination(request.ad_account_id(),
                                             request.etag());
}

absl::Status PauseDelivery(const AdminContext& context,
                           const v1::PauseDeliveryRequest& request) {
  auto destination = FindDestination(context, request.ad_account_id());
  if (!destination.ok()) return destination.status();
  return SetPaused(context, **destination,
                   request.has_segment() ? &request.segment() : nullptr, true);
}

absl::Status ResumeDelivery(const AdminContext& context,
                            const v1::ResumeDeliveryRequest& request) {
  auto destination = FindDestination(context, request.ad_account_id());
  if (!destination.ok()) return destination.status();
  if ((*destination)->owner == v1::CONFIGURATION_OWNER_FILE_ABSENT) {
    return MakeError(absl::StatusCode::kFailedPrecondition,
                     "DESTINATION_LEFT_FILE",
                     "the destination is paused because it left the "
                     "configuration file: put it back, or apply it here");
  }
  if (absl::Status s = SetPaused(
          context, **destination,
          request.has_segment() ? &request.segment() : nullptr, false);
      !s.ok()) {
    return s;
  }
  context.delivery->Retry((*destination)->number);
  return absl::OkStatus();
}

v1::ListCredentialsResponse ListCredentials(const AdminContext& context) {
  v1::ListCredentialsResponse response;
  for (const auto& credential : context.registry->Credentials()) {
    v1::CredentialStatus* status = response.add_credentials();
    *status->mutable_credential() = credential->config;
    status->set_owner(credential->owner);
    absl::Status blocked = context.check_token(credential->token_name);
    if (blocked.ok()) {
      const Standing standing =
          StandingOfCredential(context, credential->credential_id);
      if (standing.stopped()) blocked = standing.reason;
    }
    if (!blocked.ok())
      *status->mutable_blocked_by() = ingest::ToStatusProto(blocked);
    if (auto login = LoginStatus(context, credential->credential_id)) {
      *status->mutable_oauth_status() = *std::move(login);
    }
  }
  return response;
}

}  // namespace connector::admin
