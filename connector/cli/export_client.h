#ifndef CONNECTOR_CLI_EXPORT_CLIENT_H_
#define CONNECTOR_CLI_EXPORT_CLIENT_H_

#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/container/btree_map.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "audience_sync/v1/export_service.grpc.pb.h"
#include "connector/base/clock.h"
#include "connector/base/random.h"
#include "connector/cli/batcher.h"
#include "grpcpp/channel.h"

namespace connector::cli {

struct ExportClientOptions {
  std::string ad_account_id;
  std::string export_id;
  // The history the export was begun under; empty: any.
  std::string history_id;
  // As in OpenExport.
  bool identities_complete = false;
  // How long a broken stream is opened again without any progress.
  absl::Duration retry_for = absl::Minutes(5);
  // Most bytes of batches that are sent and not durable; the server's own limit
  // counts when it is lower. A larger single batch is sent alone.
  int64_t max_unacknowledged_bytes = 16 << 20;
};

// What the client needs from outside. All must outlive it.
struct ExportEnvironment {
  // Makes a new connection for each try.
  std::function<std::shared_ptr<grpc::Channel>()> connect;
  Clock* clock = nullptr;
  Random* random = nullptr;
  std::function<void(absl::Duration)> sleep;
  // Tells the operator about interruptions, a sentence each.
  std::function<void(const std::string&)> note;
};

// Where the export stands.
struct ExportTally {
  // Of all batches handed to Send.
  int64_t batches = 0;
  int64_t profiles = 0;
  int64_t identities = 0;
  int64_t memberships = 0;
  // Of batches that were durable before this run and were not sent.
  int64_t skipped_batches = 0;
  int64_t skipped_profiles = 0;
  int64_t skipped_bytes = 0;
  // Of batches that are durable, skipped ones among them.
  int64_t durable_batch = 0;  // the number
  int64_t durable_profiles = 0;
  int64_t durable_bytes = 0;  // input bytes
  int64_t delivered_batch = 0;
  int64_t rejections = 0;
  // How often the stream was opened again.
  int64_t reconnects = 0;
  std::string interruption;
};

// One rejection, by place.
struct RejectedPlace {
  SourceLine line;
  std::optional<int> identity_index;
  std::optional<int> membership_index;
  audience_sync::v1::RejectionReason reason;
};

// Rejections as far as the server lists them in the stream.
struct RejectionList {
  absl::btree_map<audience_sync::v1::RejectionReason, int64_t> by_reason;
  // The first 1,000.
  std::vector<RejectedPlace> places;
};

// Sends one export over a stream that is opened again when it breaks. Batches
// that are not durable are kept and sent again. All calls but GetTally and
// GetRejections belong to one thread.
//
// Errors are the server's, with its details, and:
//   FAILED_PRECONDITION HISTORY_CHANGED: the server's memory of the destination
//   is not the one the export was begun under, or it has lost durable batches.
class ExportClient {
 public:
  ExportClient(ExportClientOptions options, ExportEnvironment environment);
  ~ExportClient();
  ExportClient(const ExportClient&) = delete;
  ExportClient& operator=(const ExportClient&) = delete;

  // Opens the stream; not tried again when nothing answers at all.
  absl::Status Open();

  // The server's answer to Open.
  const audience_sync::v1::ExportOpened& opened() const { return opened_; }

  // An end frame of an earlier run is durable: there is nothing to do.
  bool already_ended() const { return already_ended_; }

  // Sends the next batch, or passes over it when it is durable already. Waits
  // while too much is unacknowledged.
  absl::Status Send(std::unique_ptr<Batch> batch);

  // Waits until everything sent is durable.
  absl::Status WaitDurable();

  // Waits until everything sent is settled; false when `timeout` is over.
  absl::StatusOr<bool> WaitDelivered(absl::Duration timeout);

  // Ends the export and returns when the end is durable. Calls WaitDurable.
  absl::Status End();

  // Thread-safe.
  ExportTally GetTally() const;
  RejectionList GetRejections() const;

 private:
  using ReaderWriter =
      grpc::ClientReaderWriter<audience_sync::v1::ExportSegmentsRequest,
                               audience_sync::v1::ExportSegmentsResponse>;
  struct Stream;

  // Opens a stream and waits for its first answer.
  absl::Status StartStream();
  // Checks the answer against what this run knows and takes it over.
  absl::Status AcceptOpened(bool first);
  // Ends the stream and returns why it broke; never OK.
  absl::Status CloseStream();
  // Opens the stream again after `cause` and sends what is not durable.
  absl::Status Recover(absl::Status cause);
  absl::Status Resend();
  void ReadLoop(ReaderWriter& stream);
  void Handle(const audience_sync::v1::ExportSegmentsResponse& response)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void TakeRejections(const audience_sync::v1::BatchRejections& rejections)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void Settle(int64_t durable_sequence_number)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  const ExportClientOptions options_;
  const ExportEnvironment environment_;

  // Of the calling thread.
  std::unique_ptr<Stream> stream_;
  audience_sync::v1::ExportOpened opened_;
  std::string history_id_;
  bool opened_once_ = false;
  bool already_ended_ = false;
  bool end_sent_ = false;
  int64_t skip_through_ = 0;
  int64_t last_sequence_number_ = 0;
  absl::Time stream_start_ = absl::InfinitePast();
  // When the trouble began that has not been followed by any progress.
  absl::Time trouble_start_ = absl::InfinitePast();

  mutable absl::Mutex mutex_;
  // The stream's first answer.
  std::optional<audience_sync::v1::ExportOpened> answer_
      ABSL_GUARDED_BY(mutex_);
  // The stream brings nothing any more.
  bool broken_ ABSL_GUARDED_BY(mutex_) = false;
  bool ended_ ABSL_GUARDED_BY(mutex_) = false;
  // An acknowledgement came since trouble_start_.
  bool progressed_ ABSL_GUARDED_BY(mutex_) = false;
  // Sent and not durable, in order.
  std::deque<std::shared_ptr<Batch>> pending_ ABSL_GUARDED_BY(mutex_);
  int64_t pending_bytes_ ABSL_GUARDED_BY(mutex_) = 0;
  ExportTally tally_ ABSL_GUARDED_BY(mutex_);
  RejectionList rejections_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace connector::cli

#endif  // CONNECTOR_CLI_EXPORT_CLIENT_H_
