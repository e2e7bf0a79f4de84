#include "connector/ingest/batch_mapper.h"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "connector/base/error.h"
#include "connector/base/limits.h"
#include "connector/ingest/batch_digest.h"
#include "connector/ingest/segment_table.h"
#include "identity_mapping/mapping.h"
#include "identity_mapping/rejection.h"

namespace connector::ingest {
namespace {

namespace v1 = audience_sync::v1;
using identity_mapping::IdentityMapping;
using identity_mapping::MappedIdentity;
using membership::Change;

// A batch's fixed share of memory.
constexpr size_t kBatchBytes = 512;

v1::RejectionReason ToProto(identity_mapping::RejectionReason reason) {
  using identity_mapping::RejectionReason;
  switch (reason) {
    case RejectionReason::kEmpty:
      return v1::REJECTION_REASON_EMPTY;
    case RejectionReason::kPlaceholder:
      return v1::REJECTION_REASON_PLACEHOLDER;
    case RejectionReason::kTooLong:
      return v1::REJECTION_REASON_TOO_LONG;
    case RejectionReason::kInvalidUtf8:
      return v1::REJECTION_REASON_INVALID_UTF8;
    case RejectionReason::kContainsComma:
      return v1::REJECTION_REASON_CONTAINS_COMMA;
    case RejectionReason::kEmailMalformed:
      return v1::REJECTION_REASON_EMAIL_MALFORMED;
    case RejectionReason::kDeviceIdMalformed:
      return v1::REJECTION_REASON_DEVICE_ID_MALFORMED;
    case RejectionReason::kDeviceIdZero:
      return v1::REJECTION_REASON_DEVICE_ID_ZERO;
    case RejectionReason::kHashMalformed:
      return v1::REJECTION_REASON_HASH_MALFORMED;
    case RejectionReason::kHashOfNothing:
      return v1::REJECTION_REASON_HASH_OF_NOTHING;
    case RejectionReason::kOpaqueLooksRaw:
      return v1::REJECTION_REASON_OPAQUE_LOOKS_RAW;
    case RejectionReason::kOpaqueMalformed:
      return v1::REJECTION_REASON_OPAQUE_MALFORMED;
    case RejectionReason::kFormUnrecognized:
    // A retired namespace is excluded before its reason is looked at.
    case RejectionReason::kNamespaceRetired:
      break;
  }
  return v1::REJECTION_REASON_FORM_UNRECOGNIZED;
}

bool IsTooLarge(const v1::ProfileExport& profile) {
  return profile.identities_size() > limits::kMaxProfileIdentities ||
         profile.segment_memberships_size() > limits::kMaxProfileMemberships ||
         profile.profile_key().size() >
             static_cast<size_t>(limits::kMaxProfileKeyBytes);
}

absl::Status CheckFrame(const v1::ExportBatch& batch) {
  const auto at_most = [](absl::string_view field, int count, int most) {
    return count <= most
               ? absl::OkStatus()
               : FieldError(field, absl::StrCat("must be at most ", most));
  };
  for (const absl::Status& status :
       {at_most("batch.profile_exports", batch.profile_exports_size(),
                limits::kMaxBatchProfiles),
        at_most("batch.source_namespaces", batch.source_namespaces_size(),
                limits::kMaxBatchNamespaces),
        at_most("batch.segments", batch.segments_size(),
                limits::kMaxBatchSegments)}) {
    if (!status.ok()) return status;
  }
  int64_t changes = 0;
  for (const v1::ProfileExport& profile : batch.profile_exports()) {
    if (IsTooLarge(profile)) continue;
    changes +=
        int64_t{profile.identities_size()} * profile.segment_memberships_size();
  }
  if (changes > limits::kMaxBatchChanges) {
    return FieldError("batch.profile_exports",
                      absl::StrCat("identities times memberships must be at "
                                   "most ",
                                   limits::kMaxBatchChanges, " in a batch"));
  }
  return absl::OkStatus();
}

class Mapper {
 public:
  Mapper(const config::DestinationState& destination,
         const v1::ExportBatch& batch, membership::Catalog* catalog,
         const MapOptions& options)
      : mapping_(*destination.mapping),
        time_exits_(options.remember_exits &&
                    destination.policy.late_addition_window >
                        absl::ZeroDuration()),
        time_additions_(options.time_additions),
        complete_(options.identities_complete),
        ad_account_id_(destination.ad_account_id),
        has_former_mappings_(
            destination.config.former_identity_mappings_size() > 0),
        history_id_(destination.history_id),
        proto_(batch),
        segments_(destination, batch, catalog, &out_.batch.segments) {
    out_.batch.destination = destination.number;
    out_.batch.sequence_number = batch.sequence_number();
    out_.batch.max_backlog_bytes = destination.policy.max_backlog_bytes;
    table_rows_.reserve(batch.source_namespaces_size());
    for (const std::string& name : batch.source_namespaces()) {
      table_rows_.push_back(FindRow(name));
    }
  }

