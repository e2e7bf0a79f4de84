#include "tests/stress/stream.h"

#include <algorithm>
#include <chrono>

#include "absl/time/time.h"
#include "gtest/gtest.h"

namespace stress {

namespace v1 = audience_sync::v1;

std::shared_ptr<grpc::Channel> MakeChannel(const std::string& address) {
  grpc::ChannelArguments arguments;
  arguments.SetInt(GRPC_ARG_INITIAL_RECONNECT_BACKOFF_MS, 10);
  // Also the time a connection may take: a busy machine needs more than the
  // others.
  arguments.SetInt(GRPC_ARG_MIN_RECONNECT_BACKOFF_MS, 5'000);
  arguments.SetInt(GRPC_ARG_MAX_RECONNECT_BACKOFF_MS, 50);
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  return grpc::CreateCustomChannel(address, grpc::InsecureChannelCredentials(),
                                   arguments);
}

Stream::Stream(v1::ExportService::Stub* stub, const std::string& ad_account,
               const std::string& export_id, bool identities_complete) {
  context_.set_deadline(std::chrono::system_clock::now() +
                        std::chrono::seconds(120));
  stream_ = stub->ExportSegments(&context_);
  v1::ExportSegmentsRequest frame;
  frame.mutable_open()->set_ad_account_id(ad_account);
  frame.mutable_open()->set_export_id(export_id);
  frame.mutable_open()->set_identities_complete(identities_complete);
  stream_->Write(frame);
  reader_ = std::thread([this] { Read(); });
}

Stream::~Stream() {
  if (finished_) return;
  context_.TryCancel();
  Finish();
}

void Stream::Read() {
  v1::ExportSegmentsResponse frame;
  while (stream_->Read(&frame)) {
    absl::MutexLock lock(&mutex_);
    switch (frame.frame_case()) {
      case v1::ExportSegmentsResponse::kOpened:
        opened_ = frame.opened();
        durable_ = frame.opened().position().durable_sequence_number();
        delivered_ = frame.opened().position().delivered_sequence_number();
        break;
      case v1::ExportSegmentsResponse::kDurableAck: {
        const int64_t number = frame.durable_ack().durable_sequence_number();
        EXPECT_GE(number, durable_) << "a DurableAck goes back";
        durable_ = number;
        break;
      }
      case v1::ExportSegmentsResponse::kDeliveredAck: {
        const int64_t number =
            frame.delivered_ack().delivered_sequence_number();
        EXPECT_GT(number, delivered_) << "a DeliveredAck goes back";
        EXPECT_LE(number, durable_) << "delivered before it was durable";
        delivered_ = number;
        break;
      }
      case v1::ExportSegmentsResponse::kEnded:
        ended_ = true;
        break;
      case v1::ExportSegmentsResponse::FRAME_NOT_SET:
        ADD_FAILURE() << "an empty frame";
    }
  }
  absl::MutexLock lock(&mutex_);
  over_ = true;
}

std::optional<v1::ExportOpened> Stream::AwaitOpened() {
  absl::MutexLock lock(&mutex_);
  const auto known = [this]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    return over_ || opened_.has_value();
  };
  mutex_.Await(absl::Condition(&known));
  return opened_;
}

void Stream::AwaitDelivered(int64_t number, absl::Duration at_most) {
  absl::MutexLock lock(&mutex_);
  const auto known = [&]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    return over_ || delivered_ >= number;
  };
  mutex_.AwaitWithTimeout(absl::Condition(&known), at_most);
}

grpc::Status Stream::Finish() {
  finished_ = true;
  stream_->WritesDone();
  reader_.join();
  return stream_->Finish();
}

int64_t Stream::durable() {
  absl::MutexLock lock(&mutex_);
  return durable_;
}
int64_t Stream::delivered() {
  absl::MutexLock lock(&mutex_);
  return delivered_;
}
bool Stream::ended() {
  absl::MutexLock lock(&mutex_);
  return ended_;
}

}  // namespace stress
