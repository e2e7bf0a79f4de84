#include "connector/profile_json/timestamp.h"

#include <string>

#include "gtest/gtest.h"

namespace connector::profile_json {
namespace {

TEST(TimestampTest, ReadsEverySpellingOfThePlatform) {
  const int64_t ten_o_clock = 1709373600;  // 2024-03-02T10:00:00Z
  struct Case {
    const char* text;
    int64_t seconds;
    int32_t nanos;
  };
  for (const Case& c : {
           Case{"2024-03-02T10:00:00Z", ten_o_clock, 0},
           Case{"2024-03-02T10:00:00.000+0000", ten_o_clock, 0},
           Case{"2024-03-02T10:00:00+0000", ten_o_clock, 0},
           Case{"2024-03-02T10:00:00+00:00", ten_o_clock, 0},
           Case{"2024-03-02T10:00:00.591378Z", ten_o_clock, 591378000},
           Case{"2024-03-02T10:00:00.947+0000", ten_o_clock, 947000000},
           Case{"2024-03-02T12:30:00+02:30", ten_o_clock, 0},
           Case{"2024-03-02T05:00:00-05", ten_o_clock, 0},
           Case{"2024-03-02t10:00:00z", ten_o_clock, 0},
           Case{"2024-03-02T10:00:00.123456789Z", ten_o_clock, 123456789},
           Case{"1970-01-01T00:00:00Z", 0, 0},
           Case{"1969-12-31T23:59:59.5Z", -1, 500000000},
           Case{"2000-02-29T00:00:00Z", 951782400, 0},
           Case{"2016-12-31T23:59:60Z", 1483228800, 0},
           Case{"0001-01-01T00:00:00Z", -62135596800, 0},
           Case{"9999-12-31T23:59:59Z", 253402300799, 0},
       }) {
    const auto instant = ParseTimestamp(c.text);
    ASSERT_TRUE(instant.has_value()) << c.text;
    EXPECT_EQ(instant->seconds, c.seconds) << c.text;
    EXPECT_EQ(instant->nanos, c.nanos) << c.text;
  }
}

TEST(TimestampTest, RefusesWhatIsNoTime) {
  for (const char* text : {"",
                           "2024",
                           "2024-03-02",
                           "2024-03-02T10:00:00",
                           "2024-03-02 10:00:00Z",
                           "2024-13-02T10:00:00Z",
                           "2024-00-02T10:00:00Z",
                           "2023-02-29T10:00:00Z",
                           "1900-02-29T10:00:00Z",
                           "2024-03-00T10:00:00Z",
                           "2024-03-02T24:00:00Z",
                           "2024-03-02T10:60:00Z",
                           "2024-03-02T10:00:61Z",
                           "2024-03-02T10:00:00.Z",
                           "2024-03-02T10:00:00.1234567890Z",
                           "2024-03-02T10:00:00+24:00",
                           "2024-03-02T10:00:00+00:60",
                           "2024-03-02T10:00:00Zx",
                           "2024-03-02T10:00:00+0",
                           "0000-01-01T00:00:00Z",
                           "0001-01-01T00:00:00+01:00",
                           "9999-12-31T23:59:59-01:00",
                           "+024-03-02T10:00:00Z",
                           "1709373600000"}) {
    EXPECT_FALSE(ParseTimestamp(text).has_value()) << text;
  }
}

}  // namespace
}  // namespace connector::profile_json
