#include "connector/cli/export_client.h"

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "connector/base/error.h"
#include "connector/base/fake_clock.h"
#include "connector/base/fake_random.h"
#include "connector/cli/fake_connector.h"
#include "gtest/gtest.h"

namespace connector::cli {
namespace {

using audience_sync::v1::BatchRejections;
using audience_sync::v1::ExportBatch;

class ExportClientTest : public testing::Test {
 protected:
  ExportClientTest() {
    options_.ad_account_id = "549755885175";
    options_.export_id = "export-1";
    options_.retry_for = absl::Minutes(5);
  }

  std::unique_ptr<ExportClient> NewClient() {
    ExportEnvironment environment;
    environment.connect = [this] { return fake_.Connect(); };
    environment.clock = &clock_;
    environment.random = &random_;
    environment.sleep = [this](absl::Duration delay) {
      clock_.Advance(delay);
      slept_.push_back(delay);
      if (on_sleep_) on_sleep_();
    };
    environment.note = [this](const std::string& text) {
      notes_.push_back(text);
    };
    return std::make_unique<ExportClient>(options_, environment);
  }

  // Batches 1 to `count` of one profile each.
  static std::vector<std::unique_ptr<Batch>> Batches(int count) {
    Batcher batcher({1, 1 << 20});
    std::vector<std::unique_ptr<Batch>> batches;
    for (int i = 1; i <= count; ++i) {
      const std::string value = absl::StrCat("person", i, "@example.com");
      ParsedProfile profile;
      profile.identities.push_back({"Email", value});
      auto full = batcher.Add(profile, {0, 10 + i}, 100 * i);
      if (*full != nullptr) batches.push_back(*std::move(full));
    }
    batches.push_back(batcher.Finish());
    return batches;
  }

  static absl::Status SendAll(ExportClient& client, int count) {
    for (auto& batch : Batches(count)) {
      if (absl::Status s = client.Send(std::move(batch)); !s.ok()) return s;
    }
    return absl::OkStatus();
  }

  // The export is there, whole and ended.
  void ExpectComplete(int count) {
    const auto exports = fake_.exports();
    ASSERT_EQ(exports.count("export-1"), 1u);
    const FakeExport& stored = exports.at("export-1");
    EXPECT_TRUE(stored.ended);
    ASSERT_EQ(stored.batches.size(), static_cast<size_t>(count));
    for (int i = 1; i <= count; ++i) {
      EXPECT_EQ(stored.batches.at(i).profile_exports(0).identities(0).value(),
                absl::StrCat("person", i, "@example.com"));
    }
  }

