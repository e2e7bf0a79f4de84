#include <fcntl.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <fstream>

#include "connector/membership/database.h"
#include "connector/membership/rows.h"
#include "connector/membership/store_fixture.h"
#include "rocksdb/env.h"

namespace connector::membership {
namespace {

using testing::HasSubstr;

class OpenTest : public StoreTest {
 protected:
  absl::Status OpenAgain() {
    return OpenRocksdbStore(options_, tuning_).status();
  }
  // Commits records [first, last], one a commit.
  void CommitSome(int first, int last) {
    const DestinationNumber destination = MakeDestination();
    const SegmentRow segment = MakeSegment(destination);
    list_ = segment.list;
    for (int i = first; i <= last; ++i) {
      ASSERT_TRUE(Commit(MakeBatch(segment, {TestRecord(i)})).ok());
    }
  }
  // The newest log file, with the store closed.
  std::string LogFile() {
    std::string newest;
    for (const auto& entry :
         std::filesystem::directory_iterator(directory_.path() + "/rocksdb")) {
      if (entry.path().extension() == ".log") {
        newest = std::max(newest, entry.path().string());
      }
    }
    return newest;
  }

  ListNumber list_ = 0;
};

TEST_F(OpenTest, TheDirectoryIsForItsOwnerOnly) {
  struct stat status;
  ASSERT_EQ(stat(directory_.path().c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777, 0700);
  store_.reset();
  ASSERT_EQ(chmod(directory_.path().c_str(), 0755), 0);
  Reopen();
  ASSERT_EQ(stat(directory_.path().c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777, 0700);
}

TEST_F(OpenTest, ASecondUserGetsAClearError) {
  absl::Status status = OpenAgain();
  EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(std::string(status.message()),
              HasSubstr("is in use by another process"));
}

TEST_F(OpenTest, ASecondProcessGetsAClearError) {
  // RocksDB's threads do not survive a fork: the child only tries, and leaves.
  const pid_t child = fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    const absl::Status status = OpenAgain();
    const bool right =
        status.code() == absl::StatusCode::kFailedPrecondition &&
        std::string(status.message()).find("is in use by another process") !=
            std::string::npos;
    _exit(right ? 0 : 1);
  }
  int result = 0;
  ASSERT_EQ(waitpid(child, &result, 0), child);
  EXPECT_TRUE(WIFEXITED(result) && WEXITSTATUS(result) == 0);
  // It did no harm.
  CommitSome(1, 3);
  Reopen();
  EXPECT_EQ(Runs(list_, Change::kAdd).size(), 3);
}

TEST_F(OpenTest, AnUnknownFormatIsRefused) {
  store_.reset();
  for (const std::string& format : {EncodeNumber(3), std::string("\xff")}) {
    DatabaseOptions options;
    options.path = directory_.path();
    absl::StatusOr<std::unique_ptr<Database>> database =
        Database::Open(options);
    ASSERT_TRUE(database.ok());
    WriteSet set(**database);
    set.Put(Family::kMeta, kFormatKey, format);
    ASSERT_TRUE((*database)->Write(set, Database::Sync::kYes).ok());
    database->reset();
    absl::Status status = OpenAgain();
    EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
    EXPECT_THAT(std::string(status.message()), HasSubstr("format"));
  }
}

TEST_F(OpenTest, AStoreOfTheFirstFormatIsTakenOver) {
  CommitSome(1, 3);
  store_.reset();
  const auto format = [&](bool put) {
    DatabaseOptions options;
    options.path = directory_.path();
    auto database = *Database::Open(options);
    if (put) {
      WriteSet set(*database);
      set.Put(Family::kMeta, kFormatKey, EncodeNumber(1));
      EXPECT_TRUE(database->Write(set, Database::Sync::kYes).ok());
    }
    return **database->Get(Family::kMeta, kFormatKey);
  };
  EXPECT_EQ(format(true), EncodeNumber(1));
  Reopen();
  EXPECT_EQ(Runs(list_, Change::kAdd).size(), 3);
  store_.reset();
  EXPECT_EQ(format(false), EncodeNumber(2));
}

TEST_F(OpenTest, APathThatCannotBeUsedIsRefused) {
  options_.path = directory_.path() + "/file";
  std::ofstream(options_.path) << "x";
  EXPECT_EQ(OpenAgain().code(), absl::StatusCode::kFailedPrecondition);
  options_.path += "/below";
  EXPECT_EQ(OpenAgain().code(), absl::StatusCode::kFailedPrecondition);
}

TEST_F(OpenTest, ALogThatEndsInAWriteIsATornOne) {
  CommitSome(1, 5);
  store_.reset();
  const std::string log = LogFile();
  std::filesystem::resize_file(log, std::filesystem::file_size(log) - 20);
  Reopen();
  EXPECT_EQ(Runs(list_, Change::kAdd).size(), 4);
  CommitSome(6, 6);
}

TEST_F(OpenTest, ZerosAtTheEndOfTheLogAreATornOne) {
  CommitSome(1, 5);
  store_.reset();
  std::ofstream(LogFile(), std::ios::app | std::ios::binary)
      << std::string(70'000, '\0');
  Reopen();
  EXPECT_EQ(Runs(list_, Change::kAdd).size(), 5);
  CommitSome(6, 6);
  Reopen();
  EXPECT_EQ(Runs(list_, Change::kAdd).size(), 6);
}

TEST_F(OpenTest, DamageInTheMiddleOfTheLogIsToldNotSwallowed) {
  // More than the 32 KiB that cannot be told apart.
  CommitSome(1, 1'000);
  store_.reset();
  const std::string log = LogFile();
  ASSERT_GT(std::filesystem::file_size(log), 100'000);
  std::fstream file(log, std::ios::in | std::ios::out | std::ios::binary);
  file.seekp(40'000);
  file << "rotten";
  file.close();
  absl::Status status = OpenAgain();
  EXPECT_EQ(status.code(), absl::StatusCode::kDataLoss) << status;
  EXPECT_THAT(std::string(status.message()), HasSubstr("damaged"));
  // Asking again does not make it go away.
  EXPECT_EQ(OpenAgain().code(), absl::StatusCode::kDataLoss);
}

TEST_F(OpenTest, ADamagedTableIsDataLoss) {
  CommitSome(1, 50);
  // The log becomes tables at the next start.
  Reopen();
  store_.reset();
  int damaged = 0;
  for (const auto& entry :
       std::filesystem::directory_iterator(directory_.path() + "/rocksdb")) {
    if (entry.path().extension() != ".sst") continue;
    std::fstream file(entry.path(),
                      std::ios::in | std::ios::out | std::ios::binary);
    file.seekp(10);
    file << "rotten";
    ++damaged;
  }
  ASSERT_GT(damaged, 0);
  EXPECT_EQ(OpenAgain().code(), absl::StatusCode::kDataLoss);
}

// Lets every sync fail from some moment on.
class FailingEnv : public rocksdb::EnvWrapper {
 public:
  FailingEnv() : rocksdb::EnvWrapper(rocksdb::Env::Default()) {}

  rocksdb::Status NewWritableFile(const std::string& name,
                                  std::unique_ptr<rocksdb::WritableFile>* file,
                                  const rocksdb::EnvOptions& options) override {
    rocksdb::Status status = EnvWrapper::NewWritableFile(name, file, options);
    if (status.ok()) *file = std::make_unique<File>(this, std::move(*file));
    return status;
  }
  const char* Name() const override { return "FailingEnv"; }

  std::atomic<bool> fail{false};

 private:
  class File : public rocksdb::WritableFileWrapper {
   public:
    File(FailingEnv* env, std::unique_ptr<rocksdb::WritableFile> file)
        : rocksdb::WritableFileWrapper(file.get()),
          env_(env),
          file_(std::move(file)) {}
    rocksdb::Status Sync() override {
      if (env_->fail) return rocksdb::Status::IOError("no luck today");
      return WritableFileWrapper::Sync();
    }

   private:
    FailingEnv* const env_;
    const std::unique_ptr<rocksdb::WritableFile> file_;
  };
};

TEST_F(OpenTest, AFailedSyncStopsTheStore) {
  FailingEnv env;
  tuning_.env = &env;
  std::atomic<int> failures{0};
  options_.on_failure = [&](const absl::Status& status) {
    EXPECT_EQ(Reason(status), "STORE_FAILED");
    ++failures;
  };
  Reopen();
  CommitSome(1, 3);
  const SegmentRow segment = *store_->GetSegment(1);
  EXPECT_TRUE(store_->Healthy().ok());
  env.fail = true;
  for (int i = 4; i < 7; ++i) {
    absl::Status status = Commit(MakeBatch(segment, {TestRecord(i)})).status();
    EXPECT_EQ(status.code(), absl::StatusCode::kUnavailable);
    EXPECT_EQ(Reason(status), "STORE_FAILED");
  }
  // Not even when syncs work again: what is on disk is not known.
  env.fail = false;
  EXPECT_EQ(CommitReason(MakeBatch(segment, {TestRecord(7)})), "STORE_FAILED");
  EXPECT_EQ(Reason(store_->Healthy()), "STORE_FAILED");
  EXPECT_EQ(Reason(store_->PutDestination("x", "").status()), "STORE_FAILED");
  EXPECT_EQ(Reason(SettleAll(segment.list)), "STORE_FAILED");
  EXPECT_EQ(failures, 1);
  EXPECT_EQ(store_->SyncedCommit(), 3);
  options_.on_failure = nullptr;
  Reopen();
  EXPECT_GE(Runs(segment.list, Change::kAdd).size(), 3);
  EXPECT_EQ(CommitReason(MakeBatch(segment, {TestRecord(8)})), "OK");
  store_.reset();
}

// A crash: everything that was acknowledged is in a copy of the files.
TEST_F(OpenTest, WhatWasAcknowledgedIsInTheFiles) {
  CommitSome(1, 20);
  const DestinationRow before = *store_->FindDestination("549");
  TempDirectory copy;
  std::filesystem::copy(directory_.path(), copy.path(),
                        std::filesystem::copy_options::recursive);
  options_.path = copy.path();
  Reopen();
  EXPECT_EQ(Runs(list_, Change::kAdd).size(), 20);
  EXPECT_EQ(store_->SyncedCommit(), 20);
  EXPECT_EQ(store_->FindDestination("549")->history_id, before.history_id);
  store_.reset();
}

}  // namespace
}  // namespace connector::membership
