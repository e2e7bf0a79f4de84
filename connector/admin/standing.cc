#include "connector/admin/standing.h"

#include <utility>

#include "absl/strings/str_cat.h"

namespace connector::admin {
namespace {

namespace v1 = audience_sync::v1;
using delivery::DeliveryCondition;

Standing Paused(absl::string_view type, absl::string_view subject,
                absl::string_view why) {
  Standing standing;
  standing.state = v1::DELIVERY_STATE_PAUSED;
  standing.reason = MakeError(absl::StatusCode::kFailedPrecondition, type, why);
  standing.violation = {std::string(type), std::string(subject),
                        std::string(why)};
  return standing;
}

Standing FromCondition(const DeliveryCondition& condition,
                       absl::string_view type, absl::string_view subject) {
  Standing standing;
  switch (condition.state) {
    case DeliveryCondition::State::kActive:
      return standing;
    case DeliveryCondition::State::kRetrying:
      standing.state = v1::DELIVERY_STATE_RETRYING;
      break;
    case DeliveryCondition::State::kBlocked:
      standing.state = v1::DELIVERY_STATE_BLOCKED;
      break;
  }
  standing.reason = condition.reason;
  standing.violation = {std::string(type), std::string(subject),
                        std::string(condition.reason.message())};
  return standing;
}

// The one that says more about why nothing is delivered.
Standing Graver(Standing a, Standing b) {
  if (a.stopped()) return a;
  if (b.stopped()) return b;
  return a.state != v1::DELIVERY_STATE_ACTIVE ? std::move(a) : std::move(b);
}

}  // namespace

Standing StandingOfCredential(const AdminContext& context,
                              absl::string_view credential_id) {
  if (context.registry->FindCredential(credential_id) == nullptr) {
    Standing standing;
    standing.state = v1::DELIVERY_STATE_BLOCKED;
    standing.reason =
        MakeError(absl::StatusCode::kFailedPrecondition, "CREDENTIAL_NOT_FOUND",
                  "the destination's credential is not there");
    standing.violation = {"CREDENTIAL_NOT_FOUND", std::string(credential_id),
                          "apply the credential"};
    return standing;
  }
  return FromCondition(context.delivery->CredentialCondition(credential_id),
                       "CREDENTIAL_BLOCKED", credential_id);
}

Standing StandingOf(const AdminContext& context,
                    const config::DestinationState& destination) {
  if (destination.owner == v1::CONFIGURATION_OWNER_FILE_ABSENT) {
    return Paused("DESTINATION_LEFT_FILE", destination.ad_account_id,
                  "the configuration file no longer names the destination; "
                  "name it again or delete it");
  }
  if (destination.paused) {
    return Paused("DESTINATION_PAUSED", destination.ad_account_id,
                  "an operator paused the destination; resume it");
  }
  if (destination.config.dry_run()) {
    Standing standing = Paused(
        "DESTINATION_DRY_RUN", destination.ad_account_id,
        "the destination is a dry run; apply it without dry_run to deliver");
    standing.state = v1::DELIVERY_STATE_DRY_RUN;
    return standing;
  }
  return Graver(
      StandingOfCredential(context, destination.credential_id),
      FromCondition(context.delivery->DestinationCondition(destination.number),
                    "DESTINATION_BLOCKED", destination.ad_account_id));
}

Standing StandingOf(const AdminContext& context,
                    const membership::SegmentRow& segment) {
  if (segment.paused) {
    return Paused("SEGMENT_PAUSED", SegmentLabel(segment),
                  "an operator paused the segment; resume it");
  }
  return FromCondition(context.delivery->ListCondition(segment.list),
                       "CUSTOMER_LIST_BLOCKED", SegmentLabel(segment));
}

std::string SegmentLabel(const membership::SegmentRow& segment) {
  return absl::StrCat(segment.segment_namespace, "/", segment.segment_id);
}

}  // namespace connector::admin
