// How fast bodies become batches on one core.
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "audience_sync/v1/profile_export.pb.h"
#include "benchmark/benchmark.h"
#include "connector/profile_json/batch_builder.h"
#include "connector/profile_json/export_body.h"
#include "google/protobuf/arena.h"

namespace connector::profile_json {
namespace {

std::string Body(int profiles, size_t* size) {
  std::string body =
      R"({"aggregationKey":{"segmentId":"b6e0c1d2-0a1b-4c3d-8e4f-000000000001",)"
      R"("segmentNamespace":"ups","segmentStatus":"realized"},"profiles":[)";
  for (int i = 0; i < profiles; ++i) {
    absl::StrAppend(
        &body, i == 0 ? "" : ",",
        absl::StrFormat(
            R"({"segmentMembership":{"ups":{"b6e0c1d2-0a1b-4c3d-8e4f-000000000001":)"
            R"({"lastQualificationTime":"2024-03-02T10:00:00.591378Z","status":"realized"}}},)"
            R"("identityMap":{"pinterest_audience":[{"id":"person%d@example.com"},)"
            R"({"id":"0f0e0d0c-1111-4222-8333-%012x"}]},"attributes":{}})",
            i, i));
  }
  body += "]}";
  *size = body.size();
  body.append(kJsonPadding, ' ');
  return body;
}

void BM_BodyToBatch(benchmark::State& state) {
  const int profiles = static_cast<int>(state.range(0));
  size_t size = 0;
  const std::string body = Body(profiles, &size);
  ExportBodyReader reader;
  for (auto _ : state) {
    google::protobuf::Arena arena;
    auto* batch =
        google::protobuf::Arena::CreateMessage<audience_sync::v1::ExportBatch>(
            &arena);
    BatchBuilder builder(batch);
    const absl::Status status = reader.Read(
        {body.data(), size}, BodyDefaults(),
        [&](const ParsedProfile& profile) { builder.Add(profile); });
    if (!status.ok() || batch->profile_exports_size() != profiles) {
      state.SkipWithError("not read");
    }
  }
  state.SetBytesProcessed(state.iterations() * static_cast<int64_t>(size));
  state.SetItemsProcessed(state.iterations() * profiles);
}
BENCHMARK(BM_BodyToBatch)->Arg(1)->Arg(1'000)->Arg(10'000);

}  // namespace
}  // namespace connector::profile_json

BENCHMARK_MAIN();
