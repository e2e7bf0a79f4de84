// How fast lines become frames on one core: reading, parsing, batching and
// serializing, without the network.
#include <stdio.h>
#include <unistd.h>

#include <string>

#include "absl/strings/str_format.h"
#include "benchmark/benchmark.h"
#include "connector/cli/batcher.h"
#include "connector/cli/line_reader.h"
#include "connector/profile_json/profile_reader.h"

namespace connector::cli {
namespace {

constexpr int kProfiles = 50'000;

FILE* WriteInput() {
  FILE* file = tmpfile();
  for (int i = 0; i < kProfiles; ++i) {
    absl::FPrintF(
        file,
        R"({"segmentMembership":{"ups":{"b6e0c1d2-0a1b-4c3d-8e4f-%012d":)"
        R"({"lastQualificationTime":"2024-03-02T10:00:00.591378Z","status":"realized"},)"
        R"("b6e0c1d2-0a1b-4c3d-8e4f-%012d":)"
        R"({"lastQualificationTime":"2024-03-02T10:00:00Z","status":"exited"}}},)"
        R"("identityMap":{"Email":[{"id":"person%d@example.com"}],)"
        R"("GAID":[{"id":"0f0e0d0c-1111-4222-8333-%012x"}],)"
        R"("IDFA":[{"id":"A1B2C3D4-AAAA-4BBB-8CCC-%012X"}]},"attributes":{}})"
        "\n",
        i % 5, i % 7 + 5, i, i, i);
  }
  fflush(file);
  return file;
}

void BM_LinesToFrames(benchmark::State& state) {
  FILE* file = WriteInput();
  std::string frame;
  for (auto _ : state) {
    lseek(fileno(file), 0, SEEK_SET);
    LineReader lines(fileno(file), "benchmark");
    profile_json::ProfileReader profiles;
    Batcher batcher(BatchBounds{});
    const auto take = [&](std::unique_ptr<Batch> batch) {
      if (batch == nullptr) return;
      batch->frame->SerializeToString(&frame);
      benchmark::DoNotOptimize(frame.data());
    };
    while (true) {
      const auto line = lines.Next();
      if (!line.ok() || !line->has_value()) break;
      const auto profile = profiles.Read(**line);
      take(*batcher.Add(**profile, {0, lines.line_number()},
                        lines.bytes_consumed()));
    }
    take(batcher.Finish());
    state.counters["bytes"] =
        benchmark::Counter(static_cast<double>(lines.bytes_consumed()),
                           benchmark::Counter::kIsIterationInvariantRate);
  }
  state.SetItemsProcessed(state.iterations() * kProfiles);
  fclose(file);
}
BENCHMARK(BM_LinesToFrames)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace connector::cli
