#include "tests/stress/sync_watcher.h"

#include <chrono>
#include <utility>

#include "gtest/gtest.h"

namespace stress {

namespace v1 = audience_sync::v1;

SyncWatcher::SyncWatcher(const std::string& address, std::string ad_account,
                         AccountBounds* bounds)
    : ad_account_(std::move(ad_account)),
      bounds_(bounds),
      stub_(v1::DestinationService::NewStub(MakeChannel(address))) {}

bool SyncWatcher::Look() {
  grpc::ClientContext context;
  context.set_deadline(std::chrono::system_clock::now() +
                       std::chrono::seconds(20));
  v1::GetSyncStatusRequest request;
  request.set_ad_account_id(ad_account_);
  v1::GetSyncStatusResponse response;
  // What was acknowledged before the question must be in the answer, and
  // nothing can be that was not sent before the answer.
  const int64_t least = bounds_->durable;
  const grpc::Status asked = stub_->GetSyncStatus(&context, request, &response);
  if (!asked.ok()) {
    EXPECT_TRUE(asked.error_code() == grpc::StatusCode::UNAVAILABLE ||
                asked.error_code() == grpc::StatusCode::CANCELLED)
        << asked.error_code() << " " << asked.error_message();
    return false;
  }
  const int64_t most = bounds_->sent;
  ++looks_;
  status_ = response.status();
  const v1::SyncCounters& total = status_.counters();
  EXPECT_GE(total.received(), least) << "something acknowledged is missing";
  EXPECT_LE(total.received(), most) << "more than was ever sent";
  EXPECT_EQ(total.pending() > 0, status_.backlog_bytes() > 0)
      << total.pending() << " pending, " << status_.backlog_bytes()
      << " bytes of backlog";
  EXPECT_EQ(total.pending() > 0, status_.has_oldest_pending_time());
  ExpectAddsUp(total, ad_account_);
  ExpectForward(total, "");
  v1::SyncCounters sum;
  for (const v1::SegmentStatus& segment : status_.segment_statuses()) {
    const v1::SyncCounters& counters = segment.counters();
    const std::string& id = segment.segment().segment_id();
    ExpectAddsUp(counters, id);
    ExpectForward(counters, id);
    sum.set_received(sum.received() + counters.received());
    sum.set_delivered(sum.delivered() + counters.delivered());
    sum.set_already_there(sum.already_there() + counters.already_there());
    sum.set_netted_out(sum.netted_out() + counters.netted_out());
    sum.set_superseded(sum.superseded() + counters.superseded());
    sum.set_excluded(sum.excluded() + counters.excluded());
    sum.set_rejected(sum.rejected() + counters.rejected());
    sum.set_pending(sum.pending() + counters.pending());
  }
  // Nothing here belongs to no segment.
  EXPECT_EQ(sum.SerializeAsString(), total.SerializeAsString())
      << "segments " << sum.ShortDebugString() << "\nin all "
      << total.ShortDebugString();
  return true;
}

void SyncWatcher::ExpectAddsUp(const v1::SyncCounters& c,
                               const std::string& of) {
  EXPECT_EQ(c.received(), c.delivered() + c.already_there() + c.netted_out() +
                              c.superseded() + c.excluded() + c.rejected() +
                              c.pending())
      << of << ": " << c.ShortDebugString();
  for (int64_t each :
       {c.received(), c.delivered(), c.already_there(), c.netted_out(),
        c.superseded(), c.excluded(), c.rejected(), c.pending()}) {
    EXPECT_GE(each, 0) << of << ": " << c.ShortDebugString();
  }
}

void SyncWatcher::ExpectForward(const v1::SyncCounters& c,
                                const std::string& of) {
  v1::SyncCounters& last = last_[of];
  EXPECT_TRUE(
      c.received() >= last.received() && c.delivered() >= last.delivered() &&
      c.already_there() >= last.already_there() &&
      c.netted_out() >= last.netted_out() &&
      c.superseded() >= last.superseded() && c.excluded() >= last.excluded() &&
      c.rejected() >= last.rejected())
      << of << " went back, from " << last.ShortDebugString() << "\nto "
      << c.ShortDebugString();
  last = c;
}

}  // namespace stress
