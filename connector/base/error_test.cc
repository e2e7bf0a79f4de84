#include "connector/base/error.h"

#include "gtest/gtest.h"

namespace connector {
namespace {

TEST(ErrorTest, DetailsTravelInsideTheStatus) {
  ErrorDetail detail;
  detail.reason = "SEQUENCE_GAP";
  detail.metadata["expected"] = "4";
  detail.field_violations.emplace_back("batch.sequence_number", "must be 4");
  detail.retry_delay = absl::Milliseconds(1500);
  detail.preconditions.push_back({"LIST", "ups/a", "paused"});
  absl::Status status =
      MakeError(absl::StatusCode::kOutOfRange, "expected 4", detail);
  EXPECT_EQ(status.code(), absl::StatusCode::kOutOfRange);
  EXPECT_EQ(status.message(), "expected 4");

  ErrorDetail read = GetErrorDetail(status);
  EXPECT_EQ(read.reason, "SEQUENCE_GAP");
  EXPECT_EQ(read.metadata, detail.metadata);
  EXPECT_EQ(read.field_violations, detail.field_violations);
  EXPECT_EQ(read.retry_delay, absl::Milliseconds(1500));
  ASSERT_EQ(read.preconditions.size(), 1u);
  EXPECT_EQ(read.preconditions[0].subject, "ups/a");
}

TEST(ErrorTest, FieldErrorNamesFieldAndRule) {
  absl::Status status = FieldError("destination.ad_account_id", "digits only");
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(status.message(), "destination.ad_account_id: digits only");
  EXPECT_EQ(GetErrorDetail(status).reason, "FIELD_INVALID");
}

TEST(ErrorTest, AForeignStatusHasNoDetail) {
  EXPECT_EQ(GetErrorDetail(absl::InternalError("x")).reason, "");
}

}  // namespace
}  // namespace connector
