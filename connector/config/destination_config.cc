#include "connector/config/destination_config.h"

#include <algorithm>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "connector/base/error.h"
#include "connector/base/limits.h"
#include "connector/config/credential_config.h"
#include "connector/config/etag.h"
#include "connector/config/mapping_config.h"

namespace connector::config {
namespace {

namespace v1 = audience_sync::v1;
using identity_mapping::MappingRules;

constexpr char kDefaultListNamePrefix[] = "cdp";
constexpr size_t kMaxAdAccountDigits = 18;

std::string Path(absl::string_view field, absl::string_view rest) {
  return absl::StrCat(field, ".", rest);
}

constexpr absl::string_view kAdAccountRule =
    "must be 1 to 18 digits, the first of them not 0";

bool IsAdAccountId(absl::string_view text) {
  return !text.empty() && text.size() <= kMaxAdAccountDigits &&
         text[0] != '0' &&
         std::all_of(text.begin(), text.end(), absl::ascii_isdigit);
}

// A duration from 0 to `most`; `unset` if the field is not set.
absl::Duration ReadDuration(bool is_set,
                            const google::protobuf::Duration& value,
                            absl::Duration unset, absl::Duration most,
                            absl::string_view field, FieldCheck* check) {
  if (!is_set) return unset;
  const absl::Duration duration =
      absl::Seconds(value.seconds()) + absl::Nanoseconds(value.nanos());
  if (value.seconds() < 0 || value.nanos() < 0 ||
      value.nanos() >= 1'000'000'000 || duration > most) {
    check->Add(field,
               absl::StrCat("must be 0 to ", absl::FormatDuration(most)));
  }
  return duration;
}

// A segment namespace of the configuration. One with '@' would be stored as it
// is, which a segment's own is not.
void CheckSegmentNamespace(absl::string_view text, const std::string& field,
                           FieldCheck* check) {
  check->Text(field, text, limits::kMaxSegmentNamespaceBytes);
  if (absl::StrContains(text, '@')) check->Add(field, "must not contain '@'");
}

void ReadSegmentPolicy(const v1::SegmentPolicy& from, absl::string_view field,
                       DestinationPolicy* to, FieldCheck* check) {
  to->list_name_prefix = from.list_name_prefix().empty()
                             ? kDefaultListNamePrefix
                             : from.list_name_prefix();
  const std::string prefix_field = Path(field, "list_name_prefix");
  check->Text(prefix_field, from.list_name_prefix(),
              limits::kMaxListNamePrefixBytes);
  if (absl::StrContains(from.list_name_prefix(), '/')) {
    check->Add(prefix_field, "must not contain a slash");
  }

  const std::string filter_field = Path(field, "segment_namespaces");
  if (from.segment_namespaces_size() > limits::kMaxSegmentNamespaceFilters) {
    check->Add(filter_field, absl::StrCat("must be at most ",
                                          limits::kMaxSegmentNamespaceFilters));
  } else {
    for (int i = 0; i < from.segment_namespaces_size(); ++i) {
      const std::string& name = from.segment_namespaces(i);
      const std::string name_field = absl::StrCat(filter_field, "[", i, "]");
      CheckSegmentNamespace(name, name_field, check);
      if (name.empty()) check->Add(name_field, "must not be empty");
      if (std::find(to->segment_namespaces.begin(),
                    to->segment_namespaces.end(),
                    name) != to->segment_namespaces.end()) {
        check->Add(name_field, "is named twice");
      }
      to->segment_namespaces.push_back(name);
    }
  }

  check->Range(Path(field, "max_customer_lists"), from.max_customer_lists(), 0,
               limits::kMaxCustomerLists);
  to->max_customer_lists = from.max_customer_lists() == 0
                               ? limits::kDefaultMaxCustomerLists
                               : from.max_customer_lists();

  check->Range(Path(field, "max_full_sync_removal_percent"),
               from.max_full_sync_removal_percent(), 0, 100);
  to->max_full_sync_removal_percent =
      from.max_full_sync_removal_percent() == 0
          ? limits::kDefaultFullSyncRemovalPercent
          : from.max_full_sync_removal_percent();

  to->default_segment_namespace = from.default_segment_namespace();
  const std::string default_field = Path(field, "default_segment_namespace");
  CheckSegmentNamespace(from.default_segment_namespace(), default_field, check);
  if (!from.default_segment_namespace().empty() &&
      !to->TakesSegmentNamespace(from.default_segment_namespace())) {
    check->Add(default_field, "must be one of segment_namespaces");
  }
}

void ReadDeliveryPolicy(const v1::DeliveryPolicy& from, absl::string_view field,
                        DestinationPolicy* to, FieldCheck* check) {
  to->max_request_records = limits::kDefaultRequestRecords;
  if (from.max_request_records() != 0) {
    to->max_request_records = from.max_request_records();
    check->Range(Path(field, "max_request_records"), to->max_request_records, 1,
                 limits::kMaxRequestRecords);
  }
  to->max_request_bytes = limits::kDefaultRequestBytes;
  if (from.max_request_bytes() != 0) {
    to->max_request_bytes = from.max_request_bytes();
    check->Range(Path(field, "max_request_bytes"), to->max_request_bytes,
                 limits::kMinRequestBytes, limits::kMaxRequestBytes);
  }
  to->max_delay = ReadDuration(from.has_max_delay(), from.max_delay(),
                               limits::kDefaultMaxDelay, limits::kMaxMaxDelay,
                               Path(field, "max_delay"), check);
  to->creation_lookup_window = ReadDuration(
      from.has_creation_lookup_window(), from.creation_lookup_window(),
      limits::kDefaultCreationLookupWindow, limits::kMaxCreationLookupWindow,
      Path(field, "creation_lookup_window"), check);
  to->max_backlog_bytes = from.max_backlog_bytes() == 0
                              ? limits::kDefaultBacklogBytes
                              : from.max_backlog_bytes();
  if (from.max_backlog_bytes() < 0) {
    check->Add(Path(field, "max_backlog_bytes"), "must not be negative");
  }
}

// The former mappings that `destination` must keep, newest first.
std::vector<MappingRules> FormerMappings(const v1::Destination& destination,
                                         const v1::Destination* stored,
                                         bool drop_unnamed_mappings,
                                         const MappingRules& current,
                                         absl::string_view field,
                                         FieldCheck* check) {
  std::vector<MappingRules> former;
  std::vector<std::string> keys = {MappingKey(current)};
  const auto add = [&](MappingRules rules) {
    std::string key = MappingKey(rules);
    if (std::find(keys.begin(), keys.end(), key) != keys.end()) return;
    keys.push_back(std::move(key));
    former.push_back(std::move(rules));
  };
  // What is stored was checked when it was stored; it is checked again here, as
  // a newer version of this program may have other rules.
  if (stored != nullptr) {
    add(ResolveMapping(stored->identity_mapping(), field, check));
  }
  for (int i = 0; i < destination.former_identity_mappings_size(); ++i) {
    add(ResolveMapping(destination.former_identity_mappings(i),
                       absl::StrCat(field, "[", i, "]"), check));
  }
  if (stored != nullptr && !drop_unnamed_mappings) {
    for (const v1::IdentityMapping& mapping :
         stored->former_identity_mappings()) {
      add(ResolveMapping(mapping, field, check));
    }
  }
  return former;
}

}  // namespace

absl::Status CheckAdAccountId(absl::string_view ad_account_id,
                              absl::string_view field) {
  if (IsAdAccountId(ad_account_id)) return absl::OkStatus();
  return FieldError(
      field, ad_account_id.empty() ? "must not be empty" : kAdAccountRule);
}

bool DestinationPolicy::TakesSegmentNamespace(
    absl::string_view segment_namespace) const {
  return segment_namespaces.empty() ||
         std::find(segment_namespaces.begin(), segment_namespaces.end(),
                   segment_namespace) != segment_namespaces.end();
}

DestinationState ResolveChange(const v1::Destination& destination,
                               const v1::Destination* stored,
                               bool drop_unnamed_mappings,
                               absl::string_view field, FieldCheck* check) {
  DestinationState state;
  state.ad_account_id = destination.ad_account_id();
  state.credential_id = destination.credential_id();
  state.config = destination;
  state.config.clear_etag();

  if (!IsAdAccountId(destination.ad_account_id())) {
    check->Add(Path(field, "ad_account_id"), kAdAccountRule);
  }
  check->Text(Path(field, "display_name"), destination.display_name(),
              limits::kMaxDisplayNameBytes);
  if (destination.description().size() >
      static_cast<size_t>(limits::kMaxDescriptionBytes)) {
    check->Add(
        Path(field, "description"),
        absl::StrCat("must be at most ",
                     WithCommas(limits::kMaxDescriptionBytes), " bytes long"));
  }
  CheckCredentialId(destination.credential_id(), Path(field, "credential_id"),
                    check);

  ReadSegmentPolicy(destination.segment_policy(), Path(field, "segment_policy"),
                    &state.policy, check);
  ReadDeliveryPolicy(destination.delivery_policy(),
                     Path(field, "delivery_policy"), &state.policy, check);
  const v1::EdgePolicy& edge = destination.edge_policy();
  state.policy.late_addition_window = ReadDuration(
      edge.has_late_addition_window(), edge.late_addition_window(),
      limits::kDefaultLateAdditionWindow, limits::kMaxLateAdditionWindow,
      Path(field, "edge_policy.late_addition_window"), check);
  state.policy.audiences = ReadAudiencePolicy(
      destination.audience_policy(), Path(field, "audience_policy"), check);
  state.config.mutable_segment_policy()->set_list_name_prefix(
      state.policy.list_name_prefix);
  if (stored != nullptr && stored->segment_policy().list_name_prefix() !=
                               state.policy.list_name_prefix) {
    check->Add(Path(field, "segment_policy.list_name_prefix"),
               "cannot change while the destination exists: its lists are "
               "found again by their names");
  }

  const MappingRules current = ResolveMapping(
      destination.identity_mapping(), Path(field, "identity_mapping"), check);
  const std::string former_field = Path(field, "former_identity_mappings");
  if (destination.former_identity_mappings_size() >
      limits::kMaxFormerMappings) {
    check->Add(former_field,
               absl::StrCat("must be at most ", limits::kMaxFormerMappings));
    return state;
  }
  if (!check->ok()) return state;
  std::vector<MappingRules> former = FormerMappings(
      destination, stored, drop_unnamed_mappings, current, former_field, check);
  if (former.size() > static_cast<size_t>(limits::kMaxFormerMappings)) {
    check->Add(
        former_field,
        absl::StrCat("would be more than ", limits::kMaxFormerMappings,
                     " with those this destination had before, and leaving one "
                     "out would strand the records that only it made; to do "
                     "so, send the list to keep with the current etag"));
  }
  if (!check->ok()) return state;

  *state.config.mutable_identity_mapping() = SpelledOut(current);
  state.config.clear_former_identity_mappings();
  for (const MappingRules& rules : former) {
    *state.config.add_former_identity_mappings() = SpelledOut(rules);
  }
  auto mapping =
      identity_mapping::IdentityMapping::Create(current, std::move(former));
  if (!mapping.ok()) {
    check->Add(Path(field, "identity_mapping"), mapping.status().message());
    return state;
  }
  state.mapping = std::make_shared<const identity_mapping::IdentityMapping>(
      *std::move(mapping));
  state.config.set_etag(EtagOf(state.config));
  return state;
}

absl::StatusOr<DestinationState> ResolveDestination(
    const v1::Destination& destination) {
  FieldCheck check;
  DestinationState state =
      ResolveChange(destination, nullptr, /*drop_unnamed_mappings=*/true,
                    "destination", &check);
  if (!check.ok()) return check.ToStatus();
  return state;
}

}  // namespace connector::config
