// AddressSanitizer must report this.

#include <memory>

#include "gtest/gtest.h"

namespace {

TEST(UseAfterFree, ReadsWhatIsFreed) {
  auto owner = std::make_unique<int>(1);
  const volatile int* view = owner.get();
  owner.reset();
  EXPECT_GE(*view, 0);
}

}  // namespace