  FakeConnector fake_;
  FakeClock clock_;
  FakeRandom random_{1};
  ExportClientOptions options_;
  std::vector<absl::Duration> slept_;
  std::vector<std::string> notes_;
  std::function<void()> on_sleep_;
};

TEST_F(ExportClientTest, SendsBatchesInOrderAndEnds) {
  auto client = NewClient();
  ASSERT_TRUE(client->Open().ok());
  EXPECT_EQ(client->opened().history_id(), "history-1");
  ASSERT_TRUE(SendAll(*client, 20).ok());
  ASSERT_TRUE(client->End().ok());
  ExpectComplete(20);
  const ExportTally tally = client->GetTally();
  EXPECT_EQ(tally.batches, 20);
  EXPECT_EQ(tally.durable_batch, 20);
  EXPECT_EQ(tally.durable_profiles, 20);
  EXPECT_EQ(tally.durable_bytes, 2000);
  EXPECT_EQ(tally.reconnects, 0);
  EXPECT_TRUE(slept_.empty());
}

TEST_F(ExportClientTest, AnExportWithoutBatchesEnds) {
  auto client = NewClient();
  ASSERT_TRUE(client->Open().ok());
  ASSERT_TRUE(client->End().ok());
  EXPECT_TRUE(fake_.exports().at("export-1").ended);
}

TEST_F(ExportClientTest, BrokenStreamsLoseNothingAndKeepTheOrder) {
  fake_.Change([](FakeBehavior& b) { b.break_at_batch = {3, 1, 5, 2, 0}; });
  auto client = NewClient();
  ASSERT_TRUE(client->Open().ok());
  ASSERT_TRUE(SendAll(*client, 20).ok());
  ASSERT_TRUE(client->End().ok());
  ExpectComplete(20);
  EXPECT_EQ(client->GetTally().reconnects, 4);
  EXPECT_EQ(client->GetTally().durable_profiles, 20);
  EXPECT_EQ(slept_.size(), 4u);
  EXPECT_FALSE(notes_.empty());
}

TEST_F(ExportClientTest, WithOneBatchInFlightStillEverythingArrives) {
  options_.max_unacknowledged_bytes = 1;
  fake_.Change([](FakeBehavior& b) { b.break_at_batch = {2, 2, 2}; });
  auto client = NewClient();
  ASSERT_TRUE(client->Open().ok());
  ASSERT_TRUE(SendAll(*client, 10).ok());
  ASSERT_TRUE(client->End().ok());
  ExpectComplete(10);
}

TEST_F(ExportClientTest, ALostAnswerToTheEndIsFoundOut) {
  fake_.Change([](FakeBehavior& b) { b.lost_end_answers = 1; });
  auto client = NewClient();
  ASSERT_TRUE(client->Open().ok());
  ASSERT_TRUE(SendAll(*client, 3).ok());
  ASSERT_TRUE(client->End().ok());
  ExpectComplete(3);
}

TEST_F(ExportClientTest, AnEndedExportMayAlsoBeAnErrorOfTheOpen) {
  fake_.Change([](FakeBehavior& b) {
    b.lost_end_answers = 1;
    b.open_answers = {absl::OkStatus(),
                      MakeError(absl::StatusCode::kFailedPrecondition,
                                "EXPORT_ENDED", "the export has ended")};
  });
  auto client = NewClient();
  ASSERT_TRUE(client->Open().ok());
  ASSERT_TRUE(SendAll(*client, 3).ok());
  ASSERT_TRUE(client->End().ok());
  ExpectComplete(3);
}

TEST_F(ExportClientTest, ASecondRunPassesOverWhatIsDurable) {
  fake_.Change([](FakeBehavior& b) {
    b.break_at_batch = {8};
    b.open_answers = {
        absl::OkStatus(),
        MakeError(absl::StatusCode::kNotFound, "DESTINATION_NOT_FOUND", "no")};
  });
  {
    auto client = NewClient();
    ASSERT_TRUE(client->Open().ok());
    absl::Status status = SendAll(*client, 20);
    if (status.ok()) status = client->WaitDurable();
    EXPECT_EQ(status.code(), absl::StatusCode::kNotFound);
  }
  auto client = NewClient();
  ASSERT_TRUE(client->Open().ok());
  EXPECT_EQ(client->opened().position().durable_sequence_number(), 7);
  ASSERT_TRUE(SendAll(*client, 20).ok());
  ASSERT_TRUE(client->End().ok());
  ExpectComplete(20);
  EXPECT_EQ(fake_.exports().at("export-1").repeats, 0);
  const ExportTally tally = client->GetTally();
  EXPECT_EQ(tally.skipped_batches, 7);
  EXPECT_EQ(tally.skipped_bytes, 700);
  EXPECT_EQ(tally.durable_profiles, 20);
}

TEST_F(ExportClientTest, AnExportThatHadEndedHasNothingToDo) {
  for (int run = 0; run < 2; ++run) {
    auto client = NewClient();
    ASSERT_TRUE(client->Open().ok());
    EXPECT_EQ(client->already_ended(), run == 1);
    if (run == 0) {
      ASSERT_TRUE(SendAll(*client, 2).ok());
      ASSERT_TRUE(client->End().ok());
    }
  }
}

TEST_F(ExportClientTest, NothingAnsweringAtFirstIsToldAtOnce) {
  fake_.Change([](FakeBehavior& b) { b.away = true; });
  auto client = NewClient();
  EXPECT_EQ(client->Open().code(), absl::StatusCode::kUnavailable);
  EXPECT_TRUE(slept_.empty());
}

TEST_F(ExportClientTest, AServerThatStaysAwayIsGivenUpAfterTheTime) {
  options_.retry_for = absl::Seconds(60);
  auto client = NewClient();
  ASSERT_TRUE(client->Open().ok());
  ASSERT_TRUE(SendAll(*client, 1).ok());
  ASSERT_TRUE(client->WaitDurable().ok());
  fake_.Change([](FakeBehavior& b) {
    b.lost_end_answers = 1;
    b.away = true;
  });
  EXPECT_EQ(client->End().code(), absl::StatusCode::kUnavailable);
  absl::Duration total;
  for (absl::Duration delay : slept_) total += delay;
  EXPECT_LE(total, absl::Seconds(60));
  EXPECT_GT(total, absl::Seconds(54));
  EXPECT_LT(slept_.size(), 40u);
}

TEST_F(ExportClientTest, AServerThatComesBackIsFoundAgain) {
  fake_.Change([](FakeBehavior& b) { b.lost_end_answers = 1; });
  auto client = NewClient();
  ASSERT_TRUE(client->Open().ok());
  ASSERT_TRUE(SendAll(*client, 2).ok());
  ASSERT_TRUE(client->WaitDurable().ok());
  fake_.Change([](FakeBehavior& b) { b.away = true; });
  on_sleep_ = [this] {
    if (slept_.size() == 4) {
      fake_.Change([](FakeBehavior& b) { b.away = false; });
    }
  };
  ASSERT_TRUE(client->End().ok());
  EXPECT_EQ(slept_.size(), 4u);
  ExpectComplete(2);
}

TEST_F(ExportClientTest, PatienceIsAskedForAndGiven) {
  ErrorDetail detail;
  detail.reason = "BACKLOG_FULL";
  detail.retry_delay = absl::Seconds(40);
  fake_.Change([&](FakeBehavior& b) {
    b.open_answers = {MakeError(absl::StatusCode::kResourceExhausted,
                                "too much waits", detail)};
  });
  auto client = NewClient();
  ASSERT_TRUE(client->Open().ok());
  EXPECT_EQ(slept_, std::vector<absl::Duration>{absl::Seconds(40)});
  ASSERT_TRUE(SendAll(*client, 2).ok());
  ASSERT_TRUE(client->End().ok());
  ExpectComplete(2);
}

TEST_F(ExportClientTest, AnotherHistoryEndsTheExport) {
  fake_.Change([](FakeBehavior& b) { b.lost_end_answers = 1; });
  auto client = NewClient();
  ASSERT_TRUE(client->Open().ok());
  ASSERT_TRUE(SendAll(*client, 2).ok());
  ASSERT_TRUE(client->WaitDurable().ok());
  on_sleep_ = [this] { fake_.LoseStore("history-2"); };
  const absl::Status status = client->End();
  EXPECT_EQ(GetErrorDetail(status).reason, "HISTORY_CHANGED");
}

TEST_F(ExportClientTest, ALostDurableBatchEndsTheExport) {
  fake_.Change([](FakeBehavior& b) { b.lost_end_answers = 1; });
  auto client = NewClient();
  ASSERT_TRUE(client->Open().ok());
  ASSERT_TRUE(SendAll(*client, 2).ok());
  ASSERT_TRUE(client->WaitDurable().ok());
  on_sleep_ = [this] { fake_.LoseStore("history-1"); };
  EXPECT_EQ(GetErrorDetail(client->End()).reason, "HISTORY_CHANGED");
}

TEST_F(ExportClientTest, TheHistoryOfAnEarlierRunIsChecked) {
  options_.history_id = "history-0";
  auto client = NewClient();
  EXPECT_EQ(GetErrorDetail(client->Open()).reason, "HISTORY_CHANGED");
}

TEST_F(ExportClientTest, FinalErrorsAreNotTriedAgain) {
  fake_.Change([](FakeBehavior& b) {
    b.break_at_batch = {2};
    b.open_answers = {absl::OkStatus(),
                      MakeError(absl::StatusCode::kAborted, "STREAM_FENCED",
                                "a newer stream was opened")};
  });
  auto client = NewClient();
  ASSERT_TRUE(client->Open().ok());
  absl::Status status = SendAll(*client, 5);
  if (status.ok()) status = client->WaitDurable();
  EXPECT_EQ(GetErrorDetail(status).reason, "STREAM_FENCED");
  EXPECT_EQ(slept_.size(), 1u);
}

TEST_F(ExportClientTest, RejectionsAreCountedAndPlaced) {
  fake_.Change([](FakeBehavior& b) {
    b.reject = [](const ExportBatch& batch) {
      BatchRejections rejections;
      if (batch.sequence_number() % 2 == 0) {
        auto& rejection = *rejections.add_rejections();
        rejection.set_profile_index(0);
        rejection.set_identity_index(0);
        rejection.set_reason(
            audience_sync::v1::REJECTION_REASON_EMAIL_MALFORMED);
        // An index that the batch does not have must do no harm.
        rejections.add_rejections()->set_profile_index(99);
        rejections.set_rejection_count(5);
      }
      return rejections;
    };
  });
  auto client = NewClient();
  ASSERT_TRUE(client->Open().ok());
  ASSERT_TRUE(SendAll(*client, 4).ok());
  ASSERT_TRUE(client->End().ok());
  EXPECT_EQ(client->GetTally().rejections, 10);
  const RejectionList list = client->GetRejections();
  EXPECT_EQ(
      list.by_reason.at(audience_sync::v1::REJECTION_REASON_EMAIL_MALFORMED),
      2);
  ASSERT_EQ(list.places.size(), 2u);
  EXPECT_EQ(list.places[0].line.line, 12);
  EXPECT_EQ(list.places[0].identity_index, 0);
  EXPECT_FALSE(list.places[0].membership_index.has_value());
  EXPECT_EQ(list.places[1].line.line, 14);
}

TEST_F(ExportClientTest, WaitsForDeliveryAsLongAsAsked) {
  auto client = NewClient();
  ASSERT_TRUE(client->Open().ok());
  ASSERT_TRUE(SendAll(*client, 3).ok());
  const auto delivered = client->WaitDelivered(absl::InfiniteDuration());
  ASSERT_TRUE(delivered.ok());
  EXPECT_TRUE(*delivered);
  ASSERT_TRUE(client->End().ok());
}

TEST_F(ExportClientTest, GivesUpWaitingForDelivery) {
  fake_.Change([](FakeBehavior& b) { b.deliver = false; });
  auto client = NewClient();
  ASSERT_TRUE(client->Open().ok());
  ASSERT_TRUE(SendAll(*client, 3).ok());
  ASSERT_TRUE(client->WaitDurable().ok());
  const auto delivered = client->WaitDelivered(absl::ZeroDuration());
  ASSERT_TRUE(delivered.ok());
  EXPECT_FALSE(*delivered);
  ASSERT_TRUE(client->End().ok());
  ExpectComplete(3);
}

TEST_F(ExportClientTest, AClientThatGivesUpLeavesNoStreamBehind) {
  auto client = NewClient();
  ASSERT_TRUE(client->Open().ok());
  ASSERT_TRUE(SendAll(*client, 3).ok());
  client.reset();
  EXPECT_FALSE(fake_.exports().at("export-1").ended);
}

// Whatever breaks wherever, the export arrives whole and in order.
TEST_F(ExportClientTest, RandomBreaksNeverChangeTheResult) {
  FakeRandom random(99);
  for (int round = 0; round < 40; ++round) {
    const int count = 1 + static_cast<int>(random.Next() % 12);
    options_.max_unacknowledged_bytes = 1 + random.Next() % 1000;
    fake_.LoseStore("history-1");
    fake_.Change([&](FakeBehavior& b) {
      b.break_at_batch.clear();
      for (int i = random.Next() % 6; i > 0; --i) {
        b.break_at_batch.push_back(1 + random.Next() % 6);
      }
      b.lost_end_answers = random.Next() % 2;
    });
    auto client = NewClient();
    ASSERT_TRUE(client->Open().ok());
    ASSERT_TRUE(SendAll(*client, count).ok());
    ASSERT_TRUE(client->End().ok());
    ExpectComplete(count);
    EXPECT_EQ(client->GetTally().durable_profiles, count);
  }
}

}  // namespace
}  // namespace connector::cli
