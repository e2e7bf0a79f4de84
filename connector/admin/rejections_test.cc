#include "connector/admin/rejections.h"

#include <string>

#include "connector/admin/admin_fixture.h"

namespace connector::admin {
namespace {

namespace v1 = audience_sync::v1;

class RejectionsTest : public AdminFixture {};

TEST_F(RejectionsTest, ShowsWhereAndWhyButNoValue) {
  membership::RejectionPage page;
  membership::JournalRejection rejection;
  rejection.time = absl::FromUnixSeconds(1'700'000'000);
  rejection.intake = {"daily-1", 4, {17, 0, -1, v1::REJECTION_REASON_EMPTY}};
  page.rejections.push_back(rejection);
  rejection.intake = {"", 0, {3, -1, 2, v1::REJECTION_REASON_STATUS_INVALID}};
  page.rejections.push_back(rejection);
  page.next_page_token = "more";
  store_.SetRejections(page);

  auto response = ListRejections(context_, *destination_, 0, "");
  ASSERT_TRUE(response.ok()) << response.status();
  ASSERT_EQ(response->rejections_size(), 2);
  EXPECT_EQ(response->next_page_token(), "more");
  const v1::Rejection& first = response->rejections(0);
  EXPECT_EQ(first.rejection_time().seconds(), 1'700'000'000);
  EXPECT_EQ(first.intake().export_id(), "daily-1");
  EXPECT_EQ(first.intake().sequence_number(), 4);
  EXPECT_EQ(first.intake().rejection().profile_index(), 17);
  EXPECT_TRUE(first.intake().rejection().has_identity_index());
  EXPECT_EQ(first.intake().rejection().identity_index(), 0);
  EXPECT_FALSE(first.intake().rejection().has_membership_index());
  EXPECT_EQ(first.intake().rejection().reason(), v1::REJECTION_REASON_EMPTY);
  const v1::Rejection& second = response->rejections(1);
  EXPECT_FALSE(second.intake().rejection().has_identity_index());
  EXPECT_EQ(second.intake().rejection().membership_index(), 2);
}

TEST_F(RejectionsTest, ShowsARefusedRecordAsItWasSent) {
  const membership::SegmentRow segment = AddSegment("vip");
  std::string encoded(1, '\1');
  encoded.append(32, '\xab');
  membership::JournalRejection rejection;
  rejection.time = absl::FromUnixSeconds(1);
  rejection.refused.emplace();
  rejection.refused->segment = segment.number;
  rejection.refused->customer_list_id = "254";
  membership::Refusal& refusal = rejection.refused->refusal;
  refusal.record = identity_mapping::Record::FromView(
      *identity_mapping::RecordView::FromEncoded(encoded));
  refusal.change = membership::Change::kAdd;
  refusal.http_status = 400;
  refusal.message = "Invalid record";
  refusal.request_id = "rid-9";
  membership::RejectionPage page;
  page.rejections.push_back(rejection);
  store_.SetRejections(page);

  auto response = ListRejections(context_, *destination_, 5, "");
  ASSERT_TRUE(response.ok()) << response.status();
  const v1::RecordRefusal& shown = response->rejections(0).refusal();
  EXPECT_EQ(shown.segment().segment_id(), "vip");
  EXPECT_EQ(shown.customer_list_id(), "254");
  std::string hex;
  for (int i = 0; i < 32; ++i) hex += "ab";
  EXPECT_EQ(shown.record(), hex);
  EXPECT_EQ(shown.http_status(), 400);
  EXPECT_EQ(shown.message(), "Invalid record");
  EXPECT_EQ(shown.pinterest_request_id(), "rid-9");
  EXPECT_TRUE(shown.addition());
}

TEST_F(RejectionsTest, BoundsThePage) {
  ASSERT_TRUE(ListRejections(context_, *destination_, 0, "").ok());
  EXPECT_EQ(store_.last_page_size(), 100);
  ASSERT_TRUE(ListRejections(context_, *destination_, 7, "").ok());
  EXPECT_EQ(store_.last_page_size(), 7);
  ASSERT_TRUE(ListRejections(context_, *destination_, 50'000, "").ok());
  EXPECT_EQ(store_.last_page_size(), 1'000);
}

TEST_F(RejectionsTest, NamesTheFieldThatIsWrong) {
  const auto negative = ListRejections(context_, *destination_, -1, "");
  EXPECT_EQ(GetErrorDetail(negative.status()).metadata["field"], "page_size");
  const auto token = ListRejections(context_, *destination_, 1, "bad");
  EXPECT_EQ(GetErrorDetail(token.status()).metadata["field"], "page_token");
}

}  // namespace
}  // namespace connector::admin
