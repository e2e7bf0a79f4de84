#include "connector/membership/rocksdb_store.h"

#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "connector/base/error.h"
#include "connector/membership/audience_part.h"
#include "connector/membership/backup.h"
#include "connector/membership/catalog_part.h"
#include "connector/membership/committer.h"
#include "connector/membership/export_progress.h"
#include "connector/membership/forget_part.h"
#include "connector/membership/full_sync_part.h"
#include "connector/membership/journal_part.h"
#include "connector/membership/ledger_part.h"
#include "connector/membership/loader.h"
#include "connector/membership/operations_part.h"
#include "connector/membership/people_part.h"
#include "connector/membership/rejection_log.h"

namespace connector::membership {
namespace {

using identity_mapping::RecordView;

// The parts of the store behind one interface.
class RocksdbStore final : public MembershipStore {
 public:
  RocksdbStore(std::unique_ptr<Database> database, std::unique_ptr<Core> core)
      : database_(std::move(database)),
        core_(std::move(core)),
        progress_(*core_),
        rejections_(*core_),
        catalog_(*core_),
        operations_(*core_, catalog_, rejections_),
        ledger_(*core_, progress_, rejections_),
        journal_(*core_, rejections_),
        full_syncs_(*core_, progress_),
        people_(*core_, progress_),
        forgets_(*core_, ledger_, people_),
        audiences_(*core_),
        committer_(*core_, progress_, rejections_, full_syncs_) {}

  std::vector<DestinationRow> Destinations() override {
    return catalog_.Destinations();
  }
  std::optional<DestinationRow> FindDestination(
      absl::string_view ad_account_id) override {
    return catalog_.FindDestination(ad_account_id);
  }
  absl::StatusOr<DestinationRow> PutDestination(
      absl::string_view ad_account_id, absl::string_view config) override {
    return catalog_.PutDestination(ad_account_id, config);
  }
  absl::Status SetDestinationPaused(DestinationNumber destination,
                                    bool paused) override {
    return catalog_.SetDestinationPaused(destination, paused);
  }
  absl::Status DeleteDestination(DestinationNumber destination) override {
    return catalog_.DeleteDestination(destination);
  }
  std::vector<CredentialRow> Credentials() override {
    return catalog_.Credentials();
  }
  absl::Status PutCredential(absl::string_view credential_id,
                             absl::string_view config) override {
    return catalog_.PutCredential(credential_id, config);
  }
  absl::Status DeleteCredential(absl::string_view credential_id) override {
    return catalog_.DeleteCredential(credential_id);
  }
  absl::StatusOr<SegmentRow> EnsureSegment(DestinationNumber destination,
                                           absl::string_view segment_namespace,
                                           absl::string_view segment_id,
                                           absl::string_view display_name,
                                           int max_lists) override {
    return catalog_.EnsureSegment(destination, segment_namespace, segment_id,
                                  display_name, max_lists);
  }
  std::optional<SegmentRow> FindSegment(DestinationNumber destination,
                                        absl::string_view segment_namespace,
                                        absl::string_view segment_id) override {
    return catalog_.FindSegment(destination, segment_namespace, segment_id);
  }
  std::vector<SegmentRow> Segments(DestinationNumber destination) override {
    return catalog_.Segments(destination);
  }
  absl::Status SetSegmentPaused(SegmentNumber segment, bool paused) override {
    return catalog_.SetSegmentPaused(segment, paused);
  }

  absl::StatusOr<OpenedExport> OpenExport(
      DestinationNumber destination, absl::string_view export_id,
      std::weak_ptr<ExportListener> listener) override {
    return committer_.OpenExport(destination, export_id, std::move(listener));
  }
  void Commit(
      Batch batch,
      std::function<void(absl::StatusOr<CommitOutcome>)> done) override {
    committer_.Commit(std::move(batch), std::move(done));
  }
  std::vector<ExportPosition> Exports(DestinationNumber destination) override {
    return committer_.Exports(destination);
  }
  absl::Status Healthy() override { return committer_.Healthy(); }

  absl::StatusOr<BackupInfo> Backup(const std::string& directory) override {
    return WriteBackup(*core_, directory);
  }

