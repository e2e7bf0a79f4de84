// Speed of the store's four ways to be busy. Run with -c opt and
// --benchmark_min_time; TEST_TMPDIR says where (a real disk, or figures lie).

#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <random>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "absl/synchronization/notification.h"
#include "benchmark/benchmark.h"
#include "connector/membership/store.h"
#include "identity_mapping/record.h"

namespace connector::membership {
namespace {

using identity_mapping::Record;
using identity_mapping::RecordView;

std::vector<Record> RandomRecords(size_t count, uint64_t seed) {
  std::mt19937_64 generator(seed);
  std::vector<Record> records;
  records.reserve(count);
  std::string encoded(33, '\1');
  for (size_t i = 0; i < count; ++i) {
    for (size_t at = 1; at < encoded.size(); at += 8) {
      const uint64_t word = generator();
      std::copy_n(reinterpret_cast<const char*>(&word), 8, &encoded[at]);
    }
    records.push_back(Record::FromView(*RecordView::FromEncoded(encoded)));
  }
  return records;
}

std::vector<RecordView> SortedViews(const std::vector<Record>& records) {
  std::vector<RecordView> views(records.begin(), records.end());
  std::sort(views.begin(), views.end());
  return views;
}

// An open store with one destination and some segments.
struct Fixture {
  explicit Fixture(int segments) {
    const char* base = std::getenv("TEST_TMPDIR");
    options.path = absl::StrCat(base != nullptr ? base : "/tmp",
                                "/store_benchmark-", getpid());
    std::filesystem::remove_all(options.path);
    store = *OpenStore(options);
    destination = store->PutDestination("549", "")->number;
    for (int i = 0; i < segments; ++i) {
      rows.push_back(*store->EnsureSegment(destination, "ups", absl::StrCat(i),
                                           "", segments));
    }
  }
  ~Fixture() {
    store.reset();
    std::filesystem::remove_all(options.path);
  }

