#include "connector/ingest/export_stream.h"

#include <random>
#include <string>

#include "absl/strings/str_cat.h"
#include "connector/base/error.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace connector::ingest {
namespace {

namespace v1 = audience_sync::v1;
using membership::CommitOutcome;
using membership::ExportPosition;

v1::OpenExport Open(const std::string& id = "export-1") {
  v1::OpenExport open;
  open.set_ad_account_id("1");
  open.set_export_id(id);
  return open;
}

v1::EndExport End(int64_t last) {
  v1::EndExport end;
  end.set_last_sequence_number(last);
  return end;
}

ExportPosition At(int64_t durable, int64_t delivered = 0) {
  return {"export-1", durable, delivered, false};
}

CommitOutcome Committed(int64_t durable, int64_t delivered = 0) {
  return {false, At(durable, delivered)};
}

v1::BatchRejections Rejections(int64_t number, int64_t count) {
  v1::BatchRejections rejections;
  rejections.set_sequence_number(number);
  rejections.set_rejection_count(count);
  return rejections;
}

class ExportStreamTest : public ::testing::Test {
 protected:
  static constexpr int64_t kLimit = 1000;

  // An open stream whose answer was sent.
  void OpenStream(int64_t durable = 0, int64_t delivered = 0) {
    ASSERT_TRUE(stream_.OnOpen(Open()));
    stream_.OnOpened(At(durable, delivered), "history");
    EXPECT_EQ(Next(), "opened " + std::to_string(durable) + " " +
                          std::to_string(delivered));
  }

  void Send(int64_t number, int64_t bytes = 10, int64_t rejections = 0) {
    ASSERT_TRUE(stream_.OnBatch(number, bytes));
    stream_.OnMapped(Rejections(number, rejections), bytes);
  }

  // The next frame in words; "" if there is none.
  std::string Next() {
    v1::ExportSegmentsResponse frame;
    if (!stream_.NextFrame(&frame)) return "";
    switch (frame.frame_case()) {
      case v1::ExportSegmentsResponse::kOpened:
        return absl::StrCat(
            "opened ", frame.opened().position().durable_sequence_number(), " ",
            frame.opened().position().delivered_sequence_number());
      case v1::ExportSegmentsResponse::kDurableAck: {
        std::string text = absl::StrCat(
            "durable ", frame.durable_ack().durable_sequence_number());
        for (const auto& rejections : frame.durable_ack().batch_rejections()) {
          absl::StrAppend(&text, " ", rejections.sequence_number(), ":",
                          rejections.rejection_count());
        }
        return text;
      }
      case v1::ExportSegmentsResponse::kDeliveredAck:
        return absl::StrCat("delivered ",
                            frame.delivered_ack().delivered_sequence_number());
      case v1::ExportSegmentsResponse::kEnded:
        return absl::StrCat("ended ", frame.ended().last_sequence_number());
      case v1::ExportSegmentsResponse::FRAME_NOT_SET:
        break;
    }
    return "empty frame";
  }

  // How the stream ends: "", "OK" or the reason.
  std::string Finish() {
    const auto status = stream_.FinishStatus();
    if (!status.has_value()) return "";
    if (status->ok()) return "OK";
    return GetErrorDetail(*status).reason;
  }

