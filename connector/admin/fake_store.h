#ifndef CONNECTOR_ADMIN_FAKE_STORE_H_
#define CONNECTOR_ADMIN_FAKE_STORE_H_

#include <algorithm>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "connector/base/error.h"
#include "connector/membership/store.h"

namespace connector::admin {

// A store in memory for tests of administration: the catalog works, and what
// the other views answer is set by the test. Thread-safe.
class FakeStore final : public membership::MembershipStore {
 public:
  using CommitNumber = membership::CommitNumber;
  using DestinationNumber = membership::DestinationNumber;
  using ListNumber = membership::ListNumber;
  using SegmentNumber = membership::SegmentNumber;

  // --- what a test sets ---

  void SetHealth(absl::Status status) {
    absl::MutexLock lock(&mutex_);
    health_ = std::move(status);
  }
  // Makes changes of a list wait up to `commit`.
  void SetPending(ListNumber list, CommitNumber commit) {
    absl::MutexLock lock(&mutex_);
    pending_[list].list = list;
    pending_[list].destination = lists_.at(list).destination;
    pending_[list].newest_commit = commit;
    pending_[list].bytes = 100;
  }
  // A pass through `commit` ended.
  void SetSettled(ListNumber list, CommitNumber commit) {
    absl::MutexLock lock(&mutex_);
    lists_.at(list).settled = commit;
    auto found = pending_.find(list);
    if (found != pending_.end() && found->second.newest_commit <= commit) {
      pending_.erase(found);
    }
  }
  void SetReport(membership::DestinationReport report) {
    absl::MutexLock lock(&mutex_);
    report_ = std::move(report);
  }
  void SetRejections(membership::RejectionPage page) {
    absl::MutexLock lock(&mutex_);
    rejections_ = std::move(page);
  }
  int last_page_size() {
    absl::MutexLock lock(&mutex_);
    return last_page_size_;
  }

  // --- Catalog ---

