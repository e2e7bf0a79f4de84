// Random batches against a plain model that maps every identity for itself.
#include <algorithm>
#include <map>
#include <random>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "connector/config/fake_catalog.h"
#include "connector/ingest/batch_fixture.h"
#include "connector/ingest/batch_mapper.h"
#include "connector/ingest/read_changes.h"
#include "gtest/gtest.h"
#include "identity_mapping/mapping.h"

namespace connector::ingest {
namespace {

namespace v1 = audience_sync::v1;
using identity_mapping::MappedIdentity;
using membership::Change;

// (segment id, record) -> its last event.
using Events = std::map<std::pair<std::string, std::string>, Change>;

struct Model {
  Events events;
  std::map<std::string, membership::IntakeCounts> counts;  // "" without segment
  int64_t rejections = 0;
};

class Generator {
 public:
  explicit Generator(uint32_t seed) : random_(seed) {}

  int Pick(int count) { return static_cast<int>(random_() % count); }

  v1::Destination Destination() {
    v1::Destination destination = SomeDestination();
    auto* policy = destination.mutable_segment_policy();
    policy->add_segment_namespaces("ups");
    policy->set_max_customer_lists(4);
    if (Pick(3) == 0) {
      destination.mutable_identity_mapping()->set_idfa_case(
          v1::DEVICE_ID_CASE_LOWER);
    }
    for (int i = Pick(3); i > 0; --i) {
      auto* former = destination.add_former_identity_mappings();
      if (Pick(2) == 0) former->set_gaid_case(v1::DEVICE_ID_CASE_UPPER);
      for (const char* name : {"Email", "GAID", "IDFA", "old"}) {
        if (Pick(3) == 0) continue;
        auto* row = former->add_rows();
        row->set_source_namespace(name);
        row->set_kind(static_cast<v1::IdentityKind>(1 + Pick(5)));
      }
    }
    return destination;
  }

  std::string Value() {
    static const std::vector<std::string>& values =
        *new std::vector<std::string>{
            "ada@example.com",
            " ADA@example.com",
            "eve@example.com",
            "0f0e0d0c-1111-4222-8333-44445555666a",
            "0F0E0D0C-1111-4222-8333-44445555666A",
            "A1B2C3D4-AAAA-4BBB-8CCC-DDDDEEEEFFFF",
            std::string(64, 'b'),
            std::string(32, 'c'),
            "null",
            "",
            "what, is this",
            "\xFF",
        };
    return values[Pick(values.size())];
  }

  v1::ExportBatch Batch() {
    static constexpr const char* kNamespaces[] = {
        "Email", "GAID", "idfa", "pinterest_audience", "old", "ECID", ""};
    static constexpr const char* kSegments[] = {"a", "b", "c", "d", "e", ""};
    v1::ExportBatch batch;
    for (const char* name : kNamespaces) batch.add_source_namespaces(name);
    for (const char* id : kSegments) batch.add_segments()->set_segment_id(id);
    for (int p = Pick(12); p > 0; --p) {
      auto* profile = batch.add_profile_exports();
      for (int i = Pick(5); i > 0; --i) {
        auto* identity = profile->add_identities();
        identity->set_value(Value());
        const int name = Pick(8);
        if (Pick(2) == 0) {
          identity->set_source_namespace_index(name);
        } else if (name < 7) {
          identity->set_source_namespace(kNamespaces[name]);
        }
      }
      for (int m = Pick(5); m > 0; --m) {
        auto* membership = profile->add_segment_memberships();
        membership->set_status(static_cast<v1::MembershipStatus>(Pick(5)));
        const int segment = Pick(7);
        if (Pick(2) == 0) {
          membership->set_segment_index(segment);
        } else if (segment < 6) {
          membership->mutable_segment()->set_segment_id(kSegments[segment]);
          const int choice = Pick(4);
          if (choice == 0) {
            membership->mutable_segment()->set_segment_namespace("ups");
          } else if (choice == 1) {
            membership->mutable_segment()->set_segment_namespace("AAM");
          }
        }
      }
    }
    return batch;
  }

 private:
  std::mt19937 random_;
};

class NaiveMapper {
 public:
  NaiveMapper(const config::DestinationState& destination,
              const v1::ExportBatch& batch,
              std::vector<std::string>* known_segments)
      : mapping_(*destination.mapping),
        batch_(batch),
        known_segments_(known_segments) {}

  Model Run() {
    // What is removed for former mappings comes before everything.
    for (bool former : {true, false}) {
      const std::vector<std::string> known = *known_segments_;
      for (const auto& profile : batch_.profile_exports()) {
        Profile(profile, former);
      }
      if (former) *known_segments_ = known;
    }
    return model_;
  }

 private:
  void Profile(const v1::ProfileExport& profile, bool former) {
    for (const auto& membership : profile.segment_memberships()) {
      std::string segment;
      const bool good =
          Segment(membership, profile.identities_size(), &segment);
      if (!good && !former) ++model_.rejections;
      for (const auto& identity : profile.identities()) {
        Unit(identity, membership, good, segment, former);
      }
    }
    if (former) return;
    for (const auto& identity : profile.identities()) {
      MappedIdentity record;
      if (Map(identity, &record) == kRejected) ++model_.rejections;
    }
  }