  absl::StatusOr<MappedBatch> Run() {
    // Former forms must be removed before anything is added, so they take a
    // round of their own. Only destinations whose mapping was changed pay it.
    if (has_former_mappings_) {
      for (const v1::ProfileExport& profile : proto_.profile_exports()) {
        if (absl::Status s = RemoveFormerForms(profile); !s.ok()) return s;
      }
    }
    for (int i = 0; i < proto_.profile_exports_size(); ++i) {
      if (absl::Status s = MapProfile(proto_.profile_exports(i), i); !s.ok()) {
        return s;
      }
    }
    if (complete_) out_.batch.places = place_;
    out_.batch.digest = DigestBatch(history_id_, proto_, complete_);
    out_.bytes =
        kBatchBytes + out_.batch.statements.bytes() +
        out_.batch.rejections.size() * sizeof(membership::IntakeRejection);
    for (const membership::SegmentChanges& changes : out_.batch.segments) {
      out_.bytes +=
          sizeof(changes) + changes.run.bytes() + changes.former_forms.bytes();
    }
    return std::move(out_);
  }

 private:
  // The row of a namespace.
  struct Row {
    enum Kind : uint8_t { kInvalid, kExcluded, kRetired, kMapped };
    Kind kind = kInvalid;
    int row = -1;
  };
  // A membership that is not rejected.
  struct Target {
    int changes;  // place in Batch.segments
    Change change;
    // Goes with the change; unset if changes of its kind have no times.
    std::optional<absl::Time> time;
  };
  // What became of an identity.
  struct Outcome {
    enum Kind : uint8_t { kMapped, kExcluded, kRejected };
    Kind kind = kExcluded;
    v1::RejectionReason reason = v1::REJECTION_REASON_UNSPECIFIED;
    // records_ holds forms to remove at an exit.
    bool has_forms = false;
  };

  Row FindRow(absl::string_view name) const {
    if (name.empty()) return {};
    if (const int row = mapping_.FindRow(name); row >= 0) {
      return {Row::kMapped, row};
    }
    if (const int row = mapping_.FindRetiredRow(name); row >= 0) {
      return {Row::kRetired, row};
    }
    return {Row::kExcluded, -1};
  }

  Row RowOf(const v1::Identity& identity) {
    switch (identity.namespace_case()) {
      case v1::Identity::kSourceNamespaceIndex: {
        const uint32_t index = identity.source_namespace_index();
        return index < table_rows_.size() ? table_rows_[index] : Row();
      }
      case v1::Identity::kSourceNamespace: {
        const std::string& name = identity.source_namespace();
        auto [found, is_new] = inline_rows_.try_emplace(name);
        if (is_new) found->second = FindRow(name);
        return found->second;
      }
      case v1::Identity::NAMESPACE_NOT_SET:
        break;
    }
    return {};
  }

  Outcome MapIdentity(const v1::Identity& identity, MappedIdentity* record) {
    const Row row = RowOf(identity);
    Outcome outcome;
    identity_mapping::RejectionReason reason;
    switch (row.kind) {
      case Row::kInvalid:
        outcome.kind = Outcome::kRejected;
        outcome.reason = v1::REJECTION_REASON_NAMESPACE_INVALID;
        return outcome;
      case Row::kExcluded:
        return outcome;
      case Row::kRetired:
        mapping_.Map(row.row, identity.value(), record, &reason);
        break;
      case Row::kMapped:
        if (mapping_.Map(row.row, identity.value(), record, &reason)) {
          outcome.kind = Outcome::kMapped;
        } else {
          outcome.kind = Outcome::kRejected;
          outcome.reason = ToProto(reason);
        }
        break;
    }
    outcome.has_forms =
        !record->former_forms.empty() || !record->twin_forms.empty();
    return outcome;
  }

  void Reject(int profile, int identity, int membership,
              v1::RejectionReason reason) {
    ++out_.rejection_count;
    ++out_.rejections_by_reason[reason];
    if (out_.batch.rejections.size() <
        static_cast<size_t>(limits::kMaxStoredRejectionsPerBatch)) {
      out_.batch.rejections.push_back({profile, identity, membership, reason});
    }
  }

  void CountOutside(int64_t rejected) {
    out_.batch.counts_without_segment.received += rejected;
    out_.batch.counts_without_segment.rejected += rejected;
  }

