// Full syncs through the built programs: who is missing is removed, who came or
// left after the begin is as they say, and a kill at any place changes nothing.
#include <cstdlib>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "audience_sync/v1/destination_service.grpc.pb.h"
#include "audience_sync/v1/export_service.grpc.pb.h"
#include "connector/base/crash_point.h"
#include "gtest/gtest.h"
#include "tests/e2e/system.h"
#include "tests/stress/crash_control.h"
#include "tests/stress/stream.h"

namespace e2e {
namespace {

namespace v1 = audience_sync::v1;
using stress::CrashControl;
using stress::Stream;
using Frames = std::vector<v1::ExportSegmentsRequest>;
constexpr const char* kAccount = System::kAdAccount;

// A file that arms the crash points of a connector; each test process has one.
std::string ControlFile() {
  return absl::StrCat(std::getenv("TEST_TMPDIR"), "/full-sync-control");
}

System::Options MakeOptions(bool crashing) {
  System::Options options;
  if (crashing) {
    options.connector = "tests/stress/crashing_connector";
    options.connector_environment = {{CrashControl::kVariable, ControlFile()}};
    // With windows of a day, in which calls are counted durably.
    options.simulator_flags = {"--rate_limits=trial"};
  }
  return options;
}

CrashControl* MakeControl() {
  CrashControl* control = stress::MapCrashControl(ControlFile(), true);
  control->start = absl::GetCurrentTimeNanos();
  control->speed = 1;
  return control;
}

class FullSyncTest : public testing::TestWithParam<const char*> {
 protected:
  explicit FullSyncTest(bool crashing = false)
      : system_(MakeOptions(crashing)) {
    Connect();
  }

  void Connect() {
    auto channel = stress::MakeChannel(system_.address());
    exports_ = v1::ExportService::NewStub(channel);
    admin_ = v1::DestinationService::NewStub(channel);
  }

  // Frames of one export; each gets the next number.
  class Export {
   public:
    Export& Begin(int expire_seconds = 0) {
      v1::BeginFullSync* begin = Add().mutable_begin_full_sync();
      begin->set_sequence_number(frames_.size());
      Gold(begin->mutable_segment());
      if (expire_seconds > 0) {
        begin->mutable_expire_after()->set_seconds(expire_seconds);
      }
      return *this;
    }
    Export& Batch(int first, int last, bool member = true) {
      v1::ExportBatch* batch = Add().mutable_batch();
      batch->set_sequence_number(frames_.size());
      for (int i = first; i < last; ++i) {
        v1::ProfileExport* profile = batch->add_profile_exports();
        v1::Identity* identity = profile->add_identities();
        identity->set_source_namespace("Email");
        identity->set_value(absl::StrCat("person", i, "@example.com"));
        v1::SegmentMembership* membership = profile->add_segment_memberships();
        Gold(membership->mutable_segment());
        membership->set_status(member ? v1::MEMBERSHIP_STATUS_REALIZED
                                      : v1::MEMBERSHIP_STATUS_EXITED);
      }
      return *this;
    }
    Export& Commit() {
      v1::CommitFullSync* commit = Add().mutable_commit_full_sync();
      commit->set_sequence_number(frames_.size());
      Gold(commit->mutable_segment());
      return *this;
    }
    const Frames& frames() const { return frames_; }

   private:
    static void Gold(v1::Segment* segment) {
      segment->set_segment_namespace("ups");
      segment->set_segment_id("gold");
    }
    v1::ExportSegmentsRequest& Add() { return frames_.emplace_back(); }
    Frames frames_;
  };

  // Sends what is not durable and closes the stream.
  grpc::Status Send(const std::string& export_id, const Export& frames) {
    Stream stream(exports_.get(), kAccount, export_id);
    const auto opened = stream.AwaitOpened();
    if (!opened.has_value()) return stream.Finish();
    const size_t durable = opened->position().durable_sequence_number();
    for (size_t i = durable; i < frames.frames().size(); ++i) {
      stream.Write(frames.frames()[i]);
    }
    return stream.Finish();
  }