  std::vector<membership::DestinationRow> Destinations() override {
    absl::MutexLock lock(&mutex_);
    std::vector<membership::DestinationRow> rows;
    for (const auto& [number, row] : destinations_) rows.push_back(row);
    return rows;
  }
  std::optional<membership::DestinationRow> FindDestination(
      absl::string_view ad_account_id) override {
    absl::MutexLock lock(&mutex_);
    for (const auto& [number, row] : destinations_) {
      if (row.ad_account_id == ad_account_id) return row;
    }
    return std::nullopt;
  }
  absl::StatusOr<membership::DestinationRow> PutDestination(
      absl::string_view ad_account_id, absl::string_view config) override {
    absl::MutexLock lock(&mutex_);
    for (auto& [number, row] : destinations_) {
      if (row.ad_account_id == ad_account_id) {
        row.config = std::string(config);
        return row;
      }
    }
    membership::DestinationRow row;
    row.number = ++last_number_;
    row.ad_account_id = std::string(ad_account_id);
    row.history_id = absl::StrCat("history-", row.number);
    row.config = std::string(config);
    destinations_[row.number] = row;
    return row;
  }
  absl::Status SetDestinationPaused(DestinationNumber destination,
                                    bool paused) override {
    absl::MutexLock lock(&mutex_);
    auto found = destinations_.find(destination);
    if (found == destinations_.end()) return absl::NotFoundError("");
    found->second.paused = paused;
    return absl::OkStatus();
  }
  absl::Status DeleteDestination(DestinationNumber destination) override {
    absl::MutexLock lock(&mutex_);
    if (destinations_.erase(destination) == 0) return absl::NotFoundError("");
    std::erase_if(lists_, [&](const auto& entry) {
      return entry.second.destination == destination;
    });
    std::erase_if(segments_, [&](const auto& entry) {
      return entry.second.destination == destination;
    });
    std::erase_if(pending_, [&](const auto& entry) {
      return entry.second.destination == destination;
    });
    return absl::OkStatus();
  }
  std::vector<membership::CredentialRow> Credentials() override {
    absl::MutexLock lock(&mutex_);
    std::vector<membership::CredentialRow> rows;
    for (const auto& [id, config] : credentials_) rows.push_back({id, config});
    return rows;
  }
  absl::Status PutCredential(absl::string_view credential_id,
                             absl::string_view config) override {
    absl::MutexLock lock(&mutex_);
    credentials_[std::string(credential_id)] = std::string(config);
    return absl::OkStatus();
  }
  absl::Status DeleteCredential(absl::string_view credential_id) override {
    absl::MutexLock lock(&mutex_);
    credentials_.erase(std::string(credential_id));
    return absl::OkStatus();
  }
  absl::StatusOr<membership::SegmentRow> EnsureSegment(
      DestinationNumber destination, absl::string_view segment_namespace,
      absl::string_view segment_id, absl::string_view display_name,
      int) override {
    absl::MutexLock lock(&mutex_);
    for (const auto& [number, row] : segments_) {
      if (row.destination == destination &&
          row.segment_namespace == segment_namespace &&
          row.segment_id == segment_id) {
        return row;
      }
    }
    membership::SegmentRow row;
    row.number = ++last_number_;
    row.destination = destination;
    row.segment_namespace = std::string(segment_namespace);
    row.segment_id = std::string(segment_id);
    row.display_name = std::string(display_name);
    row.list = ++last_number_;
    segments_[row.number] = row;
    membership::ListRow list;
    list.number = row.list;
    list.destination = destination;
    list.segment = row.number;
    lists_[row.list] = list;
    return row;
  }
  std::optional<membership::SegmentRow> FindSegment(
      DestinationNumber destination, absl::string_view segment_namespace,
      absl::string_view segment_id) override {
    absl::MutexLock lock(&mutex_);
    for (const auto& [number, row] : segments_) {
      if (row.destination == destination &&
          row.segment_namespace == segment_namespace &&
          row.segment_id == segment_id) {
        return row;
      }
    }
    return std::nullopt;
  }
  std::vector<membership::SegmentRow> Segments(
      DestinationNumber destination) override {
    absl::MutexLock lock(&mutex_);
    std::vector<membership::SegmentRow> rows;
    for (const auto& [number, row] : segments_) {
      if (row.destination == destination) rows.push_back(row);
    }
    return rows;
  }
  absl::Status SetSegmentPaused(SegmentNumber segment, bool paused) override {
    absl::MutexLock lock(&mutex_);
    segments_.at(segment).paused = paused;
    return absl::OkStatus();
  }

  // --- Intake ---

  absl::StatusOr<membership::OpenedExport> OpenExport(
      DestinationNumber, absl::string_view,
      std::weak_ptr<membership::ExportListener>) override {
    return absl::UnimplementedError("");
  }
  // Takes requests to forget, and nothing else.
  void Commit(membership::Batch batch,
              std::function<void(absl::StatusOr<membership::CommitOutcome>)>
                  done) override {
    if (!batch.forget.has_value()) {
      done(absl::UnimplementedError(""));
      return;
    }
    membership::CommitOutcome outcome;
    {
      absl::MutexLock lock(&mutex_);
      for (const membership::Forget& known : forgets_) {
        if (known.request_id != batch.forget->request_id) continue;
        outcome.repeat = true;
        outcome.forget = known.number;
      }
      if (!outcome.repeat) {
        membership::Forget forget;
        forget.destination = batch.destination;
        forget.number = outcome.forget = ++last_number_;
        forget.receipt_id = batch.forget->receipt_id;
        forget.request_id = batch.forget->request_id;
        forget.forms = static_cast<int64_t>(batch.forget->forms.size());
        forget.request_time = absl::UnixEpoch();
        for (const auto& [number, list] : lists_) {
          membership::ForgetList& each = forget.lists.emplace_back();
          each.list = number;
          each.segment = list.segment;
        }
        forgets_.push_back(forget);
      }
    }
    done(outcome);
  }
  std::vector<membership::ExportPosition> Exports(DestinationNumber) override {
    return {};
  }
  absl::Status Healthy() override {
    absl::MutexLock lock(&mutex_);
    return health_;
  }

  absl::StatusOr<membership::BackupInfo> Backup(const std::string&) override {
    return absl::UnimplementedError("");
  }

  // --- Ledger: what administration reads of it ---

