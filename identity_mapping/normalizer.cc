#include "identity_mapping/normalizer.h"

#include <cstddef>

#include "absl/strings/match.h"
#include "identity_mapping/digest.h"
#include "identity_mapping/email.h"
#include "identity_mapping/hash_form.h"
#include "identity_mapping/opaque.h"
#include "identity_mapping/placeholder.h"
#include "identity_mapping/record_maker.h"
#include "identity_mapping/text.h"

namespace identity_mapping {
namespace {

// The platform's own limit of an identity value, in code points of the value as
// it came (Adobe's guardrails: 1024 characters); in UTF-8 at most four times as
// many bytes.
constexpr size_t kMaxValueCodePoints = 1024;
constexpr size_t kMaxValueBytes = 4 * kMaxValueCodePoints;

bool Refuse(RejectionReason why, RejectionReason* reason) {
  *reason = why;
  return false;
}

// 64, 40 or 32 hex digits that are no hash of nothing. `otherwise`: the reason
// when it is not even hex.
bool TakeHash(absl::string_view text, RejectionReason otherwise, Form* form,
              RejectionReason* reason) {
  if (!ReadHashForm(text, &form->record)) return Refuse(otherwise, reason);
  if (IsHashOfNothing(form->record)) {
    return Refuse(RejectionReason::kHashOfNothing, reason);
  }
  return true;
}

bool TakeSha256(absl::string_view text, Form* form, RejectionReason* reason) {
  if (text.size() != 2 * kSha256Size) {
    return Refuse(RejectionReason::kHashMalformed, reason);
  }
  return TakeHash(text, RejectionReason::kHashMalformed, form, reason);
}

bool HashEmail(absl::string_view text, Form* form, RejectionReason* reason) {
  EmailBuffer buffer;
  absl::string_view address;
  if (!NormalizeEmail(text, &buffer, &address, reason)) return false;
  form->record = RecordMaker::Make(RecordKind::kSha256, kSha256Size);
  Sha256(address, RecordMaker::Payload(&form->record));
  return true;
}

bool NormalizeEmailKind(absl::string_view text, Form* form,
                        RejectionReason* reason) {
  if (absl::StrContains(text, '@')) return HashEmail(text, form, reason);
  return TakeHash(text, RejectionReason::kEmailMalformed, form, reason);
}

bool HashDeviceId(const DeviceId& id, DeviceIdCase letter_case, Form* form,
                  RejectionReason* reason) {
  if (id.IsZero()) return Refuse(RejectionReason::kDeviceIdZero, reason);
  form->record = id.Hash(letter_case);
  form->device_id = id;
  form->hashed_case = letter_case;
  return true;
}

}  // namespace

bool CheckValue(absl::string_view value, absl::string_view* text,
                RejectionReason* reason) {
  if (value.size() > kMaxValueBytes) {
    return Refuse(RejectionReason::kTooLong, reason);
  }
  size_t code_points = value.size();
  if (!IsAscii(value)) {
    const std::optional<size_t> count = CountCodePoints(value);
    if (!count.has_value()) {
      return Refuse(RejectionReason::kInvalidUtf8, reason);
    }
    code_points = *count;
  }
  if (code_points > kMaxValueCodePoints) {
    return Refuse(RejectionReason::kTooLong, reason);
  }
  *text = TrimBlanks(value);
  if (text->empty()) return Refuse(RejectionReason::kEmpty, reason);
  if (absl::StrContains(*text, ',')) {
    return Refuse(RejectionReason::kContainsComma, reason);
  }
  if (IsPlaceholder(*text)) {
    return Refuse(RejectionReason::kPlaceholder, reason);
  }
  return true;
}

Normalizer::Normalizer(const MappingRow& row, const MappingRules& rules)
    : kind_(row.kind), accept_md5_(row.accept_md5) {
  const bool lost = kind_ == IdentityKind::kPinterestAudience;
  if (lost || kind_ == IdentityKind::kGaid) gaid_case_ = rules.gaid_case;
  if (lost || kind_ == IdentityKind::kIdfa) idfa_case_ = rules.idfa_case;
}

bool Normalizer::Normalize(absl::string_view text, Form* form,
                           RejectionReason* reason) const {
  switch (kind_) {
    case IdentityKind::kEmail:
      return NormalizeEmailKind(text, form, reason);
    case IdentityKind::kGaid:
      return NormalizeDeviceId(text, gaid_case_, form, reason);
    case IdentityKind::kIdfa:
      return NormalizeDeviceId(text, idfa_case_, form, reason);
    case IdentityKind::kPinterestAudience:
      return NormalizeLostKind(text, form, reason);
    case IdentityKind::kLrId:
    case IdentityKind::kDlxId:
      return ReadOpaque(text, &form->record, reason);
    case IdentityKind::kEmailLcSha256:
    case IdentityKind::kHashedPinnerId:
      return TakeSha256(text, form, reason);
  }
  return Refuse(RejectionReason::kFormUnrecognized, reason);
}

bool Normalizer::NormalizeDeviceId(absl::string_view text,
                                   DeviceIdCase letter_case, Form* form,
                                   RejectionReason* reason) const {
  const std::optional<DeviceId> id = DeviceId::Parse(text);
  const bool is_md5 = accept_md5_ && text.size() == 2 * kMd5Size;
  if (id.has_value() && !is_md5) {
    return HashDeviceId(*id, letter_case, form, reason);
  }
  form->device_id = id;
  return TakeHash(text, RejectionReason::kDeviceIdMalformed, form, reason);
}

bool Normalizer::NormalizeLostKind(absl::string_view text, Form* form,
                                   RejectionReason* reason) const {
  if (absl::StrContains(text, '@')) return HashEmail(text, form, reason);
  if (const std::optional<DeviceId> id = DeviceId::ParseUnmistakable(text);
      id.has_value()) {
    return HashDeviceId(*id, id->was_upper_case() ? idfa_case_ : gaid_case_,
                        form, reason);
  }
  // 32 digits are an MD5, but another namespace may have sent the same text as
  // a device id.
  form->device_id = DeviceId::Parse(text);
  return TakeHash(text, RejectionReason::kFormUnrecognized, form, reason);
}

}  // namespace identity_mapping