  v1::SegmentStatus Segment() {
    grpc::ClientContext context;
    v1::GetSyncStatusRequest request;
    v1::GetSyncStatusResponse response;
    request.set_ad_account_id(kAccount);
    EXPECT_TRUE(admin_->GetSyncStatus(&context, request, &response).ok());
    return response.status().segment_statuses_size() == 0
               ? v1::SegmentStatus()
               : response.status().segment_statuses(0);
  }
  // Waits for the newest full sync to come to this state.
  v1::FullSync Await(v1::FullSyncState state) {
    const absl::Time deadline = absl::Now() + absl::Seconds(60);
    v1::FullSync full_sync;
    while (absl::Now() < deadline) {
      full_sync = Segment().full_sync();
      if (full_sync.state() == state) return full_sync;
      absl::SleepFor(absl::Milliseconds(20));
    }
    ADD_FAILURE() << "it comes to " << full_sync.ShortDebugString();
    return full_sync;
  }

  std::set<std::string> OnList() {
    const Output drained = system_.Ctl({"drain", kAccount, "--timeout=60s"});
    EXPECT_EQ(drained.exit_code, 0) << drained.text;
    const auto records = system_.Lists()[System::Name("gold")];
    return {records.begin(), records.end()};
  }
  static std::set<std::string> People(int first, int last) {
    std::set<std::string> records;
    for (int i = first; i < last; ++i) {
      records.insert(System::Sha256(absl::StrCat("person", i, "@example.com")));
    }
    return records;
  }
  void ExpectAccountsAddUp() {
    const v1::SyncCounters counters = Segment().counters();
    EXPECT_EQ(counters.pending(), 0) << counters.ShortDebugString();
    EXPECT_EQ(counters.received(),
              counters.delivered() + counters.already_there() +
                  counters.netted_out() + counters.superseded() +
                  counters.excluded() + counters.rejected())
        << counters.ShortDebugString();
  }