  void SetCommitListener(std::function<void(ListNumber, bool)>) override {}
  CommitNumber SyncedCommit() override { return 0; }
  CommitNumber PassableCommit(ListNumber) override { return 0; }
  std::vector<membership::WaitingPeople> WaitingForPeople() override {
    return {};
  }
  absl::Status PurgePeople(
      DestinationNumber, absl::Span<const identity_mapping::Record>) override {
    return absl::OkStatus();
  }
  absl::Status BringUp(DestinationNumber, const BringUpOptions&) override {
    return absl::OkStatus();
  }
  std::vector<membership::PendingList> PendingLists() override {
    absl::MutexLock lock(&mutex_);
    std::vector<membership::PendingList> rows;
    for (const auto& [number, row] : pending_) rows.push_back(row);
    return rows;
  }
  std::optional<membership::PendingList> FindPendingList(
      ListNumber list) override {
    absl::MutexLock lock(&mutex_);
    auto found = pending_.find(list);
    if (found == pending_.end()) return std::nullopt;
    return found->second;
  }
  absl::StatusOr<membership::ListRow> GetList(ListNumber list) override {
    absl::MutexLock lock(&mutex_);
    auto found = lists_.find(list);
    if (found == lists_.end()) return absl::NotFoundError("deleted");
    return found->second;
  }
  absl::StatusOr<membership::SegmentRow> GetSegment(
      SegmentNumber segment) override {
    absl::MutexLock lock(&mutex_);
    auto found = segments_.find(segment);
    if (found == segments_.end()) return absl::NotFoundError("deleted");
    return found->second;
  }
  absl::StatusOr<std::unique_ptr<membership::RunCursor>> ReadRuns(
      ListNumber, membership::Change, CommitNumber, CommitNumber) override {
    return absl::UnimplementedError("");
  }
  absl::StatusOr<std::unique_ptr<membership::RunCursor>> ReadRememberedExits(
      ListNumber, CommitNumber, const membership::ExitFilter&) override {
    return absl::UnimplementedError("");
  }
  absl::Status ForgetExits(DestinationNumber, absl::Duration) override {
    return absl::OkStatus();
  }
  absl::Status DropOvertaken(
      ListNumber, CommitNumber,
      absl::FunctionRef<absl::StatusOr<bool>(membership::EventOrder)>)
      override {
    return absl::UnimplementedError("");
  }
  absl::StatusOr<std::unique_ptr<membership::DeliveredCursor>> ReadDelivered(
      ListNumber) override {
    return absl::UnimplementedError("");
  }
  absl::Status UpdateList(const membership::ListRow&) override {
    return absl::UnimplementedError("");
  }
  absl::StatusOr<membership::DoubtNumber> BeginRequest(
      ListNumber, membership::Change, identity_mapping::RecordView,
      identity_mapping::RecordView) override {
    return absl::UnimplementedError("");
  }
  absl::Status CancelRequest(ListNumber, membership::DoubtNumber) override {
    return absl::UnimplementedError("");
  }
  absl::StatusOr<std::vector<membership::Doubt>> Doubts(ListNumber) override {
    return absl::UnimplementedError("");
  }
  absl::Status Confirm(ListNumber, membership::Change,
                       absl::Span<const identity_mapping::RecordView>,
                       membership::DoubtNumber,
                       absl::Span<const identity_mapping::RecordView>,
                       absl::Time) override {
    return absl::UnimplementedError("");
  }
  absl::StatusOr<std::vector<membership::Echo>> Echoes(ListNumber, absl::Time,
                                                       size_t) override {
    return absl::UnimplementedError("");
  }
  std::vector<std::pair<ListNumber, absl::Time>> EchoTimes() override {
    return {};
  }
  std::string CallHistory(absl::string_view) override { return ""; }
  absl::Status PutCallHistory(absl::string_view, absl::string_view) override {
    return absl::UnimplementedError("not used here");
  }
  absl::StatusOr<std::vector<membership::RefusedRecord>> RefusedRecords(
      ListNumber, const std::optional<identity_mapping::Record>&,
      size_t) override {
    return absl::UnimplementedError("");
  }
  absl::Status EndEcho(ListNumber, uint64_t) override {
    return absl::UnimplementedError("");
  }
  absl::Status Refuse(ListNumber,
                      absl::Span<const membership::Refusal>) override {
    return absl::UnimplementedError("");
  }
  absl::Status Settle(ListNumber, CommitNumber, membership::DoubtNumber,
                      const membership::PassCounts&, absl::Time) override {
    return absl::UnimplementedError("");
  }

