// Events in memory to request bodies, one core: records a second.
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "benchmark/benchmark.h"
#include "tests/benchmark/pipeline.h"

namespace benchmark_pipeline {
namespace {

namespace v1 = audience_sync::v1;

// Batches of 1,000 profiles with an address and a device id each, as a stream
// brings them.
std::vector<v1::ExportBatch> Batches(int count) {
  std::vector<v1::ExportBatch> batches(count);
  int person = 0;
  for (v1::ExportBatch& batch : batches) {
    batch.add_source_namespaces("Email");
    batch.add_source_namespaces("GAID");
    batch.add_segments()->set_segment_id("segment");
    for (int i = 0; i < 1000; ++i, ++person) {
      v1::ProfileExport* profile = batch.add_profile_exports();
      v1::Identity* email = profile->add_identities();
      email->set_source_namespace_index(0);
      email->set_value(absl::StrCat("somebody.number", person, "@example.com"));
      v1::Identity* gaid = profile->add_identities();
      gaid->set_source_namespace_index(1);
      gaid->set_value(absl::StrFormat("0f0e0d0c-1111-4222-8333-%012x", person));
      v1::SegmentMembership* membership = profile->add_segment_memberships();
      membership->set_segment_index(0);
      membership->set_status(v1::MEMBERSHIP_STATUS_REALIZED);
    }
  }
  return batches;
}

void BM_EventsToBodies(benchmark::State& state) {
  const std::vector<v1::ExportBatch> batches = Batches(100);
  int64_t bytes = 0;
  Pipeline pipeline([&](const std::string& body) {
    benchmark::DoNotOptimize(body.data());
    bytes += static_cast<int64_t>(body.size());
  });
  size_t next = 0;
  for (auto _ : state) {
    pipeline.Add(batches[next]);
    next = (next + 1) % batches.size();
  }
  if (pipeline.records() != state.iterations() * 2000) {
    state.SkipWithError("records are missing");
  }
  state.SetItemsProcessed(pipeline.records());
  state.SetBytesProcessed(bytes);
}
BENCHMARK(BM_EventsToBodies)->Unit(benchmark::kMicrosecond);

}  // namespace
}  // namespace benchmark_pipeline
