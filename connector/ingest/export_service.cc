#include "connector/ingest/export_service.h"

#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "connector/base/error.h"
#include "connector/config/destination_config.h"
#include "connector/ingest/batch_mapper.h"
#include "connector/ingest/export_stream.h"
#include "connector/ingest/grpc_status.h"
#include "google/protobuf/arena.h"

namespace connector::ingest {
namespace {

namespace v1 = audience_sync::v1;

using Request = v1::ExportSegmentsRequest;
using Response = v1::ExportSegmentsResponse;

google::protobuf::ArenaOptions FrameArena() {
  google::protobuf::ArenaOptions options;
  options.start_block_size = 1 << 10;
  options.max_block_size = 256 << 10;
  return options;
}

}  // namespace

// Converts between gRPC's reactor and a session. Deletes itself.
class ExportService::StreamReactor
    : public grpc::ServerBidiReactor<Request, Response>,
      public ExportSession::Transport {
 public:
  explicit StreamReactor(ExportService* service)
      : service_(service),
        session_(std::make_shared<ExportSession>(service->context_, this)),
        arena_(FrameArena()) {
    if (absl::Status s = service_->BeginCall(session_); !s.ok()) {
      session_->Detach();
      session_ = nullptr;
      grpc::ServerBidiReactor<Request, Response>::Finish(ToGrpcStatus(s));
      return;
    }
    session_->Start();
  }

  // Transport.
  void StartRead() override {
    request_ = google::protobuf::Arena::CreateMessage<Request>(&arena_);
    grpc::ServerBidiReactor<Request, Response>::StartRead(request_);
  }
  void StartWrite(const Response* frame) override {
    grpc::ServerBidiReactor<Request, Response>::StartWrite(frame);
  }
  void Finish(const absl::Status& status) override {
    grpc::ServerBidiReactor<Request, Response>::Finish(ToGrpcStatus(status));
  }

  // Reactor.
  void OnReadDone(bool ok) override {
    if (!ok) {
      session_->OnReadClosed();
      return;
    }
    session_->OnFrame(*request_);
    // Not to be kept over a pause: a stream may be idle for long.
    arena_.Reset();
    session_->OnFrameFreed();
  }
  void OnWriteDone(bool ok) override { session_->OnWritten(ok); }
  void OnCancel() override {
    if (session_ != nullptr) session_->OnCancelled();
  }
  void OnDone() override {
    if (session_ != nullptr) {
      session_->Detach();
      service_->EndCall(session_);
    }
    delete this;
  }

 private:
  ExportService* const service_;
  std::shared_ptr<ExportSession> session_;
  // Of the frame that is read.
  google::protobuf::Arena arena_;
  Request* request_ = nullptr;
};

ExportService::ExportService(const Options& options)
    : max_streams_(options.max_streams),
      context_{options.registry,
               options.catalog,
               options.intake,
               std::make_shared<InFlightBudget>(
                   options.max_process_unacknowledged_bytes),
               options.max_stream_unacknowledged_bytes,
               options.remember_exits},
      unary_(context_) {}

ExportService::~ExportService() = default;

void ExportService::Configure(grpc::ServerBuilder* builder) {
  builder->SetMaxReceiveMessageSize(static_cast<int>(limits::kMaxFrameBytes));
}

absl::Status ExportService::BeginCall(std::shared_ptr<ExportSession> session) {
  absl::MutexLock lock(&mutex_);
  if (shutting_down_) return ShuttingDown();
  if (session != nullptr) {
    if (sessions_.size() >= static_cast<size_t>(max_streams_)) {
      return Busy("TOO_MANY_STREAMS", "too many export streams are open");
    }
    sessions_.insert(std::move(session));
  }
  ++calls_;
  return absl::OkStatus();
}

void ExportService::EndCall(const std::shared_ptr<ExportSession>& session) {
  absl::MutexLock lock(&mutex_);
  if (session != nullptr) sessions_.erase(session);
  --calls_;
}

int ExportService::open_calls() {
  absl::MutexLock lock(&mutex_);
  return calls_;
}

void ExportService::Shutdown() {
  std::vector<std::shared_ptr<ExportSession>> sessions;
  {
    absl::MutexLock lock(&mutex_);
    shutting_down_ = true;
    sessions.assign(sessions_.begin(), sessions_.end());
  }
  for (const auto& session : sessions) session->OnShutdown();
}

bool ExportService::AwaitIdle(absl::Duration timeout) {
  absl::MutexLock lock(&mutex_);
  const auto idle = [this]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    return calls_ == 0;
  };
  return mutex_.AwaitWithTimeout(absl::Condition(&idle), timeout);
}

grpc::ServerBidiReactor<Request, Response>* ExportService::ExportSegments(
    grpc::CallbackServerContext* /*context*/) {
  return new StreamReactor(this);
}

grpc::ServerUnaryReactor* ExportService::ExportProfiles(
    grpc::CallbackServerContext* context,
    const v1::ExportProfilesRequest* request,
    v1::ExportProfilesResponse* response) {
  grpc::ServerUnaryReactor* reactor = context->DefaultReactor();
  if (absl::Status s = BeginCall(nullptr); !s.ok()) {
    reactor->Finish(ToGrpcStatus(s));
    return reactor;
  }
  CommitUnary(*request, response, [this, reactor](absl::Status status) {
    // The server waits for the call, so the service is not touched after this.
    EndCall(nullptr);
    reactor->Finish(ToGrpcStatus(status));
  });
  return reactor;
}

void ExportService::CommitUnary(const v1::ExportProfilesRequest& request,
                                v1::ExportProfilesResponse* response,
                                std::function<void(absl::Status)> done) {
  const v1::ExportBatch& batch = request.batch();
  if (absl::Status s =
          config::CheckAdAccountId(request.ad_account_id(), "ad_account_id");
      !s.ok()) {
    done(std::move(s));
    return;
  }
  if (request.export_id().empty()) {
    if (batch.sequence_number() != 0) {
      done(FieldError("batch.sequence_number",
                      "must be 0 in a call without an export id"));
      return;
    }
  } else {
    if (absl::Status s = CheckExportId(request.export_id(), "export_id");
        !s.ok()) {
      done(std::move(s));
      return;
    }
    if (batch.sequence_number() < 1) {
      done(FieldError("batch.sequence_number", "must be at least 1"));
      return;
    }
  }
  const auto destination = unary_.FindDestination(request.ad_account_id());
  if (!destination.ok()) {
    done(destination.status());
    return;
  }
  MapOptions options;
  options.identities_complete = request.identities_complete();
  options.remember_exits = context_.remember_exits;
  unary_.Commit(
      **destination, batch, request.export_id(), options,
      [response, history_id = (*destination)->history_id,
       done = std::move(done)](absl::StatusOr<UnaryOutcome> outcome) {
        if (!outcome.ok()) {
          done(outcome.status());
          return;
        }
        response->set_history_id(history_id);
        if (!outcome->repeat && outcome->rejections.rejection_count() > 0) {
          *response->mutable_batch_rejections() =
              std::move(outcome->rejections);
        }
        if (!outcome->position.export_id.empty()) {
          v1::ExportPosition* position = response->mutable_position();
          position->set_export_id(outcome->position.export_id);
          position->set_durable_sequence_number(outcome->position.durable);
          position->set_delivered_sequence_number(outcome->position.delivered);
          position->set_ended(outcome->position.ended);
        }
        done(absl::OkStatus());
      });
}

}  // namespace connector::ingest
