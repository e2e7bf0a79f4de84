#include "connector/base/crash_point.h"

#include <set>
#include <string>
#include <vector>

#include "connector/base/crash_point_hook.h"
#include "gtest/gtest.h"

namespace connector {
namespace {

std::vector<CrashPoint>* reached = nullptr;

TEST(CrashPointTest, OnlyAHookSeesThem) {
  ReachCrashPoint(CrashPoint::kStoreOpened);
  std::vector<CrashPoint> seen;
  reached = &seen;
  SetCrashPointHook([](CrashPoint point) { reached->push_back(point); });
  ReachCrashPoint(CrashPoint::kConfirmWritten);
  ReachCrashPoint(CrashPoint::kEchoesUnended);
  SetCrashPointHook(nullptr);
  ReachCrashPoint(CrashPoint::kServing);
  EXPECT_EQ(seen, (std::vector<CrashPoint>{CrashPoint::kConfirmWritten,
                                           CrashPoint::kEchoesUnended}));
}

TEST(CrashPointTest, NamesAreDifferentAndInTheOrderOfThePoints) {
  const std::set<std::string> names(kCrashPointNames,
                                    kCrashPointNames + kCrashPoints);
  EXPECT_EQ(names.size(), static_cast<size_t>(kCrashPoints));
  EXPECT_STREQ(kCrashPointNames[static_cast<int>(CrashPoint::kStoreOpened)],
               "server.store.opened");
  EXPECT_STREQ(kCrashPointNames[static_cast<int>(CrashPoint::kEchoesUnended)],
               "delivery.echoes.unended");
}

}  // namespace
}  // namespace connector
