#include "connector/admin/status_report.h"

#include <string>

#include "connector/admin/admin_fixture.h"
#include "connector/base/fake_random.h"

namespace connector::admin {
namespace {

namespace v1 = audience_sync::v1;
using testing::HasSubstr;

class StatusReportTest : public AdminFixture {
 protected:
  membership::SegmentReport SegmentReport(const std::string& id) {
    membership::SegmentReport report;
    report.segment = AddSegment(id);
    report.list = *store_.GetList(report.segment.list);
    return report;
  }

  v1::DestinationStatus Report() {
    auto status = ReportStatus(context_, *Destination());
    EXPECT_TRUE(status.ok()) << status.status();
    return *status;
  }

  static int64_t Sum(const v1::SyncCounters& c) {
    return c.delivered() + c.already_there() + c.netted_out() + c.superseded() +
           c.excluded() + c.rejected() + c.pending();
  }
};

TEST_F(StatusReportTest, ADestinationWithoutExports) {
  const v1::DestinationStatus status = Report();
  EXPECT_EQ(status.ad_account_id(), kAdAccount);
  EXPECT_EQ(status.delivery_state(), v1::DELIVERY_STATE_ACTIVE);
  EXPECT_EQ(status.history_id(), destination_->history_id);
  EXPECT_FALSE(status.has_blocked_by());
  EXPECT_FALSE(status.has_oldest_pending_time());
  EXPECT_EQ(status.segment_statuses_size(), 0);
  EXPECT_EQ(status.counters().received(), 0);
}

TEST_F(StatusReportTest, ADryRunSaysSo) {
  const membership::SegmentReport report = SegmentReport("vip");
  membership::DestinationReport all;
  all.segments.push_back(report);
  store_.SetReport(all);
  v1::Destination config = Destination()->config;
  config.set_dry_run(true);
  ASSERT_TRUE(registry_->ApplyDestination(config, false).ok());
  EXPECT_FALSE(Destination()->delivers());
  v1::DestinationStatus status = Report();
  EXPECT_EQ(status.delivery_state(), v1::DELIVERY_STATE_DRY_RUN);
  EXPECT_THAT(status.blocked_by().message(), HasSubstr("dry run"));
  EXPECT_EQ(status.segment_statuses(0).delivery_state(),
            v1::DELIVERY_STATE_DRY_RUN);

  config.set_dry_run(false);
  config.clear_etag();
  ASSERT_TRUE(registry_->ApplyDestination(config, false).ok());
  EXPECT_TRUE(Destination()->delivers());
  EXPECT_EQ(Report().delivery_state(), v1::DELIVERY_STATE_ACTIVE);
}

TEST_F(StatusReportTest, ShowsWhatIsKnownOfASegment) {
  membership::SegmentReport report = SegmentReport("vip");
  report.segment.display_name = "Best customers";
  report.list.customer_list_id = "2542620905475";
  report.list.unknown_members = true;
  report.list.last_delivery_time = absl::FromUnixMillis(1'700'000'000'250);
  report.members = 1234;
  report.backlog_bytes = 99;
  report.oldest_change_time = absl::FromUnixSeconds(1'699'999'000);
  membership::DestinationReport all;
  all.segments.push_back(report);
  all.exports.push_back({"daily-1", 12, 7, true});
  store_.SetReport(all);

  const v1::DestinationStatus status = Report();
  ASSERT_EQ(status.segment_statuses_size(), 1);
  const v1::SegmentStatus& segment = status.segment_statuses(0);
  EXPECT_EQ(segment.segment().segment_namespace(), "ups");
  EXPECT_EQ(segment.segment().segment_id(), "vip");
  EXPECT_EQ(segment.segment().display_name(), "Best customers");
  EXPECT_EQ(segment.customer_list_name(), "cdp/ups/vip");
  EXPECT_EQ(segment.customer_list_id(), "2542620905475");
  EXPECT_EQ(segment.member_count(), 1234);
  EXPECT_TRUE(segment.unknown_members());
  EXPECT_EQ(segment.last_delivery_time().seconds(), 1'700'000'000);
  EXPECT_EQ(segment.last_delivery_time().nanos(), 250'000'000);
  EXPECT_EQ(status.backlog_bytes(), 99);
  EXPECT_EQ(status.oldest_pending_time().seconds(), 1'699'999'000);
  ASSERT_EQ(status.export_positions_size(), 1);
  EXPECT_EQ(status.export_positions(0).export_id(), "daily-1");
  EXPECT_EQ(status.export_positions(0).durable_sequence_number(), 12);
  EXPECT_EQ(status.export_positions(0).delivered_sequence_number(), 7);
  EXPECT_TRUE(status.export_positions(0).ended());
}

// Whatever the store counted, the answer adds up, by segment and in all.
TEST_F(StatusReportTest, ShowsAudiencesAndWhoElseWrites) {
  membership::SegmentReport report = SegmentReport("vip");
  report.list.customer_list_id = "400";
  membership::DestinationReport all;
  all.segments.push_back(report);
  store_.SetReport(all);
  EXPECT_EQ(Report().segment_statuses(0).audience().state(),
            v1::AUDIENCE_STATE_PENDING);
  EXPECT_FALSE(Report().segment_statuses(0).has_list_counters());

  membership::AudienceKey key;
  key.destination = destination_->number;
  key.segment = report.segment.number;
  ASSERT_TRUE(store_
                  .ChangeAudience(key,
                                  [&](membership::AudienceRow& row) {
                                    row.audience_id = "2542";
                                    row.name = "Best";
                                    row.status = "TOO_SMALL";
                                    row.size = 40;
                                    row.status_time = clock_.Now();
                                  })
                  .ok());
  ASSERT_TRUE(store_
                  .ChangeCounters(report.list.number,
                                  [&](membership::ListCounterRow& row) {
                                    row.has_told = true;
                                    row.told = {17, 0, 3};
                                    row.has_base = true;
                                    row.sent = {10, 0, 2};
                                    row.open = {5, 0, 1};
                                    row.foreign = {2, 0, 1};
                                  })
                  .ok());
  const v1::SegmentStatus segment = Report().segment_statuses(0);
  EXPECT_EQ(segment.audience().audience_id(), "2542");
  EXPECT_EQ(segment.audience().state(), v1::AUDIENCE_STATE_TOO_SMALL);
  EXPECT_EQ(segment.audience().size(), 40);
  EXPECT_EQ(segment.audience().pinterest_status(), "TOO_SMALL");
  EXPECT_NE(segment.audience().hint().find("fewer than 100"),
            std::string::npos);
  EXPECT_EQ(segment.list_counters().pinterest().uploaded_records(), 17);
  EXPECT_EQ(segment.list_counters().expected_least().uploaded_records(), 10);
  EXPECT_EQ(segment.list_counters().expected_most().uploaded_records(), 15);
  EXPECT_EQ(segment.list_counters().foreign().uploaded_records(), 2);
  EXPECT_NE(segment.list_counters().hint().find("somebody else writes"),
            std::string::npos);
}

TEST_F(StatusReportTest, CountersAddUp) {
  FakeRandom random(7);
  const auto some = [&] { return static_cast<int64_t>(random.Next() % 1000); };
  for (int round = 0; round < 200; ++round) {
    membership::DestinationReport all;
    int64_t received = 0;
    for (int i = 0; i < 5; ++i) {
      membership::SegmentReport report = SegmentReport(absl::StrCat("s", i));
      membership::PassCounts& settled = report.counts.settled;
      settled = {some(), some(), some(), some(), some()};
      membership::IntakeCounts& intake = report.counts.intake;
      intake.excluded = some();
      intake.rejected = some();
      intake.received =
          settled.total() + intake.excluded + intake.rejected + some();
      received += intake.received;
      all.segments.push_back(report);
    }
    all.counts_without_segment.rejected = some();
    all.counts_without_segment.excluded = some();
    all.counts_without_segment.received = all.counts_without_segment.rejected +
                                          all.counts_without_segment.excluded;
    received += all.counts_without_segment.received;
    store_.SetReport(all);

    const v1::DestinationStatus status = Report();
    EXPECT_EQ(status.counters().received(), received);
    EXPECT_EQ(Sum(status.counters()), received);
    for (int i = 0; i < 5; ++i) {
      const v1::SyncCounters& counters = status.segment_statuses(i).counters();
      EXPECT_EQ(Sum(counters), counters.received());
      EXPECT_EQ(counters.rejected(),
                all.segments[i].counts.intake.rejected +
                    all.segments[i].counts.settled.refused);
    }
  }
}

TEST_F(StatusReportTest, APauseOfTheDestinationPausesEverySegment) {
  membership::DestinationReport all;
  all.segments = {SegmentReport("a"), SegmentReport("b")};
  store_.SetReport(all);
  delivery_.lists[all.segments[1].list.number] =
      FakeDelivery::Blocked("the list has gone");
  ASSERT_TRUE(registry_->SetDestinationPaused(kAdAccount, true).ok());

  const v1::DestinationStatus status = Report();
  EXPECT_EQ(status.delivery_state(), v1::DELIVERY_STATE_PAUSED);
  EXPECT_THAT(status.blocked_by().message(), HasSubstr("paused"));
  EXPECT_EQ(status.segment_statuses(0).delivery_state(),
            v1::DELIVERY_STATE_PAUSED);
  EXPECT_FALSE(status.segment_statuses(0).has_last_error());
  EXPECT_EQ(status.segment_statuses(1).delivery_state(),
            v1::DELIVERY_STATE_PAUSED);
  EXPECT_THAT(status.segment_statuses(1).last_error().message(),
              HasSubstr("the list has gone"));
}

TEST_F(StatusReportTest, TroubleOfOneListStaysItsOwn) {
  membership::DestinationReport all;
  all.segments = {SegmentReport("a"), SegmentReport("b"), SegmentReport("c")};
  all.segments[2].segment.paused = true;
  store_.SetReport(all);
  delivery_.lists[all.segments[0].list.number] =
      FakeDelivery::Retrying("answered 503");

  const v1::DestinationStatus status = Report();
  EXPECT_EQ(status.delivery_state(), v1::DELIVERY_STATE_ACTIVE);
  EXPECT_EQ(status.segment_statuses(0).delivery_state(),
            v1::DELIVERY_STATE_RETRYING);
  EXPECT_THAT(status.segment_statuses(0).last_error().message(),
              HasSubstr("503"));
  EXPECT_EQ(status.segment_statuses(1).delivery_state(),
            v1::DELIVERY_STATE_ACTIVE);
  EXPECT_EQ(status.segment_statuses(2).delivery_state(),
            v1::DELIVERY_STATE_PAUSED);
  EXPECT_FALSE(status.segment_statuses(2).has_last_error());
}

TEST_F(StatusReportTest, ABlockedCredentialBlocksTheDestination) {
  membership::DestinationReport all;
  all.segments = {SegmentReport("a")};
  store_.SetReport(all);
  delivery_.credentials["main"] = FakeDelivery::Blocked("token refused");
  const v1::DestinationStatus status = Report();
  EXPECT_EQ(status.delivery_state(), v1::DELIVERY_STATE_BLOCKED);
  EXPECT_THAT(status.blocked_by().message(), HasSubstr("token refused"));
  EXPECT_GT(status.blocked_by().details_size(), 0);
  EXPECT_EQ(status.segment_statuses(0).delivery_state(),
            v1::DELIVERY_STATE_BLOCKED);
  EXPECT_THAT(status.segment_statuses(0).last_error().message(),
              HasSubstr("token refused"));
}

TEST_F(StatusReportTest, ABlockOutweighsARetry) {
  delivery_.credentials["main"] = FakeDelivery::Retrying("answered 503");
  delivery_.destinations[destination_->number] =
      FakeDelivery::Blocked("not permitted");
  EXPECT_EQ(Report().delivery_state(), v1::DELIVERY_STATE_BLOCKED);
}

TEST_F(StatusReportTest, IsNotFoundOnceTheDestinationIsDeleted) {
  ASSERT_TRUE(registry_->DeleteDestination(kAdAccount, "").ok());
  EXPECT_EQ(ReportStatus(context_, *destination_).status().code(),
            absl::StatusCode::kNotFound);
}

}  // namespace
}  // namespace connector::admin