  void SetCommitListener(
      std::function<void(ListNumber, bool has_removals)> listener) override {
    ledger_.SetCommitListener(std::move(listener));
  }
  CommitNumber SyncedCommit() override { return ledger_.SyncedCommit(); }
  CommitNumber PassableCommit(ListNumber list) override {
    return ledger_.PassableCommit(list);
  }
  std::vector<PendingList> PendingLists() override {
    return ledger_.PendingLists();
  }
  std::optional<PendingList> FindPendingList(ListNumber list) override {
    return ledger_.FindPendingList(list);
  }
  absl::StatusOr<ListRow> GetList(ListNumber list) override {
    return ledger_.GetList(list);
  }
  absl::StatusOr<SegmentRow> GetSegment(SegmentNumber segment) override {
    return ledger_.GetSegment(segment);
  }
  absl::StatusOr<std::unique_ptr<RunCursor>> ReadRuns(
      ListNumber list, Change change, CommitNumber after,
      CommitNumber through) override {
    return ledger_.ReadRuns(list, change, after, through);
  }
  absl::StatusOr<std::unique_ptr<RunCursor>> ReadRememberedExits(
      ListNumber list, CommitNumber through,
      const ExitFilter& filter) override {
    return ledger_.ReadRememberedExits(list, through, filter);
  }
  absl::Status ForgetExits(DestinationNumber destination,
                           absl::Duration window) override {
    return ledger_.ForgetExits(destination, window);
  }
  absl::StatusOr<std::unique_ptr<DeliveredCursor>> ReadDelivered(
      ListNumber list) override {
    return ledger_.ReadDelivered(list);
  }
  absl::Status DropOvertaken(
      ListNumber list, CommitNumber through,
      absl::FunctionRef<absl::StatusOr<bool>(EventOrder)> stands) override {
    return ledger_.DropOvertaken(list, through, stands);
  }
  absl::Status UpdateList(const ListRow& row) override {
    return ledger_.UpdateList(row);
  }
  absl::StatusOr<DoubtNumber> BeginRequest(ListNumber list, Change change,
                                           RecordView first,
                                           RecordView last) override {
    return ledger_.BeginRequest(list, change, first, last);
  }
  absl::Status CancelRequest(ListNumber list, DoubtNumber doubt) override {
    return ledger_.CancelRequest(list, doubt);
  }
  absl::StatusOr<std::vector<Doubt>> Doubts(ListNumber list) override {
    return ledger_.Doubts(list);
  }
  absl::Status Confirm(ListNumber list, Change change,
                       absl::Span<const RecordView> records, DoubtNumber doubt,
                       absl::Span<const RecordView> echoes,
                       absl::Time echo_time) override {
    return ledger_.Confirm(list, change, records, doubt, echoes, echo_time);
  }
  absl::StatusOr<std::vector<Echo>> Echoes(ListNumber list, absl::Time due,
                                           size_t at_most) override {
    return ledger_.Echoes(list, due, at_most);
  }
  std::vector<std::pair<ListNumber, absl::Time>> EchoTimes() override {
    return ledger_.EchoTimes();
  }
  absl::Status EndEcho(ListNumber list, uint64_t number) override {
    return ledger_.EndEcho(list, number);
  }
  std::string CallHistory(absl::string_view credential_id) override {
    return ledger_.CallHistory(credential_id);
  }
  absl::Status PutCallHistory(absl::string_view credential_id,
                              absl::string_view history) override {
    return ledger_.PutCallHistory(credential_id, history);
  }
  absl::StatusOr<std::vector<RefusedRecord>> RefusedRecords(
      ListNumber list, const std::optional<identity_mapping::Record>& after,
      size_t at_most) override {
    return ledger_.RefusedRecords(list, after, at_most);
  }
  absl::Status Refuse(ListNumber list,
                      absl::Span<const Refusal> refusals) override {
    return ledger_.Refuse(list, refusals);
  }
  absl::Status Settle(ListNumber list, CommitNumber through,
                      DoubtNumber last_doubt, const PassCounts& counts,
                      absl::Time now) override {
    return ledger_.Settle(list, through, last_doubt, counts, now);
  }

  std::vector<WaitingPeople> WaitingForPeople() override {
    return people_.WaitingForPeople();
  }
  absl::Status BringUp(DestinationNumber destination,
                       const BringUpOptions& options) override {
    return people_.BringUp(destination, options);
  }

  absl::Status PurgePeople(
      DestinationNumber destination,
      absl::Span<const identity_mapping::Record> records) override {
    return people_.PurgePeople(destination, records);
  }