  // --- FullSyncs ---

  void SetFullSyncListener(std::function<void()>) override {}
  std::vector<membership::FullSync> FindFullSyncs(ListNumber) override {
    return {};
  }
  std::vector<membership::FullSync> UndecidedFullSyncs() override { return {}; }
  absl::StatusOr<std::unique_ptr<membership::RunCursor>> ReadDeclared(
      ListNumber, membership::FullSyncNumber) override {
    return absl::UnimplementedError("");
  }
  absl::StatusOr<std::unique_ptr<membership::DeliveredScan>> ScanDelivered(
      ListNumber) override {
    return absl::UnimplementedError("");
  }

  // --- Operations: none are under way ---

  void SetOperationListener(std::function<void(ListNumber)>) override {}
  absl::StatusOr<membership::MappedSegment> MapSegment(
      DestinationNumber, absl::string_view, absl::string_view,
      const membership::SegmentText&, int) override {
    return absl::UnimplementedError("");
  }
  absl::StatusOr<membership::SegmentRow> UpdateSegment(
      SegmentNumber, const membership::SegmentText&) override {
    return absl::UnimplementedError("");
  }
  absl::StatusOr<membership::SegmentRow> UnmapSegment(SegmentNumber,
                                                      bool) override {
    return absl::UnimplementedError("");
  }
  absl::Status RequestResync(SegmentNumber) override {
    return absl::UnimplementedError("");
  }
  absl::Status RequestReplacement(SegmentNumber,
                                  const membership::Replacement&) override {
    return absl::UnimplementedError("");
  }
  absl::StatusOr<membership::SegmentRow> BindSegment(
      DestinationNumber, absl::string_view, absl::string_view,
      const membership::Replacement&, int) override {
    return absl::UnimplementedError("");
  }
  std::vector<membership::AudienceTask> AudienceTasks() override { return {}; }
  absl::Status EndAudienceTask(const membership::AudienceTask&) override {
    return absl::UnimplementedError("");
  }
  std::optional<membership::ListOperation> FindOperation(ListNumber) override {
    return std::nullopt;
  }
  std::vector<membership::ListRow> OperatedLists() override { return {}; }
  std::vector<std::string> OtherCustomerLists(ListNumber) override {
    return {};
  }
  absl::StatusOr<membership::ListOperation> TakeUp(ListNumber, bool) override {
    return absl::UnimplementedError("");
  }
  absl::StatusOr<bool> ReadEntries(
      ListNumber, std::string*, int64_t,
      absl::FunctionRef<absl::Status(identity_mapping::RecordView,
                                     membership::DeliveredState)>) override {
    return absl::UnimplementedError("");
  }
  absl::Status Advance(ListNumber, uint64_t, absl::string_view, int64_t,
                       bool) override {
    return absl::UnimplementedError("");
  }

  // --- AudienceTable, CounterTable ---

  std::vector<membership::AudienceEntry> Audiences(
      DestinationNumber destination) override {
    absl::MutexLock lock(&mutex_);
    std::vector<membership::AudienceEntry> found;
    for (const auto& entry : audiences_) {
      if (entry.key.destination == destination) found.push_back(entry);
    }
    return found;
  }
  std::optional<membership::AudienceRow> FindAudience(
      const membership::AudienceKey& key) override {
    absl::MutexLock lock(&mutex_);
    for (const auto& entry : audiences_) {
      if (entry.key == key) return entry.row;
    }
    return std::nullopt;
  }
  absl::StatusOr<membership::AudienceRow> ChangeAudience(
      const membership::AudienceKey& key,
      absl::FunctionRef<void(membership::AudienceRow&)> change) override {
    absl::MutexLock lock(&mutex_);
    for (auto& entry : audiences_) {
      if (!(entry.key == key)) continue;
      change(entry.row);
      return entry.row;
    }
    audiences_.push_back({key, {}});
    change(audiences_.back().row);
    return audiences_.back().row;
  }
  absl::StatusOr<membership::AudienceRow> NoteAudience(
      const membership::AudienceKey& key,
      absl::FunctionRef<void(membership::AudienceRow&)> change) override {
    return ChangeAudience(key, change);
  }
  absl::Status DeleteAudience(const membership::AudienceKey& key) override {
    absl::MutexLock lock(&mutex_);
    std::erase_if(audiences_,
                  [&](const auto& entry) { return entry.key == key; });
    return absl::OkStatus();
  }
  std::optional<membership::ListCounterRow> FindCounters(
      ListNumber list) override {
    absl::MutexLock lock(&mutex_);
    const auto found = counters_.find(list);
    if (found == counters_.end()) return std::nullopt;
    return found->second;
  }
  absl::Status ChangeCounters(
      ListNumber list,
      absl::FunctionRef<void(membership::ListCounterRow&)> change) override {
    absl::MutexLock lock(&mutex_);
    change(counters_[list]);
    return absl::OkStatus();
  }

