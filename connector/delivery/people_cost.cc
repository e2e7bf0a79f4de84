// What people cost: bytes on disk and time per profile (docs/people.md). Prints
// a few lines; flags: number of profiles, directory.

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/synchronization/notification.h"
#include "absl/time/clock.h"
#include "connector/delivery/people_sorter.h"
#include "connector/membership/store.h"

namespace connector::delivery {
namespace {

using identity_mapping::Record;
using identity_mapping::RecordView;
using membership::Batch;
using membership::Change;
using membership::Holder;

constexpr int kBatchProfiles = 1'000;
constexpr int kSegments = 2;

uint64_t Mix(uint64_t x) {
  x += 0x9e3779b97f4a7c15;
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9;
  x = (x ^ (x >> 27)) * 0x94d049bb133111eb;
  return x ^ (x >> 31);
}

Record RecordOf(uint64_t number) {
  std::string encoded(33, '\1');
  for (size_t i = 0; i < 4; ++i) {
    const uint64_t word = Mix(number * 4 + i);
    std::copy_n(reinterpret_cast<const char*>(&word), 8, &encoded[1 + 8 * i]);
  }
  return Record::FromView(*RecordView::FromEncoded(encoded));
}

Holder HolderOf(uint64_t number) {
  Holder holder;
  for (size_t i = 0; i < 2; ++i) {
    const uint64_t word = Mix(~(number * 2 + i));
    std::copy_n(reinterpret_cast<const uint8_t*>(&word), 8, &holder[8 * i]);
  }
  return holder;
}

double Megabytes(const std::string& directory) {
  int64_t bytes = 0;
  for (const auto& entry :
       std::filesystem::recursive_directory_iterator(directory)) {
    if (entry.is_regular_file())
      bytes += static_cast<int64_t>(entry.file_size());
  }
  return static_cast<double>(bytes) / 1e6;
}

class Cost {
 public:
  Cost(int64_t profiles, const std::string& directory)
      : profiles_(profiles), directory_(directory), budget_(64 << 20) {
    membership::StoreOptions options;
    options.path = directory + "/store";
    store_ = *membership::OpenStore(options);
    destination_ = store_->PutDestination("549", "")->number;
    for (int i = 0; i < kSegments; ++i) {
      segments_.push_back(*store_->EnsureSegment(
          destination_, "ups", absl::StrCat("s", i), "", 100));
    }
  }

  // Exports every `step`-th profile with two records, of which the second is of
  // this round.
  void Round(const char* name, int64_t step, uint64_t round, bool keyed) {
    absl::Time start = absl::Now();
    int64_t exported = 0;
    for (int64_t first = 0; first < profiles_; first += kBatchProfiles * step) {
      Batch batch;
      batch.destination = destination_;
      batch.max_backlog_bytes = int64_t{1} << 40;
      uint64_t place = 0;
      for (const auto& segment : segments_) {
        auto& changes = batch.segments.emplace_back();
        changes.segment = segment.number;
        changes.list = segment.list;
        changes.keyed = keyed;
      }
      for (int64_t i = first;
           i < std::min(profiles_, first + kBatchProfiles * step); i += step) {
        const Holder holder = HolderOf(i);
        const Record records[] = {RecordOf(i * 8), RecordOf(i * 8 + 1 + round)};
        std::vector<std::pair<membership::SegmentNumber, Change>> memberships;
        for (size_t s = 0; s < segments_.size(); ++s) {
          auto& changes = batch.segments[s];
          if (keyed) changes.run.AdvanceTo(place + 1);
          for (const Record& record : records) {
            changes.run.Add(Change::kAdd, record, true, std::nullopt,
                            keyed ? &holder : nullptr);
          }
          changes.counts.received += 2;
          memberships.emplace_back(segments_[s].number, Change::kAdd);
        }
        const RecordView views[] = {records[0], records[1]};
        if (keyed) batch.statements.Add(holder, place, views, memberships);
        place += 3;
        ++exported;
      }
      if (keyed) batch.places = place;
      absl::Notification done;
      store_->Commit(std::move(batch), [&](const auto& outcome) {
        if (!outcome.ok()) std::abort();
        done.Notify();
      });
      done.WaitForNotification();
    }
    const double in = absl::ToDoubleMicroseconds(absl::Now() - start) /
                      static_cast<double>(exported);
    start = absl::Now();
    membership::People::BringUpOptions options;
    options.make_sorter = [this] {
      return std::make_unique<SpillingPeopleSorter>(&budget_, directory_);
    };
    if (!store_->BringUp(destination_, options).ok()) std::abort();
    const double up = absl::ToDoubleMicroseconds(absl::Now() - start) /
                      static_cast<double>(exported);
    std::printf("%s: %lld profiles, in %.2f us, brought in %.2f us a profile\n",
                name, static_cast<long long>(exported), in, up);
    std::fflush(stdout);
  }

  // All runs go: what is left is people, and nothing was delivered.
  void Settle() {
    for (const auto& segment : segments_) {
      if (!store_
               ->Settle(segment.list, store_->SyncedCommit(), 0, {},
                        absl::Now())
               .ok()) {
        std::abort();
      }
    }
  }
  // A copy has no log and nothing that was deleted in it.
  void Report() {
    std::printf("state directory: %.1f MB, %.0f bytes a profile\n",
                Megabytes(directory_ + "/store"),
                Megabytes(directory_ + "/store") * 1e6 /
                    static_cast<double>(profiles_));
    std::fflush(stdout);
  }

 private:
  const int64_t profiles_;
  const std::string directory_;
  SortBudget budget_;
  std::unique_ptr<membership::MembershipStore> store_;
  membership::DestinationNumber destination_ = 0;
  std::vector<membership::SegmentRow> segments_;
};

}  // namespace
}  // namespace connector::delivery

int main(int argc, char** argv) {
  const int64_t profiles = argc > 1 ? std::atoll(argv[1]) : 1'000'000;
  const std::string directory = argc > 2 ? argv[2] : "/tmp/people-cost";
  std::filesystem::remove_all(directory);
  std::filesystem::create_directories(directory);
  {
    connector::delivery::Cost cost(profiles, directory);
    cost.Round("without keys", 1, 0, false);
    cost.Settle();
  }
  std::filesystem::remove_all(directory);
  std::filesystem::create_directories(directory);
  connector::delivery::Cost cost(profiles, directory);
  cost.Round("first export", 1, 0, true);
  cost.Settle();
  cost.Round("the same again", 1, 0, true);
  cost.Settle();
  cost.Round("a hundredth with another address", 100, 1, true);
  cost.Settle();
  // Until the background has done away with what was deleted.
  for (int i = 0; i < 10; ++i) {
    absl::SleepFor(absl::Seconds(1));
    cost.Report();
  }
  return 0;
}