  // What a membership asks for; nullopt: its status is invalid.
  static std::optional<Change> ReadStatus(v1::MembershipStatus status) {
    switch (status) {
      case v1::MEMBERSHIP_STATUS_REALIZED:
      case v1::MEMBERSHIP_STATUS_EXISTING:
        return Change::kAdd;
      case v1::MEMBERSHIP_STATUS_EXITED:
        return Change::kRemove;
      default:
        return std::nullopt;
    }
  }

  // The time that goes with a membership's changes (RunEntry.event_time).
  std::optional<absl::Time> TimeOf(const v1::SegmentMembership& membership,
                                   Change change) const {
    if (!(change == Change::kAdd ? time_additions_ : time_exits_)) {
      return std::nullopt;
    }
    // An addition without a time is as new as can be; an exit without one
    // happened when it came.
    if (!membership.has_last_qualification_time()) {
      return absl::InfiniteFuture();
    }
    const auto& time = membership.last_qualification_time();
    return absl::FromUnixSeconds(time.seconds()) +
           absl::Nanoseconds(time.nanos());
  }

  // Fills targets_; with `profile_index` >= 0 it also lists what is rejected.
  absl::Status ReadMemberships(const v1::ProfileExport& profile,
                               int profile_index) {
    targets_.clear();
    for (int i = 0; i < profile.segment_memberships_size(); ++i) {
      const v1::SegmentMembership& membership = profile.segment_memberships(i);
      BatchSegment* segment = segments_.Find(membership);
      const std::optional<Change> change = ReadStatus(membership.status());
      v1::RejectionReason reason = v1::REJECTION_REASON_STATUS_INVALID;
      if (change.has_value()) {
        // A membership without identities makes no segment, so none is too
        // many.
        if (profile.identities_size() > 0) {
          if (absl::Status s = segments_.Ensure(segment); !s.ok()) return s;
          reason = segment->reason;
        } else {
          reason =
              segment->reason == v1::REJECTION_REASON_TOO_MANY_CUSTOMER_LISTS
                  ? v1::REJECTION_REASON_UNSPECIFIED
                  : segment->reason;
        }
      }
      if (reason != v1::REJECTION_REASON_UNSPECIFIED) {
        if (profile_index >= 0) {
          Reject(profile_index, -1, i, reason);
          CountOutside(profile.identities_size());
        }
      } else if (profile.identities_size() > 0) {
        targets_.push_back(
            {segment->changes, *change, TimeOf(membership, *change)});
      }
    }
    return absl::OkStatus();
  }

  absl::Status RemoveFormerForms(const v1::ProfileExport& profile) {
    if (IsTooLarge(profile)) return absl::OkStatus();
    if (absl::Status s = ReadMemberships(profile, -1); !s.ok()) return s;
    if (std::none_of(targets_.begin(), targets_.end(), [](const Target& t) {
          return t.change == Change::kAdd;
        })) {
      return absl::OkStatus();
    }
    if (records_.empty()) records_.resize(1);
    for (const v1::Identity& identity : profile.identities()) {
      if (MapIdentity(identity, &records_[0]).kind != Outcome::kMapped) {
        continue;
      }
      for (const Target& target : targets_) {
        if (target.change != Change::kAdd) continue;
        for (const auto& form : records_[0].former_forms) {
          // No exit: nothing to be remembered.
          out_.batch.segments[target.changes].former_forms.Add(
              Change::kRemove, form, /*counted=*/false,
              time_exits_ ? std::make_optional(absl::InfinitePast())
                          : std::nullopt);
        }
      }
    }
    return absl::OkStatus();
  }

  absl::Status MapProfile(const v1::ProfileExport& profile, int index) {
    const int identities = profile.identities_size();
    if (IsTooLarge(profile)) {
      Reject(index, -1, -1, v1::REJECTION_REASON_PROFILE_TOO_LARGE);
      CountOutside(int64_t{identities} * profile.segment_memberships_size());
      return absl::OkStatus();
    }
    if (absl::Status s = ReadMemberships(profile, index); !s.ok()) return s;

    if (records_.size() < static_cast<size_t>(identities)) {
      records_.resize(identities);
    }
    outcomes_.resize(identities);
    int64_t excluded = 0;
    int64_t rejected = 0;
    for (int i = 0; i < identities; ++i) {
      outcomes_[i] = MapIdentity(profile.identities(i), &records_[i]);
      switch (outcomes_[i].kind) {
        case Outcome::kMapped:
          break;
        case Outcome::kExcluded:
          ++excluded;
          break;
        case Outcome::kRejected:
          ++rejected;
          Reject(index, i, -1, outcomes_[i].reason);
          break;
      }
    }
    const bool keyed = complete_ && !profile.profile_key().empty();
    const membership::Holder holder =
        keyed ? HolderOf(profile.profile_key()) : membership::kNoKey;
    holder_ = complete_ ? &holder : nullptr;
    uint64_t next_place = place_ + 1;
    for (const Target& target : targets_) {
      membership::SegmentChanges& changes = out_.batch.segments[target.changes];
      if (complete_) {
        changes.run.AdvanceTo(place_ + 1);
        changes.keyed |= keyed;
      }
      changes.counts.received += identities;
      changes.counts.excluded += excluded;
      changes.counts.rejected += rejected;
      if (target.change == Change::kRemove) {
        RemoveOtherForms(target.time, &changes.run);
      }
      for (int i = 0; i < identities; ++i) {
        if (outcomes_[i].kind != Outcome::kMapped) continue;
        changes.run.Add(target.change, records_[i].primary, /*counted=*/true,
                        target.time, holder_);
      }
      next_place = std::max(next_place, changes.run.total());
    }
    if (keyed) AddStatement(holder, identities);
    place_ = next_place;
    return absl::OkStatus();
  }

