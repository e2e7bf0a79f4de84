#ifndef CONNECTOR_CLI_FAKE_CONNECTOR_H_
#define CONNECTOR_CLI_FAKE_CONNECTOR_H_

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/synchronization/mutex.h"
#include "audience_sync/v1/destination_service.grpc.pb.h"
#include "audience_sync/v1/export_service.grpc.pb.h"
#include "grpcpp/grpcpp.h"

namespace connector::cli {

// A status as the server sends it, with its details.
grpc::Status ToGrpc(const absl::Status& status);

// What the fake holds of one export.
struct FakeExport {
  // Numbers of the last frames that began and committed a full sync; 0: none.
  int64_t full_sync_begin = 0;
  int64_t full_sync_commit = 0;
  // Durable batches by number.
  std::map<int64_t, audience_sync::v1::ExportBatch> batches;
  int64_t durable = 0;
  bool ended = false;
  // Batches that came again although they were durable.
  int64_t repeats = 0;
};

// How the fake misbehaves, and what it says. Set before it is called.
struct FakeBehavior {
  std::string history_id = "history-1";
  audience_sync::v1::ExportLimits limits;
  // The n-th batch of a stream breaks the stream and is lost; 0: never. Used up
  // one by one, a stream each.
  std::vector<int> break_at_batch;
  // Answers to the next opens, one each; OK: opened as usual.
  std::vector<absl::Status> open_answers;
  // Ends that become durable but whose answer is lost.
  int lost_end_answers = 0;
  // Whether what is durable is told as delivered.
  bool deliver = true;
  // The rejections of a batch; none when it returns a count of 0.
  std::function<audience_sync::v1::BatchRejections(
      const audience_sync::v1::ExportBatch&)>
      reject;
  // Nothing answers at all.
  bool away = false;
};

// The connector's two services in this process. Thread-safe.
class FakeConnector {
 public:
  FakeConnector();
  ~FakeConnector();

  // A connection; it fails while the fake is away.
  std::shared_ptr<grpc::Channel> Connect();

  // Changes the behavior under the fake's lock.
  void Change(const std::function<void(FakeBehavior&)>& change);

  // A copy of what there is.
  std::map<std::string, FakeExport> exports() const;
  int opens() const;

  // Forgets all exports, as a server with a new store.
  void LoseStore(const std::string& new_history_id);

  // The requests of unary calls as "Method {text}", in order.
  std::vector<std::string> calls() const;

  // Sets what a unary call answers: of the message's type, or an error.
  void Answer(const std::string& method,
              const google::protobuf::Message& response);
  void Answer(const std::string& method, const absl::Status& error);

 private:
  class Exports;
  class Destinations;

  grpc::Status Unary(const std::string& method,
                     const google::protobuf::Message& request,
                     google::protobuf::Message* response);

  mutable absl::Mutex mutex_;
  FakeBehavior behavior_ ABSL_GUARDED_BY(mutex_);
  std::map<std::string, FakeExport> exports_ ABSL_GUARDED_BY(mutex_);
  int opens_ ABSL_GUARDED_BY(mutex_) = 0;
  std::vector<std::string> calls_ ABSL_GUARDED_BY(mutex_);
  std::map<std::string, std::string> responses_ ABSL_GUARDED_BY(mutex_);
  std::map<std::string, absl::Status> errors_ ABSL_GUARDED_BY(mutex_);

  std::unique_ptr<Exports> export_service_;
  std::unique_ptr<Destinations> destination_service_;
  std::unique_ptr<grpc::Server> server_;
};

}  // namespace connector::cli

#endif  // CONNECTOR_CLI_FAKE_CONNECTOR_H_
