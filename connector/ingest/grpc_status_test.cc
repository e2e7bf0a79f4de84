#include "connector/ingest/grpc_status.h"

#include <string>

#include "absl/strings/str_cat.h"
#include "connector/base/error.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace connector::ingest {
namespace {

using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::Not;

TEST(GrpcStatusTest, OkIsOk) {
  EXPECT_TRUE(ToGrpcStatus(absl::OkStatus()).ok());
  EXPECT_TRUE(FromGrpcStatus(grpc::Status::OK).ok());
  EXPECT_EQ(ToStatusProto(absl::OkStatus()).code(), 0);
}

TEST(GrpcStatusTest, DetailsTravelThereAndBack) {
  ErrorDetail detail;
  detail.reason = "SEQUENCE_GAP";
  detail.metadata["expected"] = "7";
  detail.field_violations.emplace_back("batch.sequence_number", "too far");
  detail.retry_delay = absl::Milliseconds(1500);
  detail.preconditions.push_back({"X", "subject", "description"});
  const absl::Status status =
      MakeError(absl::StatusCode::kOutOfRange, "a gap", detail);
  const grpc::Status sent = ToGrpcStatus(status);
  EXPECT_EQ(sent.error_code(), grpc::StatusCode::OUT_OF_RANGE);
  EXPECT_EQ(sent.error_message(), "a gap");
  google::rpc::Status proto;
  ASSERT_TRUE(proto.ParseFromString(sent.error_details()));
  EXPECT_EQ(proto.code(), static_cast<int>(absl::StatusCode::kOutOfRange));
  EXPECT_EQ(proto.message(), "a gap");
  EXPECT_EQ(proto.details_size(), 4);

  const ErrorDetail back = GetErrorDetail(FromGrpcStatus(sent));
  EXPECT_EQ(back.reason, "SEQUENCE_GAP");
  EXPECT_EQ(back.metadata.at("expected"), "7");
  EXPECT_EQ(back.field_violations, detail.field_violations);
  EXPECT_EQ(back.retry_delay, detail.retry_delay);
  ASSERT_EQ(back.preconditions.size(), 1u);
  EXPECT_EQ(back.preconditions[0].subject, "subject");
}

TEST(GrpcStatusTest, AnErrorWithoutAReasonGetsItsCode) {
  const grpc::Status sent = ToGrpcStatus(absl::InternalError("x"));
  EXPECT_EQ(GetErrorDetail(FromGrpcStatus(sent)).reason, "INTERNAL");
}

TEST(GrpcStatusTest, LongMessagesAreCutBetweenCharacters) {
  std::string message;
  while (message.size() < 2000) message += "\u20ac";
  const std::string sent =
      ToGrpcStatus(absl::InternalError(message)).error_message();
  EXPECT_LE(sent.size(), kMaxErrorMessageBytes);
  EXPECT_GT(sent.size(), kMaxErrorMessageBytes - 8);
  EXPECT_THAT(sent, EndsWith("\u20ac..."));
}

TEST(GrpcStatusTest, WhatIsNotTextIsReplaced) {
  EXPECT_EQ(ToStatusProto(absl::InternalError("a\xFF\x01 b\nc\xC3")).message(),
            "a?? b c?");
}

TEST(GrpcStatusTest, ManyViolationsAreCutToTheFirst) {
  ErrorDetail detail;
  detail.reason = "FIELD_INVALID";
  detail.metadata["field"] = std::string(5000, 'm');
  for (int i = 0; i < 1000; ++i) {
    detail.field_violations.emplace_back(absl::StrCat("field[", i, "]"),
                                         std::string(500, 'x'));
  }
  const grpc::Status sent = ToGrpcStatus(MakeError(
      absl::StatusCode::kInvalidArgument, std::string(5000, 'm'), detail));
  EXPECT_LE(sent.error_details().size(),
            kMaxErrorMessageBytes + kMaxErrorDetailsBytes);
  const ErrorDetail back = GetErrorDetail(FromGrpcStatus(sent));
  EXPECT_EQ(back.reason, "FIELD_INVALID");
  ASSERT_GE(back.field_violations.size(), 5u);
  EXPECT_EQ(back.field_violations[0].first, "field[0]");
}

TEST(GrpcStatusTest, AStatusWithoutDetailsComesBack) {
  const absl::Status status =
      FromGrpcStatus(grpc::Status(grpc::StatusCode::UNAVAILABLE, "gone"));
  EXPECT_EQ(status.code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(status.message(), "gone");
}

}  // namespace
}  // namespace connector::ingest
