// How fast request bodies are built, in bytes of body a second. One request of
// the default size: 10,000 SHA-256 records.

#include "benchmark/benchmark.h"
#include "connector/pinterest/request_body.h"
#include "connector/pinterest/test_records.h"

namespace connector::pinterest {
namespace {

void BM_BuildUpdateBody(benchmark::State& state) {
  const TestRecords records(static_cast<size_t>(state.range(0)));
  size_t bytes = 0;
  for (auto _ : state) {
    std::string body = BuildUpdateBody(Operation::kAdd, records.views());
    benchmark::DoNotOptimize(body.data());
    bytes += body.size();
  }
  state.SetBytesProcessed(static_cast<int64_t>(bytes));
}
BENCHMARK(BM_BuildUpdateBody)->Arg(100)->Arg(10'000);

}  // namespace
}  // namespace connector::pinterest
