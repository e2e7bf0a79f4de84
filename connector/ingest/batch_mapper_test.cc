#include "connector/ingest/batch_mapper.h"

#include <array>
#include <functional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "connector/base/error.h"
#include "connector/base/limits.h"
#include "connector/config/fake_catalog.h"
#include "connector/ingest/batch_fixture.h"
#include "connector/ingest/read_changes.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "identity_mapping/mapping.h"

namespace connector::ingest {
namespace {

namespace v1 = audience_sync::v1;
using membership::Change;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::SizeIs;

constexpr char kLowerId[] = "0f0e0d0c-1111-4222-8333-44445555666a";
constexpr char kUpperId[] = "0F0E0D0C-1111-4222-8333-44445555666A";

class BatchMapperTest : public ::testing::Test {
 protected:
  MappedBatch Map(const v1::ExportBatch& batch) {
    auto mapped = MapBatch(destination_, batch, &catalog_);
    EXPECT_TRUE(mapped.ok()) << mapped.status();
    return mapped.ok() ? *std::move(mapped) : MappedBatch();
  }

  // The record of a value under a mapping of today.
  std::string Record(absl::string_view name, absl::string_view value) {
    identity_mapping::MappedIdentity record;
    identity_mapping::RejectionReason reason;
    EXPECT_TRUE(destination_.mapping->Map(destination_.mapping->FindRow(name),
                                          value, &record, &reason));
    return std::string(record.primary.encoded());
  }

  // "+email", "-email" for counted changes, "(-…)" for others; names by
  // `known_`.
  std::vector<std::string> Changes(const membership::SegmentChanges& changes) {
    std::vector<std::string> out;
    for (const ReadChange& change : ReadChanges(changes)) {
      std::string name = "?";
      for (const auto& [text, record] : known_) {
        if (record == change.record) name = text;
      }
      const std::string text =
          (change.change == Change::kAdd ? "+" : "-") + name;
      out.push_back(change.counted ? text : "(" + text + ")");
    }
    return out;
  }

  static std::string Counts(const membership::IntakeCounts& counts) {
    return absl::StrCat("received ", counts.received, " excluded ",
                        counts.excluded, " rejected ", counts.rejected);
  }

  static std::vector<std::string> Rejections(const MappedBatch& mapped) {
    std::vector<std::string> out;
    for (const auto& r : mapped.batch.rejections) {
      out.push_back(absl::StrCat(
          r.profile_index, "/", r.identity_index, "/", r.membership_index, " ",
          v1::RejectionReason_Name(static_cast<v1::RejectionReason>(r.reason))
              .substr(sizeof("REJECTION_REASON_") - 1)));
    }
    return out;
  }

