#include "connector/cli/batcher.h"

#include <random>
#include <string>
#include <vector>

#include "gtest/gtest.h"

namespace connector::cli {
namespace {

using audience_sync::v1::ExportBatch;
using audience_sync::v1::MEMBERSHIP_STATUS_EXITED;
using audience_sync::v1::MEMBERSHIP_STATUS_REALIZED;

ParsedProfile Profile(absl::string_view space, absl::string_view value,
                      absl::string_view segment) {
  ParsedProfile profile;
  profile.identities.push_back({space, value});
  ParsedMembership membership;
  membership.segment_namespace = "ups";
  membership.segment_id = segment;
  membership.status = MEMBERSHIP_STATUS_REALIZED;
  profile.memberships.push_back(membership);
  return profile;
}

TEST(BatcherTest, NamesRepeatOnlyInTheTables) {
  Batcher batcher({10, 1 << 20});
  ParsedProfile named = Profile("Email", "a@example.com", "s-1");
  named.memberships[0].segment_name = "Spring";
  named.memberships[0].last_qualification_time = profile_json::Instant{17, 5};
  named.profile_key = "p-1";
  ASSERT_EQ(batcher.Add(named, {0, 1}, 100)->get(), nullptr);
  ASSERT_EQ(batcher.Add(Profile("GAID", "g", "s-2"), {0, 2}, 200)->get(),
            nullptr);
  ASSERT_EQ(batcher.Add(Profile("Email", "b", "s-1"), {1, 1}, 300)->get(),
            nullptr);
  const std::unique_ptr<Batch> batch = batcher.Finish();
  ASSERT_NE(batch, nullptr);
  const ExportBatch& out = batch->frame->batch();
  EXPECT_EQ(out.sequence_number(), 1);
  EXPECT_EQ(batch->input_position, 300);
  EXPECT_EQ(batch->identities, 3);
  ASSERT_EQ(out.source_namespaces_size(), 2);
  EXPECT_EQ(out.source_namespaces(0), "Email");
  ASSERT_EQ(out.segments_size(), 2);
  EXPECT_EQ(out.segments(0).segment_id(), "s-1");
  EXPECT_EQ(out.segments(0).display_name(), "Spring");
  EXPECT_FALSE(out.segments(1).has_display_name());
  ASSERT_EQ(out.profile_exports_size(), 3);
  const auto& first = out.profile_exports(0);
  EXPECT_EQ(first.profile_key(), "p-1");
  EXPECT_EQ(first.identities(0).source_namespace_index(), 0u);
  EXPECT_EQ(first.identities(0).value(), "a@example.com");
  EXPECT_EQ(first.segment_memberships(0).last_qualification_time().seconds(),
            17);
  EXPECT_EQ(out.profile_exports(1).identities(0).source_namespace_index(), 1u);
  EXPECT_EQ(out.profile_exports(2).segment_memberships(0).segment_index(), 0u);
  EXPECT_FALSE(out.profile_exports(2)
                   .segment_memberships(0)
                   .has_last_qualification_time());
  EXPECT_EQ(batch->lines[2].file, 1);
  EXPECT_EQ(batcher.Finish(), nullptr);
}

TEST(BatcherTest, ABatchEndsAtItsMostProfiles) {
  Batcher batcher({2, 1 << 20});
  std::vector<int> sizes;
  for (int i = 0; i < 5; ++i) {
    auto full = batcher.Add(Profile("Email", "v", "s"), {0, i + 1}, i);
    ASSERT_TRUE(full.ok());
    if (*full != nullptr) sizes.push_back((*full)->lines.size());
  }
  const auto last = batcher.Finish();
  EXPECT_EQ(sizes, (std::vector<int>{2, 2}));
  EXPECT_EQ(last->lines.size(), 1u);
  EXPECT_EQ(last->sequence_number, 3);
  // The tables begin anew with each batch.
  EXPECT_EQ(last->frame->batch().segments_size(), 1);
}

TEST(BatcherTest, AProfileLargerThanABatchIsNamedAndLeftOut) {
  Batcher batcher({1000, 10'000});
  ASSERT_TRUE(batcher.Add(Profile("Email", "small", "s"), {0, 1}, 1).ok());
  const std::string large(10'000, 'x');
  const auto refused = batcher.Add(Profile("Email", large, "s"), {0, 2}, 2);
  EXPECT_EQ(refused.status().message(),
            "the profile is larger than a batch may be (10000 bytes)");
  EXPECT_EQ(batcher.Finish()->frame->batch().profile_exports_size(), 1);
}

TEST(BatcherTest, NamesBeyondTheTablesStandWhereTheyAreUsed) {
  Batcher batcher({1000, 4 << 20});
  ParsedProfile profile;
  std::vector<std::string> names;
  for (int i = 0; i < 1100; ++i) names.push_back("n" + std::to_string(i));
  for (int i = 0; i < 300; ++i) profile.identities.push_back({names[i], "v"});
  for (int i = 0; i < 1100; ++i) {
    ParsedMembership membership;
    membership.segment_namespace = "ups";
    membership.segment_id = names[i];
    membership.status = MEMBERSHIP_STATUS_EXITED;
    profile.memberships.push_back(membership);
  }
  ASSERT_TRUE(batcher.Add(profile, {0, 1}, 1).ok());
  const auto batch = batcher.Finish();
  const ExportBatch& out = batch->frame->batch();
  EXPECT_EQ(out.source_namespaces_size(), 256);
  EXPECT_EQ(out.segments_size(), 1000);
  const auto& sent = out.profile_exports(0);
  EXPECT_EQ(sent.identities(255).source_namespace_index(), 255u);
  EXPECT_EQ(sent.identities(256).source_namespace(), "n256");
  EXPECT_EQ(sent.segment_memberships(999).segment_index(), 999u);
  EXPECT_EQ(sent.segment_memberships(1000).segment().segment_id(), "n1000");
  EXPECT_EQ(sent.segment_memberships(1099).segment().segment_namespace(),
            "ups");
}

// For random profiles: no frame is larger than the bound, nothing is lost, the
// order stays, and a second run gives the same bytes.
TEST(BatcherTest, BatchesAreBoundedCompleteAndRepeatable) {
  const auto run = [](std::vector<std::string>& frames) {
    std::mt19937_64 random(7);
    const int64_t max_bytes = 20'000;
    Batcher batcher({50, max_bytes});
    std::vector<std::string> sent;
    std::vector<std::string> received;
    const auto take = [&](const Batch* batch) {
      if (batch == nullptr) return;
      const std::string bytes = batch->frame->SerializeAsString();
      EXPECT_LE(static_cast<int64_t>(bytes.size()), batch->bytes);
      EXPECT_LE(batch->bytes, max_bytes);
      EXPECT_EQ(batch->sequence_number,
                static_cast<int64_t>(frames.size()) + 1);
      frames.push_back(bytes);
      for (const auto& profile : batch->frame->batch().profile_exports()) {
        received.push_back(
            profile.identities_size() > 0 ? profile.identities(0).value() : "");
      }
    };
    for (int i = 0; i < 2000; ++i) {
      ParsedProfile profile;
      std::vector<std::string> keep;
      keep.reserve(40);
      for (int n = random() % 5; n > 0; --n) {
        keep.push_back("v" + std::to_string(i) +
                       std::string(random() % 600, 'v'));
        profile.identities.push_back({"ns", keep.back()});
      }
      for (int n = random() % 6; n > 0; --n) {
        keep.push_back("segment-" + std::to_string(random() % 3000));
        ParsedMembership membership;
        membership.segment_namespace = "ups";
        membership.segment_id = keep.back();
        membership.segment_name = "a name";
        membership.last_qualification_time =
            profile_json::Instant{-62135596800, 999999999};
        profile.memberships.push_back(membership);
      }
      sent.push_back(profile.identities.empty()
                         ? ""
                         : std::string(profile.identities[0].value));
      auto full = batcher.Add(profile, {0, i + 1}, i);
      ASSERT_TRUE(full.ok());
      take(full->get());
    }
    take(batcher.Finish().get());
    EXPECT_EQ(received, sent);
  };
  std::vector<std::string> first, second;
  run(first);
  run(second);
  EXPECT_GT(first.size(), 40u);
  EXPECT_EQ(first, second);
}

}  // namespace
}  // namespace connector::cli
