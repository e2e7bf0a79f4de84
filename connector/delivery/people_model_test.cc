// People and held segments, whole (store, bringing up, passes), against a model
// of sets of pairs: random histories with kills between any two writes.

#include <algorithm>
#include <cstdlib>
#include <iostream>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "connector/base/fake_random.h"
#include "connector/delivery/delivery_world.h"
#include "gtest/gtest.h"

namespace connector::delivery {
namespace {

using identity_mapping::Record;
using identity_mapping::RecordView;
using membership::Change;
using membership::Holder;

struct Profile {
  int key = 0;  // 0: none
  std::vector<int> records;
  std::vector<std::pair<std::string, Change>> memberships;
};

class PeopleWorld {
 public:
  explicit PeopleWorld(uint64_t seed) : world_(seed, Backend::kMemory) {
    auto* destination = world_.config().mutable_destinations(0);
    auto* policy = destination->mutable_delivery_policy();
    policy->mutable_max_delay()->set_seconds(60);
    world_.set_tuning([](membership::StoreTuning& tuning) {
      tuning.confirm_piece_records = 3;
      tuning.block_target_bytes = 200;
      tuning.block_max_bytes = 300;
    });
    world_.Open();
  }

  DeliveryWorld& world() { return world_; }

  static Holder HolderOf(int key) {
    Holder holder = {};
    if (key == 0) return holder;
    // Not in the order of the keys.
    holder[0] = static_cast<uint8_t>(key * 151);
    holder[1] = static_cast<uint8_t>(key);
    return holder;
  }

  // As the mapper makes it.
  absl::Status Commit(const std::vector<Profile>& profiles, bool complete,
                      const std::string& export_id) {
    membership::Batch batch =
        world_.MakeBatch(DeliveryWorld::kAdAccount, export_id);
    uint64_t place = 0;
    for (const Profile& profile : profiles) {
      const int key = complete ? profile.key : 0;
      const Holder holder = HolderOf(key);
      std::vector<Record> records;
      for (int record : profile.records) {
        records.push_back(DeliveryWorld::RecordOf(record));
      }
      std::vector<std::pair<membership::SegmentNumber, Change>> memberships;
      uint64_t next = place + 1;
      for (const auto& [name, change] : profile.memberships) {
        if (records.empty()) continue;
        auto segment = world_.store().EnsureSegment(batch.destination, "ups",
                                                    name, "", 1000);
        if (!segment.ok()) return segment.status();
        auto changes = std::find_if(
            batch.segments.begin(), batch.segments.end(),
            [&](const auto& c) { return c.segment == segment->number; });
        if (changes == batch.segments.end()) {
          changes = batch.segments.emplace(batch.segments.end());
          changes->segment = segment->number;
          changes->list = segment->list;
        }
        changes->counts.received += static_cast<int64_t>(records.size());
        changes->keyed |= key != 0;
        if (complete) changes->run.AdvanceTo(place + 1);
        for (const Record& record : records) {
          changes->run.Add(change, record, /*counted=*/true, std::nullopt,
                           complete ? &holder : nullptr);
        }
        next = std::max(next, changes->run.total());
        memberships.emplace_back(segment->number, change);
      }
      if (key != 0) {
        const std::vector<RecordView> views(records.begin(), records.end());
        batch.statements.Add(holder, place, views, memberships);
      }
      place = next;
    }
    if (complete) batch.places = place;
    if (absl::Status s = world_.CommitAndWait(std::move(batch)); !s.ok()) {
      return s;
    }
    for (const Profile& profile : profiles) Apply(profile, complete);
    return absl::OkStatus();
  }

  void SetMapped(const std::string& segment, bool mapped, bool emptied) {
    if (mapped) {
      unmapped_.erase(segment);
      return;
    }
    unmapped_.insert(segment);
    if (!emptied) return;
    for (auto& [record, holders] : pairs_[segment]) {
      holders.clear();
      Tell(segment, record);
    }
  }
  bool IsMapped(const std::string& segment) {
    return unmapped_.count(segment) == 0;
  }

