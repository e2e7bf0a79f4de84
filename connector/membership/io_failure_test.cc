// Every file call of a fixed history fails once, with EIO and with ENOSPC. The
// outcome is a clean error, or the store stops and says so once; nothing that
// was acknowledged is lost, also when the power is cut on top of it.
//
// Normally a sample of the calls; with ALL_CALLS set, all of them.

#include <cstdlib>

#include "connector/membership/fault_history.h"
#include "connector/membership/store_fixture.h"

namespace connector::membership {
namespace {

using Fault = FaultFileSystem::Fault;

constexpr uint64_t kSeed = 11;
constexpr int kSteps = 120;

struct Totals {
  int runs = 0;
  int refused_opens = 0;
  int stopped = 0;
  int unnoticed = 0;
};

// Whether the call was reached.
bool FailOne(int64_t call, Fault fault, bool cut_power, Totals& totals) {
  TempDirectory directory;
  FaultHistory history(kSeed, directory.path());
  history.files().FailCall(call, fault);
  absl::Status status = history.Open();
  if (!status.ok()) {
    EXPECT_EQ(status.code(), absl::StatusCode::kUnavailable) << status;
    EXPECT_EQ(Reason(status), "STORE_FAILED");
    ++totals.refused_opens;
  } else {
    status = history.Steps(kSteps);
    const absl::Status health = history.store().Healthy();
    if (!health.ok()) {
      // It stays so, and was told once.
      EXPECT_EQ(Reason(health), "STORE_FAILED") << health;
      EXPECT_EQ(history.failures(), 1);
      EXPECT_FALSE(history.store().PutDestination("x", "").ok());
      ++totals.stopped;
    } else {
      totals.unnoticed += status.ok();
      EXPECT_EQ(history.failures(), 0);
    }
  }
  const auto struck = history.files().struck();
  history.Close();
  history.files().ClearFault();
  if (cut_power) history.files().RestorePower(history.random());
  status = history.Open();
  EXPECT_TRUE(status.ok()) << status << "\nafter "
                           << (struck.has_value() ? FileCallName(*struck) : "");
  if (status.ok()) {
    EXPECT_TRUE(history.Steps(5).ok());
  }
  history.Close();
  ++totals.runs;
  return struck.has_value();
}

void FailAll(Fault fault) {
  const bool all = std::getenv("ALL_CALLS") != nullptr;
  Totals totals;
  int64_t call = 1;
  for (;; ++call) {
    SCOPED_TRACE(absl::StrCat("call ", call));
    if (!FailOne(call, fault, call % 2 == 0, totals)) break;
    if (testing::Test::HasFailure()) return;
    if (!all) call += call < 40 ? 12 : 90;
  }
  std::printf(
      "%d of %d calls failed once each: %d opens refused, %d stops, %d without "
      "effect\n",
      totals.runs, static_cast<int>(call), totals.refused_opens, totals.stopped,
      totals.unnoticed);
  EXPECT_GT(totals.stopped, 0);
  EXPECT_GT(totals.refused_opens, 0);
}

TEST(IoFailureTest, EveryCallFailsOnceWithAnInputOutputError) {
  FailAll(Fault::kInputOutput);
}

TEST(IoFailureTest, EveryCallFailsOnceWithNoSpace) { FailAll(Fault::kNoSpace); }

// A disk that is full for good: the store stops, and comes back with all that
// was acknowledged once there is room again.
TEST(IoFailureTest, AFullDiskStopsTheStoreUntilThereIsRoom) {
  TempDirectory directory;
  FaultHistory history(kSeed, directory.path());
  ASSERT_TRUE(history.Open().ok());
  ASSERT_TRUE(history.Steps(40).ok());
  history.files().SetFull(true);
  EXPECT_FALSE(history.Steps(40).ok());
  EXPECT_EQ(Reason(history.store().Healthy()), "STORE_FAILED");
  EXPECT_EQ(history.failures(), 1);
  EXPECT_THAT(std::string(history.failure().message()),
              testing::HasSubstr("full"));
  history.Close();
  const absl::Status refused = history.Open();
  EXPECT_EQ(Reason(refused), "STORE_FAILED") << refused;
  history.files().SetFull(false);
  const absl::Status opened = history.Open();
  ASSERT_TRUE(opened.ok()) << opened;
  EXPECT_TRUE(history.Steps(40).ok());
  history.Close();
}

}  // namespace
}  // namespace connector::membership
