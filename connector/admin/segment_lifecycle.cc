#include "connector/admin/segment_lifecycle.h"

#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "connector/admin/lookup.h"
#include "connector/admin/segment_mapping.h"
#include "connector/base/error.h"
#include "connector/base/limits.h"
#include "connector/config/segment_text.h"

namespace connector::admin {
namespace {

namespace v1 = audience_sync::v1;
using DestinationPtr = std::shared_ptr<const config::DestinationState>;

// What intake asks of a namespace and an id, and of text for people.
absl::Status CheckText(absl::string_view text, absl::string_view field,
                       size_t max_bytes, bool may_be_empty) {
  if (text.empty() && !may_be_empty) {
    return FieldError(field, "must not be empty");
  }
  if (text.size() > max_bytes) {
    return FieldError(
        field, absl::StrCat("must not be more than ", max_bytes, " bytes"));
  }
  for (size_t i = 0; i < text.size(); ++i) {
    const unsigned char c = static_cast<unsigned char>(text[i]);
    if (absl::ascii_iscntrl(c) ||
        (c == 0xC2 && i + 1 < text.size() &&
         static_cast<unsigned char>(text[i + 1]) < 0xA0)) {
      return FieldError(field, "must not hold control characters");
    }
  }
  return absl::OkStatus();
}

// The name with the default namespace filled in, checked.
absl::StatusOr<v1::SegmentName> ReadName(
    const config::DestinationState& destination, const v1::SegmentName& name) {
  v1::SegmentName full = name;
  if (full.segment_namespace().empty()) {
    full.set_segment_namespace(destination.policy.default_segment_namespace);
  }
  if (absl::Status s =
          CheckText(full.segment_namespace(), "segment.segment_namespace",
                    limits::kMaxSegmentNamespaceBytes, false);
      !s.ok()) {
    return s;
  }
  if (absl::Status s = CheckText(full.segment_id(), "segment.segment_id",
                                 limits::kMaxSegmentIdBytes, false);
      !s.ok()) {
    return s;
  }
  if (!destination.policy.TakesSegmentNamespace(full.segment_namespace())) {
    return FieldError("segment.segment_namespace",
                      "must be one that the destination takes");
  }
  full.set_segment_namespace(
      config::StoredSegmentText(full.segment_namespace()));
  full.set_segment_id(config::StoredSegmentText(full.segment_id()));
  return full;
}

template <typename Request>
absl::StatusOr<membership::SegmentText> ReadText(const Request& request) {
  membership::SegmentText text;
  if (request.has_display_name()) {
    if (absl::Status s = CheckText(request.display_name(), "display_name",
                                   limits::kMaxSegmentNameBytes, true);
        !s.ok()) {
      return s;
    }
    text.display_name = config::StoredSegmentText(request.display_name());
  }
  if (request.has_description()) {
    if (absl::Status s = CheckText(request.description(), "description",
                                   limits::kMaxDescriptionBytes, true);
        !s.ok()) {
      return s;
    }
    text.description = config::StoredSegmentText(request.description());
  }
  return text;
}

v1::SegmentMapping MappingOf(const AdminContext& context,
                             const membership::SegmentRow& segment) {
  std::optional<membership::ListOperation> operation =
      context.operations->FindOperation(segment.list);
  std::string former;
  if (segment.former_list != 0) {
    if (auto row = context.ledger->GetList(segment.former_list); row.ok()) {
      former = row->customer_list_id;
    }
    if (!operation.has_value()) {
      operation = context.operations->FindOperation(segment.former_list);
    }
  }
  return ToMapping(segment, operation, former);
}

// As it stands now.
v1::SegmentMapping MappingOf(const AdminContext& context,
                             membership::SegmentNumber segment) {
  auto row = context.ledger->GetSegment(segment);
  return row.ok() ? MappingOf(context, *row) : v1::SegmentMapping();
}

// Finds destination and segment of a request.
template <typename Request>
absl::StatusOr<membership::SegmentRow> Find(const AdminContext& context,
                                            const Request& request) {
  auto destination = FindDestination(context, request.ad_account_id());
  if (!destination.ok()) return destination.status();
  return FindSegment(context, **destination, request.segment());
}

}  // namespace

absl::StatusOr<v1::MapSegmentResponse> MapSegment(
    const AdminContext& context, const v1::MapSegmentRequest& request) {
  auto destination = FindDestination(context, request.ad_account_id());
  if (!destination.ok()) return destination.status();
  auto name = ReadName(**destination, request.segment());
  if (!name.ok()) return name.status();
  auto text = ReadText(request);
  if (!text.ok()) return text.status();
  auto mapped = context.operations->MapSegment(
      (*destination)->number, name->segment_namespace(), name->segment_id(),
      *text, (*destination)->policy.max_customer_lists);
  if (!mapped.ok()) return mapped.status();
  v1::MapSegmentResponse response;
  *response.mutable_mapping() = MappingOf(context, mapped->row);
  response.set_created(mapped->created);
  response.set_reactivated(mapped->reactivated);
  return response;
}

absl::StatusOr<v1::UpdateSegmentResponse> UpdateSegment(
    const AdminContext& context, const v1::UpdateSegmentRequest& request) {
  auto segment = Find(context, request);
  if (!segment.ok()) return segment.status();
  auto text = ReadText(request);
  if (!text.ok()) return text.status();
  auto updated = context.operations->UpdateSegment(segment->number, *text);
  if (!updated.ok()) return updated.status();
  v1::UpdateSegmentResponse response;
  *response.mutable_mapping() = MappingOf(context, *updated);
  response.set_note(
      "the audience is renamed; Pinterest cannot rename a customer list, so "
      "the list keeps its name");
  return response;
}

absl::StatusOr<v1::BindCustomerListResponse> BindCustomerList(
    const AdminContext& context, const v1::BindCustomerListRequest& request) {
  auto destination = FindDestination(context, request.ad_account_id());
  if (!destination.ok()) return destination.status();
  auto name = ReadName(**destination, request.segment());
  if (!name.ok()) return name.status();
  const std::string& id = request.customer_list_id();
  if (id.empty() || id.size() > 18 ||
      id.find_first_not_of("0123456789") != std::string::npos) {
    return FieldError("customer_list_id", "must match ^[0-9]{1,18}$");
  }
  auto credential =
      context.registry->FindCredential((*destination)->credential_id);
  if (credential == nullptr) {
    return MakeError(absl::StatusCode::kFailedPrecondition,
                     "CREDENTIAL_NOT_FOUND",
                     "the destination's credential is not there");
  }
  auto client = context.clients->ClientFor(credential->token_name);
  if (!client.ok()) return client.status();
  const auto list = (*client)->Get(request.ad_account_id(), id);
  if (!list.ok()) {
    if (list.error().error_class == pinterest::ErrorClass::kNotFound) {
      return MakeError(absl::StatusCode::kNotFound, "CUSTOMER_LIST_NOT_FOUND",
                       "the ad account has no customer list of this id");
    }
    return list.error().ToStatus();
  }
  if (!list.value().ad_account_id.empty() &&
      list.value().ad_account_id != request.ad_account_id()) {
    return MakeError(absl::StatusCode::kNotFound, "CUSTOMER_LIST_NOT_FOUND",
                     "the customer list is of another ad account");
  }
  membership::Replacement replacement;
  replacement.customer_list_id = id;
  replacement.unknown_members = !request.list_is_empty();
  replacement.keep_old_members = request.keep_old_members();
  replacement.force = request.force();
  // A segment that was unmapped is not taken up again by the way.
  const auto segment = context.operations->BindSegment(
      (*destination)->number, name->segment_namespace(), name->segment_id(),
      replacement, (*destination)->policy.max_customer_lists);
  if (!segment.ok()) return segment.status();
  v1::BindCustomerListResponse response;
  *response.mutable_mapping() = MappingOf(context, segment->number);
  response.set_customer_list_name(list.value().name);
  response.set_note(
      request.list_is_empty()
          ? "the list is taken for empty"
          : "Pinterest does not tell who is on a list: it may hold members "
            "that nobody knows, so every removal is sent to it, and who never "
            "leaves the segment stays on it; replacing the list is the cure");
  return response;
}

absl::StatusOr<v1::UnmapSegmentResponse> UnmapSegment(
    const AdminContext& context, const v1::UnmapSegmentRequest& request) {
  if (request.mode() != v1::UNMAP_MODE_KEEP &&
      request.mode() != v1::UNMAP_MODE_EMPTY) {
    return FieldError("mode", "must say what becomes of the list");
  }
  auto segment = Find(context, request);
  if (!segment.ok()) return segment.status();
  const bool empty = request.mode() == v1::UNMAP_MODE_EMPTY;
  auto unmapped = context.operations->UnmapSegment(segment->number, empty);
  if (!unmapped.ok()) return unmapped.status();
  v1::UnmapSegmentResponse response;
  *response.mutable_mapping() = MappingOf(context, *unmapped);
  response.set_note(
      empty ? "every member that is known is removed, and additions that "
              "waited are superseded; members that nobody knows stay on the "
              "list, and the list stays, as Pinterest cannot delete one"
            : "what was received before is still delivered; then the list and "
              "its audience stay as they are, and exits do not reach them");
  return response;
}

absl::StatusOr<v1::ResyncSegmentResponse> ResyncSegment(
    const AdminContext& context, const v1::ResyncSegmentRequest& request) {
  auto segment = Find(context, request);
  if (!segment.ok()) return segment.status();
  if (absl::Status s = context.operations->RequestResync(segment->number);
      !s.ok()) {
    return s;
  }
  v1::ResyncSegmentResponse response;
  *response.mutable_mapping() = MappingOf(context, segment->number);
  response.set_note(
      "every member is added again; who was put on the list by somebody else "
      "cannot be seen and stays until the platform exits them: from now on "
      "every removal is sent; replacing the list is the cure");
  return response;
}

absl::StatusOr<v1::ReplaceCustomerListResponse> ReplaceCustomerList(
    const AdminContext& context,
    const v1::ReplaceCustomerListRequest& request) {
  auto segment = Find(context, request);
  if (!segment.ok()) return segment.status();
  v1::ReplaceCustomerListResponse response;
  if (auto list = context.ledger->GetList(segment->list); list.ok()) {
    response.set_old_customer_list_id(list->customer_list_id);
  }
  membership::Replacement replacement;
  replacement.keep_old_members = request.keep_old_members();
  replacement.again = request.again();
  if (absl::Status s =
          context.operations->RequestReplacement(segment->number, replacement);
      !s.ok()) {
    return s;
  }
  *response.mutable_mapping() = MappingOf(context, segment->number);
  response.set_note(absl::StrCat(
      "the new list has the same name; ",
      request.keep_old_members()
          ? "the old one keeps its members"
          : "from the old one everybody is removed who is known, while members "
            "that nobody knows stay on it",
      ", and Pinterest cannot delete it"));
  return response;
}

}  // namespace connector::admin
