#include "connector/delivery/change_sorter.h"

#include <algorithm>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "connector/base/fake_random.h"
#include "gtest/gtest.h"

namespace connector::delivery {
namespace {

using identity_mapping::Record;
using identity_mapping::RecordView;
using membership::Change;

std::string EncodedSha(uint64_t number) {
  std::string encoded(33, '\0');
  encoded[0] = 1;
  // Spread over the prefix, with many records that share one.
  encoded[1] = static_cast<char>(number % 7);
  for (int i = 0; i < 8; ++i) {
    encoded[20 + i] = static_cast<char>(number >> (8 * i));
  }
  return encoded;
}

SortedChange Make(const std::string& encoded, uint64_t order, Change change,
                  uint8_t flags) {
  SortedChange made;
  made.record = *RecordView::FromEncoded(encoded);
  made.order = order;
  made.change = change;
  made.flags = flags;
  return made;
}

std::vector<std::string> ReadAll(const SortedChanges& changes) {
  std::vector<std::string> read;
  SortedChanges::Reader reader(changes);
  SortedChange change;
  while (true) {
    auto more = reader.Next(&change);
    EXPECT_TRUE(more.ok()) << more.status();
    if (!more.ok() || !*more) break;
    read.push_back(std::string(change.record.encoded()) + "/" +
                   std::to_string(change.order) + "/" +
                   std::to_string(change.flags));
  }
  return read;
}

TEST(ChangeSorterTest, NothingGivesNothing) {
  SortBudget budget(0);
  ChangeSorter sorter(&budget, testing::TempDir());
  auto netted = sorter.Finish();
  ASSERT_TRUE(netted.ok()) << netted.status();
  EXPECT_EQ(netted->removals.count(), 0);
  EXPECT_EQ(netted->additions.count(), 0);
}

TEST(ChangeSorterTest, TheLastEventOfARecordStands) {
  SortBudget budget(0);
  ChangeSorter sorter(&budget, testing::TempDir());
  const std::string a = EncodedSha(1);
  const std::string b = EncodedSha(2);
  // Added out of order, as removals and additions are read one after the other.
  ASSERT_TRUE(sorter.Add(Make(a, 5, Change::kRemove, 1)).ok());
  ASSERT_TRUE(sorter.Add(Make(b, 2, Change::kRemove, 1)).ok());
  ASSERT_TRUE(sorter.Add(Make(a, 3, Change::kAdd, 1)).ok());
  ASSERT_TRUE(sorter.Add(Make(b, 9, Change::kAdd, 0)).ok());
  auto netted = sorter.Finish();
  ASSERT_TRUE(netted.ok());
  EXPECT_EQ(netted->superseded, 2);
  EXPECT_EQ(ReadAll(netted->removals), std::vector<std::string>{a + "/5/1"});
  EXPECT_EQ(ReadAll(netted->additions), std::vector<std::string>{b + "/9/0"});
}

TEST(ChangeSorterTest, AnEchoSurvivesTheEventThatOvertakesIt) {
  SortBudget budget(0);
  ChangeSorter sorter(&budget, testing::TempDir());
  const std::string a = EncodedSha(1);
  ASSERT_TRUE(
      sorter.Add(Make(a, 0, Change::kRemove, SortedChange::kEcho)).ok());
  ASSERT_TRUE(
      sorter.Add(Make(a, 3, Change::kRemove, SortedChange::kCounted)).ok());
  auto netted = sorter.Finish();
  ASSERT_TRUE(netted.ok());
  EXPECT_EQ(netted->superseded, 0);
  EXPECT_EQ(ReadAll(netted->removals), std::vector<std::string>{a + "/3/3"});
}

// Random events against a map, in memory and spilled into many files.
TEST(ChangeSorterTest, EqualsAMapForRandomHistories) {
  for (uint64_t seed = 1; seed <= 8; ++seed) {
    SCOPED_TRACE(seed);
    FakeRandom random(seed);
    const bool in_memory = seed % 2 == 0;
    SortBudget budget(in_memory ? int64_t{64} << 20 : 0);
    ChangeSorter sorter(&budget, testing::TempDir());
    std::map<std::string, std::pair<uint64_t, Change>> model;
    std::map<std::string, uint8_t> flags;
    int64_t superseded = 0;
    const int events = 60'000;
    for (int i = 0; i < events; ++i) {
      std::string encoded = EncodedSha(random.Next() % 20'000);
      if (random.Next() % 16 == 0) {
        encoded = "\x04opaque" + std::to_string(random.Next() % 500);
      }
      const uint64_t order = random.Next() >> 1 | 1;
      const Change change = random.Next() % 3 ? Change::kAdd : Change::kRemove;
      const uint8_t flag = random.Next() % 4 ? SortedChange::kCounted : 0;
      ASSERT_TRUE(sorter.Add(Make(encoded, order, change, flag)).ok());
      auto [it, fresh] = model.try_emplace(encoded, order, change);
      if (fresh) {
        flags[encoded] = flag;
      } else if (order > it->second.first) {
        superseded += flags[encoded];
        it->second = {order, change};
        flags[encoded] = flag;
      } else {
        superseded += flag;
      }
    }
    auto netted = sorter.Finish();
    ASSERT_TRUE(netted.ok()) << netted.status();
    std::vector<std::string> removals;
    std::vector<std::string> additions;
    for (const auto& [encoded, event] : model) {
      (event.second == Change::kAdd ? additions : removals)
          .push_back(encoded + "/" + std::to_string(event.first) + "/" +
                     std::to_string(flags[encoded]));
    }
    EXPECT_EQ(ReadAll(netted->removals), removals);
    EXPECT_EQ(ReadAll(netted->additions), additions);
    EXPECT_EQ(ReadAll(netted->additions), additions) << "read a second time";
    EXPECT_EQ(netted->superseded, superseded);
    EXPECT_EQ(netted->removals.count(), static_cast<int64_t>(removals.size()));
  }
}

constexpr absl::Duration kWindow = absl::Seconds(100);

SortedChange Timed(SortedChange change, int event_seconds, int commit_seconds) {
  change.flags |= SortedChange::kTimed;
  change.event_micros = event_seconds * int64_t{1'000'000};
  change.commit_millis = commit_seconds * int64_t{1'000};
  return change;
}

// What becomes of a record with these events, in their order: the orders of
// those that stand, with a sign.
std::vector<std::string> Standing(const std::vector<SortedChange>& changes,
                                  int64_t* superseded) {
  SortBudget budget(0);
  ChangeSorter sorter(&budget, testing::TempDir(), kWindow);
  for (const SortedChange& change : changes) {
    EXPECT_TRUE(sorter.Add(change).ok());
  }
  auto netted = sorter.Finish();
  EXPECT_TRUE(netted.ok()) << netted.status();
  *superseded = netted->superseded;
  std::vector<std::string> standing;
  for (const auto* side : {&netted->removals, &netted->additions}) {
    SortedChanges::Reader reader(*side);
    SortedChange change;
    while (*reader.Next(&change)) {
      standing.push_back((side == &netted->removals ? "-" : "+") +
                         std::to_string(change.order));
    }
  }
  return standing;
}

TEST(ChangeSorterTest, AnAdditionThatIsNotNewerThanAnExitIsHeldBack) {
  using Strings = std::vector<std::string>;
  const std::string a = EncodedSha(1);
  const auto exit = [&](uint64_t order, int time, int commit) {
    return Timed(Make(a, order, Change::kRemove, 1), time, commit);
  };
  const auto add = [&](uint64_t order, int time, int commit) {
    return Timed(Make(a, order, Change::kAdd, 1), time, commit);
  };
  const auto remembered = [&](uint64_t order, int time, int commit) {
    return Timed(Make(a, order, Change::kRemove, SortedChange::kRemembered),
                 time, commit);
  };
  int64_t superseded = 0;
  EXPECT_EQ(Standing({exit(5, 50, 1'000), add(6, 49, 1'010)}, &superseded),
            Strings({"-5"}));
  EXPECT_EQ(superseded, 1);
  EXPECT_EQ(Standing({exit(5, 50, 1'000), add(6, 50, 1'010)}, &superseded),
            Strings({"-5"}));
  EXPECT_EQ(Standing({exit(5, 50, 1'000), add(6, 51, 1'010)}, &superseded),
            Strings({"+6"}));
  // The window: to its end, and behind it.
  EXPECT_EQ(Standing({exit(5, 50, 1'000), add(6, 49, 1'100)}, &superseded),
            Strings({"-5"}));
  EXPECT_EQ(Standing({exit(5, 50, 1'000), add(6, 49, 1'101)}, &superseded),
            Strings({"+6"}));
  // The exit came later: it is the last event anyway.
  EXPECT_EQ(Standing({add(5, 49, 1'000), exit(6, 40, 1'010)}, &superseded),
            Strings({"-6"}));
  // Held back, it does not undo an addition that is not.
  EXPECT_EQ(Standing({exit(5, 50, 1'000), add(6, 60, 1'010), add(7, 40, 1'020)},
                     &superseded),
            Strings({"+6"}));
  EXPECT_EQ(superseded, 2);
  // An exit that was delivered before is no change any more.
  EXPECT_EQ(
      Standing({remembered(2, 50, 1'000), add(6, 50, 1'010)}, &superseded),
      Strings());
  EXPECT_EQ(superseded, 1);
  EXPECT_EQ(Standing({remembered(2, 50, 1'000)}, &superseded), Strings());
  EXPECT_EQ(superseded, 0);
  // The latest exit of any counts, whichever was the last to come.
  EXPECT_EQ(
      Standing({exit(4, 50, 1'000), exit(5, 30, 1'010), add(6, 40, 1'020)},
               &superseded),
      Strings({"-5"}));
  // Without times nothing is held back.
  EXPECT_EQ(
      Standing({Make(a, 5, Change::kRemove, 1), add(6, 1, 1'010)}, &superseded),
      Strings({"+6"}));
  EXPECT_EQ(
      Standing({exit(5, 50, 1'000), Make(a, 6, Change::kAdd, 1)}, &superseded),
      Strings({"+6"}));
}

// Random events with and without times against the rule, in memory and spilled.
TEST(ChangeSorterTest, HoldsBackWhateverTheBudget) {
  for (uint64_t seed = 1; seed <= 4; ++seed) {
    SCOPED_TRACE(seed);
    FakeRandom random(seed);
    SortBudget budget(seed % 2 == 0 ? int64_t{64} << 20 : 0);
    ChangeSorter sorter(&budget, testing::TempDir(), kWindow);
    struct Model {
      std::vector<SortedChange> exits;
      SortedChange last;
      bool stands = false;
    };
    std::map<std::string, Model> model;
    // In the order of the events, but given to the sorter as removals first.
    std::vector<std::pair<std::string, SortedChange>> events;
    int64_t superseded = 0;
    for (uint64_t order = 2; order < 60'000; ++order) {
      const std::string encoded = EncodedSha(random.Next() % 15'000);
      SortedChange change = Make(
          encoded, order, random.Next() % 2 ? Change::kAdd : Change::kRemove,
          random.Next() % 4 ? SortedChange::kCounted : 0);
      if (random.Next() % 8 == 0) {
        change.change = Change::kRemove;
        change.flags = SortedChange::kRemembered;
      }
      if (random.Next() % 3 != 0 || change.flags == SortedChange::kRemembered) {
        change = Timed(change, static_cast<int>(random.Next() % 50),
                       static_cast<int>(order / 200));
      }
      events.emplace_back(encoded, change);
      Model& of = model[encoded];
      if (change.flags & SortedChange::kTimed) {
        if (change.change == Change::kRemove) {
          of.exits.push_back(change);
        } else if (std::any_of(
                       of.exits.begin(), of.exits.end(),
                       [&](const SortedChange& exit) {
                         return change.event_micros <= exit.event_micros &&
                                change.commit_millis - exit.commit_millis <=
                                    100'000;
                       })) {
          superseded += change.flags & SortedChange::kCounted;
          continue;
        }
      }
      if (change.flags & SortedChange::kRemembered) continue;
      if (of.stands) superseded += of.last.flags & SortedChange::kCounted;
      of.stands = true;
      of.last = change;
    }
    for (Change kind : {Change::kRemove, Change::kAdd}) {
      for (auto& [encoded, change] : events) {
        if (change.change != kind) continue;
        change.record = *RecordView::FromEncoded(encoded);
        ASSERT_TRUE(sorter.Add(change).ok());
      }
    }
    auto netted = sorter.Finish();
    ASSERT_TRUE(netted.ok()) << netted.status();
    std::vector<std::string> expected[2];
    for (const auto& [encoded, of] : model) {
      if (!of.stands) continue;
      expected[of.last.change == Change::kAdd].push_back(
          encoded + "/" + std::to_string(of.last.order) + "/" +
          std::to_string(of.last.flags & SortedChange::kCounted));
    }
    EXPECT_EQ(ReadAll(netted->removals), expected[0]);
    EXPECT_EQ(ReadAll(netted->additions), expected[1]);
    EXPECT_EQ(netted->superseded, superseded);
  }
}

TEST(ChangeSorterTest, ManyMoreChunksThanAMergeOpensAtOnce) {
  SortBudget budget(0);
  ChangeSorter sorter(&budget, testing::TempDir());
  // Each record twice, far apart: additions, then removals of every third.
  const int records = 300'000;
  uint64_t order = 0;
  for (int round = 0; round < 2; ++round) {
    for (int i = 0; i < records; ++i) {
      if (round == 1 && i % 3 != 0) continue;
      const std::string encoded = EncodedSha((i * 7919ull) % records);
      ASSERT_TRUE(sorter
                      .Add(Make(encoded, ++order,
                                round == 0 ? Change::kAdd : Change::kRemove,
                                SortedChange::kCounted))
                      .ok());
    }
  }
  auto netted = sorter.Finish();
  ASSERT_TRUE(netted.ok()) << netted.status();
  EXPECT_EQ(netted->removals.count(), records / 3);
  EXPECT_EQ(netted->additions.count(), records - records / 3);
  EXPECT_EQ(netted->superseded, records / 3);
  const std::vector<std::string> removals = ReadAll(netted->removals);
  EXPECT_TRUE(std::is_sorted(removals.begin(), removals.end(),
                             [](const std::string& a, const std::string& b) {
                               return a.substr(0, 33) < b.substr(0, 33);
                             }));
}

TEST(ChangeSorterTest, GivesItsMemoryBack) {
  SortBudget budget(ChangeSorter::kStepBytes);
  {
    ChangeSorter sorter(&budget, testing::TempDir());
    for (uint64_t i = 0; i < 20'000; ++i) {
      const std::string encoded = EncodedSha(i);
      ASSERT_TRUE(sorter.Add(Make(encoded, i + 1, Change::kAdd, 0)).ok());
    }
    EXPECT_FALSE(budget.TryTake(1)) << "the sort did not use its budget";
    auto netted = sorter.Finish();
    ASSERT_TRUE(netted.ok());
  }
  EXPECT_TRUE(budget.TryTake(ChangeSorter::kStepBytes));
}

TEST(ChangeSorterTest, AMissingDirectoryIsAnErrorNotACrash) {
  SortBudget budget(0);
  ChangeSorter sorter(&budget, testing::TempDir() + "/not-there");
  absl::Status status;
  for (uint64_t i = 0; i < 50'000 && status.ok(); ++i) {
    const std::string encoded = EncodedSha(i);
    status = sorter.Add(Make(encoded, i + 1, Change::kAdd, 0));
  }
  EXPECT_EQ(status.code(), absl::StatusCode::kUnavailable) << status;
}

}  // namespace
}  // namespace connector::delivery