  void SetFullSyncListener(std::function<void()> listener) override {
    full_syncs_.SetFullSyncListener(std::move(listener));
  }
  std::vector<FullSync> FindFullSyncs(ListNumber list) override {
    return full_syncs_.FindFullSyncs(list);
  }
  std::vector<FullSync> UndecidedFullSyncs() override {
    return full_syncs_.UndecidedFullSyncs();
  }
  absl::StatusOr<std::unique_ptr<RunCursor>> ReadDeclared(
      ListNumber list, FullSyncNumber number) override {
    return full_syncs_.ReadDeclared(list, number);
  }
  absl::StatusOr<std::unique_ptr<DeliveredScan>> ScanDelivered(
      ListNumber list) override {
    return full_syncs_.ScanDelivered(list);
  }
  void SetOperationListener(std::function<void(ListNumber)> listener) override {
    operations_.SetOperationListener(std::move(listener));
  }
  absl::StatusOr<MappedSegment> MapSegment(DestinationNumber destination,
                                           absl::string_view segment_namespace,
                                           absl::string_view segment_id,
                                           const SegmentText& text,
                                           int max_lists) override {
    return operations_.MapSegment(destination, segment_namespace, segment_id,
                                  text, max_lists);
  }
  absl::StatusOr<SegmentRow> UpdateSegment(SegmentNumber segment,
                                           const SegmentText& text) override {
    return operations_.UpdateSegment(segment, text);
  }
  absl::StatusOr<SegmentRow> UnmapSegment(SegmentNumber segment,
                                          bool empty) override {
    absl::StatusOr<SegmentRow> row = operations_.UnmapSegment(segment, empty);
    if (row.ok()) full_syncs_.Clean({row->list}).IgnoreError();
    core_->notifier.Deliver();
    return row;
  }
  absl::Status RequestResync(SegmentNumber segment) override {
    return operations_.RequestResync(segment);
  }
  absl::Status RequestReplacement(SegmentNumber segment,
                                  const Replacement& replacement) override {
    return operations_.RequestReplacement(segment, replacement);
  }
  absl::StatusOr<SegmentRow> BindSegment(DestinationNumber destination,
                                         absl::string_view segment_namespace,
                                         absl::string_view segment_id,
                                         const Replacement& replacement,
                                         int max_lists) override {
    return operations_.BindSegment(destination, segment_namespace, segment_id,
                                   replacement, max_lists);
  }
  std::vector<AudienceTask> AudienceTasks() override {
    return operations_.AudienceTasks();
  }
  absl::Status EndAudienceTask(const AudienceTask& task) override {
    return operations_.EndAudienceTask(task);
  }
  std::optional<ListOperation> FindOperation(ListNumber list) override {
    return operations_.FindOperation(list);
  }
  std::vector<ListRow> OperatedLists() override {
    return operations_.OperatedLists();
  }
  std::vector<std::string> OtherCustomerLists(ListNumber list) override {
    return operations_.OtherCustomerLists(list);
  }
  absl::StatusOr<ListOperation> TakeUp(ListNumber list,
                                       bool vanished) override {
    return operations_.TakeUp(list, vanished);
  }
  absl::StatusOr<bool> ReadEntries(
      ListNumber list, std::string* position, int64_t at_most,
      absl::FunctionRef<absl::Status(RecordView, DeliveredState)> take)
      override {
    return operations_.ReadEntries(list, position, at_most, take);
  }
  absl::Status Advance(ListNumber list, uint64_t number,
                       absl::string_view position, int64_t sent,
                       bool ended) override {
    return operations_.Advance(list, number, position, sent, ended);
  }

  absl::StatusOr<DestinationReport> Report(
      DestinationNumber destination) override {
    return journal_.Report(destination);
  }
  absl::StatusOr<RejectionPage> Rejections(
      DestinationNumber destination, int page_size,
      absl::string_view page_token) override {
    return journal_.Rejections(destination, page_size, page_token);
  }

  std::vector<AudienceEntry> Audiences(DestinationNumber destination) override {
    return audiences_.Audiences(destination);
  }
  std::optional<AudienceRow> FindAudience(const AudienceKey& key) override {
    return audiences_.FindAudience(key);
  }
  absl::StatusOr<AudienceRow> ChangeAudience(
      const AudienceKey& key,
      absl::FunctionRef<void(AudienceRow&)> change) override {
    return audiences_.ChangeAudience(key, change);
  }
  absl::StatusOr<AudienceRow> NoteAudience(
      const AudienceKey& key,
      absl::FunctionRef<void(AudienceRow&)> change) override {
    return audiences_.NoteAudience(key, change);
  }
  absl::Status DeleteAudience(const AudienceKey& key) override {
    return audiences_.DeleteAudience(key);
  }
  std::optional<ListCounterRow> FindCounters(ListNumber list) override {
    return audiences_.FindCounters(list);
  }
  absl::Status ChangeCounters(
      ListNumber list,
      absl::FunctionRef<void(ListCounterRow&)> change) override {
    return audiences_.ChangeCounters(list, change);
  }