  void ExpectConverged() {
    EXPECT_TRUE(world_.store().PendingLists().empty());
    const auto lists = world_.pinterest().Lists();
    for (auto& [segment, records] : pairs_) {
      auto row =
          world_.store().FindSegment(world_.destination(), "ups", segment);
      ASSERT_TRUE(row.has_value());
      auto list = world_.store().GetList(row->list);
      ASSERT_TRUE(list.ok());
      std::set<std::string> expected;
      for (const auto& [record, holders] : records) {
        if (!holders.empty()) expected.insert(DeliveryWorld::WireText(record));
      }
      // A list that was replaced is emptied.
      for (const auto& [id, other] : lists) {
        if (other.name != DeliveryWorld::Name(segment)) continue;
        EXPECT_EQ(other.records, id == list->customer_list_id
                                     ? expected
                                     : std::set<std::string>())
            << segment << " " << id;
      }
      if (!expected.empty()) {
        EXPECT_EQ(lists.count(list->customer_list_id), 1) << segment;
      }
      EXPECT_EQ(world_.Counts(segment).pending(), 0) << segment;
      if (testing::Test::HasFailure()) {
        for (const auto& [record, holders] : records) {
          std::cerr << segment << " " << record << " holders " << holders.size()
                    << "\n"
                    << world_.HistoryOf(segment, record);
        }
      }
    }
    // Batches that changed nothing are released behind their answer, by the
    // committer.
    const auto all_delivered = [&] {
      const auto positions = world_.store().Exports(world_.destination());
      return std::all_of(positions.begin(), positions.end(), [](const auto& p) {
        return p.delivered == p.durable;
      });
    };
    const absl::Time end = absl::Now() + absl::Seconds(20);
    while (!all_delivered() && absl::Now() < end) {
      absl::SleepFor(absl::Milliseconds(1));
    }
    EXPECT_TRUE(all_delivered());
    EXPECT_TRUE(world_.store().WaitingForPeople().empty());
  }

 private:
  using Backend = DeliveryWorld::Backend;

  void Tell(const std::string& segment, int record) {
    world_.Expect(
        segment, record,
        pairs_[segment][record].empty() ? Change::kRemove : Change::kAdd);
  }

  void Apply(const Profile& profile, bool complete) {
    const int key = complete ? profile.key : 0;
    if (key != 0) {
      auto& [records, segments] = people_[key];
      std::set<std::string> all = segments;
      for (const auto& [segment, change] : profile.memberships) {
        if (!profile.records.empty()) all.insert(segment);
      }
      const std::set<int> now(profile.records.begin(), profile.records.end());
      for (int record : records) {
        if (now.count(record) > 0) continue;
        for (const std::string& segment : all) {
          if (!IsMapped(segment)) continue;
          pairs_[segment][record].erase(key);
          Tell(segment, record);
        }
      }
      records = now;
      for (const auto& [segment, change] : profile.memberships) {
        if (change == Change::kAdd) {
          segments.insert(segment);
        } else {
          segments.erase(segment);
        }
      }
      if (records.empty() || segments.empty()) people_.erase(key);
    }
    for (const auto& [segment, change] : profile.memberships) {
      if (!IsMapped(segment)) continue;
      for (int record : profile.records) {
        std::set<int>& holders = pairs_[segment][record];
        if (change == Change::kAdd) {
          holders.insert(key);
        } else if (key == 0) {
          holders.clear();
        } else {
          holders.erase(key);
        }
        Tell(segment, record);
      }
    }
  }

