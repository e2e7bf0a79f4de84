#include "connector/admin/lifecycle.h"

#include <string>

#include "connector/admin/admin_fixture.h"
#include "connector/config/segment_text.h"

namespace connector::admin {
namespace {

namespace v1 = audience_sync::v1;
using testing::ElementsAre;
using testing::HasSubstr;

class LifecycleTest : public AdminFixture {
 protected:
  static v1::DeleteDestinationRequest Delete(bool force) {
    v1::DeleteDestinationRequest request;
    request.set_ad_account_id(kAdAccount);
    request.set_force(force);
    return request;
  }
};

TEST_F(LifecycleTest, DeletesADestinationForWhichNothingWaits) {
  AddSegment("a");
  EXPECT_TRUE(DeleteDestination(context_, Delete(false)).ok());
  EXPECT_EQ(Destination(), nullptr);
  EXPECT_EQ(DeleteDestination(context_, Delete(false)).code(),
            absl::StatusCode::kNotFound);
}

TEST_F(LifecycleTest, ADestinationWithWaitingChangesIsDeletedOnlyByForce) {
  store_.SetPending(AddSegment("a").list, 3);
  store_.SetPending(AddSegment("b").list, 4);
  const absl::Status refused = DeleteDestination(context_, Delete(false));
  EXPECT_EQ(refused.code(), absl::StatusCode::kFailedPrecondition);
  const ErrorDetail detail = GetErrorDetail(refused);
  EXPECT_EQ(detail.reason, "UNDELIVERED_CHANGES");
  EXPECT_EQ(detail.metadata.at("waitingLists"), "2");
  ASSERT_EQ(detail.preconditions.size(), 1);
  EXPECT_EQ(detail.preconditions[0].subject, kAdAccount);
  EXPECT_NE(Destination(), nullptr);

  EXPECT_TRUE(DeleteDestination(context_, Delete(true)).ok());
  EXPECT_EQ(Destination(), nullptr);
}

TEST_F(LifecycleTest, AWrongEtagStopsADeletionEvenByForce) {
  v1::DeleteDestinationRequest request = Delete(true);
  request.set_etag("an old one");
  const absl::Status refused = DeleteDestination(context_, request);
  EXPECT_EQ(refused.code(), absl::StatusCode::kAborted);
  EXPECT_EQ(GetErrorDetail(refused).reason, "ETAG_MISMATCH");
  EXPECT_NE(Destination(), nullptr);
}

TEST_F(LifecycleTest, PausesAndResumesADestination) {
  v1::PauseDeliveryRequest pause;
  pause.set_ad_account_id(kAdAccount);
  EXPECT_TRUE(PauseDelivery(context_, pause).ok());
  EXPECT_TRUE(PauseDelivery(context_, pause).ok());
  EXPECT_TRUE(Destination()->paused);
  EXPECT_TRUE(delivery_.retried.empty());

  v1::ResumeDeliveryRequest resume;
  resume.set_ad_account_id(kAdAccount);
  EXPECT_TRUE(ResumeDelivery(context_, resume).ok());
  EXPECT_FALSE(Destination()->paused);
  EXPECT_THAT(delivery_.retried, ElementsAre(destination_->number));
}

TEST_F(LifecycleTest, PausesAndResumesOneSegment) {
  AddSegment("a");
  AddSegment("b");
  v1::PauseDeliveryRequest pause;
  pause.set_ad_account_id(kAdAccount);
  pause.mutable_segment()->set_segment_namespace("ups");
  pause.mutable_segment()->set_segment_id("a");
  EXPECT_TRUE(PauseDelivery(context_, pause).ok());
  EXPECT_FALSE(Destination()->paused);
  EXPECT_TRUE(store_.Segments(destination_->number)[0].paused);
  EXPECT_FALSE(store_.Segments(destination_->number)[1].paused);
  EXPECT_EQ(segment_changes_, 1);

  v1::ResumeDeliveryRequest resume;
  resume.set_ad_account_id(kAdAccount);
  *resume.mutable_segment() = pause.segment();
  EXPECT_TRUE(ResumeDelivery(context_, resume).ok());
  EXPECT_FALSE(store_.Segments(destination_->number)[0].paused);
  EXPECT_EQ(segment_changes_, 2);
  EXPECT_THAT(delivery_.retried, ElementsAre(destination_->number));
}

// Such an id is stored as a digest, and found by the text the host knows.
TEST_F(LifecycleTest, FindsASegmentWhoseIdLooksLikeAnAddress) {
  AddSegment(config::StoredSegmentText("ann@example.com"));
  v1::PauseDeliveryRequest pause;
  pause.set_ad_account_id(kAdAccount);
  pause.mutable_segment()->set_segment_namespace("ups");
  pause.mutable_segment()->set_segment_id("ann@example.com");
  EXPECT_TRUE(PauseDelivery(context_, pause).ok());
  EXPECT_TRUE(store_.Segments(destination_->number)[0].paused);
}

TEST_F(LifecycleTest, AnUnknownSegmentOrDestinationIsNotFound) {
  v1::PauseDeliveryRequest pause;
  pause.set_ad_account_id(kAdAccount);
  pause.mutable_segment()->set_segment_id("never seen");
  const absl::Status unknown = PauseDelivery(context_, pause);
  EXPECT_EQ(unknown.code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(GetErrorDetail(unknown).reason, "SEGMENT_NOT_FOUND");
  pause.set_ad_account_id("404");
  EXPECT_EQ(GetErrorDetail(PauseDelivery(context_, pause)).reason,
            "DESTINATION_NOT_FOUND");
  pause.set_ad_account_id("0404");
  EXPECT_EQ(PauseDelivery(context_, pause).code(),
            absl::StatusCode::kInvalidArgument);
  pause.set_ad_account_id("");
  EXPECT_EQ(PauseDelivery(context_, pause).code(),
            absl::StatusCode::kInvalidArgument);
}

TEST_F(LifecycleTest, ListsCredentialsWithWhatIsWrongWithThem) {
  v1::ListCredentialsResponse good = ListCredentials(context_);
  ASSERT_EQ(good.credentials_size(), 1);
  EXPECT_EQ(good.credentials(0).credential().credential_id(), "main");
  EXPECT_NE(good.credentials(0).credential().etag(), "");
  EXPECT_EQ(good.credentials(0).owner(), v1::CONFIGURATION_OWNER_API);
  EXPECT_FALSE(good.credentials(0).has_blocked_by());

  delivery_.credentials["main"] = FakeDelivery::Blocked("token refused");
  EXPECT_THAT(ListCredentials(context_).credentials(0).blocked_by().message(),
              HasSubstr("token refused"));

  token_status_ = absl::FailedPreconditionError("the file is not there");
  EXPECT_THAT(ListCredentials(context_).credentials(0).blocked_by().message(),
              HasSubstr("not there"));
}

}  // namespace
}  // namespace connector::admin
