// Backups of a store that is in use, what becomes of one that is put back, and
// a disk that is nearly full.

#include <sys/stat.h>

#include <fstream>

#include "connector/membership/store_fixture.h"

namespace connector::membership {
namespace {

namespace fs = std::filesystem;

class BackupTest : public StoreTest {
 protected:
  BackupTest() { fs::create_directory(backups_.path()); }

  std::string Backup() {
    auto info = store_->Backup(backups_.path());
    EXPECT_TRUE(info.ok()) << info.status();
    if (!info.ok()) return "";
    EXPECT_GT(info->bytes, 0);
    return absl::StrCat(backups_.path(), "/", info->name);
  }
  // Puts a backup in the place of the store.
  void Restore(const std::string& backup) {
    store_.reset();
    fs::remove_all(directory_.path());
    fs::copy(absl::StrCat(backup, "/store"), directory_.path(),
             fs::copy_options::recursive);
    Reopen();
  }
  // What a pass does: brings the list to where the last events want it.
  // Returns what it sent.
  std::map<Record, Change> Pass(ListNumber list,
                                std::set<Record>& at_pinterest) {
    std::map<Record, std::pair<EventOrder, Change>> last;
    PassCounts counts;
    const CommitNumber through = store_->SyncedCommit();
    for (Change change : {Change::kRemove, Change::kAdd}) {
      auto cursor = store_->ReadRuns(list, change, 0, through);
      EXPECT_TRUE(cursor.ok());
      RunEntry entry;
      while ((*cursor)->Next(&entry)) {
        ++counts.delivered;
        auto& newest = last[Record::FromView(entry.record)];
        newest = std::max(newest, std::make_pair(entry.order, change));
      }
    }
    const ListRow row = *store_->GetList(list);
    std::map<Record, Change> sent;
    auto delivered = store_->ReadDelivered(list);
    for (const auto& [record, newest] : last) {
      const DeliveredEntry entry = *(*delivered)->Find(record);
      const bool there = entry.state == DeliveredState::kThere;
      const bool known = !entry.unconfirmed && !row.unknown_members;
      const bool add = newest.second == Change::kAdd;
      if (add ? there && !entry.unconfirmed : known && !there) continue;
      sent[record] = newest.second;
    }
    for (Change change : {Change::kRemove, Change::kAdd}) {
      std::vector<Record> records;
      for (const auto& [record, sent_change] : sent) {
        if (sent_change != change) continue;
        records.push_back(record);
        if (change == Change::kAdd) {
          at_pinterest.insert(record);
        } else {
          at_pinterest.erase(record);
        }
      }
      if (!records.empty()) Deliver(list, change, records);
    }
    EXPECT_TRUE(SettleAll(list, counts).ok());
    return sent;
  }

