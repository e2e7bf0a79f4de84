#include "connector/cli/fake_connector.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "google/protobuf/text_format.h"
#include "google/rpc/status.pb.h"

namespace connector::cli {

using namespace audience_sync::v1;  // NOLINT: every message of the API

grpc::Status ToGrpc(const absl::Status& status) {
  google::rpc::Status details;
  details.set_code(static_cast<int>(status.code()));
  details.set_message(std::string(status.message()));
  status.ForEachPayload([&](absl::string_view url, const absl::Cord& payload) {
    auto* detail = details.add_details();
    detail->set_type_url(std::string(url));
    detail->set_value(std::string(payload));
  });
  return grpc::Status(static_cast<grpc::StatusCode>(status.code()),
                      std::string(status.message()),
                      details.SerializeAsString());
}

class FakeConnector::Exports final : public ExportService::Service {
 public:
  explicit Exports(FakeConnector& fake) : fake_(fake) {}

  grpc::Status ExportSegments(
      grpc::ServerContext*,
      grpc::ServerReaderWriter<ExportSegmentsResponse, ExportSegmentsRequest>*
          stream) override {
    ExportSegmentsRequest request;
    if (!stream->Read(&request) || !request.has_open()) {
      return {grpc::StatusCode::INVALID_ARGUMENT, "the first frame is open"};
    }
    const std::string id = request.open().export_id();
    ExportSegmentsResponse response;
    int break_at = 0;
    {
      absl::MutexLock lock(&fake_.mutex_);
      ++fake_.opens_;
      FakeBehavior& behavior = fake_.behavior_;
      if (!behavior.open_answers.empty()) {
        const absl::Status answer = behavior.open_answers.front();
        behavior.open_answers.erase(behavior.open_answers.begin());
        if (!answer.ok()) return ToGrpc(answer);
      }
      if (!behavior.break_at_batch.empty()) {
        break_at = behavior.break_at_batch.front();
        behavior.break_at_batch.erase(behavior.break_at_batch.begin());
      }
      const FakeExport& stored = fake_.exports_[id];
      auto& opened = *response.mutable_opened();
      opened.set_history_id(behavior.history_id);
      *opened.mutable_limits() = behavior.limits;
      opened.mutable_position()->set_export_id(id);
      opened.mutable_position()->set_durable_sequence_number(stored.durable);
      if (behavior.deliver) {
        opened.mutable_position()->set_delivered_sequence_number(
            stored.durable);
      }
      opened.mutable_position()->set_ended(stored.ended);
    }
    stream->Write(response);
    int batches = 0;
    while (stream->Read(&request)) {
      if (request.has_end()) return End(id, request.end(), *stream);
      if (++batches == break_at) {
        return {grpc::StatusCode::UNAVAILABLE, "broken on purpose"};
      }
      if (grpc::Status s = Take(id, request, *stream); !s.ok()) {
        return s;
      }
    }
    return grpc::Status::OK;
  }

 private:
  using Stream =
      grpc::ServerReaderWriter<ExportSegmentsResponse, ExportSegmentsRequest>;

  grpc::Status Take(const std::string& id, const ExportSegmentsRequest& frame,
                    Stream& stream) {
    const ExportBatch& batch = frame.batch();
    const int64_t number = frame.has_begin_full_sync()
                               ? frame.begin_full_sync().sequence_number()
                           : frame.has_commit_full_sync()
                               ? frame.commit_full_sync().sequence_number()
                               : batch.sequence_number();
    ExportSegmentsResponse ack;
    bool deliver;
    {
      absl::MutexLock lock(&fake_.mutex_);
      FakeExport& stored = fake_.exports_[id];
      if (number <= stored.durable) {
        ++stored.repeats;
      } else if (number != stored.durable + 1) {
        return {grpc::StatusCode::OUT_OF_RANGE, "gap"};
      } else {
        stored.durable = number;
        if (frame.has_batch()) stored.batches[number] = batch;
        if (frame.has_begin_full_sync()) stored.full_sync_begin = number;
        if (frame.has_commit_full_sync()) stored.full_sync_commit = number;
      }
      ack.mutable_durable_ack()->set_durable_sequence_number(stored.durable);
      if (fake_.behavior_.reject) {
        BatchRejections rejections = fake_.behavior_.reject(batch);
        rejections.set_sequence_number(batch.sequence_number());
        if (rejections.rejection_count() > 0) {
          *ack.mutable_durable_ack()->add_batch_rejections() = rejections;
        }
      }
      deliver = fake_.behavior_.deliver;
    }
    stream.Write(ack);
    if (deliver) {
      ExportSegmentsResponse delivered;
      delivered.mutable_delivered_ack()->set_delivered_sequence_number(
          ack.durable_ack().durable_sequence_number());
      stream.Write(delivered);
    }
    return grpc::Status::OK;
  }

