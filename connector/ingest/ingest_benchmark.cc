// Measures the mapper alone, and a stream through a real server and client in
// this process with a store that keeps nothing. Run with -c opt.
#include <cstdlib>
#include <memory>
#include <string>

#include "absl/strings/str_cat.h"
#include "benchmark/benchmark.h"
#include "connector/config/fake_catalog.h"
#include "connector/ingest/batch_fixture.h"
#include "connector/ingest/batch_mapper.h"
#include "connector/ingest/export_service.h"
#include "grpcpp/create_channel.h"
#include "grpcpp/security/credentials.h"
#include "grpcpp/security/server_credentials.h"
#include "grpcpp/server.h"
#include "grpcpp/server_builder.h"

namespace connector::ingest {
namespace {

namespace v1 = audience_sync::v1;

// Acknowledges everything at once and forgets it.
class NullIntake : public membership::Intake {
 public:
  absl::StatusOr<membership::OpenedExport> OpenExport(
      membership::DestinationNumber, absl::string_view export_id,
      std::weak_ptr<membership::ExportListener>) override {
    membership::OpenedExport opened;
    opened.position.export_id = std::string(export_id);
    opened.fence = 1;
    return opened;
  }
  void Commit(membership::Batch batch,
              std::function<void(absl::StatusOr<membership::CommitOutcome>)>
                  done) override {
    membership::CommitOutcome outcome;
    outcome.position.durable = batch.sequence_number;
    done(outcome);
  }
  std::vector<membership::ExportPosition> Exports(
      membership::DestinationNumber) override {
    return {};
  }
  absl::Status Healthy() override { return absl::OkStatus(); }
};

// Two identities a profile, one segment.
v1::ExportBatch MakeBatch(int profiles, bool interned) {
  v1::ExportBatch batch;
  batch.set_sequence_number(1);
  if (interned) {
    batch.add_source_namespaces("Email");
    batch.add_source_namespaces("GAID");
    batch.add_segments()->set_segment_id("segment");
  }
  for (int i = 0; i < profiles; ++i) {
    v1::ProfileExport* profile = batch.add_profile_exports();
    v1::Identity* email = AddIdentity(
        profile, "Email", absl::StrCat("somebody.number", i, "@example.com"));
    v1::Identity* gaid = AddIdentity(
        profile, "GAID",
        absl::StrCat("0f0e0d0c-1111-4222-8333-4444", 10'000'000 + i));
    v1::SegmentMembership* membership = AddMembership(profile, "segment");
    if (interned) {
      email->set_source_namespace_index(0);
      gaid->set_source_namespace_index(1);
      membership->set_segment_index(0);
    }
  }
  return batch;
}

void BM_MapBatch(benchmark::State& state) {
  config::FakeCatalog catalog;
  const config::DestinationState destination = Resolve(SomeDestination());
  const v1::ExportBatch batch = MakeBatch(1000, state.range(0) != 0);
  for (auto _ : state) {
    auto mapped = MapBatch(destination, batch, &catalog);
    if (!mapped.ok() || mapped->rejection_count != 0) std::abort();
    benchmark::DoNotOptimize(mapped);
  }
  state.SetItemsProcessed(state.iterations() * 2000);
}
BENCHMARK(BM_MapBatch)->ArgName("interned")->Arg(0)->Arg(1);

// Identities a second over gRPC, client included.
void BM_Stream(benchmark::State& state) {
  config::FakeCatalog catalog;
  NullIntake intake;
  auto registry = *config::Registry::Load(&catalog, {});
  v1::Credential credential;
  credential.set_credential_id("main");
  credential.set_access_token_file("token");
  registry->ApplyCredential(credential, false).IgnoreError();
  registry->ApplyDestination(SomeDestination(), false).IgnoreError();
  ExportService::Options options;
  options.registry = registry.get();
  options.catalog = &catalog;
  options.intake = &intake;
  ExportService service(options);
  const char* directory = std::getenv("TMPDIR");
  const std::string address =
      absl::StrCat("unix:", directory != nullptr ? directory : "/tmp",
                   "/ingest_benchmark.sock");
  grpc::ServerBuilder builder;
  builder.AddListeningPort(address, grpc::InsecureServerCredentials());
  ExportService::Configure(&builder);
  builder.RegisterService(&service);
  std::unique_ptr<grpc::Server> server = builder.BuildAndStart();
  auto stub = v1::ExportService::NewStub(
      grpc::CreateChannel(address, grpc::InsecureChannelCredentials()));

  v1::ExportSegmentsRequest frame;
  *frame.mutable_batch() = MakeBatch(1000, state.range(0) != 0);
  for (auto _ : state) {
    grpc::ClientContext context;
    auto stream = stub->ExportSegments(&context);
    v1::ExportSegmentsRequest open;
    open.mutable_open()->set_ad_account_id("549755885175");
    open.mutable_open()->set_export_id("benchmark");
    stream->Write(open);
    for (int n = 1; n <= 500; ++n) {
      frame.mutable_batch()->set_sequence_number(n);
      stream->Write(frame);
    }
    stream->WritesDone();
    v1::ExportSegmentsResponse response;
    while (stream->Read(&response)) {
    }
    if (!stream->Finish().ok()) std::abort();
  }
  state.SetItemsProcessed(state.iterations() * 500 * 2000);
  service.Shutdown();
  server->Shutdown();
}
BENCHMARK(BM_Stream)
    ->ArgName("interned")
    ->Arg(0)
    ->Arg(1)
    ->UseRealTime()
    ->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace connector::ingest
