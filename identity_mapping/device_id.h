#ifndef IDENTITY_MAPPING_DEVICE_ID_H_
#define IDENTITY_MAPPING_DEVICE_ID_H_

#include <array>
#include <cstddef>
#include <optional>
#include <string>

#include "absl/strings/string_view.h"
#include "identity_mapping/record.h"
#include "identity_mapping/rules.h"

namespace identity_mapping {

// A device advertising id in the clear (GAID or IDFA).
class DeviceId {
 public:
  // Bytes of the canonical form, 8-4-4-4-12 hex digits.
  static constexpr size_t kTextSize = 36;

  // Reads 8-4-4-4-12 hex digits of either case, or 32 without the hyphens, each
  // also in braces. `text` is trimmed. nullopt: not of that form.
  static std::optional<DeviceId> Parse(absl::string_view text);

  // The same without the form "32 digits, no braces", which may also be an MD5
  // hash.
  static std::optional<DeviceId> ParseUnmistakable(absl::string_view text);

  // The id of a device whose user opted out.
  bool IsZero() const;
  // False: upper and lower case are the same.
  bool HasLetters() const;
  // Every letter of the text it was read from was a capital (or it had none).
  bool was_upper_case() const { return was_upper_case_; }

  // The canonical form. Sensitive.
  std::string Text(DeviceIdCase letter_case) const;

  // SHA-256 of the canonical form.
  Record Hash(DeviceIdCase letter_case) const;

 private:
  DeviceId() = default;
  std::array<char, kTextSize> InCase(DeviceIdCase letter_case) const;

  // The canonical form in small letters.
  std::array<char, kTextSize> text_;
  bool was_upper_case_ = true;
};

}  // namespace identity_mapping

#endif  // IDENTITY_MAPPING_DEVICE_ID_H_
