#include "identity_mapping/normalizer.h"

#include <cstddef>

#include "absl/base/attributes.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
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

constexpr absl::string_view kHashed = "SHA-256 of that";

bool Refuse(RejectionReason why, RejectionReason* reason) {
  *reason = why;
  return false;
}

ABSL_ATTRIBUTE_NOINLINE void NoteHash(const Record& record, StepLog log) {
  absl::string_view name = "SHA-256";
  if (record.kind() == RecordKind::kSha1) name = "SHA-1";
  if (record.kind() == RecordKind::kMd5) name = "MD5";
  std::string digits;
  record.AppendWireText(&digits);
  log.Note(absl::StrCat("taken as ", name,
                        " in hex: passed on in small letters, never hashed "
                        "again"),
           digits);
}

// 64, 40 or 32 hex digits that are no hash of nothing. `otherwise`: the reason
// when it is not even hex.
bool TakeHash(absl::string_view text, RejectionReason otherwise, Form* form,
              RejectionReason* reason, StepLog log) {
  if (!ReadHashForm(text, &form->record)) {
    log.Note("is not 64, 40 or 32 hex digits either");
    return Refuse(otherwise, reason);
  }
  if (IsHashOfNothing(form->record)) {
    log.Note(
        "hex digits: the digest of nothing (of the empty string, a placeholder "
        "or the zero id)");
    return Refuse(RejectionReason::kHashOfNothing, reason);
  }
  if (log.on()) NoteHash(form->record, log);
  return true;
}

bool TakeSha256(absl::string_view text, Form* form, RejectionReason* reason,
                StepLog log) {
  if (text.size() != 2 * kSha256Size) {
    log.Note("the kind takes only 64 hex digits");
    return Refuse(RejectionReason::kHashMalformed, reason);
  }
  return TakeHash(text, RejectionReason::kHashMalformed, form, reason, log);
}

bool HashEmail(absl::string_view text, Form* form, RejectionReason* reason,
               StepLog log) {
  log.Note("has an '@': an e-mail address");
  EmailBuffer buffer;
  absl::string_view address;
  if (!NormalizeEmail(text, &buffer, &address, reason)) {
    log.Note("does not have the form of an address");
    return false;
  }
  log.Note("lower-cased, has the form of an address", address);
  form->record = RecordMaker::Make(RecordKind::kSha256, kSha256Size);
  Sha256(address, RecordMaker::Payload(&form->record));
  log.Note(kHashed);
  return true;
}

bool NormalizeEmailKind(absl::string_view text, Form* form,
                        RejectionReason* reason, StepLog log) {
  if (absl::StrContains(text, '@')) return HashEmail(text, form, reason, log);
  log.Note("has no '@': no address in the clear");
  return TakeHash(text, RejectionReason::kEmailMalformed, form, reason, log);
}

bool HashDeviceId(const DeviceId& id, DeviceIdCase letter_case, Form* form,
                  RejectionReason* reason, StepLog log) {
  if (id.IsZero()) {
    log.Note("the all-zero device id: the device opted out");
    return Refuse(RejectionReason::kDeviceIdZero, reason);
  }
  form->record = id.Hash(letter_case);
  form->device_id = id;
  form->hashed_case = letter_case;
  if (log.on()) NoteDeviceId(id, letter_case, log);
  return true;
}

}  // namespace

ABSL_ATTRIBUTE_NOINLINE void NoteDeviceId(const DeviceId& id,
                                          DeviceIdCase letter_case,
                                          StepLog log) {
  log.Note(letter_case == DeviceIdCase::kLower
               ? "a device id: with hyphens, without braces, in small letters"
               : "a device id: with hyphens, without braces, in capitals",
           id.Text(letter_case));
  log.Note(kHashed);
}