  DeliveryWorld world_;
  std::map<std::string, std::map<int, std::set<int>>> pairs_;
  std::map<int, std::pair<std::set<int>, std::set<std::string>>> people_;
  std::set<std::string> unmapped_;
};

constexpr Change kIn = Change::kAdd;
constexpr Change kOut = Change::kRemove;

TEST(People, AnIdentityThatVanishesLeavesEveryList) {
  PeopleWorld people(1);
  ASSERT_TRUE(
      people.Commit({{7, {1, 2}, {{"a", kIn}, {"b", kIn}}}}, true, "e").ok());
  ASSERT_TRUE(people.world().RunUntilQuiet());
  EXPECT_EQ(people.world().OnList("a"), (std::set<int>{1, 2}));
  ASSERT_TRUE(people.Commit({{7, {2}, {}}}, true, "e").ok());
  ASSERT_TRUE(people.world().RunUntilQuiet());
  EXPECT_EQ(people.world().OnList("a"), (std::set<int>{2}));
  EXPECT_EQ(people.world().OnList("b"), (std::set<int>{2}));
  people.ExpectConverged();
}

TEST(People, ASharedIdentityStaysUntilTheLastHolderLeaves) {
  PeopleWorld people(1);
  ASSERT_TRUE(people
                  .Commit({{7, {1, 2}, {{"a", kIn}}}, {8, {1}, {{"a", kIn}}}},
                          true, "e")
                  .ok());
  ASSERT_TRUE(people.Commit({{7, {1, 2}, {{"a", kOut}}}}, true, "e").ok());
  ASSERT_TRUE(people.world().RunUntilQuiet());
  EXPECT_EQ(people.world().OnList("a"), (std::set<int>{1}));
  ASSERT_TRUE(people.Commit({{8, {}, {}}}, true, "e").ok());
  ASSERT_TRUE(people.world().RunUntilQuiet());
  EXPECT_EQ(people.world().OnList("a"), (std::set<int>{}));
  people.ExpectConverged();
}

TEST(People, AnExitWithoutAKeyClearsAll) {
  PeopleWorld people(1);
  ASSERT_TRUE(people
                  .Commit({{7, {1}, {{"a", kIn}}}, {8, {1, 2}, {{"a", kIn}}}},
                          true, "e")
                  .ok());
  ASSERT_TRUE(people.Commit({{0, {1}, {{"a", kOut}}}}, false, "f").ok());
  ASSERT_TRUE(people.world().RunUntilQuiet());
  EXPECT_EQ(people.world().OnList("a"), (std::set<int>{2}));
  people.ExpectConverged();
}

TEST(People, WhoWasThereBeforeIsHeldByEventsWithoutAKey) {
  PeopleWorld people(1);
  ASSERT_TRUE(
      people.Commit({{0, {1, 2, 3, 4, 5}, {{"a", kIn}}}}, false, "f").ok());
  ASSERT_TRUE(people.world().RunUntilQuiet());
  // Not delivered yet when the segment gets its first holder.
  ASSERT_TRUE(people.Commit({{0, {6}, {{"a", kIn}}}}, false, "f").ok());
  ASSERT_TRUE(people.Commit({{0, {5}, {{"a", kOut}}}}, false, "f").ok());
  ASSERT_TRUE(people.Commit({{7, {1, 6, 9}, {{"a", kIn}}}}, true, "e").ok());
  ASSERT_TRUE(people.Commit({{7, {1, 6, 9}, {{"a", kOut}}}}, true, "e").ok());
  ASSERT_TRUE(people.world().RunUntilQuiet());
  EXPECT_EQ(people.world().OnList("a"), (std::set<int>{1, 2, 3, 4, 6}));
  ASSERT_TRUE(people.Commit({{0, {1}, {{"a", kOut}}}}, false, "f").ok());
  ASSERT_TRUE(people.world().RunUntilQuiet());
  EXPECT_EQ(people.world().OnList("a"), (std::set<int>{2, 3, 4, 6}));
  people.ExpectConverged();
}

TEST(People, ABatchIsDeliveredWithWhatItsStatementsLedTo) {
  PeopleWorld people(1);
  DeliveryWorld& world = people.world();
  ASSERT_TRUE(people.Commit({{7, {1, 2}, {{"a", kIn}}}}, true, "e").ok());
  ASSERT_TRUE(world.RunUntilQuiet());
  // A statement alone: it changes no list by itself.
  ASSERT_TRUE(people.Commit({{7, {2}, {}}}, true, "e").ok());
  world.RunSteps();
  EXPECT_EQ(world.store().Exports(world.destination())[0].delivered, 1);
  bool seen = false;
  for (int i = 0; i < 1000 && !seen; ++i) {
    world.clock().Advance(absl::Milliseconds(500));
    world.RunSteps(1);
    const bool gone = world.OnList("a") == std::set<int>{2};
    seen = world.store().Exports(world.destination())[0].delivered == 2;
    EXPECT_TRUE(gone || !seen);
  }
  EXPECT_TRUE(seen);
  people.ExpectConverged();
}

// An old call that was sent again does not bring anybody back, whether its exit
// was brought in before it or with it.
TEST(People, ALateAdditionIsHeldBackInAHeldSegment) {
  for (bool at_once : {true, false}) {
    PeopleWorld people(1);
    DeliveryWorld& world = people.world();
    using Event = DeliveryWorld::Event;
    const auto commit = [&](Event event) {
      world.CommitTo(DeliveryWorld::kAdAccount, {event});
      EXPECT_TRUE(at_once || world.RunUntilQuiet());
    };
    ASSERT_TRUE(people.Commit({{7, {1}, {{"a", kIn}}}}, true, "e").ok());
    ASSERT_TRUE(world.RunUntilQuiet());
    world.Expect("a", 1, kIn);
    world.Expect("a", 2, kOut);
    world.Expect("a", 3, kIn);
    commit({"a", 2, kIn, true, 10});
    commit({"a", 3, kIn, true, 10});
    commit({"a", 2, kOut, true, 20});
    commit({"a", 3, kOut, true, 20});
    commit({"a", 2, kIn, true, 15});
    commit({"a", 3, kIn, true, 25});
    ASSERT_TRUE(world.RunUntilQuiet());
    EXPECT_EQ(world.OnList("a"), (std::set<int>{1, 3})) << at_once;
    EXPECT_EQ(world.Counts("a").pending(), 0);
  }
}

// What is released belongs to the list before it is held.
TEST(People, AReleasedFullSyncIsAppliedBeforeHoldersAreTakenUp) {
  PeopleWorld people(1);
  DeliveryWorld& world = people.world();
  ASSERT_TRUE(
      people.Commit({{0, {1, 2, 3, 4}, {{"a", kIn}}}}, false, "f").ok());
  ASSERT_TRUE(world.RunUntilQuiet());
  using Kind = membership::FullSyncFrame::Kind;
  ASSERT_TRUE(world
                  .TryFullSyncFrame(DeliveryWorld::kAdAccount, "full", "a",
                                    Kind::kBegin, absl::Hours(1))
                  .ok());
  ASSERT_TRUE(people.Commit({{0, {2, 5}, {{"a", kIn}}}}, false, "full").ok());
  ASSERT_TRUE(world
                  .TryFullSyncFrame(DeliveryWorld::kAdAccount, "full", "a",
                                    Kind::kCommit, absl::Hours(1))
                  .ok());
  // It is judged, and not applied yet.
  world.RunSteps(1);
  ASSERT_EQ(world.store().FindFullSyncs(world.ListOf("a"))[0].state,
            membership::FullSyncState::kReleased);
  ASSERT_TRUE(people.Commit({{7, {2, 6}, {{"a", kIn}}}}, true, "e").ok());
  ASSERT_TRUE(people.Commit({{7, {2, 6}, {{"a", kOut}}}}, true, "e").ok());
  ASSERT_TRUE(world.RunUntilQuiet());
  for (int record = 1; record <= 6; ++record) {
    world.Expect("a", record, record == 2 || record == 5 ? kIn : kOut);
  }
  EXPECT_EQ(world.OnList("a"), (std::set<int>{2, 5}));
  EXPECT_EQ(world.Counts("a").pending(), 0);
}

// What a seed does; the shorter, the easier to read when it fails.
void RunHistory(uint64_t seed, int steps) {
  SCOPED_TRACE(absl::StrCat("seed ", seed));
  FakeRandom random(seed * 7919 + 13);
  const auto pick = [&](uint64_t n) {
    return static_cast<int>(random.Next() % n);
  };
  PeopleWorld people(seed);
  DeliveryWorld& world = people.world();
  const std::vector<std::string> segments = {"a", "b", "c"};
  const bool operations = pick(3) == 0;
  const bool faults = pick(3) == 0;
  FakeRandom fault_random(seed + 1);
  if (faults) {
    world.pinterest().SetFaults([&](const FakePinterest::Call&) {
      constexpr FakePinterest::Fault kSome[] = {
          FakePinterest::Fault::kLostBefore, FakePinterest::Fault::kLostAfter,
          FakePinterest::Fault::kServerError,
          FakePinterest::Fault::kAppliedLate};
      return fault_random.Next() % 5 == 0 ? kSome[fault_random.Next() % 4]
                                          : FakePinterest::Fault::kNone;
    });
  }
  const auto reopen = [&](size_t kept) {
    world.Close(kept);
    world.Open();
  };
  for (int step = 0; step < steps; ++step) {
    const int what = pick(operations ? 14 : 12);
    if (what < 6) {
      const bool complete = what < 5;
      std::vector<Profile> profiles(1 + pick(3));
      for (Profile& profile : profiles) {
        profile.key = pick(5);
        for (int record = 1; record <= 8; ++record) {
          if (pick(4) == 0) profile.records.push_back(record);
        }
        for (const std::string& segment : segments) {
          if (pick(2) == 0) {
            profile.memberships.emplace_back(segment,
                                             pick(3) == 0 ? kOut : kIn);
          }
        }
      }
      ASSERT_TRUE(
          people.Commit(profiles, complete, complete ? "keyed" : "plain").ok());
    } else if (what == 6) {
      world.RunSteps(1 + pick(8));
    } else if (what == 7) {
      world.clock().Advance(absl::Seconds(pick(120)));
      world.RunSteps(pick(30));
    } else if (what == 8) {
      reopen(static_cast<size_t>(pick(12)));
    } else if (what == 9) {
      world.clock().Advance(absl::Seconds(61));
      world.disk()->DieAtWrite(1 + pick(20), pick(2) == 0);
      world.RunSteps(pick(40));
      reopen(SIZE_MAX);
    } else if (what == 10) {
      world.deliverer().Flush(world.destination());
      world.RunSteps(pick(20));
    } else if (what == 11) {
      ASSERT_TRUE(world.RunUntilQuiet());
    } else {
      const std::string& name = segments[pick(3)];
      auto segment =
          world.store().FindSegment(world.destination(), "ups", name);
      if (!segment.has_value()) continue;
      switch (pick(5)) {
        case 0:
          world.store().RequestResync(segment->number).IgnoreError();
          break;
        case 1:
          world.store().RequestReplacement(segment->number, {}).IgnoreError();
          break;
        case 2:
        case 3: {
          const bool empty = pick(2) == 0;
          if (world.store().UnmapSegment(segment->number, empty).ok()) {
            const auto now =
                world.store().FindSegment(world.destination(), "ups", name);
            people.SetMapped(
                name, false,
                now->mapping == membership::MappingState::kEmptied);
          }
          break;
        }
        default:
          if (world.store()
                  .MapSegment(world.destination(), "ups", name, {}, 1000)
                  .ok()) {
            people.SetMapped(name, true, false);
          }
          break;
      }
    }
  }
  world.pinterest().SetFaults(nullptr);
  ASSERT_TRUE(world.RunUntilQuiet(absl::Hours(48)));
  people.ExpectConverged();
}

TEST(People, HistoriesConverge) {
  const char* const env = std::getenv("PEOPLE_SEEDS");
  const uint64_t seeds = env != nullptr ? std::atoi(env) : 150;
  const char* const first_env = std::getenv("PEOPLE_FIRST_SEED");
  const uint64_t first = first_env != nullptr ? std::atoi(first_env) : 1;
  for (uint64_t seed = first; seed < first + seeds; ++seed) {
    RunHistory(seed, 10 + static_cast<int>(seed % 40));
    if (testing::Test::HasFailure()) return;
  }
}

}  // namespace
}  // namespace connector::delivery