  config::FakeCatalog catalog_;
  config::DestinationState destination_ = Resolve(SomeDestination());
  std::vector<std::pair<std::string, std::string>> known_;
};

TEST_F(BatchMapperTest, MapsEveryIdentityToEveryMembershipInOrder) {
  v1::ExportBatch batch;
  batch.set_sequence_number(7);
  auto* profile = batch.add_profile_exports();
  AddIdentity(profile, "Email", " Ada@Example.com ");
  AddIdentity(profile, "gaid", kUpperId);
  AddMembership(profile, "s1");
  AddMembership(profile, "s2", v1::MEMBERSHIP_STATUS_EXITED);
  AddMembership(profile, "s1", v1::MEMBERSHIP_STATUS_EXISTING);
  known_ = {{"ada", Record("Email", "ada@example.com")},
            {"gaid", Record("GAID", kLowerId)},
            {"twin", Record("IDFA", kLowerId)}};
  const MappedBatch mapped = Map(batch);
  EXPECT_EQ(mapped.batch.destination, 1u);
  EXPECT_EQ(mapped.batch.sequence_number, 7);
  EXPECT_EQ(mapped.batch.max_backlog_bytes, limits::kDefaultBacklogBytes);
  EXPECT_EQ(mapped.rejection_count, 0);
  EXPECT_GT(mapped.bytes, 0u);
  ASSERT_THAT(mapped.batch.segments, SizeIs(2));
  EXPECT_THAT(Changes(mapped.batch.segments[0]),
              ElementsAre("+ada", "+gaid", "+ada", "+gaid"));
  EXPECT_EQ(Counts(mapped.batch.segments[0].counts),
            "received 4 excluded 0 rejected 0");
  EXPECT_THAT(Changes(mapped.batch.segments[1]),
              ElementsAre("(-twin)", "-ada", "-gaid"));
  const auto row = catalog_.FindSegment(1, "ups", "s2");
  ASSERT_TRUE(row.has_value());
  EXPECT_EQ(mapped.batch.segments[1].segment, row->number);
  EXPECT_EQ(mapped.batch.segments[1].list, row->list);
}

TEST_F(BatchMapperTest, TablesAndNamesInPlaceAreTheSame) {
  const v1::ExportBatch in_place = OneMember(1, "ada@example.com");
  v1::ExportBatch by_index = in_place;
  by_index.add_source_namespaces("ECID");
  by_index.add_source_namespaces("Email");
  by_index.add_segments()->set_segment_id("other");
  by_index.add_segments()->set_segment_id("segment");
  auto* profile = by_index.mutable_profile_exports(0);
  profile->mutable_identities(0)->set_source_namespace_index(1);
  profile->mutable_segment_memberships(0)->set_segment_index(1);
  const MappedBatch a = Map(in_place);
  const MappedBatch b = Map(by_index);
  EXPECT_EQ(a.batch.digest, b.batch.digest);
  ASSERT_THAT(b.batch.segments, SizeIs(1));
  EXPECT_EQ(a.batch.segments[0].segment, b.batch.segments[0].segment);
  EXPECT_EQ(a.batch.segments[0].run.Body(Change::kAdd),
            b.batch.segments[0].run.Body(Change::kAdd));
}

TEST_F(BatchMapperTest, EachSegmentIsLookedUpOnce) {
  v1::ExportBatch batch;
  batch.add_segments()->set_segment_id("a");
  for (int i = 0; i < 10; ++i) {
    auto* profile = batch.add_profile_exports();
    AddIdentity(profile, "Email", absl::StrCat(i, "@example.com"));
    AddMembership(profile, "a");
    AddMembership(profile, "b");
    AddMembership(profile, "")->set_segment_index(0);
  }
  EXPECT_THAT(Map(batch).batch.segments, SizeIs(2));
  EXPECT_EQ(catalog_.ensure_calls(), 2);
}

TEST_F(BatchMapperTest, RejectsEachBadIdentityAndKeepsItsNeighbours) {
  const std::vector<std::pair<std::pair<std::string, std::string>, std::string>>
      cases = {
          {{"Email", ""}, "EMPTY"},
          {{"Email", " \t"}, "EMPTY"},
          {{"Email", "N/A"}, "PLACEHOLDER"},
          {{"Email", std::string(5000, 'a')}, "TOO_LONG"},
          {{"Email", "a\xFF@example.com"}, "INVALID_UTF8"},
          {{"Email", "a@b.com,c@d.com"}, "CONTAINS_COMMA"},
          {{"Email", "no address"}, "EMAIL_MALFORMED"},
          {{"GAID", "GAID-viPAW"}, "DEVICE_ID_MALFORMED"},
          {{"IDFA", "00000000-0000-0000-0000-000000000000"}, "DEVICE_ID_ZERO"},
          {{"Email_LC_SHA256", "abc"}, "HASH_MALFORMED"},
          {{"Email",
            "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
           "HASH_OF_NOTHING"},
          {{"pinterest_audience", "what is this"}, "FORM_UNRECOGNIZED"},
          {{"", "a@b.com"}, "NAMESPACE_INVALID"},
      };
  for (const auto& [identity, reason] : cases) {
    v1::ExportBatch batch = OneMember(1, "before@example.com");
    auto* profile = batch.mutable_profile_exports(0);
    AddIdentity(profile, identity.first, identity.second);
    AddIdentity(profile, "Email", "after@example.com");
    AddMembership(profile, "second", v1::MEMBERSHIP_STATUS_EXITED);
    const MappedBatch mapped = Map(batch);
    EXPECT_THAT(Rejections(mapped), ElementsAre("0/1/-1 " + reason));
    EXPECT_EQ(mapped.rejection_count, 1);
    ASSERT_THAT(mapped.batch.segments, SizeIs(2));
    for (const auto& changes : mapped.batch.segments) {
      EXPECT_EQ(Counts(changes.counts), "received 3 excluded 0 rejected 1");
      int counted = 0;
      for (const ReadChange& c : ReadChanges(changes)) counted += c.counted;
      EXPECT_EQ(counted, 2);
    }
  }
}

TEST_F(BatchMapperTest, RejectsIndexesOutsideOfTheTables) {
  v1::ExportBatch batch = OneMember(1, "ada@example.com");
  batch.add_source_namespaces("Email");
  batch.add_segments()->set_segment_id("x");
  auto* profile = batch.mutable_profile_exports(0);
  AddIdentity(profile, "", "a@b.com")->set_source_namespace_index(1);
  AddMembership(profile, "")->set_segment_index(1);
  const MappedBatch mapped = Map(batch);
  EXPECT_THAT(Rejections(mapped), ElementsAre("0/-1/1 SEGMENT_INVALID",
                                              "0/1/-1 NAMESPACE_INVALID"));
}

TEST_F(BatchMapperTest, NoNamespaceAndNoSegmentAreRejected) {
  v1::ExportBatch batch;
  auto* profile = batch.add_profile_exports();
  profile->add_identities()->set_value("a@b.com");
  profile->add_segment_memberships()->set_status(v1::MEMBERSHIP_STATUS_EXITED);
  EXPECT_THAT(Rejections(Map(batch)), ElementsAre("0/-1/0 SEGMENT_INVALID",
                                                  "0/0/-1 NAMESPACE_INVALID"));
}

TEST_F(BatchMapperTest, ABadMembershipRejectsEveryIdentityWithIt) {
  v1::Destination config = SomeDestination();
  config.mutable_segment_policy()->add_segment_namespaces("ups");
  config.mutable_segment_policy()->set_max_customer_lists(1);
  destination_ = Resolve(config);
  const std::vector<
      std::pair<std::function<void(v1::SegmentMembership*)>, std::string>>
      cases = {
          {[](auto* m) { m->clear_status(); }, "STATUS_INVALID"},
          {[](auto* m) { m->set_status(static_cast<v1::MembershipStatus>(9)); },
           "STATUS_INVALID"},
          {[](auto* m) { m->mutable_segment()->clear_segment_id(); },
           "SEGMENT_INVALID"},
          {[](auto* m) {
             m->mutable_segment()->set_segment_id(std::string(257, 'x'));
           },
           "SEGMENT_INVALID"},
          {[](auto* m) { m->mutable_segment()->set_segment_id("a\nb"); },
           "SEGMENT_INVALID"},
          {[](auto* m) {
             m->mutable_segment()->set_segment_namespace(std::string(129, 'x'));
           },
           "SEGMENT_INVALID"},
          {[](auto* m) { m->mutable_segment()->set_segment_namespace("AAM"); },
           "SEGMENT_NAMESPACE_FILTERED"},
          {[](auto* m) { m->mutable_segment()->set_segment_id("second"); },
           "TOO_MANY_CUSTOMER_LISTS"},
      };
  for (const auto& [spoil, reason] : cases) {
    v1::ExportBatch batch = OneMember(1, "ada@example.com");
    auto* profile = batch.mutable_profile_exports(0);
    AddIdentity(profile, "ECID", "123");
    AddIdentity(profile, "Email", "bad");
    spoil(AddMembership(profile, "segment"));
    const MappedBatch mapped = Map(batch);
    EXPECT_THAT(Rejections(mapped),
                ElementsAre("0/-1/1 " + reason, "0/2/-1 EMAIL_MALFORMED"));
    EXPECT_EQ(Counts(mapped.batch.counts_without_segment),
              "received 3 excluded 0 rejected 3");
    ASSERT_THAT(mapped.batch.segments, SizeIs(1));
    EXPECT_EQ(Counts(mapped.batch.segments[0].counts),
              "received 3 excluded 1 rejected 1");
  }
}

TEST_F(BatchMapperTest, WithoutADefaultASegmentNeedsItsNamespace) {
  v1::Destination config = SomeDestination();
  config.clear_segment_policy();
  destination_ = Resolve(config);
  EXPECT_THAT(Rejections(Map(OneMember(1, "ada@example.com"))),
              ElementsAre("0/-1/0 SEGMENT_INVALID"));
}

TEST_F(BatchMapperTest, ANamespaceWithoutARowIsExcluded) {
  v1::ExportBatch batch = OneMember(1, "ada@example.com");
  AddIdentity(batch.mutable_profile_exports(0), "ECID", "canary");
  const MappedBatch mapped = Map(batch);
  EXPECT_EQ(mapped.rejection_count, 0);
  EXPECT_EQ(Counts(mapped.batch.segments[0].counts),
            "received 2 excluded 1 rejected 0");
}

TEST_F(BatchMapperTest, AProfileWithoutIdentitiesOrMembershipsChangesNothing) {
  v1::ExportBatch batch;
  AddMembership(batch.add_profile_exports(), "segment");
  AddIdentity(batch.add_profile_exports(), "Email", "bad");
  AddMembership(batch.add_profile_exports(), "");
  batch.add_profile_exports();
  const MappedBatch mapped = Map(batch);
  EXPECT_THAT(mapped.batch.segments, IsEmpty());
  EXPECT_EQ(Counts(mapped.batch.counts_without_segment),
            "received 0 excluded 0 rejected 0");
  EXPECT_THAT(Rejections(mapped),
              ElementsAre("1/0/-1 EMAIL_MALFORMED", "2/-1/0 SEGMENT_INVALID"));
  EXPECT_EQ(catalog_.ensure_calls(), 0);
}

TEST_F(BatchMapperTest, AProfileThatIsTooLargeIsRejectedAlone) {
  v1::ExportBatch batch;
  auto* many_identities = batch.add_profile_exports();
  for (int i = 0; i <= limits::kMaxProfileIdentities; ++i) {
    AddIdentity(many_identities, "Email", absl::StrCat(i, "@example.com"));
  }
  AddMembership(many_identities, "segment");
  AddMembership(many_identities, "other");
  auto* many_memberships = batch.add_profile_exports();
  AddIdentity(many_memberships, "Email", "a@example.com");
  for (int i = 0; i <= limits::kMaxProfileMemberships; ++i) {
    AddMembership(many_memberships, "segment");
  }
  auto* long_key = batch.add_profile_exports();
  long_key->set_profile_key(std::string(limits::kMaxProfileKeyBytes + 1, 'k'));
  auto* good = batch.add_profile_exports();
  good->set_profile_key(std::string(limits::kMaxProfileKeyBytes, 'k'));
  AddIdentity(good, "Email", "b@example.com");
  AddMembership(good, "segment");
  const MappedBatch mapped = Map(batch);
  EXPECT_THAT(Rejections(mapped), ElementsAre("0/-1/-1 PROFILE_TOO_LARGE",
                                              "1/-1/-1 PROFILE_TOO_LARGE",
                                              "2/-1/-1 PROFILE_TOO_LARGE"));
  EXPECT_EQ(Counts(mapped.batch.counts_without_segment),
            "received 1203 excluded 0 rejected 1203");
  ASSERT_THAT(mapped.batch.segments, SizeIs(1));
  EXPECT_EQ(Counts(mapped.batch.segments[0].counts),
            "received 1 excluded 0 rejected 0");
}

TEST_F(BatchMapperTest, RejectionsAreBoundedAndTheirCountIsExact) {
  v1::ExportBatch batch;
  for (int i = 0; i < 1500; ++i) {
    AddIdentity(batch.add_profile_exports(), "Email", "bad");
  }
  const MappedBatch mapped = Map(batch);
  EXPECT_THAT(mapped.batch.rejections,
              SizeIs(limits::kMaxStoredRejectionsPerBatch));
  EXPECT_EQ(mapped.rejection_count, 1500);
  const v1::BatchRejections told = ToBatchRejections(mapped);
  EXPECT_EQ(told.rejections_size(), limits::kMaxStreamRejectionsPerBatch);
  EXPECT_EQ(told.rejection_count(), 1500);
  EXPECT_EQ(told.rejections(3).profile_index(), 3);
  EXPECT_EQ(told.rejections(3).identity_index(), 0);
  EXPECT_FALSE(told.rejections(3).has_membership_index());
}

TEST_F(BatchMapperTest, FramesOutOfBoundsAreRefusedByField) {
  const std::vector<
      std::pair<std::string, std::function<void(v1::ExportBatch*)>>>
      cases = {
          {"batch.profile_exports",
           [](auto* b) {
             for (int i = 0; i <= limits::kMaxBatchProfiles; ++i) {
               b->add_profile_exports();
             }
           }},
          {"batch.source_namespaces",
           [](auto* b) {
             for (int i = 0; i <= limits::kMaxBatchNamespaces; ++i) {
               b->add_source_namespaces("canary");
             }
           }},
          {"batch.segments",
           [](auto* b) {
             for (int i = 0; i <= limits::kMaxBatchSegments; ++i) {
               b->add_segments();
             }
           }},
          {"batch.profile_exports",
           [](auto* b) {
             auto* profile = b->add_profile_exports();
             for (int i = 0; i < 100; ++i) AddIdentity(profile, "Email", "x");
             for (int i = 0; i < 1000; ++i) AddMembership(profile, "s");
             for (int i = 0; i < 10; ++i) *b->add_profile_exports() = *profile;
           }},
      };
  for (const auto& [field, spoil] : cases) {
    v1::ExportBatch batch = OneMember(1, "canary@example.com");
    spoil(&batch);
    const absl::Status status =
        MapBatch(destination_, batch, &catalog_).status();
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
    ASSERT_THAT(GetErrorDetail(status).field_violations, SizeIs(1));
    EXPECT_EQ(GetErrorDetail(status).field_violations[0].first, field);
    EXPECT_THAT(status.ToString(), Not(HasSubstr("canary")));
  }
  EXPECT_EQ(catalog_.ensure_calls(), 0);
}

TEST_F(BatchMapperTest, AFailingStoreFailsTheBatch) {
  catalog_.FailWith(MakeError(absl::StatusCode::kUnavailable, "STORE_FAILED",
                              "the store failed"));
  const absl::Status status =
      MapBatch(destination_, OneMember(1, "a@example.com"), &catalog_).status();
  EXPECT_EQ(GetErrorDetail(status).reason, "STORE_FAILED");
}

TEST_F(BatchMapperTest, SegmentsThatMayBeAddressesAreStoredHashed) {
  v1::ExportBatch batch = OneMember(1, "a@example.com");
  auto* segment = batch.mutable_profile_exports(0)
                      ->mutable_segment_memberships(0)
                      ->mutable_segment();
  segment->set_segment_namespace("canary@example.com");
  segment->set_segment_id("canary@example.com");
  segment->set_display_name("canary@example.com");
  Map(batch);
  const auto rows = catalog_.Segments(1);
  ASSERT_THAT(rows, SizeIs(1));
  EXPECT_THAT(rows[0].segment_namespace, testing::StartsWith("sha256:"));
  EXPECT_THAT(rows[0].segment_id, testing::StartsWith("sha256:"));
  EXPECT_THAT(rows[0].display_name, testing::StartsWith("sha256:"));
}

TEST_F(BatchMapperTest, ALongOrOddDisplayNameRejectsNothing) {
  v1::ExportBatch batch = OneMember(1, "a@example.com");
  std::string name = "a\nb";
  while (name.size() <= 500) name += "\u20ac";
  batch.mutable_profile_exports(0)
      ->mutable_segment_memberships(0)
      ->mutable_segment()
      ->set_display_name(name);
  EXPECT_EQ(Map(batch).rejection_count, 0);
  const std::string stored = catalog_.Segments(1)[0].display_name;
  EXPECT_EQ(stored.substr(0, 3), "a b");
  EXPECT_LE(stored.size(), 500u);
  EXPECT_EQ((stored.size() - 3) % 3, 0u);
}

// Destinations whose mapping was changed.
class FormerMappingTest : public BatchMapperTest {
 protected:
  // IDFAs were hashed in small letters before; the namespace "old" had a row.
  void SetUp() override {
    v1::Destination config = SomeDestination();
    auto* former = config.add_former_identity_mappings();
    former->set_idfa_case(v1::DEVICE_ID_CASE_LOWER);
    for (auto [name, kind] : {std::pair("IDFA", v1::IDENTITY_KIND_IDFA),
                              std::pair("old", v1::IDENTITY_KIND_EMAIL)}) {
      auto* row = former->add_rows();
      row->set_source_namespace(name);
      row->set_kind(kind);
    }
    destination_ = Resolve(config);
    known_ = {{"upper", Record("IDFA", kLowerId)},
              {"lower", Record("GAID", kLowerId)},
              {"ada", Record("Email", "ada@example.com")}};
  }
};

TEST_F(FormerMappingTest, AMemberEventRemovesFormerForms) {
  v1::ExportBatch batch;
  auto* profile = batch.add_profile_exports();
  AddIdentity(profile, "IDFA", kLowerId);
  AddMembership(profile, "segment");
  const MappedBatch mapped = Map(batch);
  EXPECT_THAT(Changes(mapped.batch.segments[0]),
              ElementsAre("(-lower)", "+upper"));
  EXPECT_EQ(Counts(mapped.batch.segments[0].counts),
            "received 1 excluded 0 rejected 0");
}

TEST_F(FormerMappingTest, AnotherIdentitysAdditionStands) {
  // The same device as a GAID: its record of today is the IDFA's former form.
  for (bool one_profile : {true, false}) {
    for (bool gaid_first : {true, false}) {
      v1::ExportBatch batch;
      auto* a = batch.add_profile_exports();
      AddIdentity(a, gaid_first ? "GAID" : "IDFA", kLowerId);
      AddMembership(a, "segment");
      auto* b = one_profile ? a : batch.add_profile_exports();
      AddIdentity(b, gaid_first ? "IDFA" : "GAID", kLowerId);
      if (!one_profile) AddMembership(b, "segment");
      const auto changes = Changes(Map(batch).batch.segments[0]);
      EXPECT_EQ(changes[0], "(-lower)");
      EXPECT_THAT(changes, testing::UnorderedElementsAre("(-lower)", "+lower",
                                                         "+upper"));
    }
  }
}

TEST_F(FormerMappingTest, AnExitRemovesEveryForm) {
  v1::ExportBatch batch;
  auto* profile = batch.add_profile_exports();
  AddIdentity(profile, "IDFA", kLowerId);
  AddMembership(profile, "segment", v1::MEMBERSHIP_STATUS_EXITED);
  EXPECT_THAT(Changes(Map(batch).batch.segments[0]),
              ElementsAre("(-lower)", "-upper"));
}

TEST_F(FormerMappingTest, ARetiredNamespaceIsExcludedButItsExitsRemove) {
  v1::ExportBatch batch;
  auto* exit = batch.add_profile_exports();
  AddIdentity(exit, "OLD", "ada@example.com");
  AddIdentity(exit, "old", "not an address");
  AddMembership(exit, "segment", v1::MEMBERSHIP_STATUS_EXITED);
  auto* member = batch.add_profile_exports();
  AddIdentity(member, "old", "ada@example.com");
  AddMembership(member, "segment");
  const MappedBatch mapped = Map(batch);
  EXPECT_THAT(Changes(mapped.batch.segments[0]), ElementsAre("(-ada)"));
  EXPECT_EQ(Counts(mapped.batch.segments[0].counts),
            "received 3 excluded 3 rejected 0");
  EXPECT_EQ(mapped.rejection_count, 0);
}

TEST_F(FormerMappingTest, ARejectedIdentityKeepsItsFormerFormsUntilItsExit) {
  v1::Destination config = SomeDestination();
  auto* row = config.mutable_identity_mapping()->add_rows();
  row->set_source_namespace("id");
  row->set_kind(v1::IDENTITY_KIND_GAID);
  row = config.add_former_identity_mappings()->add_rows();
  row->set_source_namespace("id");
  row->set_kind(v1::IDENTITY_KIND_EMAIL);
  destination_ = Resolve(config);
  v1::ExportBatch batch;
  auto* profile = batch.add_profile_exports();
  AddIdentity(profile, "id", "ada@example.com");
  AddMembership(profile, "in");
  AddMembership(profile, "out", v1::MEMBERSHIP_STATUS_EXITED);
  const MappedBatch mapped = Map(batch);
  EXPECT_THAT(Rejections(mapped), ElementsAre("0/0/-1 DEVICE_ID_MALFORMED"));
  EXPECT_THAT(Changes(mapped.batch.segments[0]), IsEmpty());
  EXPECT_THAT(Changes(mapped.batch.segments[1]), ElementsAre("(-ada)"));
}

// The digest.
TEST_F(BatchMapperTest,
       AProfileWithAKeySaysWhatItIsWhereIdentitiesAreComplete) {
  v1::ExportBatch batch;
  batch.set_sequence_number(1);
  auto* keyed = batch.add_profile_exports();
  keyed->set_profile_key("customer-1");
  AddIdentity(keyed, "Email", "ada@example.com");
  AddIdentity(keyed, "Email", "no address");
  AddIdentity(keyed, "Unknown", "x");
  AddMembership(keyed, "s1");
  AddMembership(keyed, "s2", v1::MEMBERSHIP_STATUS_EXITED);
  auto* keyless = batch.add_profile_exports();
  keyless->set_profile_key("");
  AddIdentity(keyless, "Email", "bob@example.com");
  AddMembership(keyless, "s3");
  auto* too_large = batch.add_profile_exports();
  too_large->set_profile_key("customer-2");
  for (int i = 0; i <= limits::kMaxProfileIdentities; ++i) {
    AddIdentity(too_large, "Email", absl::StrCat(i, "@example.com"));
  }
  auto* nobody = batch.add_profile_exports();
  nobody->set_profile_key("customer-3");

  const MappedBatch ignored = Map(batch);
  EXPECT_TRUE(ignored.batch.statements.empty());
  EXPECT_EQ(ignored.batch.places, 0u);
  for (const auto& changes : ignored.batch.segments) {
    EXPECT_FALSE(changes.keyed);
    EXPECT_FALSE(changes.run.has_holders());
  }

  MapOptions options;
  options.identities_complete = true;
  auto mapped = MapBatch(destination_, batch, &catalog_, options);
  ASSERT_TRUE(mapped.ok()) << mapped.status();
  ASSERT_EQ(mapped->batch.segments.size(), 3u);
  EXPECT_TRUE(mapped->batch.segments[0].keyed);
  EXPECT_TRUE(mapped->batch.segments[1].keyed);
  EXPECT_FALSE(mapped->batch.segments[2].keyed);
  EXPECT_EQ(mapped->batch.segments[2].run.total(), 4u)
      << "behind the places of the profile before it";
  EXPECT_EQ(mapped->batch.places, 5u);

  const std::string value = mapped->batch.statements.Value(1000);
  EXPECT_EQ(value.find("customer"), std::string::npos);
  membership::StatementReader reader(value);
  membership::Holder first;
  membership::Holder second;
  membership::EventOrder order = 0;
  absl::string_view body;
  ASSERT_TRUE(reader.Next(&first, &order, &body));
  EXPECT_EQ(order, 1000u);
  auto statement = membership::DecodeStatement(body);
  ASSERT_TRUE(statement.ok());
  EXPECT_EQ(statement->records,
            std::vector<std::string>{Record("Email", "ada@example.com")});
  ASSERT_EQ(statement->memberships.size(), 2u);
  EXPECT_EQ(statement->memberships[0].second, Change::kAdd);
  EXPECT_EQ(statement->memberships[1].second, Change::kRemove);
  ASSERT_TRUE(reader.Next(&second, &order, &body));
  EXPECT_NE(first, second);
  EXPECT_TRUE(membership::DecodeStatement(body)->records.empty());
  EXPECT_FALSE(reader.Next(&first, &order, &body)) << "too large says nothing";

  // The key is content there, and only there.
  const auto digest = mapped->batch.digest;
  keyed->set_profile_key("customer-9");
  EXPECT_EQ(Map(batch).batch.digest, ignored.batch.digest);
  auto other = MapBatch(destination_, batch, &catalog_, options);
  EXPECT_NE(other->batch.digest, digest);
}

TEST_F(BatchMapperTest, DigestTellsOtherContent) {
  const v1::ExportBatch base = OneMember(1, "ada@example.com");
  const auto digest = Map(base).batch.digest;
  EXPECT_EQ(Map(base).batch.digest, digest);
  const std::vector<std::function<void(v1::ExportBatch*)>> changes = {
      [](auto* b) {
        b->mutable_profile_exports(0)->mutable_identities(0)->set_value(
            "eve@example.com");
      },
      [](auto* b) {
        b->mutable_profile_exports(0)->mutable_identities(0)->set_value("bad");
      },
      [](auto* b) {
        b->mutable_profile_exports(0)
            ->mutable_segment_memberships(0)
            ->set_status(v1::MEMBERSHIP_STATUS_EXITED);
      },
      [](auto* b) {
        b->mutable_profile_exports(0)
            ->mutable_segment_memberships(0)
            ->mutable_last_qualification_time()
            ->set_seconds(1);
      },
      [](auto* b) {
        b->mutable_profile_exports(0)
            ->mutable_segment_memberships(0)
            ->mutable_segment()
            ->set_segment_id("other");
      },
      [](auto* b) {
        b->mutable_profile_exports(0)
            ->mutable_segment_memberships(0)
            ->mutable_segment()
            ->set_segment_namespace("other");
      },
      [](auto* b) { b->add_profile_exports(); },
      [](auto* b) { AddIdentity(b->mutable_profile_exports(0), "ECID", "1"); },
  };
  for (size_t i = 0; i < changes.size(); ++i) {
    v1::ExportBatch other = base;
    changes[i](&other);
    EXPECT_NE(Map(other).batch.digest, digest) << i;
  }
}

TEST_F(BatchMapperTest, DigestTellsWhatIsExcludedOrRefusedToo) {
  const auto digest = [this](const std::string& name,
                             const std::string& value) {
    v1::ExportBatch batch = OneMember(1, "ada@example.com");
    AddIdentity(batch.mutable_profile_exports(0), name, value);
    return Map(batch).batch.digest;
  };
  EXPECT_NE(digest("ECID", "1"), digest("ECID", "2"));
  EXPECT_NE(digest("Email", "ann@typo"), digest("Email", "bob@typo"));
  EXPECT_NE(digest("Email", "ada@example.com"),
            digest("Email", "ADA@example.com"));
}

TEST_F(BatchMapperTest, ARepeatIsARepeatAfterTheConfigurationChanged) {
  v1::ExportBatch batch = OneMember(1, "ada@example.com");
  AddIdentity(batch.mutable_profile_exports(0), "IDFA", kLowerId);
  AddIdentity(batch.mutable_profile_exports(0), "custom", "eve@example.com");
  const auto before = Map(batch).batch.digest;
  // Other rows, another case of device ids, another default namespace, a
  // filter that takes nothing of it.
  v1::Destination config = SomeDestination();
  auto* row = config.mutable_identity_mapping()->add_rows();
  row->set_source_namespace("custom");
  row->set_kind(v1::IDENTITY_KIND_EMAIL);
  config.mutable_segment_policy()->set_default_segment_namespace("other");
  const std::string history_id = destination_.history_id;
  destination_ = Resolve(config);
  destination_.history_id = history_id;
  const MappedBatch mapped = Map(batch);
  EXPECT_EQ(mapped.batch.segments[0].counts.excluded, 2)
      << "it comes to something else";
  EXPECT_EQ(mapped.batch.digest, before);
  // But not in another history.
  destination_.history_id = "another";
  EXPECT_NE(Map(batch).batch.digest, before);
}

TEST_F(BatchMapperTest, DigestTellsFieldsApartHoweverTheyAreCut) {
  std::set<std::array<uint8_t, 16>> digests;
  size_t batches = 0;
  const auto add = [&](const v1::ExportBatch& batch) {
    digests.insert(Map(batch).batch.digest);
    ++batches;
  };
  for (const auto& [name, value] :
       std::vector<std::pair<std::string, std::string>>{
           {"ab", "c"}, {"a", "bc"}, {"abc", ""}, {"", "abc"}}) {
    v1::ExportBatch batch;
    AddMembership(batch.add_profile_exports(), "s");
    AddIdentity(batch.mutable_profile_exports(0), name, value);
    add(batch);
  }
  // Two profiles of one identity, and one of two.
  v1::ExportBatch batch;
  for (int i = 0; i < 2; ++i) {
    auto* profile = batch.add_profile_exports();
    AddIdentity(profile, "Email", absl::StrCat(i, "@example.com"));
    AddMembership(profile, "s");
  }
  add(batch);
  batch.clear_profile_exports();
  auto* profile = batch.add_profile_exports();
  for (int i = 0; i < 2; ++i) {
    AddIdentity(profile, "Email", absl::StrCat(i, "@example.com"));
    AddMembership(profile, "s");
  }
  add(batch);
  // Indexes that name nothing, and no name at all.
  for (int wrong = 0; wrong < 2; ++wrong) {
    batch.clear_profile_exports();
    profile = batch.add_profile_exports();
    AddMembership(profile, "s");
    profile->add_identities()->set_value("x");
    if (wrong == 0) {
      profile->mutable_identities(0)->set_source_namespace_index(7);
    } else {
      profile->mutable_identities(0)->set_value("xy");
    }
    add(batch);
  }
  EXPECT_EQ(digests.size(), batches);
}

TEST_F(BatchMapperTest, DigestOfALargeBatchFollowsItsLastProfile) {
  v1::ExportBatch batch;
  for (int i = 0; i < 5000; ++i) {
    auto* profile = batch.add_profile_exports();
    AddIdentity(profile, "Email", absl::StrCat(i, "@example.com"));
    AddMembership(profile, "s");
  }
  const auto digest = Map(batch).batch.digest;
  batch.mutable_profile_exports(4999)->mutable_identities(0)->set_value(
      "x@example.com");
  EXPECT_NE(Map(batch).batch.digest, digest);
}

}  // namespace
}  // namespace connector::ingest
