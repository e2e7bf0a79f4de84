// Random histories against a plain model: whatever is done, in whatever order,
// with the store closed and opened in between, it holds what the model holds.

#include <algorithm>
#include <cstdlib>

#include "connector/membership/store_fixture.h"
#include "connector/membership/store_model.h"

namespace connector::membership {
namespace {

constexpr int kAccounts = 3;
constexpr int kSegments = 3;
constexpr int kRecords = 250;

class StorePropertyTest : public StoreTest {
 protected:
  using List = StoreModel::List;
  using Destination = StoreModel::Destination;

  StorePropertyTest() {
    tuning_.block_target_bytes = 300;
    tuning_.block_max_bytes = 450;
    tuning_.block_small_bytes = 150;
    tuning_.confirm_piece_bytes = 1'000;
    tuning_.confirm_piece_records = 40;
    tuning_.group_batches = 4;
    tuning_.pending_spans = 3;
    tuning_.export_window = 3;
    tuning_.range_delete_keys = 8;
    options_.max_rejections = 20;
    options_.export_expiry = absl::Hours(1'000'000);
    Reopen();
    for (int i = 0; i < kRecords; ++i) {
      const auto kind = static_cast<RecordKind>(1 + i % 4);
      universe_.push_back(TestRecord(i, kind));
    }
    std::sort(universe_.begin(), universe_.end());
    universe_.erase(std::unique(universe_.begin(), universe_.end()),
                    universe_.end());
  }

  int Pick(int size) { return static_cast<int>(generator_() % size); }
  bool Chance(int percent) { return Pick(100) < percent; }

  Destination* PickDestination() {
    if (model_.destinations.empty()) return nullptr;
    auto it = model_.destinations.begin();
    std::advance(it, Pick(static_cast<int>(model_.destinations.size())));
    number_ = it->first;
    return &it->second;
  }
  List* PickList() {
    Destination* destination = PickDestination();
    if (destination == nullptr || destination->lists.empty()) return nullptr;
    auto it = destination->lists.begin();
    std::advance(it, Pick(static_cast<int>(destination->lists.size())));
    list_ = it->first;
    return &it->second;
  }
  // Ascending; often few, sometimes neighbours in a row.
  std::vector<RecordView> PickRecords() {
    std::vector<RecordView> records;
    const int from = Pick(static_cast<int>(universe_.size()));
    const int span = Chance(50) ? static_cast<int>(universe_.size()) : 60;
    const int percent = Chance(50) ? 5 : 90;
    for (int i = from;
         i < std::min(from + span, static_cast<int>(universe_.size())); ++i) {
      if (Chance(percent)) records.push_back(universe_[i]);
    }
    if (records.empty()) records.push_back(universe_[from]);
    return records;
  }

  void EnsureSomething() {
    const std::string account = absl::StrCat("a", Pick(kAccounts));
    auto row = store_->PutDestination(account, "c");
    ASSERT_TRUE(row.ok()) << row.status();
    Destination& destination = model_.destinations[row->number];
    destination.account = account;
    auto segment = store_->EnsureSegment(
        row->number, "ns", absl::StrCat("s", Pick(kSegments)), "", 100);
    ASSERT_TRUE(segment.ok()) << segment.status();
    destination.lists[segment->list].segment = *segment;
  }

  // A random batch; what it brings if it is taken goes to `entries`.
  struct Draft {
    Batch batch;
    std::vector<std::pair<ListNumber, StoreModel::Entry>> entries;
  };
  Draft MakeDraft(DestinationNumber number, const Destination& destination) {
    Draft draft;
    draft.batch.destination = number;
    draft.batch.max_backlog_bytes = int64_t{1} << 40;
    for (const auto& [list_number, list] : destination.lists) {
      if (!Chance(50)) continue;
      SegmentChanges& changes = draft.batch.segments.emplace_back();
      changes.segment = list.segment.number;
      changes.list = list_number;
      const int entries = Chance(20) ? 0 : Pick(12);
      for (int i = 0; i < entries; ++i) {
        StoreModel::Entry entry;
        entry.change = Chance(50) ? Change::kAdd : Change::kRemove;
        entry.record = universe_[Pick(static_cast<int>(universe_.size()))];
        entry.counted = Chance(70);
        changes.run.Add(entry.change, entry.record, entry.counted);
        changes.counts.received += entry.counted;
        draft.entries.emplace_back(list_number, entry);
      }
      changes.counts.received += 3;
      changes.counts.excluded += 1;
      changes.counts.rejected += 2;
    }
    if (Chance(30)) draft.batch.counts_without_segment = {4, 1, 3};
    if (Chance(30)) {
      for (int i = Pick(8); i > 0; --i) {
        draft.batch.rejections.push_back({Pick(100), Pick(9) - 1, -1, i});
      }
    }
    for (uint8_t& byte : draft.batch.digest) byte = generator_();
    return draft;
  }