  ExportStream stream_{kLimit};
};

TEST_F(ExportStreamTest, WaitsForTheFirstFrame) {
  EXPECT_TRUE(stream_.WantsRead());
  EXPECT_EQ(Next(), "");
  EXPECT_EQ(Finish(), "");
}

TEST_F(ExportStreamTest, AnswersOpenWithPositionLimitsAndHistory) {
  ASSERT_TRUE(stream_.OnOpen(Open()));
  EXPECT_FALSE(stream_.WantsRead());
  stream_.OnOpened(At(7, 5), "history");
  v1::ExportSegmentsResponse frame;
  ASSERT_TRUE(stream_.NextFrame(&frame));
  EXPECT_EQ(frame.opened().position().export_id(), "export-1");
  EXPECT_EQ(frame.opened().position().durable_sequence_number(), 7);
  EXPECT_EQ(frame.opened().position().delivered_sequence_number(), 5);
  EXPECT_EQ(frame.opened().history_id(), "history");
  EXPECT_EQ(frame.opened().limits().max_unacknowledged_bytes(), kLimit);
  EXPECT_GT(frame.opened().limits().max_frame_bytes(), 0);
  EXPECT_GT(frame.opened().limits().max_batch_profiles(), 0);
  EXPECT_EQ(Next(), "");
  EXPECT_TRUE(stream_.WantsRead());
}

TEST_F(ExportStreamTest, RefusesBadExportIds) {
  for (const std::string& id :
       {std::string(), std::string(129, 'a'), std::string("a b"),
        std::string("a/b"), std::string("\xC3\xA9")}) {
    ExportStream stream;
    EXPECT_FALSE(stream.OnOpen(Open(id)));
    ASSERT_TRUE(stream.FinishStatus().has_value());
    EXPECT_EQ(GetErrorDetail(*stream.FinishStatus()).reason, "FIELD_INVALID");
  }
  EXPECT_TRUE(ExportStream().OnOpen(Open("Az09._:-")));
}

TEST_F(ExportStreamTest, FirstFrameMustBeOpen) {
  EXPECT_FALSE(stream_.OnBatch(1, 10));
  EXPECT_EQ(Finish(), "FRAME_UNEXPECTED");
  ExportStream ended;
  EXPECT_FALSE(ended.OnEnd(End(0)));
  EXPECT_EQ(GetErrorDetail(*ended.FinishStatus()).reason, "FRAME_UNEXPECTED");
  ExportStream empty;
  empty.OnEmptyFrame();
  EXPECT_EQ(GetErrorDetail(*empty.FinishStatus()).reason, "FRAME_UNEXPECTED");
}

TEST_F(ExportStreamTest, OnlyOneOpen) {
  OpenStream();
  EXPECT_FALSE(stream_.OnOpen(Open()));
  EXPECT_EQ(Finish(), "FRAME_UNEXPECTED");
}

TEST_F(ExportStreamTest, AFailedOpenEndsTheStream) {
  ASSERT_TRUE(stream_.OnOpen(Open()));
  EXPECT_EQ(Finish(), "");
  stream_.Fail(MakeError(absl::StatusCode::kNotFound, "DESTINATION_NOT_FOUND",
                         "no destination"));
  EXPECT_EQ(Next(), "");
  EXPECT_EQ(Finish(), "DESTINATION_NOT_FOUND");
}

TEST_F(ExportStreamTest, AcksAreCumulativeAndCoalesced) {
  OpenStream();
  Send(1);
  Send(2, 10, 3);
  Send(3, 10, 1);
  EXPECT_EQ(Next(), "");
  stream_.OnCommitted(Committed(1));
  stream_.OnCommitted(Committed(2));
  EXPECT_EQ(Next(), "durable 2 2:3");
  EXPECT_EQ(Next(), "");
  stream_.OnCommitted(Committed(3));
  EXPECT_EQ(Next(), "durable 3 3:1");
  EXPECT_EQ(Next(), "");
  EXPECT_EQ(Finish(), "");
}

TEST_F(ExportStreamTest, ARepeatIsAcknowledgedWithoutItsRejections) {
  OpenStream(5);
  Send(4, 10, 2);
  stream_.OnCommitted(CommitOutcome{true, At(5)});
  EXPECT_EQ(Next(), "durable 5");
  EXPECT_EQ(Next(), "");
}

TEST_F(ExportStreamTest, DeliveredAcksFollowDurableOnes) {
  OpenStream();
  Send(1);
  Send(2);
  stream_.OnDelivered(1);
  EXPECT_EQ(Next(), "");
  stream_.OnCommitted(Committed(1, 0));
  EXPECT_EQ(Next(), "durable 1");
  EXPECT_EQ(Next(), "delivered 1");
  stream_.OnCommitted(Committed(2, 2));
  stream_.OnDelivered(1);
  EXPECT_EQ(Next(), "durable 2");
  EXPECT_EQ(Next(), "delivered 2");
  EXPECT_EQ(Next(), "");
}

TEST_F(ExportStreamTest, DeliveryKnownBeforeTheOpenIsNotLost) {
  ASSERT_TRUE(stream_.OnOpen(Open()));
  stream_.OnDelivered(3);
  stream_.OnOpened(At(4, 2), "history");
  EXPECT_EQ(Next(), "opened 4 2");
  EXPECT_EQ(Next(), "delivered 3");
}

TEST_F(ExportStreamTest, StopsReadingAtItsByteLimit) {
  OpenStream();
  Send(1, 600);
  EXPECT_TRUE(stream_.WantsRead());
  Send(2, 400);
  EXPECT_FALSE(stream_.WantsRead());
  stream_.OnCommitted(Committed(1));
  EXPECT_TRUE(stream_.WantsRead());
  stream_.OnCommitted(Committed(2));
  EXPECT_EQ(stream_.unacknowledged_bytes(), 0);
}

TEST_F(ExportStreamTest, CountsWhatABatchTakesOnceItIsMapped) {
  OpenStream();
  ASSERT_TRUE(stream_.OnBatch(1, 900));
  EXPECT_EQ(stream_.unacknowledged_bytes(), 900);
  stream_.OnMapped({}, 1200);
  EXPECT_EQ(stream_.unacknowledged_bytes(), 1200);
  EXPECT_FALSE(stream_.WantsRead());
  stream_.OnCommitted(Committed(1));
  EXPECT_EQ(stream_.unacknowledged_bytes(), 0);
}

TEST_F(ExportStreamTest, AHostThatReadsNoAcksIsReadNoMore) {
  OpenStream();
  int sent = 0;
  while (stream_.WantsRead() && sent < 1000) {
    ++sent;
    Send(sent, 1, 1);
    stream_.OnCommitted(Committed(sent));
  }
  EXPECT_EQ(sent, 64);
  EXPECT_NE(Next(), "");
  EXPECT_TRUE(stream_.WantsRead());
}

TEST_F(ExportStreamTest, EndsAfterEverythingIsDurable) {
  OpenStream();
  Send(1);
  ASSERT_TRUE(stream_.OnEnd(End(1)));
  EXPECT_EQ(Finish(), "");
  stream_.OnCommitted(Committed(1));
  stream_.OnCommitted(Committed(1));
  EXPECT_EQ(Next(), "durable 1");
  EXPECT_EQ(Finish(), "");
  EXPECT_EQ(Next(), "ended 1");
  EXPECT_EQ(Next(), "");
  EXPECT_EQ(Finish(), "OK");
  EXPECT_FALSE(stream_.WantsRead());
}

TEST_F(ExportStreamTest, NothingMayFollowTheEnd) {
  OpenStream();
  ASSERT_TRUE(stream_.OnEnd(End(0)));
  EXPECT_TRUE(stream_.WantsRead());
  EXPECT_FALSE(stream_.OnBatch(1, 10));
  EXPECT_EQ(Finish(), "");
  stream_.OnCommitted(Committed(0));
  EXPECT_EQ(Next(), "ended 0");
  EXPECT_EQ(Finish(), "FRAME_UNEXPECTED");
}

TEST_F(ExportStreamTest, EndsOnce) {
  OpenStream();
  ASSERT_TRUE(stream_.OnEnd(End(0)));
  EXPECT_FALSE(stream_.OnEnd(End(0)));
  stream_.OnCommitted(Committed(0));
  EXPECT_EQ(Next(), "ended 0");
  EXPECT_EQ(Finish(), "FRAME_UNEXPECTED");
}

TEST_F(ExportStreamTest, AnEndThatIsRefusedFailsTheStream) {
  OpenStream();
  ASSERT_TRUE(stream_.OnEnd(End(9)));
  stream_.OnCommitted(
      MakeError(absl::StatusCode::kOutOfRange, "SEQUENCE_GAP", "gap"));
  EXPECT_EQ(Next(), "");
  EXPECT_EQ(Finish(), "SEQUENCE_GAP");
}

TEST_F(ExportStreamTest, NumbersMustBeInRange) {
  OpenStream();
  EXPECT_FALSE(stream_.OnBatch(0, 10));
  EXPECT_EQ(Finish(), "FIELD_INVALID");
  ExportStream other;
  ASSERT_TRUE(other.OnOpen(Open()));
  other.OnOpened(At(0), "h");
  EXPECT_FALSE(other.OnEnd(End(-1)));
}

TEST_F(ExportStreamTest, HalfCloseWaitsForCommitsAndThenIsOk) {
  OpenStream();
  Send(1);
  stream_.OnHalfClose();
  EXPECT_FALSE(stream_.WantsRead());
  EXPECT_EQ(Finish(), "");
  stream_.OnCommitted(Committed(1));
  EXPECT_EQ(Finish(), "");
  EXPECT_EQ(Next(), "durable 1");
  stream_.OnDelivered(1);
  EXPECT_EQ(Next(), "");
  EXPECT_EQ(Finish(), "OK");
}

TEST_F(ExportStreamTest, HalfCloseBeforeAnythingIsOk) {
  stream_.OnHalfClose();
  EXPECT_EQ(Finish(), "OK");
}

TEST_F(ExportStreamTest, AFailureIsToldAfterWhatBecameDurable) {
  OpenStream();
  Send(1);
  Send(2);
  Send(3);
  stream_.OnCommitted(Committed(1));
  stream_.OnCommitted(
      MakeError(absl::StatusCode::kResourceExhausted, "BACKLOG_FULL", "full"));
  EXPECT_FALSE(stream_.WantsRead());
  EXPECT_EQ(Finish(), "");
  stream_.OnCommitted(
      MakeError(absl::StatusCode::kOutOfRange, "SEQUENCE_GAP", "gap"));
  EXPECT_EQ(Finish(), "");
  EXPECT_EQ(Next(), "durable 1");
  EXPECT_EQ(Finish(), "BACKLOG_FULL");
}

TEST_F(ExportStreamTest, ARefusedBatchLeavesTheOnesBeforeIt) {
  OpenStream();
  Send(1);
  ASSERT_TRUE(stream_.OnBatch(2, 100));
  stream_.OnRefused(FieldError("batch.profile_exports", "too many"));
  EXPECT_FALSE(stream_.OnBatch(3, 10));
  EXPECT_EQ(stream_.unacknowledged_bytes(), 10);
  stream_.OnCommitted(Committed(1));
  EXPECT_EQ(Next(), "durable 1");
  EXPECT_EQ(Finish(), "FIELD_INVALID");
}

TEST_F(ExportStreamTest, FencingEndsItAfterItsCommits) {
  OpenStream();
  Send(1);
  stream_.OnFenced();
  EXPECT_FALSE(stream_.WantsRead());
  EXPECT_EQ(Finish(), "");
  stream_.OnCommitted(
      MakeError(absl::StatusCode::kAborted, "STREAM_FENCED", "fenced"));
  EXPECT_EQ(Finish(), "STREAM_FENCED");
  EXPECT_EQ(stream_.FinishStatus()->code(), absl::StatusCode::kAborted);
}

TEST_F(ExportStreamTest, FencedWhileOpening) {
  ASSERT_TRUE(stream_.OnOpen(Open()));
  stream_.OnFenced();
  stream_.OnOpened(At(2), "history");
  EXPECT_EQ(Next(), "opened 2 0");
  EXPECT_EQ(Finish(), "STREAM_FENCED");
}

TEST_F(ExportStreamTest, ShutdownFinishesWhatWasTaken) {
  OpenStream();
  Send(1);
  stream_.OnShutdown();
  EXPECT_FALSE(stream_.WantsRead());
  EXPECT_FALSE(stream_.OnBatch(2, 10));
  EXPECT_EQ(Finish(), "");
  stream_.OnCommitted(Committed(1));
  EXPECT_EQ(Next(), "durable 1");
  EXPECT_EQ(Finish(), "SHUTTING_DOWN");
  EXPECT_TRUE(GetErrorDetail(*stream_.FinishStatus()).retry_delay.has_value());
}

TEST_F(ExportStreamTest, ShutdownLetsAnEndingExportEnd) {
  OpenStream();
  ASSERT_TRUE(stream_.OnEnd(End(0)));
  stream_.OnShutdown();
  stream_.OnCommitted(Committed(0));
  EXPECT_EQ(Next(), "ended 0");
  EXPECT_EQ(Finish(), "OK");
}

TEST_F(ExportStreamTest, ShutdownOfAnUnopenedStreamIsAtOnce) {
  stream_.OnShutdown();
  EXPECT_EQ(Finish(), "SHUTTING_DOWN");
}

TEST_F(ExportStreamTest, CancellationIsAtOnceAndCommitsMayStillComeBack) {
  OpenStream();
  Send(1);
  stream_.OnCancelled();
  EXPECT_FALSE(stream_.WantsRead());
  EXPECT_EQ(Finish(), "CANCELLED");
  stream_.OnCommitted(Committed(1));
  EXPECT_EQ(Next(), "");
  EXPECT_EQ(Finish(), "CANCELLED");
  EXPECT_EQ(stream_.unacknowledged_bytes(), 0);
}

// Whatever comes in whatever order: the numbers told never fall, nothing is
// told that is not so, and once everything has come back the stream can end.
TEST(ExportStreamModelTest, RandomEventsKeepTheProtocol) {
  for (uint32_t seed = 0; seed < 3000; ++seed) {
    SCOPED_TRACE(seed);
    std::mt19937 random(seed);
    ExportStream stream(100);
    bool opened = false;
    int64_t next = 1;     // number of the next batch
    int64_t durable = 0;  // as the store has it
    int64_t delivered = 0;
    bool store_failed = false;
    std::deque<int64_t> in_store;  // numbers; -1 is the end
    int64_t told_durable = 0;
    int64_t told_delivered = 0;
    bool told_opened = false;
    bool told_ended = false;
    bool half_closed = false;
    bool cancelled = false;
    const auto commit = [&] {
      if (in_store.empty()) return;
      const int64_t number = in_store.front();
      in_store.pop_front();
      if (store_failed) {
        stream.OnCommitted(absl::AbortedError("no"));
        return;
      }
      if (number > 0) durable = number;
      stream.OnCommitted(CommitOutcome{false, At(durable, delivered)});
    };
    const auto drain = [&] {
      v1::ExportSegmentsResponse frame;
      while (stream.NextFrame(&frame)) {
        ASSERT_FALSE(told_ended);
        ASSERT_FALSE(cancelled);
        if (frame.has_opened()) {
          ASSERT_FALSE(told_opened);
          told_opened = true;
        }
        ASSERT_TRUE(told_opened);
        if (frame.has_durable_ack()) {
          const int64_t n = frame.durable_ack().durable_sequence_number();
          ASSERT_GE(n, told_durable);
          ASSERT_LE(n, durable);
          told_durable = n;
        }
        if (frame.has_delivered_ack()) {
          const int64_t n = frame.delivered_ack().delivered_sequence_number();
          ASSERT_GT(n, told_delivered);
          ASSERT_LE(n, std::min(delivered, told_durable));
          told_delivered = n;
        }
        if (frame.has_ended()) told_ended = true;
      }
    };
    for (int step = 0; step < 40; ++step) {
      if (stream.FinishStatus().has_value()) break;
      const bool may_read = !half_closed && stream.WantsRead();
      switch (random() % 12) {
        case 0:
          if (!opened && may_read && stream.OnOpen(Open())) {
            stream.OnOpened(At(0), "h");
            opened = true;
          }
          break;
        case 1:
        case 2:
        case 3:
          if (may_read && stream.OnBatch(next, 30)) {
            stream.OnMapped(Rejections(next, random() % 2), 40);
            in_store.push_back(next++);
          }
          break;
        case 4:
        case 5:
          commit();
          break;
        case 6:
          if (durable > delivered) stream.OnDelivered(++delivered);
          break;
        case 7:
        case 8:
          drain();
          break;
        case 9:
          if (random() % 4 == 0 && may_read && stream.OnEnd(End(next - 1))) {
            in_store.push_back(-1);
          }
          break;
        case 10:
          switch (random() % 8) {
            case 0:
              stream.OnFenced();
              store_failed = true;
              break;
            case 1:
              stream.OnShutdown();
              break;
            case 2:
              half_closed = true;
              stream.OnHalfClose();
              break;
            case 3:
              cancelled = true;
              stream.OnCancelled();
              break;
          }
          break;
        case 11:
          if (random() % 8 == 0) store_failed = true;
          break;
      }
      if (::testing::Test::HasFatalFailure()) return;
    }
    if (!half_closed) stream.OnHalfClose();
    while (!in_store.empty()) commit();
    drain();
    if (::testing::Test::HasFatalFailure()) return;
    ASSERT_TRUE(stream.FinishStatus().has_value());
    EXPECT_EQ(stream.unacknowledged_bytes(), 0);
    if (!cancelled && opened) {
      EXPECT_EQ(told_durable, durable);
    }
  }
}

}  // namespace
}  // namespace connector::ingest
