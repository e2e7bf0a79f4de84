#include "connector/audiences/audience_state.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace connector::audiences {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;

TEST(AudienceStateTest, EveryStatusHasItsClass) {
  const std::vector<std::pair<std::string, AudienceClass>> classes = {
      {"", AudienceClass::kPending},
      {"INITIALIZING", AudienceClass::kWaiting},
      {"PROCESSING", AudienceClass::kWaiting},
      {"UPDATING", AudienceClass::kWaiting},
      {"TOO_SMALL", AudienceClass::kTooSmall},
      {"READY", AudienceClass::kUsable},
      {"ELIGIBLE", AudienceClass::kUsable},
      {"ARCHIVED", AudienceClass::kEnded},
      {"ERROR", AudienceClass::kEnded},
      {"GONE", AudienceClass::kEnded},
      {"PERSONAS_INITIALIZING", AudienceClass::kUnknown},
      {"ready", AudienceClass::kUnknown}};
  for (const auto& [status, expected] : classes) {
    EXPECT_EQ(ClassOf(status), expected) << status;
  }
}

TEST(AudienceStateTest, TheHintSaysWhatToExpect) {
  const absl::Time now = absl::FromUnixSeconds(1'700'000'000);
  membership::AudienceRow row;
  row.audience_id = "1";
  row.status_time = now - absl::Hours(5);
  const auto hint = [&](const std::string& status) {
    row.status = status;
    return AudienceHint("CUSTOMER_LIST", row, now);
  };
  EXPECT_THAT(hint("READY"), IsEmpty());
  EXPECT_THAT(hint("PROCESSING"), HasSubstr("typically 48 h, at most 72 h"));
  EXPECT_THAT(hint("PROCESSING"), HasSubstr("5 h so far"));
  EXPECT_THAT(hint("TOO_SMALL"), HasSubstr("fewer than 100 matched"));
  EXPECT_THAT(hint("ARCHIVED"), HasSubstr("archived"));
  EXPECT_THAT(hint("ERROR"), HasSubstr("Ads Manager"));
  EXPECT_THAT(hint("GONE"), HasSubstr("no longer"));
  EXPECT_THAT(hint("SOMETHING"), HasSubstr("does not know"));
  row.twins = 2;
  EXPECT_THAT(hint("READY"), HasSubstr("2 others"));
  row.status_time = now - absl::Hours(80);
  EXPECT_THAT(hint("PROCESSING"), HasSubstr("80 h, longer than the 72 h"));
}

}  // namespace
}  // namespace connector::audiences