  std::vector<Forget> FindForgets(DestinationNumber destination) override {
    return forgets_.FindForgets(destination);
  }
  std::vector<Forget> UnfinishedForgets() override {
    return forgets_.UnfinishedForgets();
  }
  std::vector<identity_mapping::Record> ForcedRemovals(
      ListNumber list, CommitNumber settled, CommitNumber through) override {
    return forgets_.ForcedRemovals(list, settled, through);
  }
  absl::Status NoteListGone(ListNumber list) override {
    return forgets_.NoteListGone(list);
  }
  absl::StatusOr<bool> NoteProgress() override {
    return forgets_.NoteProgress();
  }
  std::vector<ListNumber> ListsOf(DestinationNumber destination) override {
    return forgets_.ListsOf(destination);
  }
  absl::Status PurgeList(ListNumber list) override {
    return forgets_.PurgeList(list);
  }
  absl::Status EndPurge(DestinationNumber destination,
                        const std::vector<ForgetNumber>& numbers) override {
    return forgets_.EndPurge(destination, numbers);
  }
  absl::Status EraseRows(DestinationNumber destination) override {
    return forgets_.EraseRows(destination);
  }
  void CancelPurge() override { forgets_.CancelPurge(); }

 private:
  // In the order of dependence; the committer's thread stops first.
  const std::unique_ptr<Database> database_;
  const std::unique_ptr<Core> core_;
  ExportProgress progress_;
  RejectionLog rejections_;
  CatalogPart catalog_;
  OperationsPart operations_;
  LedgerPart ledger_;
  JournalPart journal_;
  FullSyncPart full_syncs_;
  PeoplePart people_;
  ForgetPart forgets_;
  AudiencePart audiences_;
  Committer committer_;
};

// The same error, with the directory it is about.
absl::Status Named(const std::string& path, const absl::Status& status) {
  return MakeError(
      status.code(),
      absl::StrCat("state directory ", path, ": ", status.message()),
      GetErrorDetail(status));
}

}  // namespace

absl::StatusOr<std::unique_ptr<MembershipStore>> OpenRocksdbStore(
    const StoreOptions& options, const StoreTuning& tuning) {
  DatabaseOptions database_options;
  database_options.path = options.path;
  database_options.memory_budget = options.memory_budget;
  database_options.on_failure = options.on_failure;
  if (tuning.env != nullptr) database_options.env = tuning.env;
  database_options.open_db = tuning.open_db;
  database_options.write_buffer_bytes = tuning.write_buffer_bytes;
  database_options.verify_bytes = tuning.verify_bytes;
  database_options.stale_bytes = tuning.stale_bytes;
  absl::StatusOr<std::unique_ptr<Database>> database =
      Database::Open(database_options);
  if (!database.ok()) return Named(options.path, database.status());

  const auto make_core = [&] {
    DiskSpace::Options disk;
    disk.path = options.path;
    disk.reserve_bytes = options.disk_reserve_bytes;
    disk.free_space =
        options.free_space != nullptr ? options.free_space : FreeSpace;
    auto core = std::make_unique<Core>(**database, *options.clock,
                                       *options.random, std::move(disk));
    core->tuning = tuning;
    core->export_expiry = options.export_expiry;
    core->max_rejections = options.max_rejections;
    return core;
  };
  std::unique_ptr<Core> core = make_core();
  std::vector<ExportName> waiting;
  absl::Status status = LoadTables(*core, &waiting);
  if (status.ok() && IsRestored(options.path)) {
    status = ApplyRestore(*core);
    if (status.ok()) status = ClearRestored(options.path);
    core = make_core();
    waiting.clear();
    if (status.ok()) status = LoadTables(*core, &waiting);
  }
  if (status.ok()) status = ExportProgress(*core).Release(waiting);
  if (status.ok()) {
    ExportProgress progress(*core);
    status = FullSyncPart(*core, progress).CleanAll();
  }
  if (!status.ok()) return Named(options.path, status);
  return std::make_unique<RocksdbStore>(*std::move(database), std::move(core));
}

}  // namespace connector::membership
