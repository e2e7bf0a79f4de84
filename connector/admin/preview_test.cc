#include "connector/admin/preview.h"

#include <string>

#include "connector/admin/admin_fixture.h"

namespace connector::admin {
namespace {

namespace v1 = audience_sync::v1;

class PreviewTest : public AdminFixture {
 protected:
  void SetUp() override {
    AdminFixture::SetUp();
    membership::DestinationReport all;
    for (const char* id : {"vip", "gold"}) {
      membership::SegmentReport report;
      report.segment = AddSegment(id);
      report.list = *store_.GetList(report.segment.list);
      delivery::ListPreview& preview = delivery_.previews[report.segment.list];
      preview.additions = report.segment.list;
      preview.removals = 2;
      preview.requests = 3;
      preview.creates_list = true;
      preview.settled.already_there = 4;
      preview.settled.netted_out = 5;
      preview.settled.superseded = 6;
      preview.settled.refused = 7;
      all.segments.push_back(report);
    }
    store_.SetReport(all);
  }

  absl::StatusOr<v1::PreviewDeliveryResponse> Preview(
      const v1::PreviewDeliveryRequest& request, bool cancelled = false) {
    return PreviewDelivery(context_, *Destination(), request,
                           [cancelled] { return cancelled; });
  }
};

TEST_F(PreviewTest, ShowsEachList) {
  auto response = Preview({});
  ASSERT_TRUE(response.ok()) << response.status();
  EXPECT_EQ(response->delivery_state(), v1::DELIVERY_STATE_ACTIVE);
  ASSERT_EQ(response->segment_previews_size(), 2);
  const v1::SegmentPreview& vip = response->segment_previews(0);
  EXPECT_EQ(vip.segment().segment_id(), "vip");
  EXPECT_EQ(vip.customer_list_name(), "cdp/ups/vip");
  EXPECT_EQ(vip.customer_list_id(), "");
  EXPECT_TRUE(vip.creates_customer_list());
  EXPECT_GT(vip.addition_count(), 0);
  EXPECT_EQ(vip.removal_count(), 2);
  EXPECT_EQ(vip.request_count(), 3);
  EXPECT_EQ(vip.already_there_count(), 4);
  EXPECT_EQ(vip.netted_out_count(), 5);
  EXPECT_EQ(vip.superseded_count(), 6);
  EXPECT_EQ(vip.refused_count(), 7);
}

TEST_F(PreviewTest, OfOneSegment) {
  v1::PreviewDeliveryRequest request;
  request.mutable_segment()->set_segment_namespace("ups");
  request.mutable_segment()->set_segment_id("gold");
  auto response = Preview(request);
  ASSERT_TRUE(response.ok()) << response.status();
  ASSERT_EQ(response->segment_previews_size(), 1);
  EXPECT_EQ(response->segment_previews(0).segment().segment_id(), "gold");

  request.mutable_segment()->set_segment_id("nobody");
  EXPECT_EQ(GetErrorDetail(Preview(request).status()).reason,
            "SEGMENT_NOT_FOUND");
}

TEST_F(PreviewTest, EndsWhenTheCallerIsGone) {
  EXPECT_TRUE(absl::IsCancelled(Preview({}, true).status()));
}

}  // namespace
}  // namespace connector::admin
