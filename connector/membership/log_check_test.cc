// What a power cut may do to the log, and what it may not be taken for.

#include "connector/membership/log_check.h"

#include <cstdlib>

#include "absl/strings/str_format.h"
#include "connector/membership/damage.h"
#include "connector/membership/database.h"
#include "connector/membership/fault_file_system.h"
#include "connector/membership/store_fixture.h"

namespace connector::membership {
namespace {

using testing::HasSubstr;

class LogCheckTest : public testing::Test {
 protected:
  LogCheckTest()
      : files_(std::make_shared<FaultFileSystem>()),
        env_(rocksdb::NewCompositeEnv(files_)) {}

  absl::Status Open() {
    DatabaseOptions options;
    options.path = directory_.path();
    options.env = env_.get();
    options.memory_budget = 8 << 20;
    options.write_buffer_bytes = 64 << 10;
    auto database = Database::Open(options);
    if (database.ok()) database_ = *std::move(database);
    return database.status();
  }

  static std::string KeyOf(int i) { return absl::StrFormat("%08d", i); }

  // Key `i`, in a family that changes all the time.
  absl::Status Put(int i, Database::Sync sync, size_t bytes) {
    constexpr Family kUsed[] = {Family::kRuns, Family::kBlocks, Family::kDoubts,
                                Family::kCounters};
    WriteSet set(*database_);
    set.Put(kUsed[i % 4], KeyOf(i), std::string(bytes, 'v'));
    return database_->Write(set, sync);
  }
  bool Has(int i) {
    for (Family family :
         {Family::kRuns, Family::kBlocks, Family::kDoubts, Family::kCounters}) {
      auto value = database_->Get(family, KeyOf(i));
      EXPECT_TRUE(value.ok()) << value.status();
      if (value.ok() && value->has_value()) return true;
    }
    return false;
  }
  // How many of the keys from 0 on are there; none may follow a missing one.
  int Prefix(int at_most) {
    int there = 0;
    while (there < at_most && Has(there)) ++there;
    for (int i = there; i < at_most; ++i) {
      EXPECT_FALSE(Has(i)) << i << " is there and " << there << " is not";
    }
    return there;
  }

  std::string LogFile() {
    std::string newest;
    for (const auto& [path, size] : files_->Sizes()) {
      if (path.size() > 4 && path.substr(path.size() - 4) == ".log") {
        newest = std::max(newest, path);
      }
    }
    return newest;
  }
  // Fills a part of the newest log with zeros.
  void Clear(size_t from, size_t to) {
    const std::string path = LogFile();
    std::string contents = files_->Contents(path);
    ASSERT_LE(to, contents.size());
    std::fill(contents.begin() + from, contents.begin() + to, '\0');
    files_->SetContents(path, contents);
  }
  size_t LogSize() { return files_->Sizes()[LogFile()]; }

