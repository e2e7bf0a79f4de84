#ifndef IDENTITY_MAPPING_NORMALIZER_H_
#define IDENTITY_MAPPING_NORMALIZER_H_

#include <optional>

#include "absl/strings/string_view.h"
#include "identity_mapping/device_id.h"
#include "identity_mapping/mapping_trace.h"
#include "identity_mapping/record.h"
#include "identity_mapping/rejection.h"
#include "identity_mapping/rules.h"

namespace identity_mapping {

// What every kind asks of a value. True: `*text` is the value without the
// blanks at its ends, well-formed UTF-8, not empty, no placeholder, no comma.
bool CheckValue(absl::string_view value, absl::string_view* text,
                RejectionReason* reason, StepLog log = StepLog());

// Notes how `id.Hash(letter_case)` comes about.
void NoteDeviceId(const DeviceId& id, DeviceIdCase letter_case, StepLog log);

// A record made of a value.
struct Form {
  Record record;
  // The value is a device id in the clear, or may be one.
  std::optional<DeviceId> device_id;
  // The case in which `record` is the hash of `device_id`, if it is that.
  std::optional<DeviceIdCase> hashed_case;
};

// How the values of one row become records.
class Normalizer {
 public:
  Normalizer(const MappingRow& row, const MappingRules& rules);

  // `text` is from CheckValue. True: `*form`, which must be fresh, is the
  // form. False: only `*reason` means anything.
  bool Normalize(absl::string_view text, Form* form, RejectionReason* reason,
                 StepLog log = StepLog()) const;

  IdentityKind kind() const { return kind_; }

  // Equal normalizers make equal forms.
  friend bool operator==(const Normalizer&, const Normalizer&) = default;

 private:
  bool NormalizeDeviceId(absl::string_view text, DeviceIdCase letter_case,
                         Form* form, RejectionReason* reason,
                         StepLog log) const;
  bool NormalizeLostKind(absl::string_view text, Form* form,
                         RejectionReason* reason, StepLog log) const;

  IdentityKind kind_;
  bool accept_md5_;
  // Those that the kind does not use are kept at one value.
  DeviceIdCase gaid_case_ = DeviceIdCase::kLower;
  DeviceIdCase idfa_case_ = DeviceIdCase::kLower;
};

}  // namespace identity_mapping

#endif  // IDENTITY_MAPPING_NORMALIZER_H_