  membership::Holder HolderOf(absl::string_view key) const {
    FieldDigest digest;
    digest.Text("audience-sync holder");
    // Not the history, which a restored store begins anew: its holders stay.
    digest.Text(ad_account_id_);
    digest.Text(key);
    return digest.Finish();
  }

  void AddStatement(const membership::Holder& holder, int identities) {
    statement_records_.clear();
    for (int i = 0; i < identities; ++i) {
      if (outcomes_[i].kind == Outcome::kMapped) {
        statement_records_.push_back(records_[i].primary);
      }
    }
    statement_memberships_.clear();
    for (const Target& target : targets_) {
      statement_memberships_.emplace_back(
          out_.batch.segments[target.changes].segment, target.change);
    }
    out_.batch.statements.Add(holder, place_, statement_records_,
                              statement_memberships_);
  }

  // Before the counted removals, so that of two identities of a profile which
  // are forms of each other the counted event is the one that stands.
  void RemoveOtherForms(std::optional<absl::Time> time,
                        membership::RunBuilder* run) {
    for (size_t i = 0; i < outcomes_.size(); ++i) {
      if (!outcomes_[i].has_forms) continue;
      for (const auto& form : records_[i].former_forms) {
        run->Add(Change::kRemove, form, /*counted=*/false, time, holder_);
      }
      for (const auto& form : records_[i].twin_forms) {
        run->Add(Change::kRemove, form, /*counted=*/false, time, holder_);
      }
    }
  }

  const IdentityMapping& mapping_;
  const bool time_exits_;
  const bool time_additions_;
  const bool complete_;
  const std::string& ad_account_id_;
  const bool has_former_mappings_;
  const std::string& history_id_;
  const v1::ExportBatch& proto_;
  MappedBatch out_;
  SegmentTable segments_;
  std::vector<Row> table_rows_;
  absl::flat_hash_map<absl::string_view, Row> inline_rows_;
  // Of the profile at hand; kept to be used again.
  std::vector<Target> targets_;
  std::vector<Outcome> outcomes_;
  std::vector<MappedIdentity> records_;
  // Goes with its changes; nullptr: they have no holder.
  const membership::Holder* holder_ = nullptr;
  std::vector<identity_mapping::RecordView> statement_records_;
  std::vector<std::pair<membership::SegmentNumber, Change>>
      statement_memberships_;
  // Where the next profile's changes stand among those of the batch.
  uint64_t place_ = 0;
};

}  // namespace

absl::StatusOr<MappedBatch> MapBatch(
    const config::DestinationState& destination, const v1::ExportBatch& batch,
    membership::Catalog* catalog, const MapOptions& options) {
  if (absl::Status s = CheckFrame(batch); !s.ok()) return s;
  return Mapper(destination, batch, catalog, options).Run();
}

v1::BatchRejections ToBatchRejections(const MappedBatch& mapped) {
  v1::BatchRejections proto;
  proto.set_sequence_number(mapped.batch.sequence_number);
  proto.set_rejection_count(mapped.rejection_count);
  for (const membership::IntakeRejection& rejection : mapped.batch.rejections) {
    if (proto.rejections_size() == limits::kMaxStreamRejectionsPerBatch) break;
    v1::ExportRejection* to = proto.add_rejections();
    to->set_profile_index(rejection.profile_index);
    if (rejection.identity_index >= 0) {
      to->set_identity_index(rejection.identity_index);
    }
    if (rejection.membership_index >= 0) {
      to->set_membership_index(rejection.membership_index);
    }
    to->set_reason(static_cast<v1::RejectionReason>(rejection.reason));
  }
  return proto;
}

}  // namespace connector::ingest
