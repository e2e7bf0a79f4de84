// Random histories: lost answers, audiences that show late, requests that are
// applied late, ends of the process with and without what was not synced,
// wishes of an operator. In the end each list and each declaration has exactly
// one audience that lives, and it is the one that is known.
#include <random>
#include <set>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "connector/audiences/keeper_world.h"
#include "gtest/gtest.h"

namespace connector::audiences {
namespace {

using Fault = FakeAudiences::Fault;

class AudienceHistoryTest : public testing::TestWithParam<int> {};

TEST_P(AudienceHistoryTest, EndsWithOneAudienceEach) {
  std::mt19937_64 random(static_cast<uint64_t>(GetParam()) * 104'729 + 3);
  const auto pick = [&](int n) {
    return static_cast<int>(random() % static_cast<uint64_t>(n));
  };
  KeeperWorld world(static_cast<uint64_t>(GetParam()) + 1);
  auto* declared = world.policy().add_declared_audiences();
  declared->set_name("visitors");
  declared->mutable_visitor()->set_visitor_source_id("77");
  auto* like = world.policy().add_declared_audiences();
  like->set_name("like visitors");
  like->mutable_actalike()->set_declared_audience("visitors");
  like->mutable_actalike()->set_country("GB");
  like->mutable_actalike()->set_percentage(2);
  // Together less than the window of five minutes.
  world.audiences.listing_delay = absl::Seconds(pick(140));
  world.audiences.late_delay = absl::Seconds(1 + pick(140));
  world.audiences.first_status = pick(2) == 0 ? "READY" : "INITIALIZING";
  const std::vector<Fault> faults = {
      Fault::kNotSent,     Fault::kLostBefore,   Fault::kLostAfter,
      Fault::kAppliedLate, Fault::kServerError,  Fault::kUnreadable,
      Fault::kRateLimited, Fault::kUnauthorized, Fault::kForbidden,
      Fault::kBadRequest,  Fault::kLostAfter,    Fault::kAppliedLate};
  const int weather = pick(80);
  world.audiences.faults = [&](const FakeAudiences::Call& call) {
    if (pick(100) >= weather) return Fault::kNone;
    if (call.what == "CREATE" && pick(3) > 0) {
      return pick(2) == 0 ? Fault::kLostAfter : Fault::kAppliedLate;
    }
    return faults[static_cast<size_t>(pick(static_cast<int>(faults.size())))];
  };
  world.Open();
  std::set<std::string> segments;
  std::set<std::string> retired;
  const auto any_segment = [&]() -> std::string {
    auto it = segments.begin();
    std::advance(it, pick(static_cast<int>(segments.size())));
    return *it;
  };
  for (int step = 0; step < 40; ++step) {
    switch (pick(9)) {
      case 0:
      case 1: {
        const std::string segment = absl::StrCat("s", pick(4));
        segments.insert(segment);
        world.Add(segment, pick(10));
        break;
      }
      case 2:
      case 3:
        world.RunFor(absl::Seconds(pick(60)));
        break;
      case 4:
        world.RunFor(absl::Seconds(pick(1200)));
        break;
      case 5:
        for (int i = pick(12); i > 0; --i) {
          if (!world.keeper->RunReadyStep()) break;
        }
        break;
      case 6:
        world.Open(pick(2) == 0 ? SIZE_MAX : static_cast<size_t>(pick(20)));
        break;
      case 7:
        if (!segments.empty()) {
          const std::string segment = any_segment();
          ASSERT_TRUE(world.keeper
                          ->Rename(world.Segment(segment).number,
                                   absl::StrCat("name ", step), "")
                          .ok());
        }
        break;
      case 8:
        if (!segments.empty()) {
          const std::string segment = any_segment();
          if (retired.erase(segment) == 0) {
            retired.insert(segment);
            ASSERT_TRUE(
                world.keeper->Retire(world.Segment(segment).number).ok());
          } else {
            ASSERT_TRUE(
                world.keeper->Revive(world.Segment(segment).number).ok());
          }
        }
        break;
    }
  }
  world.audiences.faults = nullptr;
  for (const std::string& segment : retired) {
    ASSERT_TRUE(world.keeper->Revive(world.Segment(segment).number).ok());
  }
  world.RunFor(absl::Hours(30));
  for (auto& [id, kept] : world.audiences.kept) {
    if (kept.audience.status == "INITIALIZING") kept.audience.status = "READY";
  }
  world.RunFor(absl::Hours(8));

  // What happened to one, for a failure's message.
  const auto history = [&](const std::string& segment) {
    const auto row = world.Row(segment);
    const auto list =
        world.delivery.store().GetList(world.Segment(segment).list);
    std::string text = absl::StrCat(
        "list ", list->customer_list_id, " id ", row.audience_id, " status ",
        row.status, " retired ", row.retired, " confirmed ",
        row.retirement_confirmed, " error ", row.last_error, "\n");
    for (const auto& call : world.audiences.calls) {
      if (call.what == "LIST" || call.what == "GET") continue;
      absl::StrAppend(&text, absl::ToUnixSeconds(call.time) % 1'000'000, " ",
                      call.what, " ", call.id, " ", call.name, " ", call.rule,
                      "\n");
    }
    return text;
  };
  std::map<std::string, std::vector<std::string>> by_list;
  for (const auto& audience : world.audiences.Living("CUSTOMER_LIST")) {
    by_list[audience.customer_list_id].push_back(audience.id);
  }
  EXPECT_EQ(by_list.size(), segments.size());
  for (const std::string& segment : segments) {
    const auto& ids = by_list[world.ListId(segment)];
    ASSERT_EQ(ids.size(), 1u) << segment << "\n" << history(segment);
    EXPECT_EQ(world.Row(segment).audience_id, ids[0]) << segment;
    EXPECT_EQ(world.Row(segment).status, "READY") << segment;
    const auto wanted = world.Row(segment).wanted_name;
    if (wanted.has_value()) {
      EXPECT_EQ(world.audiences.kept.at(ids[0]).audience.name, *wanted);
    }
  }
  for (const char* type : {"VISITOR", "ACTALIKE"}) {
    const auto living = world.audiences.Living(type);
    ASSERT_EQ(living.size(), 1u) << type;
    EXPECT_EQ(world.Declared(type, living[0].name).audience_id, living[0].id);
  }
}

INSTANTIATE_TEST_SUITE_P(Histories, AudienceHistoryTest, testing::Range(0, 80));

}  // namespace
}  // namespace connector::audiences
