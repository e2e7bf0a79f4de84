#include "connector/membership/manifest_check.h"

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "connector/membership/store_fixture.h"
#include "rocksdb/db.h"

namespace connector::membership {
namespace {

constexpr size_t kBlock = 32'768;

std::string ManifestOf(const std::string& path) {
  std::string name;
  EXPECT_TRUE(
      ReadFileToString(rocksdb::Env::Default(), path + "/CURRENT", &name).ok());
  return absl::StrCat(path, "/", absl::StripSuffix(name, "\n"));
}

// The manifest of a database, whose records are as long as the test likes: it
// names the families.
class ManifestCheckTest : public testing::Test {
 protected:
  ManifestCheckTest() {
    rocksdb::Options options;
    options.create_if_missing = true;
    rocksdb::DB* db = nullptr;
    EXPECT_TRUE(rocksdb::DB::Open(options, directory_.path(), &db).ok());
    db_.reset(db);
    // The first one writes the log's number besides.
    AddFamily(10);
  }
  ~ManifestCheckTest() override {
    for (auto* family : families_) db_->DestroyColumnFamilyHandle(family);
  }

  void AddFamily(size_t name_size) {
    rocksdb::ColumnFamilyHandle* family = nullptr;
    std::string name = absl::StrCat(families_.size(), "-");
    name.resize(name_size, 'x');
    ASSERT_TRUE(db_->CreateColumnFamily({}, name, &family).ok());
    families_.push_back(family);
  }
  size_t Size() {
    return std::filesystem::file_size(ManifestOf(directory_.path()));
  }

  TempDirectory directory_;
  std::unique_ptr<rocksdb::DB> db_;
  std::vector<rocksdb::ColumnFamilyHandle*> families_;
};

TEST_F(ManifestCheckTest, ARecordMayEndAnywhereNearTheEndOfABlock) {
  // With 7 bytes left, the next record has its header there and all else in the
  // next block; with fewer, nothing is there.
  for (size_t left = 0; left <= 12; ++left) {
    const auto room = [this] { return kBlock - Size() % kBlock; };
    while (room() < 1'000 || room() > 6'000) AddFamily(5'000);
    // What a family takes besides its name, if that is long.
    const size_t before = Size();
    AddFamily(200);
    const size_t besides = Size() - before - 200;
    ASSERT_LT(besides, 100);
    AddFamily(room() - left - besides);
    ASSERT_EQ(Size() % kBlock, (kBlock - left) % kBlock);
    for (int i = 0; i < 2; ++i) {
      AddFamily(50);
      const absl::Status status =
          CheckManifest(directory_.path(), rocksdb::Env::Default());
      EXPECT_TRUE(status.ok()) << status << ", " << left << " left";
    }
  }
}

}  // namespace
}  // namespace connector::membership