  System system_;
  std::unique_ptr<v1::ExportService::Stub> exports_;
  std::unique_ptr<v1::DestinationService::Stub> admin_;
};

TEST_F(FullSyncTest, RemovesWhoIsMissingAndNothingThatHappenedSince) {
  ASSERT_TRUE(Send("before", Export().Batch(0, 60)).ok());
  EXPECT_EQ(OnList(), People(0, 60));
  Export full;
  full.Begin().Batch(10, 60);
  ASSERT_TRUE(Send("full", full).ok());
  // Since the begin: one comes, one leaves whom the full sync declares.
  ASSERT_TRUE(Send("since", Export().Batch(5, 6).Batch(20, 21, false)).ok());
  // Nothing of the full sync, all of the rest.
  std::set<std::string> expected = People(0, 60);
  for (const auto& record : People(20, 21)) expected.erase(record);
  EXPECT_EQ(OnList(), expected);
  // Declared after that exit, and yet away.
  full.Batch(20, 21).Batch(60, 70).Commit();
  {
    Stream stream(exports_.get(), kAccount, "full");
    ASSERT_TRUE(stream.AwaitOpened().has_value());
    for (size_t i = 2; i < full.frames().size(); ++i) {
      stream.Write(full.frames()[i]);
    }
    stream.AwaitDelivered(5, absl::Seconds(60));
    EXPECT_EQ(stream.delivered(), 5);
  }
  EXPECT_EQ(Segment().full_sync().state(), v1::FULL_SYNC_STATE_APPLIED);
  expected = People(10, 70);
  for (const auto& record : People(20, 21)) expected.erase(record);
  for (const auto& record : People(5, 6)) expected.insert(record);
  EXPECT_EQ(OnList(), expected);
  ExpectAccountsAddUp();
  // What follows in the export is ordinary again.
  ASSERT_TRUE(Send("full", full.Batch(20, 21)).ok());
  expected.merge(People(20, 21));
  EXPECT_EQ(OnList(), expected);
}

TEST_F(FullSyncTest, OneThatIsNotCommittedChangesNothing) {
  ASSERT_TRUE(Send("before", Export().Batch(0, 20)).ok());
  EXPECT_EQ(OnList(), People(0, 20));
  Export full;
  full.Begin(/*expire_seconds=*/1).Batch(50, 60);
  ASSERT_TRUE(Send("full", full).ok());
  Await(v1::FULL_SYNC_STATE_EXPIRED);
  EXPECT_EQ(OnList(), People(0, 20));
  // Its export goes on: what was meant for it is rejected, and so is its end.
  EXPECT_TRUE(Send("full", full.Batch(60, 65)).ok());
  const grpc::Status late = Send("full", full.Commit());
  EXPECT_EQ(late.error_code(), grpc::StatusCode::FAILED_PRECONDITION);
  EXPECT_TRUE(absl::StrContains(late.error_details(), "FULL_SYNC_NOT_OPEN"));
  EXPECT_EQ(OnList(), People(0, 20));
  ExpectAccountsAddUp();
  EXPECT_EQ(Segment().counters().rejected(), 15);
  const Output rejections = system_.Ctl({"rejections", kAccount});
  EXPECT_TRUE(absl::StrContains(rejections.text, "FULL_SYNC_EXPIRED"))
      << rejections.text;
}

TEST_F(FullSyncTest, OneThatRemovesTooManyWaitsToBeConfirmed) {
  ASSERT_TRUE(Send("before", Export().Batch(0, 150)).ok());
  EXPECT_EQ(OnList(), People(0, 150));
  Export full;
  full.Begin().Batch(0, 40).Commit();
  ASSERT_TRUE(Send("full", full).ok());
  v1::FullSync waits = Await(v1::FULL_SYNC_STATE_WAITING_FOR_CONFIRMATION);
  EXPECT_EQ(waits.member_count(), 150);
  EXPECT_EQ(waits.removal_count(), 110);
  // It waits over a restart, and nothing changes.
  system_.connector().Kill();
  system_.StartConnector();
  Connect();
  EXPECT_EQ(system_.Lists()[System::Name("gold")].size(), 150u);
  Output shown = system_.Ctl({"full-sync", kAccount});
  EXPECT_TRUE(absl::StrContains(shown.text, "WAITING_FOR_CONFIRMATION"))
      << shown.text;
  EXPECT_TRUE(absl::StrContains(shown.text, "110")) << shown.text;
  Output discarded = system_.Ctl(
      {"full-sync", kAccount, "discard", "ups/gold", waits.full_sync_id()});
  EXPECT_EQ(discarded.exit_code, 0) << discarded.text;
  EXPECT_EQ(OnList(), People(0, 150));
  ExpectAccountsAddUp();
  Output again = system_.Ctl(
      {"full-sync", kAccount, "apply", "ups/gold", waits.full_sync_id()});
  EXPECT_TRUE(absl::StrContains(again.text, "FULL_SYNC_NOT_WAITING"))
      << again.text;

  ASSERT_TRUE(Send("second", full).ok());
  waits = Await(v1::FULL_SYNC_STATE_WAITING_FOR_CONFIRMATION);
  // Who comes while it waits is not removed by it.
  ASSERT_TRUE(Send("since", Export().Batch(149, 150)).ok());
  Output applied = system_.Ctl(
      {"full-sync", kAccount, "apply", "ups/gold", waits.full_sync_id()});
  EXPECT_EQ(applied.exit_code, 0) << applied.text;
  Await(v1::FULL_SYNC_STATE_APPLIED);
  std::set<std::string> expected = People(0, 40);
  expected.merge(People(149, 150));
  EXPECT_EQ(OnList(), expected);
  ExpectAccountsAddUp();
}

TEST_F(FullSyncTest, TheCommandLineExportsAFullSync) {
  const auto write = [&](const std::string& name, int first, int last) {
    std::vector<nlohmann::json> profiles;
    for (int i = first; i < last; ++i) {
      profiles.push_back(System::Profile(
          {{"Email", {absl::StrCat("person", i, "@example.com")}}},
          {{"gold", "existing"}}));
    }
    return system_.WriteExport(name, profiles);
  };
  system_.ExportAndDrain(write("all.jsonl", 0, 40));
  const Output exported =
      system_.Ctl({"export", absl::StrCat("--ad_account_id=", kAccount),
                   "--full_sync=ups/gold", "--batch_profiles=7", "--wait",
                   write("less.jsonl", 10, 35)});
  EXPECT_EQ(exported.exit_code, 0) << exported.text;
  EXPECT_EQ(Segment().full_sync().state(), v1::FULL_SYNC_STATE_APPLIED);
  EXPECT_EQ(OnList(), People(10, 35));
  // The same once more costs nothing.
  system_.ClearRequests();
  const Output again = system_.Ctl(
      {"export", absl::StrCat("--ad_account_id=", kAccount),
       "--full_sync=ups/gold", "--wait", write("again.jsonl", 10, 35)});
  EXPECT_EQ(again.exit_code, 0) << again.text;
  EXPECT_EQ(system_.RequestCount("PATCH"), 0);
  ExpectAccountsAddUp();
}

TEST_F(FullSyncTest, ASegmentThatIsNotTakenIsRefusedByName) {
  Export wrong;
  wrong.Begin();
  Frames frames = wrong.frames();
  Stream stream(exports_.get(), kAccount, "wrong");
  ASSERT_TRUE(stream.AwaitOpened().has_value());
  frames[0].mutable_begin_full_sync()->mutable_segment()->clear_segment_id();
  stream.Write(frames[0]);
  const grpc::Status status = stream.Finish();
  EXPECT_EQ(status.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_TRUE(
      absl::StrContains(status.error_message(), "begin_full_sync.segment"))
      << status.error_message();
}

// Kills the connector with SIGKILL at a named place of its code.
class FullSyncKillTest : public FullSyncTest {
 protected:
  FullSyncKillTest() : FullSyncTest((control_ = MakeControl(), true)) {}

  static CrashControl* control_;
};
CrashControl* FullSyncKillTest::control_ = nullptr;

TEST_P(FullSyncKillTest, ItIsAppliedAllTheSame) {
  ASSERT_TRUE(Send("before", Export().Batch(0, 60)).ok());
  EXPECT_EQ(OnList(), People(0, 60));
  int point = -1;
  for (int i = 0; i < connector::kCrashPoints; ++i) {
    if (absl::string_view(connector::kCrashPointNames[i]) == GetParam()) {
      point = i;
    }
  }
  ASSERT_GE(point, 0);
  // One that is replaced, so that its end is met as well.
  Export full;
  full.Begin().Batch(0, 5).Begin().Batch(10, 30).Batch(30, 90).Commit();
  const int64_t last = static_cast<int64_t>(full.frames().size());
  control_->countdown[point] = 1;
  int64_t delivered = 0;
  const absl::Time deadline = absl::Now() + absl::Seconds(120);
  while (delivered < last && absl::Now() < deadline) {
    // A stream may end before its process is seen to be gone.
    absl::SleepFor(absl::Milliseconds(20));
    if (!system_.connector().Running()) {
      system_.StartConnector();
      Connect();
    }
    Stream stream(exports_.get(), kAccount, "full");
    const auto opened = stream.AwaitOpened();
    if (!opened.has_value()) continue;
    for (int64_t i = opened->position().durable_sequence_number(); i < last;
         ++i) {
      stream.Write(full.frames()[i]);
    }
    if (opened->position().delivered_sequence_number() < last) {
      stream.AwaitDelivered(last, absl::Seconds(30));
    }
    delivered = std::max<int64_t>(
        stream.delivered(), opened->position().delivered_sequence_number());
  }
  ASSERT_EQ(delivered, last);
  EXPECT_EQ(control_->kills[point], 1);
  EXPECT_EQ(OnList(), People(10, 90));
  EXPECT_EQ(Segment().full_sync().state(), v1::FULL_SYNC_STATE_APPLIED);
  ExpectAccountsAddUp();
  EXPECT_EQ(Segment().counters().rejected(), 5);
}

INSTANTIATE_TEST_SUITE_P(
    Places, FullSyncKillTest,
    testing::Values("membership.full_sync.unwritten",
                    "membership.full_sync.written",
                    "membership.full_sync.uncleaned",
                    "membership.full_sync.cleaned", "delivery.full_sync.judged",
                    "delivery.full_sync.joined", "delivery.request.answered",
                    "membership.settle.unwritten", "membership.settle.written",
                    "membership.call_history.unwritten",
                    "membership.call_history.written"),
    [](const auto& info) {
      std::string name;
      for (char c : std::string(info.param)) {
        name.push_back(c == '.' ? '_' : c);
      }
      return name;
    });

// In the midst of what is declared.
TEST_F(FullSyncTest, AKillBetweenTheBatchesLosesNothing) {
  ASSERT_TRUE(Send("before", Export().Batch(0, 60)).ok());
  EXPECT_EQ(OnList(), People(0, 60));
  Export full;
  full.Begin();
  for (int i = 10; i < 90; i += 10) {
    ASSERT_TRUE(Send("full", full.Batch(i, i + 10)).ok());
    if (i % 30 == 0) {
      system_.connector().Kill();
      system_.StartConnector();
      Connect();
    }
  }
  EXPECT_EQ(Segment().full_sync().declared_count(), 80);
  ASSERT_TRUE(Send("full", full.Commit()).ok());
  Await(v1::FULL_SYNC_STATE_APPLIED);
  EXPECT_EQ(OnList(), People(10, 90));
  ExpectAccountsAddUp();
}

}  // namespace
}  // namespace e2e
