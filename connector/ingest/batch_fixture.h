#ifndef CONNECTOR_INGEST_BATCH_FIXTURE_H_
#define CONNECTOR_INGEST_BATCH_FIXTURE_H_

#include <string>

#include "absl/strings/string_view.h"
#include "audience_sync/v1/destination.pb.h"
#include "audience_sync/v1/profile_export.pb.h"
#include "connector/config/destination_config.h"
#include "gtest/gtest.h"

namespace connector::ingest {

// Short ways to write batches in tests.

inline audience_sync::v1::Destination SomeDestination() {
  audience_sync::v1::Destination destination;
  destination.set_ad_account_id("549755885175");
  destination.set_credential_id("main");
  destination.mutable_segment_policy()->set_default_segment_namespace("ups");
  return destination;
}

inline config::DestinationState Resolve(
    const audience_sync::v1::Destination& destination) {
  auto state = config::ResolveDestination(destination);
  EXPECT_TRUE(state.ok()) << state.status();
  state->number = 1;
  return *std::move(state);
}

inline audience_sync::v1::Identity* AddIdentity(
    audience_sync::v1::ProfileExport* profile, const std::string& name,
    absl::string_view value) {
  audience_sync::v1::Identity* identity = profile->add_identities();
  identity->set_source_namespace(name);
  identity->set_value(std::string(value));
  return identity;
}

inline audience_sync::v1::SegmentMembership* AddMembership(
    audience_sync::v1::ProfileExport* profile, const std::string& segment_id,
    audience_sync::v1::MembershipStatus status =
        audience_sync::v1::MEMBERSHIP_STATUS_REALIZED) {
  audience_sync::v1::SegmentMembership* membership =
      profile->add_segment_memberships();
  membership->mutable_segment()->set_segment_id(segment_id);
  membership->set_status(status);
  return membership;
}

// A batch of one profile: one e-mail address in one segment.
inline audience_sync::v1::ExportBatch OneMember(
    int64_t sequence_number, const std::string& email,
    audience_sync::v1::MembershipStatus status =
        audience_sync::v1::MEMBERSHIP_STATUS_REALIZED) {
  audience_sync::v1::ExportBatch batch;
  batch.set_sequence_number(sequence_number);
  audience_sync::v1::ProfileExport* profile = batch.add_profile_exports();
  AddIdentity(profile, "Email", email);
  AddMembership(profile, "segment", status);
  return batch;
}

}  // namespace connector::ingest

#endif  // CONNECTOR_INGEST_BATCH_FIXTURE_H_
