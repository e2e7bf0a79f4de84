// Tables, numbers, progress lines: what is drawn from given facts.
#include <cstdlib>
#include <string>

#include "connector/cli/humanize.h"
#include "connector/cli/progress.h"
#include "connector/cli/status_text.h"
#include "connector/cli/table.h"
#include "google/protobuf/text_format.h"
#include "gtest/gtest.h"

namespace connector::cli {
namespace {

TEST(TableTest, ColumnsAreAsWideAsTheirWidestCell) {
  Table table({{"NAME"}, {"COUNT", true}, {"STATE"}});
  table.AddRow({"a", "1", "ok"});
  table.AddRow({"a longer one", "12,345", ""});
  table.AddRow({"short"});
  EXPECT_EQ(table.Render(),
            "NAME           COUNT  STATE\n"
            "------------  ------  -----\n"
            "a                  1  ok\n"
            "a longer one  12,345\n"
            "short\n");
}

TEST(TableTest, CountsCodePointsAndNeutralizesControls) {
  Table table({{"N"}, {"X"}});
  table.AddRow({"Gr\xC3\xBC\xC3\x9F", "a"});
  table.AddRow({"\x1b[2J\n", "b\x7f\xC2\x9B"});
  EXPECT_EQ(table.Render(),
            "N      X\n"
            "-----  ---\n"
            "Gr\xC3\xBC\xC3\x9F   a\n"
            "?[2J?  b??\n");
  EXPECT_EQ(Printable("ok\xFFz\xC3"), "ok?z?");
}

TEST(HumanizeTest, Numbers) {
  EXPECT_EQ(Grouped(0), "0");
  EXPECT_EQ(Grouped(999), "999");
  EXPECT_EQ(Grouped(1000), "1,000");
  EXPECT_EQ(Grouped(1234567), "1,234,567");
  EXPECT_EQ(Grouped(-1234), "-1,234");
  EXPECT_EQ(Grouped(-999), "-999");
  EXPECT_EQ(HumanBytes(999), "999 B");
  EXPECT_EQ(HumanBytes(1500), "1.5 kB");
  EXPECT_EQ(HumanBytes(999'999), "1.0 MB");
  EXPECT_EQ(HumanBytes(2'500'000'000), "2.5 GB");
  EXPECT_EQ(HumanDuration(absl::Seconds(59.4)), "59 s");
  EXPECT_EQ(HumanDuration(absl::Seconds(125)), "2:05");
  EXPECT_EQ(HumanDuration(absl::Seconds(3723)), "1:02:03");
  EXPECT_EQ(Counted(1, "batch", "batches"), "1 batch");
  EXPECT_EQ(Counted(2000, "profile"), "2,000 profiles");
}

ProgressSnapshot Halfway() {
  ProgressSnapshot p;
  p.elapsed = absl::Seconds(10);
  p.durable_bytes = 5'000'000;
  p.total_bytes = 10'000'000;
  p.durable_profiles = 20'000;
  return p;
}

TEST(ProgressTest, TheBarHasShareRateAndRemainingTime) {
  EXPECT_EQ(RenderBar(Halfway(), 79),
            "[#############.............]  50%  20,000 profiles  2,000/s  "
            "5.0 MB  10 s left");
  EXPECT_EQ(RenderPlain(Halfway()),
            "50%  20,000 profiles  2,000/s  5.0 MB  10 s left");
}

TEST(ProgressTest, ABarNeverGetsWiderThanTheTerminal) {
  ProgressSnapshot p = Halfway();
  p.rejections = 123456;
  p.interruption = "the connection is interrupted";
  for (int width = 0; width < 200; ++width) {
    EXPECT_LE(DisplayWidth(RenderBar(p, width)), static_cast<size_t>(width));
  }
}

TEST(ProgressTest, StandardInputHasARateOnly) {
  ProgressSnapshot p = Halfway();
  p.total_bytes.reset();
  EXPECT_EQ(RenderBar(p, 79), "20,000 profiles  2,000/s  5.0 MB");
}

TEST(ProgressTest, WhatAnEarlierRunDidIsNoSpeed) {
  ProgressSnapshot p = Halfway();
  p.skipped_bytes = 4'000'000;
  p.skipped_profiles = 16'000;
  EXPECT_EQ(RenderPlain(p), "50%  20,000 profiles  400/s  5.0 MB  50 s left");
}

TEST(ProgressTest, WaitingShowsWhatIsDelivered) {
  ProgressSnapshot p = Halfway();
  p.waiting_for_delivery = true;
  p.last_batch = 20;
  p.delivered_batch = 5;
  p.rejections = 3;
  EXPECT_EQ(RenderPlain(p), "25%  delivered 5 of 20 batches  3 rejected");
}

TEST(ProgressTest, TheDisplayPrintsNotesAndStopsTwice) {
  char* text = nullptr;
  size_t size = 0;
  FILE* out = open_memstream(&text, &size);
  {
    ProgressDisplay display(ProgressMode::kPlain, out,
                            [] { return Halfway(); });
    display.Note("a note");
    display.Stop();
    display.Stop();
  }
  fclose(out);
  EXPECT_EQ(std::string(text, size), "a note\n");
  free(text);
}

TEST(StatusTextTest, ShowsSegmentsTotalsAndExports) {
  audience_sync::v1::DestinationStatus status;
  ASSERT_TRUE(google::protobuf::TextFormat::ParseFromString(
      R"pb(
        ad_account_id: "549755885175"
        delivery_state: DELIVERY_STATE_BLOCKED
        blocked_by {
          code: 9
          message: "the token was refused"
          details {
            [type.googleapis.com/google.rpc.ErrorInfo] {
              reason: "TOKEN_REFUSED"
            }
          }
        }
        counters { received: 1500 delivered: 1000 rejected: 100 pending: 400 }
        segment_statuses {
          segment { segment_namespace: "ups" segment_id: "s-1" }
          customer_list_name: "cdp/ups/s-1"
          customer_list_id: "643"
          member_count: 1000
          counters { received: 1400 delivered: 1000 pending: 400 }
          delivery_state: DELIVERY_STATE_RETRYING
          last_error { code: 14 message: "HTTP 503" }
          unknown_members: true
        }
        segment_statuses {
          customer_list_name: "cdp/ups/s-2"
          delivery_state: DELIVERY_STATE_ACTIVE
        }
        export_positions {
          export_id: "cli-1"
          durable_sequence_number: 20
          delivered_sequence_number: 12
          ended: true
        }
        backlog_bytes: 12800
        oldest_pending_time { seconds: 1000 }
      )pb",
      &status));
  EXPECT_EQ(
      StatusText(status, absl::FromUnixSeconds(1090)),
      R"(destination 549755885175: BLOCKED, 400 pending (12.8 kB), the oldest for 1:30
blocked by TOKEN_REFUSED: the token was refused

LIST                           MEMBERS  RECEIVED  DELIVERED  ALREADY THERE  NETTED OUT  SUPERSEDED  EXCLUDED  REJECTED  PENDING  STATE
-----------------------------  -------  --------  ---------  -------------  ----------  ----------  --------  --------  -------  -------------------------------
cdp/ups/s-1 (643)              >=1,000     1,400      1,000              0           0           0         0         0      400  RETRYING  UNAVAILABLE: HTTP 503
cdp/ups/s-2 (not created yet)        0         0          0              0           0           0         0         0        0  ACTIVE
all, and what belongs to none              1,500      1,000              0           0           0         0       100      400

EXPORT  DURABLE BATCH  DELIVERED BATCH  ENDED
------  -------------  ---------------  -----
cli-1              20               12  yes
)");
}

TEST(StatusTextTest, ShowsAudiencesAndWhoElseWrites) {
  audience_sync::v1::DestinationStatus status;
  ASSERT_TRUE(google::protobuf::TextFormat::ParseFromString(
      R"pb(
        ad_account_id: "549755885175"
        segment_statuses {
          customer_list_name: "cdp/ups/s-1"
          customer_list_id: "643"
          audience {
            audience_id: "2542"
            audience_type: "CUSTOMER_LIST"
            name: "Best"
            state: AUDIENCE_STATE_WAITING
            pinterest_status: "PROCESSING"
            size: 1200
            state_time { seconds: 1000 }
            hint: "at work"
          }
          list_counters { hint: "somebody else writes to this list" }
        }
        declared_audiences {
          audience_type: "ACTALIKE"
          name: "Like them"
          state: AUDIENCE_STATE_PENDING
          last_error: "bad rule"
        }
      )pb",
      &status));
  const std::string text = StatusText(status, absl::FromUnixSeconds(1090));
  for (const char* words :
       {"list 643: somebody else writes to this list", "Best", "2542",
        "PROCESSING", "1,200", "at work", "Like them", "not made yet",
        "PENDING", "Pinterest: bad rule"}) {
    EXPECT_NE(text.find(words), std::string::npos) << words << "\n" << text;
  }
}

}  // namespace
}  // namespace connector::cli