  void Unit(const v1::Identity& identity,
            const v1::SegmentMembership& membership, bool good,
            const std::string& segment, bool former) {
    MappedIdentity record;
    const Fate fate = Map(identity, &record);
    membership::IntakeCounts& counts = model_.counts[good ? segment : ""];
    if (!former) {
      ++counts.received;
      if (!good || fate == kRejected) {
        ++counts.rejected;
      } else if (fate == kExcluded) {
        ++counts.excluded;
      }
    }
    if (!good) return;
    const bool exit = membership.status() == v1::MEMBERSHIP_STATUS_EXITED;
    if (former != (!exit && fate == kMapped) && former) return;
    if (exit || former) {
      for (const auto& form : record.former_forms) {
        Event(segment, form, Change::kRemove);
      }
    }
    if (former) return;
    if (exit) {
      for (const auto& form : record.twin_forms) {
        Event(segment, form, Change::kRemove);
      }
    }
    if (fate == kMapped) {
      Event(segment, record.primary, exit ? Change::kRemove : Change::kAdd);
    }
  }

  void Event(const std::string& segment, const identity_mapping::Record& record,
             Change change) {
    model_.events[{segment, std::string(record.encoded())}] = change;
  }

  enum Fate { kMapped, kExcluded, kRejected };

  Fate Map(const v1::Identity& identity, MappedIdentity* record) {
    std::string name = identity.source_namespace();
    if (identity.has_source_namespace_index()) {
      const uint32_t index = identity.source_namespace_index();
      if (index < static_cast<uint32_t>(batch_.source_namespaces_size())) {
        name = batch_.source_namespaces(index);
      }
    }
    if (name.empty()) return kRejected;
    identity_mapping::RejectionReason reason;
    if (int row = mapping_.FindRow(name); row >= 0) {
      return mapping_.Map(row, identity.value(), record, &reason) ? kMapped
                                                                  : kRejected;
    }
    if (int row = mapping_.FindRetiredRow(name); row >= 0) {
      mapping_.Map(row, identity.value(), record, &reason);
    }
    return kExcluded;
  }

  bool Segment(const v1::SegmentMembership& membership, int identities,
               std::string* id) {
    v1::Segment segment = membership.segment();
    if (membership.has_segment_index() &&
        membership.segment_index() <
            static_cast<uint32_t>(batch_.segments_size())) {
      segment = batch_.segments(membership.segment_index());
    }
    *id = segment.segment_id();
    const std::string& name = segment.segment_namespace();
    if (membership.status() < v1::MEMBERSHIP_STATUS_REALIZED ||
        membership.status() > v1::MEMBERSHIP_STATUS_EXITED || id->empty() ||
        (!name.empty() && name != "ups")) {
      return false;
    }
    auto& known = *known_segments_;
    if (std::find(known.begin(), known.end(), *id) != known.end()) return true;
    // Whether there is room for its list is asked only when it is needed.
    if (identities == 0) return true;
    if (known.size() >= 4) return false;
    known.push_back(*id);
    return true;
  }

  const identity_mapping::IdentityMapping& mapping_;
  const v1::ExportBatch& batch_;
  std::vector<std::string>* known_segments_;
  Model model_;
};

TEST(BatchMapperModelTest, LastEventsAndCountsAreThoseOfThePlainModel) {
  int64_t events = 0;
  int64_t other_forms = 0;
  for (uint32_t seed = 0; seed < 2000; ++seed) {
    SCOPED_TRACE(seed);
    Generator generator(seed);
    auto state = config::ResolveDestination(generator.Destination());
    ASSERT_TRUE(state.ok()) << state.status();
    state->number = 1;
    config::FakeCatalog catalog;
    std::vector<std::string> known_segments;
    for (int i = 0; i < 5; ++i) {
      const v1::ExportBatch batch = generator.Batch();
      const Model model = NaiveMapper(*state, batch, &known_segments).Run();
      auto mapped = MapBatch(*state, batch, &catalog);
      ASSERT_TRUE(mapped.ok()) << mapped.status();

      Events got;
      std::map<std::string, membership::IntakeCounts> counts;
      counts[""] = mapped->batch.counts_without_segment;
      for (const auto& changes : mapped->batch.segments) {
        std::string id;
        for (const auto& row : catalog.Segments(1)) {
          if (row.number == changes.segment) id = row.segment_id;
        }
        counts[id] = changes.counts;
        int64_t counted = 0;
        for (const ReadChange& change : ReadChanges(changes)) {
          got[{id, change.record}] = change.change;
          counted += change.counted;
          other_forms += !change.counted;
        }
        EXPECT_EQ(counted, changes.counts.accepted());
      }
      EXPECT_EQ(got, model.events);
      events += got.size();
      for (const auto& [id, want] : model.counts) {
        EXPECT_EQ(counts[id].received, want.received) << id;
        EXPECT_EQ(counts[id].excluded, want.excluded) << id;
        EXPECT_EQ(counts[id].rejected, want.rejected) << id;
      }
      EXPECT_EQ(mapped->rejection_count, model.rejections);
      if (HasFailure()) return;
    }
  }
  // The batches are not all empty.
  EXPECT_GT(events, 10'000);
  EXPECT_GT(other_forms, 5'000);
}

}  // namespace
}  // namespace connector::ingest
