// The power is cut at a random file call of a random history, again and again,
// also while the store recovers. Every time it opens by itself, and holds the
// state after a prefix of the writes, with everything that was acknowledged as
// durable in it.
//
// SEEDS histories (30) from SEED (1) on; --test_env sets them.

#include <cstdlib>

#include "connector/membership/fault_history.h"
#include "connector/membership/store_fixture.h"

namespace connector::membership {
namespace {

uint64_t FromEnvironment(const char* name, uint64_t otherwise) {
  const char* value = std::getenv(name);
  return value == nullptr ? otherwise : std::strtoull(value, nullptr, 10);
}

struct Totals {
  int cuts = 0;
  int cuts_in_recovery = 0;
};

void RunSeed(uint64_t seed, Totals& totals) {
  SCOPED_TRACE(absl::StrCat("seed ", seed));
  TempDirectory directory;
  FaultHistory history(seed, directory.path());
  std::mt19937_64 generator(seed * 7919);
  const int cuts = 2 + static_cast<int>(generator() % 3);
  bool cut_set = false;
  for (int cut = 0; cut < cuts;) {
    if (!cut_set && generator() % 3 == 0) {
      // At its opening, or soon after.
      history.files().CutPowerAfter(1 + generator() % 200);
      cut_set = true;
    }
    absl::Status status = history.Open();
    if (status.ok()) {
      if (!cut_set) {
        history.files().CutPowerAfter(1 + generator() % 1'500);
        cut_set = true;
      }
      // Far enough for any cut above.
      status = history.Steps(400);
      EXPECT_TRUE(status.ok() || history.files().power_is_off()) << status;
      ++totals.cuts;
      ++cut;
    } else {
      ASSERT_TRUE(history.files().power_is_off()) << status;
      ASSERT_NE(status.code(), absl::StatusCode::kInternal) << status;
      ++totals.cuts_in_recovery;
    }
    history.Close();
    history.files().RestorePower(history.random());
    cut_set = false;
  }
  const absl::Status status = history.Open();
  ASSERT_TRUE(status.ok()) << status;
  EXPECT_TRUE(history.Steps(10).ok());
  history.Close();
}

TEST(PowerLossTest, EveryHistoryOpensAgainWithAllThatWasAcknowledged) {
  const uint64_t first = FromEnvironment("SEED", 1);
  const uint64_t seeds = FromEnvironment("SEEDS", 30);
  Totals totals;
  for (uint64_t seed = first; seed < first + seeds; ++seed) {
    RunSeed(seed, totals);
    if (testing::Test::HasFatalFailure()) return;
  }
  std::printf("%d seeds, %d power cuts, %d more during recovery\n",
              static_cast<int>(seeds), totals.cuts, totals.cuts_in_recovery);
  EXPECT_GE(totals.cuts, static_cast<int>(2 * seeds));
}

}  // namespace
}  // namespace connector::membership
