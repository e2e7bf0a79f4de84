// `audiencectl export` from its files to what the connector received.
#include <stdlib.h>

#include <string>

#include "connector/base/error.h"
#include "connector/cli/command_test_base.h"
#include "connector/cli/exit_code.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace connector::cli {
namespace {

using audience_sync::v1::BatchRejections;
using audience_sync::v1::ExportBatch;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

class ExportCommandTest : public CommandTestBase {};

TEST_F(ExportCommandTest, ExportSendsFilesInOrder) {
  const std::string a = WriteFile("a.jsonl", Lines(3));
  const std::string b = WriteFile("b.jsonl", "\n" + Lines(2) + "\r\n");
  const Result result = Export({a, b, "--batch_profiles=2"});
  EXPECT_EQ(result.exit_code, kExitOk) << result.err;
  EXPECT_THAT(Received(),
              ElementsAre("person0@example.com", "person1@example.com",
                          "person2@example.com", "person0@example.com",
                          "person1@example.com"));
  const auto stored = fake_.exports().begin()->second;
  EXPECT_TRUE(stored.ended);
  EXPECT_EQ(stored.batches.size(), 3u);
  EXPECT_THAT(result.out, HasSubstr(": durable\n"));
  EXPECT_EQ(StateFiles(), 0);
}

TEST_F(ExportCommandTest, AFullSyncStandsAroundTheBatches) {
  const std::string file = WriteFile("a.jsonl", Lines(3));
  const Result result =
      Export({file, "--batch_profiles=2", "--full_sync=ups/gold"});
  EXPECT_EQ(result.exit_code, kExitOk) << result.err;
  const auto stored = fake_.exports().begin()->second;
  EXPECT_EQ(stored.full_sync_begin, 1);
  EXPECT_EQ(stored.full_sync_commit, 4);
  EXPECT_EQ(stored.batches.count(2), 1u);
  EXPECT_EQ(stored.batches.count(3), 1u);
  EXPECT_TRUE(stored.ended);
  EXPECT_EQ(Export({file, "--full_sync=gold"}).exit_code, kExitUsage);
}

TEST_F(ExportCommandTest, AFullSyncOfNobodyIsNotCommittedByAccident) {
  const std::string empty = WriteFile("empty.jsonl", "\n");
  const Result refused = Export({empty, "--full_sync=ups/gold"});
  EXPECT_EQ(refused.exit_code, kExitBadInput) << refused.err;
  EXPECT_THAT(refused.err, HasSubstr("nobody was declared a member of "
                                     "ups/gold"));
  EXPECT_THAT(refused.err, HasSubstr("--allow_empty"));
  ASSERT_EQ(fake_.exports().size(), 1u);
  EXPECT_EQ(fake_.exports().begin()->second.full_sync_begin, 1);
  EXPECT_EQ(fake_.exports().begin()->second.full_sync_commit, 0);
  // Ended: what is open is discarded at once.
  EXPECT_TRUE(fake_.exports().begin()->second.ended);
  EXPECT_EQ(StateFiles(), 0);
  fake_.LoseStore("history-1");
  EXPECT_EQ(Export({empty, "--full_sync=ups/gold", "--allow_empty"}).exit_code,
            kExitOk);
  EXPECT_EQ(fake_.exports().begin()->second.full_sync_commit, 2);

  // What was sent came to nothing.
  fake_.LoseStore("history-1");
  audience_sync::v1::GetSyncStatusResponse status;
  for (const char* id : {"gold", "silver"}) {
    auto& segment = *status.mutable_status()->add_segment_statuses();
    segment.mutable_segment()->set_segment_namespace("ups");
    segment.mutable_segment()->set_segment_id(id);
    segment.mutable_full_sync()->set_state(
        audience_sync::v1::FULL_SYNC_STATE_OPEN);
    segment.mutable_full_sync()->set_declared_count(id[0] == 'g' ? 1 : 0);
  }
  fake_.Answer("GetSyncStatus", status);
  const std::string file = WriteFile("a.jsonl", Lines(1));
  EXPECT_EQ(Export({file, "--full_sync=ups/gold"}).exit_code, kExitOk);
  fake_.LoseStore("history-1");
  const Result one = Export({file, "--full_sync=ups/gold,ups/silver"});
  EXPECT_EQ(one.exit_code, kExitBadInput) << one.err;
  EXPECT_THAT(one.err, HasSubstr("ups/silver"));
  EXPECT_EQ(fake_.exports().begin()->second.full_sync_commit, 0);
}

TEST_F(ExportCommandTest, EachRunIsAnExportOfItsOwn) {
  const std::string file = WriteFile("a.jsonl", Lines(1));
  EXPECT_EQ(Export({file}).exit_code, kExitOk);
  EXPECT_EQ(Export({file}).exit_code, kExitOk);
  EXPECT_EQ(fake_.exports().size(), 2u);
}

TEST_F(ExportCommandTest, TheSummaryIsADocumentToo) {
  fake_.Change([](FakeBehavior& b) {
    b.reject = [](const ExportBatch&) {
      BatchRejections rejections;
      auto& rejection = *rejections.add_rejections();
      rejection.set_profile_index(1);
      rejection.set_identity_index(0);
      rejection.set_reason(audience_sync::v1::REJECTION_REASON_EMPTY);
      rejections.set_rejection_count(3);
      return rejections;
    };
  });
  const std::string file = WriteFile("a.jsonl", Lines(2));
  const Result result = Export({file, "--json", "--wait"});
  EXPECT_EQ(result.exit_code, kExitOk);
  const auto json = result.json();
  EXPECT_EQ(json["profiles"], 2);
  EXPECT_EQ(json["delivered"], true);
  EXPECT_EQ(json["historyId"], "history-1");
  EXPECT_EQ(json["rejections"]["total"], 3);
  EXPECT_EQ(json["rejections"]["byReason"]["EMPTY"], 1);
  EXPECT_EQ(json["rejections"]["unlisted"], 2);
  EXPECT_EQ(json["rejections"]["places"][0]["line"], file + ":2");
  const Result text = Export({file, "--fail_on_rejection"});
  EXPECT_EQ(text.exit_code, kExitRejections);
  EXPECT_THAT(text.out,
              HasSubstr("rejected: " + file + ":2, identity 1: EMPTY\n"));
  EXPECT_THAT(text.out, HasSubstr("  EMPTY                1\n"
                                  "  not listed here      2\n"));
}

TEST_F(ExportCommandTest, ABadLineStopsTheExportAndIsNotShown) {
  const std::string file = WriteFile(
      "a.jsonl",
      Lines(3) + "{\"identityMap\": \"canary@example.com\"}\n" + Lines(1));
  const Result result = Export({file, "--batch_profiles=2"});
  EXPECT_EQ(result.exit_code, kExitBadInput);
  EXPECT_THAT(result.err,
              HasSubstr(file + ":4: identityMap: must be an object"));
  EXPECT_THAT(result.err, Not(HasSubstr("canary")));
  EXPECT_THAT(result.err, HasSubstr("durable so far: 2 profiles"));
  // The batch with the bad line was not sent, and the export was not ended.
  const auto stored = fake_.exports().begin()->second;
  EXPECT_EQ(stored.batches.size(), 1u);
  EXPECT_FALSE(stored.ended);
  EXPECT_EQ(StateFiles(), 0);
}

TEST_F(ExportCommandTest, BadLinesArePassedOverWhenAsked) {
  const std::string file =
      WriteFile("a.jsonl", "canary\n" + Lines(2) + "[\"canary\"]\n" + Lines(1));
  const Result result = Export({file, "--skip_bad_lines"});
  EXPECT_EQ(result.exit_code, kExitOk);
  EXPECT_EQ(Received().size(), 3u);
  EXPECT_THAT(result.err,
              HasSubstr("passed over: " + file + ":1: is not JSON"));
  EXPECT_THAT(result.err, Not(HasSubstr("canary")));
  EXPECT_THAT(result.out, HasSubstr("lines passed over      2"));
}

TEST_F(ExportCommandTest, AMissingFileIsToldBeforeAnythingIsSent) {
  const Result result = Export({WriteFile("a.jsonl", Lines(1)), "/no/file"});
  EXPECT_EQ(result.exit_code, kExitBadInput);
  EXPECT_THAT(result.err, HasSubstr("/no/file: cannot be opened"));
  EXPECT_TRUE(fake_.exports().empty());
  EXPECT_EQ(Export({"-", "-"}).exit_code, kExitBadInput);
}

TEST_F(ExportCommandTest, TheServersLimitsBoundTheBatches) {
  fake_.Change([](FakeBehavior& b) {
    b.limits.set_max_batch_profiles(2);
    b.limits.set_max_frame_bytes(20'000);
  });
  EXPECT_EQ(Export({WriteFile("a.jsonl", Lines(5))}).exit_code, kExitOk);
  EXPECT_EQ(fake_.exports().begin()->second.batches.size(), 3u);
}

TEST_F(ExportCommandTest, ACutOffRunIsTakenUpByTheSameCommandOnly) {
  const std::string file = WriteFile("a.jsonl", Lines(10));
  fake_.Change([](FakeBehavior& b) {
    b.break_at_batch = {4};
    b.open_answers = {absl::OkStatus(), absl::InternalError("crash")};
  });
  const Result cut = Export({file, "--batch_profiles=1"});
  EXPECT_EQ(cut.exit_code, kExitCallFailed);
  EXPECT_THAT(cut.err, HasSubstr("durable so far: 3 profiles"));
  EXPECT_EQ(StateFiles(), 1);

  // Other content, other batches and --noresume are exports of their own.
  const std::string other = WriteFile("b.jsonl", Lines(9));
  EXPECT_EQ(Export({other, "--batch_profiles=1"}).exit_code, kExitOk);
  EXPECT_EQ(Export({file, "--batch_profiles=2"}).exit_code, kExitOk);
  EXPECT_EQ(Export({file, "--batch_profiles=1", "--noresume"}).exit_code,
            kExitOk);
  EXPECT_EQ(fake_.exports().size(), 4u);
  EXPECT_EQ(StateFiles(), 1);

  // The same content under another name is the same export.
  const std::string copy = WriteFile("copy.jsonl", Lines(10));
  const Result again = Export({copy, "--batch_profiles=1"});
  EXPECT_EQ(again.exit_code, kExitOk) << again.err;
  EXPECT_THAT(again.err, HasSubstr("3 batches are durable already"));
  EXPECT_EQ(StateFiles(), 0);
  EXPECT_EQ(fake_.exports().size(), 4u);
  for (const auto& [id, stored] : fake_.exports()) {
    EXPECT_TRUE(stored.ended);
    EXPECT_EQ(stored.repeats, 0);
    int64_t profiles = 0;
    for (const auto& [number, batch] : stored.batches) {
      profiles += batch.profile_exports_size();
    }
    EXPECT_GE(profiles, 9);
  }
}

TEST_F(ExportCommandTest, TheStateFileHoldsNothingOfTheExport) {
  const std::string file = WriteFile("a.jsonl", Lines(10));
  fake_.Change([](FakeBehavior& b) {
    b.break_at_batch = {4};
    b.open_answers = {absl::OkStatus(), absl::InternalError("crash")};
  });
  EXPECT_EQ(Export({file, "--batch_profiles=1"}).exit_code, kExitCallFailed);
  EXPECT_EQ(
      system(
          ("grep -rq -e example.com -e person '" + StateDir() + "'").c_str()) >>
          8,
      1);
}

TEST_F(ExportCommandTest, AServerThatRestartsInTheMiddleChangesNothing) {
  const std::string file = WriteFile("a.jsonl", Lines(30));
  fake_.Change([](FakeBehavior& b) { b.break_at_batch = {7, 9}; });
  int sleeps = 0;
  on_sleep_ = [&] {
    ++sleeps;
    const bool away = sleeps < 3;
    fake_.Change([away](FakeBehavior& b) { b.away = away; });
  };
  const Result result = Export({file, "--batch_profiles=1", "--json"});
  EXPECT_EQ(result.exit_code, kExitOk) << result.err;
  EXPECT_EQ(Received().size(), 30u);
  EXPECT_EQ(Received()[29], "person29@example.com");
  EXPECT_EQ(result.json()["reconnects"], 2);
  EXPECT_THAT(result.err, HasSubstr("the connection is interrupted"));
}

TEST_F(ExportCommandTest, AChangedHistoryInTheMiddleStopsTheExport) {
  const std::string file = WriteFile("a.jsonl", Lines(10));
  fake_.Change([](FakeBehavior& b) { b.break_at_batch = {4}; });
  on_sleep_ = [this] { fake_.LoseStore("history-2"); };
  const Result result = Export({file, "--batch_profiles=1"});
  EXPECT_EQ(result.exit_code, kExitHistoryChanged);
  EXPECT_THAT(result.err, HasSubstr("HISTORY_CHANGED"));
  // The next run begins anew.
  EXPECT_EQ(StateFiles(), 0);
  EXPECT_EQ(Export({file, "--batch_profiles=1"}).exit_code, kExitOk);
  EXPECT_EQ(Received().size(), 10u);
}

TEST_F(ExportCommandTest, AnUnfinishedRunUnderAnotherHistoryBeginsAnew) {
  const std::string file = WriteFile("a.jsonl", Lines(10));
  fake_.Change([](FakeBehavior& b) {
    b.break_at_batch = {4};
    b.open_answers = {absl::OkStatus(), absl::InternalError("crash")};
  });
  EXPECT_EQ(Export({file, "--batch_profiles=1"}).exit_code, kExitCallFailed);
  fake_.LoseStore("history-2");
  const Result again = Export({file, "--batch_profiles=1"});
  EXPECT_EQ(again.exit_code, kExitOk) << again.err;
  EXPECT_THAT(again.err, HasSubstr("exporting from the start"));
  EXPECT_EQ(Received().size(), 10u);
  EXPECT_EQ(StateFiles(), 0);
}

TEST_F(ExportCommandTest, AStateDirectoryThatCannotBeUsedIsOnlyAWarning) {
  const Result result =
      Run({"export", "--ad_account_id=1", "--state_dir=/proc/nowhere",
           WriteFile("a.jsonl", Lines(1))});
  EXPECT_EQ(result.exit_code, kExitOk);
  EXPECT_THAT(result.err, HasSubstr("cannot be taken up again"));
}

TEST_F(ExportCommandTest, NotDeliveredInTimeIsAnExitCodeOfItsOwn) {
  fake_.Change([](FakeBehavior& b) { b.deliver = false; });
  const Result result =
      Export({WriteFile("a.jsonl", Lines(1)), "--wait", "--timeout=0s"});
  EXPECT_EQ(result.exit_code, kExitNotSettled);
  EXPECT_THAT(result.out, HasSubstr("durable, not yet delivered"));
  EXPECT_TRUE(fake_.exports().begin()->second.ended);
}

TEST_F(ExportCommandTest, ARefusedExportShowsTheServersReason) {
  fake_.Change([](FakeBehavior& b) {
    b.open_answers = {MakeError(absl::StatusCode::kNotFound,
                                "DESTINATION_NOT_FOUND",
                                "there is no such destination")};
  });
  const Result result = Export({WriteFile("a.jsonl", Lines(1))});
  EXPECT_EQ(result.exit_code, kExitCallFailed);
  EXPECT_THAT(result.err, HasSubstr("DESTINATION_NOT_FOUND"));
}

}  // namespace
}  // namespace connector::cli
