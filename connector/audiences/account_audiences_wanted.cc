#include "absl/strings/str_cat.h"
#include "connector/audiences/account_audiences.h"
#include "connector/audiences/audience_state.h"
#include "connector/audiences/declared_rule.h"
#include "connector/config/segment_text.h"
#include "connector/delivery/list_name.h"

namespace connector::audiences {
namespace {

using config::StoredSegmentText;
using membership::AudienceKey;
using membership::AudienceRow;

// Longest part of a name that is sent.
constexpr size_t kMaxName = 1000;

std::string UsualName(const membership::SegmentRow& segment,
                      const std::string& list_name) {
  std::string name =
      segment.display_name.empty()
          ? list_name
          : absl::StrCat(segment.display_name, " (", list_name, ")");
  return name.size() <= kMaxName ? name : list_name;
}

std::string UsualDescription(const config::DestinationState& destination,
                             const std::string& list_name) {
  const std::string& shown = destination.config.display_name();
  return StoredSegmentText(
      absl::StrCat("Members of customer list ", list_name,
                   shown.empty() ? "" : absl::StrCat("; destination ", shown)));
}

}  // namespace

std::vector<AccountAudiences::Wanted> AccountAudiences::ReadWanted(
    const config::DestinationState& destination) {
  std::vector<Wanted> wanted;
  if (destination.policy.audiences.make_list_audiences) {
    AddSegments(destination, &wanted);
  }
  AddDeclared(destination, &wanted);
  return wanted;
}

void AccountAudiences::AddSegments(const config::DestinationState& destination,
                                   std::vector<Wanted>* wanted) {
  for (const membership::SegmentRow& segment :
       environment_.catalog->Segments(destination_)) {
    const auto list = environment_.ledger->GetList(segment.list);
    if (!list.ok()) continue;
    Wanted audience;
    audience.key.destination = destination_;
    audience.key.segment = segment.number;
    audience.row = environment_.audiences->FindAudience(audience.key);
    // A paused segment gets none; one that is there is followed.
    if (audience.id().empty() &&
        (segment.paused || list->AudienceListId().empty())) {
      continue;
    }
    audience.type = "CUSTOMER_LIST";
    const std::string list_name =
        delivery::ListName(destination.policy.list_name_prefix,
                           segment.segment_namespace, segment.segment_id);
    audience.name = UsualName(segment, list_name);
    audience.description = UsualDescription(destination, list_name);
    if (audience.row.has_value()) {
      const AudienceRow& row = *audience.row;
      if (!row.wanted_name.value_or("").empty()) {
        audience.name = *row.wanted_name;
      }
      if (!row.wanted_description.value_or("").empty()) {
        audience.description = *row.wanted_description;
      }
    }
    audience.rule = list->AudienceListId();
    if (!audience.rule.empty()) audience.rule_json = ListRule(audience.rule);
    wanted->push_back(std::move(audience));
  }
}

void AccountAudiences::AddDeclared(const config::DestinationState& destination,
                                   std::vector<Wanted>* wanted) {
  namespace v1 = audience_sync::v1;
  const v1::AudiencePolicy& policy = destination.config.audience_policy();
  const auto key_of = [&](const v1::DeclaredAudience& declared) {
    AudienceKey key;
    key.destination = destination_;
    key.type = DeclaredType(declared);
    key.name = declared.name();
    return key;
  };
  // The id of an audience of ours that can be used, else empty.
  const auto usable = [&](const AudienceKey& key) -> std::string {
    const auto row = environment_.audiences->FindAudience(key);
    return row.has_value() && ClassOf(row->status) == AudienceClass::kUsable
               ? row->audience_id
               : "";
  };
  for (const v1::DeclaredAudience& declared : policy.declared_audiences()) {
    Wanted audience;
    audience.key = key_of(declared);
    audience.row = environment_.audiences->FindAudience(audience.key);
    audience.type = audience.key.type;
    audience.name = declared.name();
    audience.description = declared.description();
    audience.company_name = declared.created_by_company_name();
    std::string seed;
    if (declared.has_actalike()) {
      const v1::ActalikeRule& rule = declared.actalike();
      if (rule.has_segment()) {
        const auto segment = environment_.catalog->FindSegment(
            destination_, rule.segment().segment_namespace(),
            rule.segment().segment_id());
        if (segment.has_value()) {
          AudienceKey key;
          key.destination = destination_;
          key.segment = segment->number;
          seed = usable(key);
        }
      } else if (rule.seed_case() == v1::ActalikeRule::kDeclaredAudience) {
        for (const v1::DeclaredAudience& other : policy.declared_audiences()) {
          if (other.name() == rule.declared_audience()) {
            seed = usable(key_of(other));
          }
        }
      } else {
        audience.foreign_seed = rule.audience_id();
        const auto status = seed_statuses_.find(rule.audience_id());
        if (status != seed_statuses_.end() &&
            ClassOf(status->second) == AudienceClass::kUsable) {
          seed = rule.audience_id();
        }
      }
    }
    if (!declared.has_actalike() || !seed.empty()) {
      audience.rule = DeclaredRule(declared, destination.ad_account_id, seed);
      audience.rule_json = audience.rule;
    }
    wanted->push_back(std::move(audience));
  }
}

}  // namespace connector::audiences