  TempDirectory directory_;
  std::shared_ptr<FaultFileSystem> files_;
  std::unique_ptr<rocksdb::Env> env_;
  std::unique_ptr<Database> database_;
};

TEST_F(LogCheckTest, APowerCutLeavesAPrefixOfTheWrites) {
  const char* text = std::getenv("SEEDS");
  const int rounds = text == nullptr ? 40 : std::atoi(text);
  int torn = 0;
  // Making one takes longer than all of a round.
  ASSERT_TRUE(Open().ok());
  database_.reset();
  const std::map<std::string, std::string> fresh = files_->Save();
  for (int round = 0; round < rounds; ++round) {
    SCOPED_TRACE(absl::StrCat("round ", round));
    FakeRandom random(round);
    files_->Load(fresh);
    absl::Status opened = Open();
    ASSERT_TRUE(opened.ok()) << opened;
    files_->CutPowerAfter(1 + random.Next() % 400, /*quietly=*/true);
    int written = 0;
    int synced = 0;
    const int sync_every = 1 + random.Next() % 200;
    for (; written < 250; ++written) {
      const bool sync = random.Next() % sync_every == 0;
      if (!Put(written, sync ? Database::Sync::kYes : Database::Sync::kNo,
               random.Next() % 6'000)
               .ok() ||
          files_->power_is_off()) {
        break;
      }
      if (sync) synced = written + 1;
    }
    database_.reset();
    files_->RestorePower(random);
    opened = Open();
    ASSERT_TRUE(opened.ok()) << opened;
    const int there = Prefix(written + 1);
    ASSERT_GE(there, synced);
    torn += there < written;
    ASSERT_FALSE(HasFailure());
    database_.reset();
  }
  EXPECT_GT(torn, rounds / 10);
}

// What lies behind a torn end may look like a record of any type.
TEST_F(LogCheckTest, RubbishBehindATornEndIsPassedOver) {
  for (int type = 0; type < 256; type += type < 12 ? 1 : 61) {
    ASSERT_TRUE(Open().ok());
    ASSERT_TRUE(Put(0, Database::Sync::kYes, 100).ok());
    database_.reset();
    const std::string path = LogFile();
    std::string contents = files_->Contents(path);
    // The rest of this block is lost, and the next one begins with rubbish.
    const size_t begin = (contents.size() / 32'768 + 1) * 32'768;
    contents.resize(begin, '\0');
    contents += std::string("\x11\x22\x33\x44\x10\x00", 6) +
                static_cast<char>(type) + std::string(5'000, '\x77');
    files_->SetContents(path, contents);
    const absl::Status opened = Open();
    ASSERT_TRUE(opened.ok()) << "type " << type << ": " << opened;
    EXPECT_TRUE(Has(0));
    database_.reset();
  }
}

// The pages of a write whose sync had not ended may be there without those of
// an unsynced write before it.
TEST_F(LogCheckTest, AHoleBeforeAWriteThatWasNotSyncedYetIsATornLog) {
  ASSERT_TRUE(Open().ok());
  ASSERT_TRUE(Put(0, Database::Sync::kYes, 100).ok());
  const size_t begin = LogSize();
  ASSERT_TRUE(Put(1, Database::Sync::kNo, 40'000).ok());
  const size_t end = LogSize();
  ASSERT_TRUE(Put(2, Database::Sync::kYes, 40'000).ok());
  ASSERT_TRUE(Put(3, Database::Sync::kNo, 100).ok());
  database_.reset();
  Clear(begin, end);
  const absl::Status status = Open();
  ASSERT_TRUE(status.ok()) << status;
  EXPECT_EQ(Prefix(4), 1);
}

TEST_F(LogCheckTest, AHoleBeforeAWriteThatCameAfterASyncIsDamage) {
  ASSERT_TRUE(Open().ok());
  ASSERT_TRUE(Put(0, Database::Sync::kYes, 100).ok());
  const size_t begin = LogSize();
  ASSERT_TRUE(Put(1, Database::Sync::kNo, 40'000).ok());
  const size_t end = LogSize();
  ASSERT_TRUE(Put(2, Database::Sync::kYes, 40'000).ok());
  ASSERT_TRUE(Put(3, Database::Sync::kYes, 100).ok());
  database_.reset();
  const std::string log = FileNamedIn(LogFile());
  Clear(begin, end);
  const absl::Status status = Open();
  EXPECT_EQ(status.code(), absl::StatusCode::kDataLoss) << status;
  EXPECT_EQ(Reason(status), "STORE_DAMAGED");
  EXPECT_THAT(std::string(status.message()), HasSubstr(log));
  EXPECT_THAT(std::string(status.message()), HasSubstr("docs/operation.md"));
}

// RocksDB itself refuses some of these.
TEST_F(LogCheckTest, ATornEndOfTheManifestIsCutOff) {
  ASSERT_TRUE(Open().ok());
  ASSERT_TRUE(Put(0, Database::Sync::kYes, 100).ok());
  database_.reset();
  const std::map<std::string, std::string> whole = files_->Save();
  const std::string directory = directory_.path() + "/rocksdb/";
  std::string name = whole.at(directory + "CURRENT");
  name.pop_back();
  // A record as it would have been written, as far as a cut may leave it.
  const std::string& manifest = whole.at(directory + name);
  const std::string record = manifest.substr(0, 60);
  const std::string ends[] = {record.substr(0, 3), record.substr(0, 30),
                              record.substr(0, 30) + std::string(30, '\0'),
                              std::string(500, '\0'),
                              std::string("\x31\x77\x99\x12\x09\x00\x01rubbish"
                                          " of an older file",
                                          31)};
  for (const std::string& end : ends) {
    SCOPED_TRACE(absl::StrCat(end.size(), " bytes more"));
    files_->Load(whole);
    files_->SetContents(directory + name, manifest + end);
    const absl::Status status = Open();
    ASSERT_TRUE(status.ok()) << status;
    EXPECT_TRUE(Has(0));
    database_.reset();
  }
}

TEST_F(LogCheckTest, ALostCurrentIsNotANewStore) {
  ASSERT_TRUE(Open().ok());
  ASSERT_TRUE(Put(0, Database::Sync::kYes, 100).ok());
  database_.reset();
  std::map<std::string, std::string> saved = files_->Save();
  ASSERT_EQ(saved.erase(directory_.path() + "/rocksdb/CURRENT"), 1);
  files_->Load(saved);
  const absl::Status status = Open();
  EXPECT_EQ(status.code(), absl::StatusCode::kDataLoss) << status;
  EXPECT_THAT(std::string(status.message()), HasSubstr("CURRENT"));
  // And nothing was made in its place.
  EXPECT_EQ(files_->Sizes().size(), saved.size());
}

TEST(FileNamedInTest, FindsTheStoresOwnFilesOnly) {
  EXPECT_EQ(FileNamedIn("block checksum mismatch: stored = 1, computed = 2 in "
                        "/a/b/rocksdb/000012.sst offset 0 size 4096"),
            "000012.sst");
  EXPECT_EQ(FileNamedIn("The file /a/MANIFEST-000004 may be corrupted."),
            "MANIFEST-000004");
  EXPECT_EQ(FileNamedIn("CURRENT file does not end with newline"), "CURRENT");
  EXPECT_EQ(FileNamedIn("/a/000013.log: checksum mismatch"), "000013.log");
  EXPECT_EQ(FileNamedIn("bad entry for key a@b.com.sst"), "");
  EXPECT_EQ(FileNamedIn(""), "");
}

}  // namespace
}  // namespace connector::membership