  StoreOptions options;
  std::unique_ptr<MembershipStore> store;
  DestinationNumber destination = 0;
  std::vector<SegmentRow> rows;
};

// Arguments: changes of a batch, batches under way at a time, settle or not.
// Changes go to 20 lists in turn; a list is settled as soon as it has 100,000.
void BM_Commit(benchmark::State& state) {
  constexpr int kLists = 20;
  constexpr int64_t kSettleAt = 100'000;
  const int64_t changes = state.range(0);
  const int in_flight = static_cast<int>(state.range(1));
  const std::vector<Record> records = RandomRecords(100'000, 1);
  Fixture fixture(kLists);
  absl::Mutex mutex;
  int under_way = 0;
  size_t next = 0;
  std::vector<int64_t> waiting(kLists, 0);
  int list = 0;
  for (auto _ : state) {
    Batch batch;
    batch.destination = fixture.destination;
    batch.max_backlog_bytes = int64_t{1} << 40;
    SegmentChanges& segment = batch.segments.emplace_back();
    segment.segment = fixture.rows[list].number;
    segment.list = fixture.rows[list].list;
    for (int64_t i = 0; i < changes; ++i) {
      segment.run.Add(Change::kAdd, records[next++ % records.size()], true);
    }
    segment.counts.received = changes;
    {
      absl::MutexLock lock(&mutex);
      struct Room {
        int* under_way;
        int most;
      } room{&under_way, in_flight};
      mutex.Await(absl::Condition(
          +[](Room* r) { return *r->under_way < r->most; }, &room));
      ++under_way;
    }
    fixture.store->Commit(
        std::move(batch), [&](absl::StatusOr<CommitOutcome> outcome) {
          if (!outcome.ok()) {
            std::fputs(outcome.status().ToString().c_str(), stderr);
            std::abort();
          }
          absl::MutexLock lock(&mutex);
          --under_way;
        });
    waiting[list] += changes;
    if (waiting[list] >= kSettleAt) {
      waiting[list] = 0;
      if (!fixture.store
               ->Settle(fixture.rows[list].list, fixture.store->SyncedCommit(),
                        0, {}, absl::Now())
               .ok()) {
        std::abort();
      }
    }
    list = (list + 1) % kLists;
  }
  {
    absl::MutexLock lock(&mutex);
    mutex.Await(absl::Condition(
        +[](int* n) { return *n == 0; }, &under_way));
  }
  state.SetItemsProcessed(state.iterations() * changes);
}
BENCHMARK(BM_Commit)
    ->Args({200, 1})
    ->Args({200, 16})
    ->Args({5'000, 1})
    ->Args({5'000, 16})
    ->UseRealTime()
    ->Unit(benchmark::kMicrosecond);

// Reads the runs of a list that hold a million changes.
void BM_ReadRuns(benchmark::State& state) {
  const std::vector<Record> records = RandomRecords(1'000'000, 2);
  Fixture fixture(1);
  for (size_t i = 0; i < records.size(); i += 5'000) {
    Batch batch;
    batch.destination = fixture.destination;
    batch.max_backlog_bytes = int64_t{1} << 40;
    SegmentChanges& segment = batch.segments.emplace_back();
    segment.segment = fixture.rows[0].number;
    segment.list = fixture.rows[0].list;
    for (size_t j = i; j < i + 5'000; ++j) {
      segment.run.Add(Change::kAdd, records[j], true);
    }
    absl::Notification done;
    fixture.store->Commit(std::move(batch), [&](absl::StatusOr<CommitOutcome>) {
      done.Notify();
    });
    done.WaitForNotification();
  }
  for (auto _ : state) {
    auto cursor = *fixture.store->ReadRuns(fixture.rows[0].list, Change::kAdd,
                                           0, fixture.store->SyncedCommit());
    RunEntry entry;
    size_t entries = 0;
    while (cursor->Next(&entry)) ++entries;
    if (entries != records.size()) std::abort();
  }
  state.SetItemsProcessed(state.iterations() * records.size());
}
BENCHMARK(BM_ReadRuns)->Unit(benchmark::kMillisecond);

void Load(Fixture& fixture, const std::vector<RecordView>& sorted) {
  for (size_t i = 0; i < sorted.size(); i += 10'000) {
    const size_t count = std::min<size_t>(10'000, sorted.size() - i);
    if (!fixture.store
             ->Confirm(fixture.rows[0].list, Change::kAdd,
                       absl::MakeConstSpan(sorted).subspan(i, count), 0, {},
                       absl::InfinitePast())
             .ok()) {
      std::abort();
    }
  }
}

// A list of the given size confirmed in requests of 10,000, in order.
void BM_ConfirmBulk(benchmark::State& state) {
  const std::vector<Record> records = RandomRecords(state.range(0), 3);
  const std::vector<RecordView> sorted = SortedViews(records);
  for (auto _ : state) {
    state.PauseTiming();
    auto fixture = std::make_unique<Fixture>(1);
    state.ResumeTiming();
    Load(*fixture, sorted);
    state.PauseTiming();
    fixture.reset();
    state.ResumeTiming();
  }
  state.SetItemsProcessed(state.iterations() * state.range(0));
}
BENCHMARK(BM_ConfirmBulk)
    ->Arg(2'000'000)
    ->UseRealTime()
    ->Unit(benchmark::kMillisecond);

// 10,000 additions spread over a list of the given size.
void BM_ConfirmTrickle(benchmark::State& state) {
  Fixture fixture(1);
  {
    const std::vector<Record> records = RandomRecords(state.range(0), 4);
    Load(fixture, SortedViews(records));
  }
  uint64_t seed = 100;
  for (auto _ : state) {
    state.PauseTiming();
    const std::vector<Record> records = RandomRecords(10'000, seed++);
    const std::vector<RecordView> sorted = SortedViews(records);
    state.ResumeTiming();
    if (!fixture.store
             ->Confirm(fixture.rows[0].list, Change::kAdd, sorted, 0, {},
                       absl::InfinitePast())
             .ok()) {
      std::abort();
    }
  }
  state.SetItemsProcessed(state.iterations() * 10'000);
}
BENCHMARK(BM_ConfirmTrickle)
    ->Arg(5'000'000)
    ->UseRealTime()
    ->Unit(benchmark::kMillisecond);

// Looks every nth record of a list of 2 million up, and as many that are not
// there.
void BM_Find(benchmark::State& state) {
  const std::vector<Record> records = RandomRecords(2'000'000, 5);
  Fixture fixture(1);
  const std::vector<RecordView> sorted = SortedViews(records);
  Load(fixture, sorted);
  const std::vector<Record> others = RandomRecords(2'000'000, 6);
  std::vector<RecordView> wanted;
  for (size_t i = 0; i < records.size(); i += state.range(0)) {
    wanted.push_back(records[i]);
    wanted.push_back(others[i]);
  }
  std::sort(wanted.begin(), wanted.end());
  for (auto _ : state) {
    auto cursor = *fixture.store->ReadDelivered(fixture.rows[0].list);
    size_t there = 0;
    for (RecordView record : wanted) {
      there += cursor->Find(record)->state.has_value();
    }
    if (there != wanted.size() / 2) std::abort();
  }
  state.SetItemsProcessed(state.iterations() * wanted.size());
}
BENCHMARK(BM_Find)->Arg(1)->Arg(10)->Arg(1'000)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace connector::membership