  void Apply(const Draft& draft, CommitNumber commit, absl::Time time) {
    Destination& destination = model_.destinations[draft.batch.destination];
    for (const SegmentChanges& changes : draft.batch.segments) {
      List& list = destination.lists[changes.list];
      list.counts.intake.received += changes.counts.received;
      list.counts.intake.excluded += changes.counts.excluded;
      list.counts.intake.rejected += changes.counts.rejected;
      if (!changes.run.empty()) list.commit_times[commit] = time;
    }
    for (auto [list, entry] : draft.entries) {
      entry.commit = commit;
      destination.lists[list].runs.push_back(entry);
    }
    const IntakeCounts& counts = draft.batch.counts_without_segment;
    destination.without_segment.received += counts.received;
    destination.without_segment.excluded += counts.excluded;
    destination.without_segment.rejected += counts.rejected;
    for (const IntakeRejection& rejection : draft.batch.rejections) {
      Note(destination,
           absl::StrCat(draft.batch.export_id, "/", draft.batch.sequence_number,
                        "/", rejection.profile_index, "/", rejection.reason));
    }
  }
  void Note(Destination& destination, const std::string& line) {
    destination.journal.push_back(line);
    if (static_cast<int64_t>(destination.journal.size()) >
        options_.max_rejections) {
      destination.journal.pop_front();
    }
  }

  void StepUnnumberedGroup() {
    Destination* destination = PickDestination();
    if (destination == nullptr) return;
    std::vector<Draft> drafts;
    std::vector<CommitNumber> commits;
    const int batches = 1 + Pick(10);
    for (int i = 0; i < batches; ++i) {
      drafts.push_back(MakeDraft(number_, *destination));
    }
    absl::Notification done;
    for (const Draft& draft : drafts) {
      store_->Commit(draft.batch, [&](absl::StatusOr<CommitOutcome> outcome) {
        ASSERT_TRUE(outcome.ok()) << outcome.status();
        // The committer's thread answers before it begins the next group.
        commits.push_back(store_->SyncedCommit());
        if (commits.size() == drafts.size()) done.Notify();
      });
    }
    done.WaitForNotification();
    for (size_t i = 0; i < drafts.size(); ++i) {
      Apply(drafts[i], commits[i], clock_.Now());
    }
  }