  TempDirectory backups_;
};

TEST_F(BackupTest, HoldsWhatWasAcknowledgedAndIsMarked) {
  const SegmentRow segment = MakeSegment(MakeDestination());
  ASSERT_TRUE(
      Commit(Numbered(MakeBatch(segment, {TestRecord(1)}), "e", 1)).ok());
  const std::string backup = Backup();
  struct stat status;
  ASSERT_EQ(stat(backup.c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777, 0700);
  EXPECT_TRUE(fs::exists(backup + "/store/restored"));
  EXPECT_TRUE(fs::exists(backup + "/store/rocksdb/CURRENT"));
  // The store goes on, and a second one has another name.
  ASSERT_TRUE(
      Commit(Numbered(MakeBatch(segment, {TestRecord(2)}), "e", 2)).ok());
  EXPECT_NE(Backup(), backup);
  EXPECT_EQ(Runs(segment.list, Change::kAdd).size(), 2);
  Restore(backup);
  EXPECT_EQ(Runs(segment.list, Change::kAdd).size(), 1);
}

TEST_F(BackupTest, WhatAnInterruptedOneLeftGoes) {
  fs::create_directory(backups_.path() + "/.part-backup-x");
  Backup();
  EXPECT_FALSE(fs::exists(backups_.path() + "/.part-backup-x"));
}

TEST_F(BackupTest, OneThatFailsLeavesNothing) {
  const auto failed = store_->Backup(backups_.path() + "/not-there");
  EXPECT_EQ(Reason(failed.status()), "BACKUP_FAILED");
  EXPECT_TRUE(store_->Healthy().ok());
}

TEST_F(BackupTest, ARestoredStoreBelievesNothing) {
  const DestinationNumber destination = MakeDestination();
  const SegmentRow segment = MakeSegment(destination);
  ASSERT_TRUE(
      Commit(Numbered(MakeBatch(segment, {TestRecord(1)}), "e", 1)).ok());
  Deliver(segment.list, Change::kAdd, {TestRecord(2)});
  const ListRow before = *store_->GetList(segment.list);
  const std::string history = store_->FindDestination("549")->history_id;
  Restore(Backup());

  EXPECT_NE(store_->FindDestination("549")->history_id, history);
  const ListRow after = *store_->GetList(segment.list);
  EXPECT_GT(after.epoch, before.epoch);
  EXPECT_TRUE(after.unknown_members);
  // What became of the name's lists meanwhile has to be found out.
  EXPECT_TRUE(after.look_for_newer);
  EXPECT_TRUE(Find(segment.list, TestRecord(2)).unconfirmed);
  // What waited still does, and the accounts balance.
  EXPECT_EQ(Runs(segment.list, Change::kAdd).size(), 1);
  EXPECT_EQ(store_->Report(destination)->segments[0].counts.pending(), 1);
  // Exports begin anew.
  EXPECT_TRUE(store_->Exports(destination).empty());
  EXPECT_EQ(CommitReason(Numbered(MakeBatch(segment, {TestRecord(3)}), "e", 2)),
            "SEQUENCE_GAP");
  EXPECT_EQ(CommitReason(Numbered(MakeBatch(segment, {TestRecord(3)}), "e", 1)),
            "OK");

  // Once: the next start is an ordinary one.
  const std::string restored = store_->FindDestination("549")->history_id;
  EXPECT_FALSE(fs::exists(directory_.path() + "/restored"));
  Reopen();
  EXPECT_EQ(store_->FindDestination("549")->history_id, restored);
  EXPECT_EQ(store_->GetList(segment.list)->epoch, after.epoch);
  EXPECT_EQ(store_->Exports(destination).size(), 1);
}

TEST_F(BackupTest, AMarkMadeByHandDoesTheSame) {
  MakeDestination();
  const std::string history = store_->FindDestination("549")->history_id;
  store_.reset();
  std::ofstream(directory_.path() + "/restored");
  Reopen();
  EXPECT_NE(store_->FindDestination("549")->history_id, history);
  // As when it was cut off before the mark was gone: again, without harm.
  const std::string second = store_->FindDestination("549")->history_id;
  store_.reset();
  std::ofstream(directory_.path() + "/restored");
  Reopen();
  EXPECT_NE(store_->FindDestination("549")->history_id, second);
  EXPECT_FALSE(fs::exists(directory_.path() + "/restored"));
}

// Whatever happened between the backup and its return: once the host has sent
// everything again, exits included, the list is right.
TEST_F(BackupTest, AfterAFullExportTheListIsRight) {
  for (int seed = 0; seed < 20; ++seed) {
    SCOPED_TRACE(absl::StrCat("seed ", seed));
    std::mt19937 generator(seed);
    store_.reset();
    fs::remove_all(directory_.path());
    Reopen();
    const SegmentRow segment = MakeSegment(MakeDestination());
    std::set<Record> at_pinterest;
    std::set<Record> wanted;
    std::set<Record> seen;
    const auto change_some = [&] {
      std::vector<Record> adds;
      std::vector<Record> removes;
      for (int i = 0; i < 20; ++i) {
        const Record record = TestRecord(generator() % 60);
        if (wanted.count(record) > 0) {
          wanted.erase(record);
          removes.push_back(record);
        } else if (std::find(removes.begin(), removes.end(), record) ==
                   removes.end()) {
          wanted.insert(record);
          seen.insert(record);
          adds.push_back(record);
        }
      }
      // In one batch the removal of what it adds would come after it.
      ASSERT_TRUE(Commit(MakeBatch(segment, adds)).ok());
      ASSERT_TRUE(Commit(MakeBatch(segment, {}, removes)).ok());
    };
    change_some();
    Pass(segment.list, at_pinterest);
    change_some();
    const std::string backup = Backup();
    for (int i = 0; i < 3; ++i) {
      change_some();
      if (generator() % 3 != 0) Pass(segment.list, at_pinterest);
    }
    Restore(backup);
    if (generator() % 2 == 0) Pass(segment.list, at_pinterest);
    std::vector<Record> adds(wanted.begin(), wanted.end());
    std::vector<Record> removes;
    for (const Record& record : seen) {
      if (wanted.count(record) == 0) removes.push_back(record);
    }
    ASSERT_TRUE(
        Commit(Numbered(MakeBatch(segment, adds, removes), "full", 1)).ok());
    Pass(segment.list, at_pinterest);
    EXPECT_EQ(at_pinterest, wanted);
    const SegmentReport report =
        store_->Report(segment.destination)->segments[0];
    EXPECT_EQ(report.counts.pending(), 0);
  }
}

TEST_F(BackupTest, IntakeStopsWhileTheDiskIsNearlyFullAndComesBack) {
  int64_t free = 1'000;
  int looks = 0;
  options_.disk_reserve_bytes = 1'000;
  options_.free_space =
      [&](const std::string& path) -> absl::StatusOr<int64_t> {
    EXPECT_EQ(path, directory_.path());
    ++looks;
    return free;
  };
  Reopen();
  const SegmentRow segment = MakeSegment(MakeDestination());
  const Batch first = Numbered(MakeBatch(segment, {TestRecord(1)}), "e", 1);
  ASSERT_TRUE(Commit(first).ok());
  // What waits now counts besides.
  clock_.Advance(absl::Seconds(1));
  const Batch second = Numbered(MakeBatch(segment, {TestRecord(2)}), "e", 2);
  const absl::Status refused = Commit(second).status();
  EXPECT_EQ(refused.code(), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(Reason(refused), "DISK_FULL");
  EXPECT_TRUE(GetErrorDetail(refused).retry_delay.has_value());
  EXPECT_EQ(Reason(store_->Healthy()), "DISK_FULL");
  EXPECT_EQ(CommitReason(MakeBatch(segment, {TestRecord(3)})), "DISK_FULL");
  // A repeat needs no room.
  EXPECT_TRUE(Commit(first)->repeat);
  // It looks once a second.
  const int before = looks;
  for (int i = 0; i < 50; ++i) EXPECT_FALSE(Commit(second).ok());
  EXPECT_EQ(looks, before);

  // Delivery goes on meanwhile.
  Deliver(segment.list, Change::kAdd, {TestRecord(1)});
  EXPECT_TRUE(SettleAll(segment.list).ok());
  // That left room, and intake comes back by itself.
  clock_.Advance(absl::Seconds(1));
  EXPECT_TRUE(store_->Healthy().ok());
  EXPECT_TRUE(Commit(second).ok());
  // Not knowing does not stop it.
  options_.free_space = [](const std::string&) -> absl::StatusOr<int64_t> {
    return absl::UnavailableError("");
  };
  Reopen();
  EXPECT_TRUE(store_->Healthy().ok());
}

}  // namespace
}  // namespace connector::membership
