// One rotten byte in a store that was closed. Whatever byte it is, the store
// either opens and holds exactly what it held, or says that it is damaged; or
// it takes the rot for the torn end of the log and loses at most the end of
// that.
//
// FLIPS bytes a kind of file (40) from SEED (1) on.

#include <cstdlib>

#include "absl/strings/match.h"
#include "connector/membership/fault_history.h"
#include "connector/membership/store_fixture.h"

namespace connector::membership {
namespace {

int FromEnvironment(const char* name, int otherwise) {
  const char* value = std::getenv(name);
  return value == nullptr ? otherwise : std::atoi(value);
}

std::string KindOf(const std::string& path) {
  const std::string name = path.substr(path.rfind('/') + 1);
  if (name.size() > 4 && name.substr(name.size() - 4) == ".log") return "log";
  if (name.size() > 4 && name.substr(name.size() - 4) == ".sst") return "sst";
  if (name.rfind("MANIFEST", 0) == 0) return "MANIFEST";
  if (name.rfind("OPTIONS", 0) == 0) return "OPTIONS";
  return name;
}

struct Totals {
  int flips = 0;
  int refused_at_open = 0;
  int found_by_reading = 0;
  int unharmed = 0;
  // The state after an older prefix of the writes.
  int taken_for_torn = 0;
  int wrong = 0;
  int names_file = 0;
};

class RotTest : public testing::Test {
 protected:
  // Flips bytes of one kind of file, each in a store as it was.
  Totals Rot(const std::string& kind, int64_t verify_bytes) {
    TempDirectory directory;
    const int first = FromEnvironment("SEED", 1);
    std::mt19937_64 generator(first);
    FaultHistory history(first, directory.path());
    EXPECT_TRUE(history.Open().ok());
    EXPECT_TRUE(history.Steps(100).ok());
    history.Close();
    // What the log held goes into a table at the open, so that there is one.
    EXPECT_TRUE(history.Reopen().ok());
    EXPECT_TRUE(history.Steps(50).ok());
    history.Close();
    const std::map<std::string, std::string> whole = history.files().Save();
    history.tuning().verify_bytes = verify_bytes;
    std::vector<std::string> paths;
    for (const auto& [path, contents] : whole) {
      if (KindOf(path) == kind && !contents.empty()) paths.push_back(path);
    }
    Totals totals;
    if (paths.empty()) {
      ADD_FAILURE() << "no " << kind;
      return totals;
    }
    for (int i = FromEnvironment("FLIPS", 40); i > 0; --i) {
      const std::string& path = paths[generator() % paths.size()];
      std::map<std::string, std::string> rotten = whole;
      std::string& contents = rotten[path];
      const size_t place = generator() % contents.size();
      contents[place] ^= static_cast<char>(1 << generator() % 8);
      SCOPED_TRACE(absl::StrCat(path, " at ", place));
      history.files().Load(rotten);
      ++totals.flips;
      const absl::Status status = history.Reopen();
      if (status.ok()) {
        ++totals.unharmed;
      } else if (status.code() == absl::StatusCode::kOutOfRange) {
        ++totals.taken_for_torn;
      } else if (status.code() == absl::StatusCode::kDataLoss) {
        ++(history.is_open() ? totals.found_by_reading
                             : totals.refused_at_open);
        EXPECT_THAT(std::string(status.message()),
                    testing::HasSubstr("docs/operation.md"));
        totals.names_file += absl::StrContains(
            status.message(), path.substr(path.rfind('/') + 1));
      } else {
        ++totals.wrong;
        ADD_FAILURE() << status;
      }
      history.Close();
    }
    std::printf(
        "%s: %d bytes, %d refused at open, %d found by reading, %d harmless, "
        "%d taken for a torn end, %d wrong; %d name the file\n",
        kind.c_str(), totals.flips, totals.refused_at_open,
        totals.found_by_reading, totals.unharmed, totals.taken_for_torn,
        totals.wrong, totals.names_file);
    return totals;
  }
};

constexpr int64_t kAll = int64_t{1} << 40;

TEST_F(RotTest, OfATableIsFoundAtTheOpenIfTheTablesAreFew) {
  const Totals totals = Rot("sst", kAll);
  EXPECT_EQ(totals.refused_at_open + totals.unharmed, totals.flips);
  EXPECT_GE(totals.refused_at_open, totals.flips * 9 / 10);
  EXPECT_GE(totals.names_file, totals.refused_at_open * 9 / 10);
}

TEST_F(RotTest, OfATableIsFoundWhenItIsRead) {
  const Totals totals = Rot("sst", 0);
  EXPECT_EQ(totals.refused_at_open + totals.found_by_reading + totals.unharmed,
            totals.flips);
}

TEST_F(RotTest, OfTheLogIsDamageOrATornEnd) {
  const Totals totals = Rot("log", kAll);
  EXPECT_EQ(totals.wrong, 0);
  EXPECT_GT(totals.refused_at_open, 0);
}

TEST_F(RotTest, OfTheManifestIsNeverSwallowed) {
  const Totals totals = Rot("MANIFEST", kAll);
  EXPECT_EQ(totals.refused_at_open + totals.unharmed + totals.taken_for_torn,
            totals.flips);
}

TEST_F(RotTest, OfCurrentIsFoundAtTheOpen) {
  const Totals totals = Rot("CURRENT", kAll);
  EXPECT_EQ(totals.refused_at_open, totals.flips);
}

TEST_F(RotTest, OfTheOptionsDoesNotMatter) {
  const Totals totals = Rot("OPTIONS", kAll);
  EXPECT_EQ(totals.unharmed, totals.flips);
}

}  // namespace
}  // namespace connector::membership