  // --- Journal ---

  absl::StatusOr<membership::DestinationReport> Report(
      DestinationNumber destination) override {
    absl::MutexLock lock(&mutex_);
    if (destinations_.count(destination) == 0) {
      return absl::NotFoundError("deleted");
    }
    return report_;
  }
  absl::StatusOr<membership::RejectionPage> Rejections(
      DestinationNumber, int page_size, absl::string_view page_token) override {
    absl::MutexLock lock(&mutex_);
    last_page_size_ = page_size;
    if (page_token == "bad") return absl::InvalidArgumentError("token");
    return rejections_;
  }

  // --- Forgets: what administration reads of it ---

  std::vector<membership::Forget> FindForgets(DestinationNumber) override {
    absl::MutexLock lock(&mutex_);
    return {forgets_.rbegin(), forgets_.rend()};
  }
  std::vector<membership::Forget> UnfinishedForgets() override { return {}; }
  std::vector<identity_mapping::Record> ForcedRemovals(ListNumber, CommitNumber,
                                                       CommitNumber) override {
    return {};
  }
  absl::Status NoteListGone(ListNumber) override {
    return absl::UnimplementedError("");
  }
  absl::StatusOr<bool> NoteProgress() override { return false; }
  std::vector<ListNumber> ListsOf(DestinationNumber) override { return {}; }
  absl::Status PurgeList(ListNumber) override {
    return absl::UnimplementedError("");
  }
  absl::Status EndPurge(DestinationNumber,
                        const std::vector<membership::ForgetNumber>&) override {
    return absl::UnimplementedError("");
  }
  absl::Status EraseRows(DestinationNumber) override {
    return absl::UnimplementedError("");
  }
  void CancelPurge() override {}

 private:
  absl::Mutex mutex_;
  std::vector<membership::Forget> forgets_ ABSL_GUARDED_BY(mutex_);
  uint32_t last_number_ ABSL_GUARDED_BY(mutex_) = 0;
  std::map<DestinationNumber, membership::DestinationRow> destinations_
      ABSL_GUARDED_BY(mutex_);
  std::map<std::string, std::string> credentials_ ABSL_GUARDED_BY(mutex_);
  std::map<SegmentNumber, membership::SegmentRow> segments_
      ABSL_GUARDED_BY(mutex_);
  std::map<ListNumber, membership::ListRow> lists_ ABSL_GUARDED_BY(mutex_);
  std::map<ListNumber, membership::PendingList> pending_
      ABSL_GUARDED_BY(mutex_);
  std::vector<membership::AudienceEntry> audiences_ ABSL_GUARDED_BY(mutex_);
  std::map<ListNumber, membership::ListCounterRow> counters_
      ABSL_GUARDED_BY(mutex_);
  membership::DestinationReport report_ ABSL_GUARDED_BY(mutex_);
  membership::RejectionPage rejections_ ABSL_GUARDED_BY(mutex_);
  absl::Status health_ ABSL_GUARDED_BY(mutex_);
  int last_page_size_ ABSL_GUARDED_BY(mutex_) = 0;
};

}  // namespace connector::admin

#endif  // CONNECTOR_ADMIN_FAKE_STORE_H_
