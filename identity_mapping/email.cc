#include "identity_mapping/email.h"

#include <cstdint>
#include <optional>

#include "absl/types/span.h"
#include "identity_mapping/text.h"

namespace identity_mapping {
namespace {

// RFC 5321 4.5.3.1, in octets; RFC 6531 keeps them for UTF-8.
constexpr size_t kMaxLocalPart = 64;
constexpr size_t kMaxDomain = 255;

// What a byte of a lower-cased address may be part of.
constexpr uint8_t kInLocalPart = 1;
constexpr uint8_t kInDomain = 2;

constexpr std::array<uint8_t, 256> MakeClasses() {
  std::array<uint8_t, 256> table{};
  const auto allow = [&table](absl::string_view characters, uint8_t where) {
    for (char c : characters) table[static_cast<uint8_t>(c)] |= where;
  };
  allow("abcdefghijklmnopqrstuvwxyz0123456789-.", kInLocalPart | kInDomain);
  // The other characters of RFC 5322's atext: no quotes, brackets, blanks.
  allow("!#$%&'*+/=?^_`{|}~", kInLocalPart);
  for (int byte = 0x80; byte <= 0xFF; ++byte) {
    table[byte] = kInLocalPart | kInDomain;  // looked at by code point
  }
  return table;
}

constexpr std::array<uint8_t, 256> kClasses = MakeClasses();

bool AllAre(absl::string_view text, uint8_t where) {
  uint8_t common = 0xFF;
  for (char c : text) common &= kClasses[static_cast<uint8_t>(c)];
  return (common & where) != 0;
}

// At least two labels, none of them empty.
bool HasGoodLabels(absl::string_view domain) {
  if (domain.back() == '.') return false;
  bool has_dot = false;
  char previous = '.';
  for (char c : domain) {
    if (c == '.') {
      if (previous == '.') return false;
      has_dot = true;
    }
    previous = c;
  }
  return has_dot;
}

}  // namespace

bool NormalizeEmail(absl::string_view text, EmailBuffer* buffer,
                    absl::string_view* normalized, RejectionReason* reason) {
  *reason = RejectionReason::kTooLong;
  if (text.size() > kMaxEmailInput) return false;
  const std::optional<absl::string_view> lower =
      ToLowerCase(text, absl::MakeSpan(*buffer));
  if (!lower.has_value()) return false;

  *reason = RejectionReason::kEmailMalformed;
  const size_t at = lower->find('@');
  if (at == absl::string_view::npos) return false;
  const absl::string_view local_part = lower->substr(0, at);
  // A second '@' is in no class.
  const absl::string_view domain = lower->substr(at + 1);
  if (local_part.empty() || domain.empty()) return false;
  if (!AllAre(local_part, kInLocalPart) || !AllAre(domain, kInDomain) ||
      !HasGoodLabels(domain)) {
    return false;
  }
  if (!IsAscii(*lower) && HasBlankOrInvisible(*lower)) return false;

  *reason = RejectionReason::kTooLong;
  if (local_part.size() > kMaxLocalPart || domain.size() > kMaxDomain) {
    return false;
  }
  *normalized = *lower;
  return true;
}

}  // namespace identity_mapping
