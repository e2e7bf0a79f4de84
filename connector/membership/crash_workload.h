#ifndef CONNECTOR_MEMBERSHIP_CRASH_WORKLOAD_H_
#define CONNECTOR_MEMBERSHIP_CRASH_WORKLOAD_H_

#include <algorithm>
#include <map>
#include <memory>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "absl/synchronization/notification.h"
#include "connector/membership/store.h"
#include "identity_mapping/record.h"

namespace connector::membership {

// What a host and a delivery do, small and always the same. For crash_test.
class CrashWorkload {
 public:
  static constexpr int kRecordsOfBatch = 20;
  static constexpr int kRecords = 400;

  explicit CrashWorkload(const StoreOptions& options) {
    absl::StatusOr<std::unique_ptr<MembershipStore>> store = OpenStore(options);
    if (!store.ok()) {
      status_ = store.status();
      return;
    }
    store_ = *std::move(store);
    destination_ = store_->PutDestination("549", "")->number;
    segment_ = *store_->EnsureSegment(destination_, "ups", "s", "", 10);
    for (const ExportPosition& position : store_->Exports(destination_)) {
      number_ = position.durable;
    }
  }

  bool ok() const { return store_ != nullptr; }
  const absl::Status& status() const { return status_; }
  MembershipStore& store() { return *store_; }
  const SegmentRow& segment() const { return segment_; }

  // One of few records, so that batches add and remove the same ones.
  static identity_mapping::Record RecordOf(uint64_t number) {
    std::mt19937_64 generator(number % kRecords);
    std::string encoded(1, '\1');
    for (int i = 0; i < 32; ++i) {
      encoded.push_back(static_cast<char>(generator()));
    }
    return identity_mapping::Record::FromView(
        *identity_mapping::RecordView::FromEncoded(encoded));
  }
  static Change ChangeOf(int64_t number) {
    return number % 3 == 0 ? Change::kRemove : Change::kAdd;
  }

  // Commits the next batch; its number, -1 if it was refused.
  int64_t CommitNext() {
    ++number_;
    Batch batch;
    batch.destination = destination_;
    batch.export_id = "e";
    batch.sequence_number = number_;
    batch.max_backlog_bytes = int64_t{1} << 40;
    SegmentChanges& changes = batch.segments.emplace_back();
    changes.segment = segment_.number;
    changes.list = segment_.list;
    changes.counts.received = kRecordsOfBatch;
    for (int i = 0; i < kRecordsOfBatch; ++i) {
      changes.run.Add(ChangeOf(number_), RecordOf(number_ * 7 + i), true);
    }
    bool taken = false;
    absl::Notification done;
    store_->Commit(std::move(batch),
                   [&](absl::StatusOr<CommitOutcome> outcome) {
                     taken = outcome.ok() && !outcome->repeat;
                     done.Notify();
                   });
    done.WaitForNotification();
    return taken ? number_ : -1;
  }

  // Delivers what the last event of each record asks for, removals first.
  bool Pass() {
    const CommitNumber through = store_->SyncedCommit();
    std::map<identity_mapping::Record, std::pair<EventOrder, Change>> last;
    PassCounts counts;
    for (Change change : {Change::kRemove, Change::kAdd}) {
      auto cursor = store_->ReadRuns(segment_.list, change, 0, through);
      if (!cursor.ok()) return false;
      RunEntry entry;
      while ((*cursor)->Next(&entry)) {
        ++counts.delivered;
        auto& newest = last[identity_mapping::Record::FromView(entry.record)];
        newest = std::max(newest, std::make_pair(entry.order, change));
      }
      if (!(*cursor)->status().ok()) return false;
    }
    DoubtNumber last_doubt = 0;
    for (Change change : {Change::kRemove, Change::kAdd}) {
      std::vector<identity_mapping::RecordView> records;
      for (const auto& [record, newest] : last) {
        if (newest.second == change) records.push_back(record);
      }
      if (records.empty()) continue;
      auto doubt = store_->BeginRequest(segment_.list, change, records.front(),
                                        records.back());
      if (!doubt.ok()) return false;
      last_doubt = *doubt;
      if (!store_
               ->Confirm(segment_.list, change, records, *doubt, {},
                         absl::InfinitePast())
               .ok()) {
        return false;
      }
    }
    return store_
        ->Settle(segment_.list, through, last_doubt, counts, absl::Now())
        .ok();
  }

 private:
  absl::Status status_;
  std::unique_ptr<MembershipStore> store_;
  DestinationNumber destination_ = 0;
  SegmentRow segment_;
  int64_t number_ = 0;
};

}  // namespace connector::membership

#endif  // CONNECTOR_MEMBERSHIP_CRASH_WORKLOAD_H_