  grpc::Status End(const std::string& id, const EndExport& end,
                   Stream& stream) {
    ExportSegmentsResponse response;
    {
      absl::MutexLock lock(&fake_.mutex_);
      FakeExport& stored = fake_.exports_[id];
      if (end.last_sequence_number() != stored.durable) {
        return {grpc::StatusCode::OUT_OF_RANGE, "a batch is missing"};
      }
      stored.ended = true;
      if (fake_.behavior_.lost_end_answers > 0) {
        --fake_.behavior_.lost_end_answers;
        return {grpc::StatusCode::UNAVAILABLE, "broken on purpose"};
      }
      response.mutable_ended()->set_last_sequence_number(stored.durable);
    }
    stream.Write(response);
    return grpc::Status::OK;
  }

  FakeConnector& fake_;
};

class FakeConnector::Destinations final : public DestinationService::Service {
 public:
  explicit Destinations(FakeConnector& fake) : fake_(fake) {}

#define CONNECTOR_CLI_FAKE_METHOD(name)                                 \
  grpc::Status name(grpc::ServerContext*, const name##Request* request, \
                    name##Response* response) override {                \
    return fake_.Unary(#name, *request, response);                      \
  }
  CONNECTOR_CLI_FAKE_METHOD(GetSpec)
  CONNECTOR_CLI_FAKE_METHOD(CheckDestination)
  CONNECTOR_CLI_FAKE_METHOD(ApplyDestination)
  CONNECTOR_CLI_FAKE_METHOD(GetDestination)
  CONNECTOR_CLI_FAKE_METHOD(ListDestinations)
  CONNECTOR_CLI_FAKE_METHOD(DeleteDestination)
  CONNECTOR_CLI_FAKE_METHOD(ApplyCredential)
  CONNECTOR_CLI_FAKE_METHOD(ListCredentials)
  CONNECTOR_CLI_FAKE_METHOD(DeleteCredential)
  CONNECTOR_CLI_FAKE_METHOD(PauseDelivery)
  CONNECTOR_CLI_FAKE_METHOD(ResumeDelivery)
  CONNECTOR_CLI_FAKE_METHOD(GetSyncStatus)
  CONNECTOR_CLI_FAKE_METHOD(PreviewDelivery)
  CONNECTOR_CLI_FAKE_METHOD(ListRejections)
  CONNECTOR_CLI_FAKE_METHOD(ReplayRejections)
  CONNECTOR_CLI_FAKE_METHOD(DrainDestination)
#undef CONNECTOR_CLI_FAKE_METHOD

 private:
  FakeConnector& fake_;
};

FakeConnector::FakeConnector()
    : export_service_(std::make_unique<Exports>(*this)),
      destination_service_(std::make_unique<Destinations>(*this)) {
  behavior_.limits.set_max_frame_bytes(4 << 20);
  behavior_.limits.set_max_batch_profiles(20'000);
  behavior_.limits.set_max_unacknowledged_bytes(16 << 20);
  grpc::ServerBuilder builder;
  builder.RegisterService(export_service_.get());
  builder.RegisterService(destination_service_.get());
  server_ = builder.BuildAndStart();
}

FakeConnector::~FakeConnector() {
  server_->Shutdown(std::chrono::system_clock::now());
}

std::shared_ptr<grpc::Channel> FakeConnector::Connect() {
  bool away;
  {
    absl::MutexLock lock(&mutex_);
    away = behavior_.away;
  }
  if (!away) return server_->InProcessChannel(grpc::ChannelArguments());
  return grpc::CreateChannel("unix:/nonexistent/connector.sock",
                             grpc::InsecureChannelCredentials());
}

void FakeConnector::Change(const std::function<void(FakeBehavior&)>& change) {
  absl::MutexLock lock(&mutex_);
  change(behavior_);
}

std::map<std::string, FakeExport> FakeConnector::exports() const {
  absl::MutexLock lock(&mutex_);
  return exports_;
}

int FakeConnector::opens() const {
  absl::MutexLock lock(&mutex_);
  return opens_;
}

void FakeConnector::LoseStore(const std::string& new_history_id) {
  absl::MutexLock lock(&mutex_);
  exports_.clear();
  behavior_.history_id = new_history_id;
}

std::vector<std::string> FakeConnector::calls() const {
  absl::MutexLock lock(&mutex_);
  return calls_;
}

void FakeConnector::Answer(const std::string& method,
                           const google::protobuf::Message& response) {
  absl::MutexLock lock(&mutex_);
  errors_.erase(method);
  responses_[method] = response.SerializeAsString();
}

void FakeConnector::Answer(const std::string& method,
                           const absl::Status& error) {
  absl::MutexLock lock(&mutex_);
  errors_[method] = error;
}

grpc::Status FakeConnector::Unary(const std::string& method,
                                  const google::protobuf::Message& request,
                                  google::protobuf::Message* response) {
  google::protobuf::TextFormat::Printer printer;
  printer.SetSingleLineMode(true);
  std::string text;
  printer.PrintToString(request, &text);
  absl::MutexLock lock(&mutex_);
  calls_.push_back(absl::StrCat(method, " {", text, "}"));
  if (auto error = errors_.find(method); error != errors_.end()) {
    return ToGrpc(error->second);
  }
  if (auto answer = responses_.find(method); answer != responses_.end()) {
    response->ParseFromString(answer->second);
  } else if (auto* spec = dynamic_cast<GetSpecResponse*>(response)) {
    *spec->mutable_export_limits() = behavior_.limits;
  }
  return grpc::Status::OK;
}

}  // namespace connector::cli
