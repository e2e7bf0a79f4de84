// UndefinedBehaviorSanitizer must report this.

#include <limits>

#include "gtest/gtest.h"

namespace {

TEST(Overflow, AddsOneToTheLargestNumber) {
  volatile int largest = std::numeric_limits<int>::max();
  EXPECT_NE(largest + 1, 0);
}

}  // namespace
