// Speed of the sort of a pass: changes in, netted, and read once. Run with -c
// opt; TEST_TMPDIR says where it spills to.

#include <algorithm>
#include <cstdlib>
#include <random>
#include <string>
#include <vector>

#include "benchmark/benchmark.h"
#include "connector/delivery/change_sorter.h"

namespace connector::delivery {
namespace {

using identity_mapping::RecordView;

std::string SpillDirectory() {
  const char* directory = std::getenv("TEST_TMPDIR");
  return directory != nullptr ? directory : "/tmp";
}

// Arguments: changes; megabytes to sort in.
void BM_Sort(benchmark::State& state) {
  const size_t count = static_cast<size_t>(state.range(0));
  std::vector<char> records(count * 33, '\1');
  std::mt19937_64 random(1);
  for (size_t i = 0; i < count; ++i) {
    for (size_t at = 1; at < 33; at += 8) {
      const uint64_t word = random();
      std::copy_n(reinterpret_cast<const char*>(&word), 8,
                  &records[i * 33 + at]);
    }
  }
  SortBudget budget(state.range(1) << 20);
  for (auto _ : state) {
    ChangeSorter sorter(&budget, SpillDirectory());
    SortedChange change;
    change.change = membership::Change::kAdd;
    change.flags = SortedChange::kCounted;
    for (size_t i = 0; i < count; ++i) {
      change.record = *RecordView::FromEncoded({&records[i * 33], 33});
      change.order = i + 1;
      if (!sorter.Add(change).ok()) return state.SkipWithError("add");
    }
    auto sorted = sorter.Finish();
    if (!sorted.ok()) return state.SkipWithError("finish");
    SortedChanges::Reader reader(sorted->additions);
    for (;;) {
      auto more = reader.Next(&change);
      if (!more.ok()) return state.SkipWithError("read");
      if (!*more) break;
      benchmark::DoNotOptimize(change);
    }
  }
  state.SetItemsProcessed(state.iterations() * state.range(0));
}
// All in memory; a few chunks; a pass that gets no memory beside others.
BENCHMARK(BM_Sort)
    ->Args({200'000, 32})
    ->Args({4'000'000, 32})
    ->Args({1'000'000, 0})
    ->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace connector::delivery

BENCHMARK_MAIN();