  void StepNumbered() {
    Destination* destination = PickDestination();
    if (destination == nullptr) return;
    Draft draft = MakeDraft(number_, *destination);
    const std::string id = absl::StrCat("e", Pick(3));
    StoreModel::Export& sent = destination->exports[id];
    const int64_t durable = static_cast<int64_t>(sent.batches.size());
    draft.batch.export_id = id;
    draft.batch.sequence_number = durable + 1;
    std::string expected = "OK";
    bool repeat = false;
    if (Chance(40)) {
      auto opened = store_->OpenExport(number_, id, {});
      ASSERT_EQ(opened.ok() ? "OK" : Reason(opened.status()),
                sent.ended ? "EXPORT_ENDED" : "OK");
      if (sent.ended) return;
      EXPECT_EQ(opened->position.durable, durable);
      EXPECT_EQ(opened->position.delivered, destination->Delivered(sent));
      sent.fence = opened->fence;
    }
    if (sent.fence != 0 && Chance(50)) draft.batch.fence = sent.fence;
    const int kind = Pick(100);
    if (kind < 10) {
      draft.batch.sequence_number += 1 + Pick(3);
      expected = sent.ended ? "EXPORT_ENDED" : "SEQUENCE_GAP";
    } else if (kind < 30 && durable > 0) {
      draft.batch.sequence_number = 1 + Pick(static_cast<int>(durable));
      draft.batch.digest = sent.batches[draft.batch.sequence_number - 1].digest;
      repeat = true;
      if (Chance(30)) {
        draft.batch.digest[5] ^= 1;
        const bool compared =
            draft.batch.sequence_number == durable ||
            draft.batch.sequence_number > destination->Delivered(sent);
        if (compared) expected = "SEQUENCE_REUSED";
      }
    } else if (kind < 34) {
      draft = Draft();
      draft.batch.destination = number_;
      draft.batch.export_id = id;
      draft.batch.sequence_number = durable;
      draft.batch.end_of_export = true;
      repeat = sent.ended;
    } else if (sent.ended) {
      expected = "EXPORT_ENDED";
    }
    if (sent.fence != 0 && Chance(5)) {
      draft.batch.fence = sent.fence - 1 + (sent.fence == 1 ? 100'000 : 0);
      expected = "STREAM_FENCED";
    }
    auto outcome = Commit(draft.batch);
    // What follows from a commit without another's doing comes after the answer
    // and before the next one.
    EXPECT_FALSE(Commit(Batch()).ok());
    ASSERT_EQ(outcome.ok() ? "OK" : Reason(outcome.status()), expected)
        << outcome.status();
    if (!outcome.ok()) return;
    EXPECT_EQ(outcome->repeat, repeat);
    if (repeat) return;
    sent.stored = true;
    if (draft.batch.end_of_export) {
      sent.ended = true;
      return;
    }
    const CommitNumber commit = store_->SyncedCommit();
    StoreModel::SentBatch& batch = sent.batches.emplace_back();
    batch.commit = commit;
    batch.digest = draft.batch.digest;
    for (const SegmentChanges& changes : draft.batch.segments) {
      if (!changes.run.empty()) batch.lists.push_back(changes.list);
    }
    Apply(draft, commit, clock_.Now());
  }

  void StepRequest() {
    List* list = PickList();
    if (list == nullptr) return;
    const Change change = Chance(60) ? Change::kAdd : Change::kRemove;
    const std::vector<RecordView> records = PickRecords();
    auto number =
        store_->BeginRequest(list_, change, records.front(), records.back());
    ASSERT_TRUE(number.ok()) << number.status();
    list->doubts[*number] = {*number, change, Record::FromView(records.front()),
                             Record::FromView(records.back())};
    if (Chance(20)) return;  // the answer was lost
    if (Chance(20)) {
      ASSERT_TRUE(store_->CancelRequest(list_, *number).ok());
      list->doubts.erase(*number);
      return;
    }
    std::vector<RecordView> echoes;
    if (Chance(40)) {
      for (RecordView record : records) {
        if (Chance(30)) echoes.push_back(record);
      }
    }
    const absl::Time time = clock_.Now() + absl::Seconds(Pick(100));
    std::set<uint64_t> known;
    for (const auto& [echo, rest] : list->echoes) known.insert(echo);
    absl::Status status =
        store_->Confirm(list_, change, records, *number, echoes, time);
    ASSERT_TRUE(status.ok()) << status;
    list->doubts.erase(*number);
    for (RecordView view : records) {
      const Record record = Record::FromView(view);
      if (change == Change::kAdd) {
        list->delivered[record] = {DeliveredState::kThere, list->epoch};
      } else if (std::binary_search(echoes.begin(), echoes.end(), view)) {
        list->delivered[record] = {DeliveredState::kAbsentSince, list->epoch};
      } else {
        list->delivered.erase(record);
      }
    }
    if (echoes.empty()) return;
    const auto stored = store_->Echoes(list_, absl::InfiniteFuture(), 1000);
    ASSERT_TRUE(stored.ok()) << stored.status();
    for (const Echo& echo : *stored) {
      if (known.count(echo.number) > 0) continue;
      StoreModel::EchoModel& added = list->echoes[echo.number];
      added.time = time;
      for (RecordView view : echoes) {
        added.records.push_back(Record::FromView(view));
      }
    }
  }

  void StepRefuse() {
    List* list = PickList();
    if (list == nullptr) return;
    std::vector<Refusal> refusals;
    for (RecordView view : PickRecords()) {
      if (refusals.size() >= 5) break;
      Refusal& refusal = refusals.emplace_back();
      refusal.record = Record::FromView(view);
      refusal.change = Chance(50) ? Change::kAdd : Change::kRemove;
      refusal.http_status = 400;
      refusal.message = absl::StrCat("m", Pick(1000));
    }
    absl::Status status = store_->Refuse(list_, refusals);
    ASSERT_TRUE(status.ok()) << status;
    for (const Refusal& refusal : refusals) {
      list->delivered[refusal.record] = {refusal.change == Change::kAdd
                                             ? DeliveredState::kRefusedAdd
                                             : DeliveredState::kRefusedRemove,
                                         list->epoch};
      Note(model_.destinations[number_],
           absl::StrCat(list->segment.number, " ", refusal.message));
    }
  }

  void StepSettle() {
    List* list = PickList();
    if (list == nullptr) return;
    CommitNumber through = store_->SyncedCommit();
    if (Chance(50)) through -= std::min<CommitNumber>(through, Pick(8));
    DoubtNumber last_doubt = 0;
    if (!list->doubts.empty() && Chance(70)) {
      last_doubt = list->doubts.rbegin()->first - Pick(2);
    }
    PassCounts counts;
    auto& runs = list->runs;
    for (const StoreModel::Entry& entry : runs) {
      if (entry.commit > through || !entry.counted) continue;
      switch (Pick(5)) {
        case 0:
          ++counts.delivered;
          break;
        case 1:
          ++counts.already_there;
          break;
        case 2:
          ++counts.netted_out;
          break;
        case 3:
          ++counts.superseded;
          break;
        default:
          ++counts.refused;
      }
    }
    absl::Status status =
        store_->Settle(list_, through, last_doubt, counts, clock_.Now());
    ASSERT_TRUE(status.ok()) << status;
    runs.erase(std::remove_if(runs.begin(), runs.end(),
                              [&](const StoreModel::Entry& entry) {
                                return entry.commit <= through;
                              }),
               runs.end());
    list->commit_times.erase(list->commit_times.begin(),
                             list->commit_times.upper_bound(through));
    list->doubts.erase(list->doubts.begin(),
                       list->doubts.upper_bound(last_doubt));
    list->settled = std::max(list->settled, through);
    PassCounts& settled = list->counts.settled;
    settled.delivered += counts.delivered;
    settled.already_there += counts.already_there;
    settled.netted_out += counts.netted_out;
    settled.superseded += counts.superseded;
    settled.refused += counts.refused;
  }

  void StepOther() {
    const int kind = Pick(100);
    if (kind < 20) {
      List* list = PickList();
      if (list == nullptr) return;
      ListRow row = *store_->GetList(list_);
      row.epoch = ++list->epoch;
      row.customer_list_id = absl::StrCat("c", Pick(100));
      ASSERT_TRUE(store_->UpdateList(row).ok());
    } else if (kind < 40) {
      List* list = PickList();
      if (list == nullptr || list->echoes.empty()) return;
      const uint64_t number = list->echoes.begin()->first;
      ASSERT_TRUE(store_->EndEcho(list_, number).ok());
      list->echoes.erase(number);
    } else if (kind < 43) {
      if (PickDestination() == nullptr) return;
      ASSERT_TRUE(store_->DeleteDestination(number_).ok());
      model_.destinations.erase(number_);
    } else if (kind < 60) {
      clock_.Advance(absl::Seconds(Pick(10)));
    } else if (kind < 70) {
      Reopen();
      for (auto& [number, destination] : model_.destinations) {
        for (auto& [id, sent] : destination.exports) sent.fence = 0;
      }
    } else {
      EnsureSomething();
    }
  }

  void CheckList(ListNumber number, const List& list) {
    for (Change change : {Change::kAdd, Change::kRemove}) {
      std::vector<Record> expected;
      for (const StoreModel::Entry& entry : list.runs) {
        if (entry.change == change) expected.push_back(entry.record);
      }
      ASSERT_EQ(Runs(number, change), expected);
    }
    auto pending = store_->FindPendingList(number);
    ASSERT_EQ(pending.has_value(), !list.commit_times.empty());
    if (pending.has_value()) {
      EXPECT_EQ(pending->newest_commit, list.commit_times.rbegin()->first);
      EXPECT_EQ(pending->oldest_change_time, list.commit_times.begin()->second);
      bool has_removals = false;
      for (const StoreModel::Entry& entry : list.runs) {
        has_removals |= entry.change == Change::kRemove;
      }
      EXPECT_EQ(pending->has_removals, has_removals);
      EXPECT_GT(pending->bytes, 0);
    }

    // All records, then a few of them.
    for (int percent : {100, 3}) {
      auto cursor = store_->ReadDelivered(number);
      ASSERT_TRUE(cursor.ok()) << cursor.status();
      for (const Record& record : universe_) {
        if (!Chance(percent)) continue;
        auto entry = (*cursor)->Find(record);
        ASSERT_TRUE(entry.ok()) << entry.status();
        const auto known = list.delivered.find(record);
        ASSERT_EQ(entry->state.has_value(), known != list.delivered.end());
        if (!entry->state.has_value()) {
          EXPECT_FALSE(entry->unconfirmed);
          continue;
        }
        EXPECT_EQ(*entry->state, known->second.state);
        EXPECT_EQ(entry->unconfirmed, known->second.epoch < list.epoch);
      }
    }

    auto doubts = store_->Doubts(number);
    ASSERT_TRUE(doubts.ok()) << doubts.status();
    ASSERT_EQ(doubts->size(), list.doubts.size());
    size_t i = 0;
    for (const auto& [doubt, known] : list.doubts) {
      EXPECT_EQ((*doubts)[i].number, doubt);
      EXPECT_EQ((*doubts)[i].change, known.change);
      EXPECT_EQ((*doubts)[i].first, known.first);
      EXPECT_EQ((*doubts)[i].last, known.last);
      ++i;
    }
    auto echoes = store_->Echoes(number, absl::InfiniteFuture(), 1000);
    ASSERT_TRUE(echoes.ok()) << echoes.status();
    ASSERT_EQ(echoes->size(), list.echoes.size());
    for (size_t e = 0; e < echoes->size(); ++e) {
      const StoreModel::EchoModel& known = list.echoes.at((*echoes)[e].number);
      EXPECT_EQ((*echoes)[e].time, known.time);
      EXPECT_EQ((*echoes)[e].records, known.records);
      if (e > 0) {
        EXPECT_LE((*echoes)[e - 1].time, (*echoes)[e].time);
      }
    }
    std::optional<absl::Time> first_echo;
    for (const auto& [echo_list, time] : store_->EchoTimes()) {
      if (echo_list == number) first_echo = time;
    }
    ASSERT_EQ(first_echo.has_value(), !list.echoes.empty());
    if (first_echo.has_value()) {
      EXPECT_EQ(*first_echo, echoes->front().time);
    }
  }

  void CheckReport(DestinationNumber number, const Destination& destination) {
    auto report = store_->Report(number);
    ASSERT_TRUE(report.ok()) << report.status();
    ASSERT_EQ(report->segments.size(), destination.lists.size());
    for (const SegmentReport& segment : report->segments) {
      const List& list = destination.lists.at(segment.list.number);
      const SyncCounts& counts = segment.counts;
      EXPECT_EQ(counts.intake.received, list.counts.intake.received);
      EXPECT_EQ(counts.intake.excluded, list.counts.intake.excluded);
      EXPECT_EQ(counts.intake.rejected, list.counts.intake.rejected);
      EXPECT_EQ(counts.settled.delivered, list.counts.settled.delivered);
      EXPECT_EQ(counts.settled.total(), list.counts.settled.total());
      int64_t counted = 0;
      for (const StoreModel::Entry& entry : list.runs) counted += entry.counted;
      EXPECT_EQ(counts.pending(), counted);
      EXPECT_EQ(segment.members, list.members());
      EXPECT_EQ(segment.list.settled, list.settled);
      EXPECT_EQ(segment.backlog_bytes > 0, !list.commit_times.empty());
      EXPECT_EQ(segment.oldest_change_time.has_value(),
                !list.commit_times.empty());
    }
    EXPECT_EQ(report->counts_without_segment.received,
              destination.without_segment.received);
    for (const ExportPosition& position : report->exports) {
      const StoreModel::Export& sent =
          destination.exports.at(position.export_id);
      EXPECT_EQ(position.durable, static_cast<int64_t>(sent.batches.size()));
      EXPECT_EQ(position.delivered, destination.Delivered(sent));
      EXPECT_EQ(position.ended, sent.ended);
    }
    int stored = 0;
    for (const auto& [id, sent] : destination.exports) stored += sent.stored;
    EXPECT_GE(static_cast<int>(report->exports.size()), stored);

    std::vector<std::string> lines;
    std::string token;
    do {
      auto page = store_->Rejections(number, 7, token);
      ASSERT_TRUE(page.ok()) << page.status();
      for (const JournalRejection& line : page->rejections) {
        if (line.refused.has_value()) {
          lines.push_back(absl::StrCat(line.refused->segment, " ",
                                       line.refused->refusal.message));
        } else {
          lines.push_back(absl::StrCat(line.intake->export_id, "/",
                                       line.intake->sequence_number, "/",
                                       line.intake->rejection.profile_index,
                                       "/", line.intake->rejection.reason));
        }
      }
      token = page->next_page_token;
    } while (!token.empty());
    std::reverse(lines.begin(), lines.end());
    EXPECT_EQ(lines, std::vector<std::string>(destination.journal.begin(),
                                              destination.journal.end()));
  }

  void Check() {
    const std::vector<DestinationRow> rows = store_->Destinations();
    ASSERT_EQ(rows.size(), model_.destinations.size());
    for (const auto& [number, destination] : model_.destinations) {
      CheckReport(number, destination);
      for (const auto& [list_number, list] : destination.lists) {
        CheckList(list_number, list);
        if (HasFatalFailure()) return;
      }
    }
    size_t pending = 0;
    for (const auto& [number, destination] : model_.destinations) {
      for (const auto& [list_number, list] : destination.lists) {
        pending += !list.commit_times.empty();
      }
    }
    EXPECT_EQ(store_->PendingLists().size(), pending);
  }

  void RunHistory(uint64_t seed, int steps) {
    SCOPED_TRACE(absl::StrCat("seed ", seed));
    generator_.seed(seed);
    for (int step = 0; step < steps; ++step) {
      SCOPED_TRACE(absl::StrCat("step ", step));
      const int kind = Pick(100);
      if (kind < 12) {
        StepUnnumberedGroup();
      } else if (kind < 35) {
        StepNumbered();
      } else if (kind < 60) {
        StepRequest();
      } else if (kind < 68) {
        StepRefuse();
      } else if (kind < 80) {
        StepSettle();
      } else {
        StepOther();
      }
      if (step % 10 == 0) Check();
      if (HasFailure()) return;
    }
    Reopen();
    Check();
  }

  std::mt19937_64 generator_;
  std::vector<Record> universe_;
  StoreModel model_;
  // Of the last pick.
  DestinationNumber number_ = 0;
  ListNumber list_ = 0;
};

// With --runs_per_test each run has its own histories.
uint64_t SeedOf(int test) {
  const char* run = std::getenv("TEST_RUN_NUMBER");
  return 1'000 * (run != nullptr ? std::strtoull(run, nullptr, 10) : 0) + test;
}

TEST_F(StorePropertyTest, HoldsWhatTheModelHolds1) {
  RunHistory(SeedOf(1), 1'500);
}
TEST_F(StorePropertyTest, HoldsWhatTheModelHolds2) {
  RunHistory(SeedOf(2), 1'500);
}
TEST_F(StorePropertyTest, HoldsWhatTheModelHolds3) {
  RunHistory(SeedOf(3), 1'500);
}

}  // namespace
}  // namespace connector::membership
