#ifndef TESTS_STRESS_STREAM_H_
#define TESTS_STRESS_STREAM_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <thread>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "audience_sync/v1/export_service.grpc.pb.h"
#include "grpcpp/grpcpp.h"

namespace stress {

// A channel that finds a restarted connector at once.
std::shared_ptr<grpc::Channel> MakeChannel(const std::string& address);

// One export stream of a host. Used by one thread.
class Stream {
 public:
  Stream(audience_sync::v1::ExportService::Stub* stub,
         const std::string& ad_account, const std::string& export_id,
         bool identities_complete = false);
  // Cancels what was not finished.
  ~Stream();

  // The answer to the open frame; nullopt: the stream is over, Finish() tells
  // why.
  std::optional<audience_sync::v1::ExportOpened> AwaitOpened();
  // False: the stream is over.
  bool Write(const audience_sync::v1::ExportSegmentsRequest& frame) {
    return stream_->Write(frame);
  }
  // Waits until this number is delivered, the stream is over or time is up.
  void AwaitDelivered(int64_t number, absl::Duration at_most);
  // Closes this side and waits for the other.
  grpc::Status Finish();

  // What was heard so far.
  int64_t durable();
  int64_t delivered();
  bool ended();

 private:
  void Read();

  grpc::ClientContext context_;
  std::unique_ptr<
      grpc::ClientReaderWriter<audience_sync::v1::ExportSegmentsRequest,
                               audience_sync::v1::ExportSegmentsResponse>>
      stream_;
  absl::Mutex mutex_;
  std::optional<audience_sync::v1::ExportOpened> opened_
      ABSL_GUARDED_BY(mutex_);
  bool over_ ABSL_GUARDED_BY(mutex_) = false;
  int64_t durable_ ABSL_GUARDED_BY(mutex_) = 0;
  int64_t delivered_ ABSL_GUARDED_BY(mutex_) = 0;
  bool ended_ ABSL_GUARDED_BY(mutex_) = false;
  bool finished_ = false;
  std::thread reader_;
};

}  // namespace stress

#endif  // TESTS_STRESS_STREAM_H_