bool CheckValue(absl::string_view value, absl::string_view* text,
                RejectionReason* reason, StepLog log) {
  if (value.size() > kMaxValueBytes) {
    log.Note("is longer than 1024 code points can be");
    return Refuse(RejectionReason::kTooLong, reason);
  }
  size_t code_points = value.size();
  if (!IsAscii(value)) {
    const std::optional<size_t> count = CountCodePoints(value);
    if (!count.has_value()) {
      log.Note("is not well-formed UTF-8");
      return Refuse(RejectionReason::kInvalidUtf8, reason);
    }
    code_points = *count;
  }
  if (code_points > kMaxValueCodePoints) {
    log.Note("is longer than 1024 code points");
    return Refuse(RejectionReason::kTooLong, reason);
  }
  *text = TrimBlanks(value);
  log.Note(text->size() == value.size()
               ? "no blanks and invisible characters at its ends"
               : "blanks and invisible characters at both ends taken off",
           *text);
  if (text->empty()) {
    log.Note("nothing is left");
    return Refuse(RejectionReason::kEmpty, reason);
  }
  if (absl::StrContains(*text, ',')) {
    log.Note("has a comma: Pinterest would make two records of it");
    return Refuse(RejectionReason::kContainsComma, reason);
  }
  if (IsPlaceholder(*text)) {
    log.Note("is a placeholder for nothing");
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
                           RejectionReason* reason, StepLog log) const {
  switch (kind_) {
    case IdentityKind::kEmail:
      return NormalizeEmailKind(text, form, reason, log);
    case IdentityKind::kGaid:
      return NormalizeDeviceId(text, gaid_case_, form, reason, log);
    case IdentityKind::kIdfa:
      return NormalizeDeviceId(text, idfa_case_, form, reason, log);
    case IdentityKind::kPinterestAudience:
      return NormalizeLostKind(text, form, reason, log);
    case IdentityKind::kLrId:
    case IdentityKind::kDlxId:
      if (!ReadOpaque(text, &form->record, reason)) {
        log.Note("is not an opaque id of the allowed characters, or looks raw");
        return false;
      }
      log.Note("an opaque id: passed on as it is", text);
      return true;
    case IdentityKind::kEmailLcSha256:
    case IdentityKind::kHashedPinnerId:
      return TakeSha256(text, form, reason, log);
  }
  return Refuse(RejectionReason::kFormUnrecognized, reason);
}

bool Normalizer::NormalizeDeviceId(absl::string_view text,
                                   DeviceIdCase letter_case, Form* form,
                                   RejectionReason* reason, StepLog log) const {
  const std::optional<DeviceId> id = DeviceId::Parse(text);
  const bool is_md5 = accept_md5_ && text.size() == 2 * kMd5Size;
  if (id.has_value() && !is_md5) {
    return HashDeviceId(*id, letter_case, form, reason, log);
  }
  log.Note(is_md5 ? "32 digits: an MD5, as the row says"
                  : "is no device id in the clear");
  form->device_id = id;
  return TakeHash(text, RejectionReason::kDeviceIdMalformed, form, reason, log);
}

bool Normalizer::NormalizeLostKind(absl::string_view text, Form* form,
                                   RejectionReason* reason, StepLog log) const {
  if (absl::StrContains(text, '@')) return HashEmail(text, form, reason, log);
  if (const std::optional<DeviceId> id = DeviceId::ParseUnmistakable(text);
      id.has_value()) {
    log.Note(id->was_upper_case()
                 ? "a device id in which every letter is a capital: an IDFA"
                 : "a device id with small letters: a GAID");
    return HashDeviceId(*id, id->was_upper_case() ? idfa_case_ : gaid_case_,
                        form, reason, log);
  }
  log.Note("has no '@' and is no device id with hyphens or braces");
  // 32 digits are an MD5, but another namespace may have sent the same text as
  // a device id.
  form->device_id = DeviceId::Parse(text);
  return TakeHash(text, RejectionReason::kFormUnrecognized, form, reason, log);
}

}  // namespace identity_mapping
