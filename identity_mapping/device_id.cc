#include "identity_mapping/device_id.h"

#include <algorithm>
#include <cstdint>

#include "identity_mapping/digest.h"
#include "identity_mapping/hex.h"
#include "identity_mapping/record_maker.h"

namespace identity_mapping {
namespace {

constexpr size_t kBareSize = 32;
constexpr size_t kHyphens[] = {8, 13, 18, 23};
constexpr absl::string_view kZeroId = "00000000-0000-0000-0000-000000000000";
static_assert(kZeroId.size() == DeviceId::kTextSize);

bool InBraces(absl::string_view text) {
  return text.size() > 2 && text.front() == '{' && text.back() == '}';
}

// Puts the hyphens in.
std::array<char, DeviceId::kTextSize> Hyphenate(absl::string_view bare) {
  std::array<char, DeviceId::kTextSize> text;
  char* out = text.data();
  for (size_t i = 0; i < bare.size(); ++i) {
    if (i == 8 || i == 12 || i == 16 || i == 20) *out++ = '-';
    *out++ = bare[i];
  }
  return text;
}

}  // namespace

std::optional<DeviceId> DeviceId::Parse(absl::string_view text) {
  if (InBraces(text)) text = text.substr(1, text.size() - 2);
  DeviceId id;
  if (text.size() == kTextSize) {
    std::copy_n(text.data(), kTextSize, id.text_.data());
  } else if (text.size() == kBareSize) {
    id.text_ = Hyphenate(text);
  } else {
    return std::nullopt;
  }
  // With a digit for each hyphen, all must be digits.
  std::array<char, kTextSize> digits = id.text_;
  for (size_t hyphen : kHyphens) {
    if (digits[hyphen] != '-') return std::nullopt;
    digits[hyphen] = '0';
  }
  if (!IsHex({digits.data(), digits.size()})) return std::nullopt;

  // Of hex digits and the hyphen only 'a' to 'f' are above 'F', and only 'A' to
  // 'F' lack the bit that small letters have.
  char greatest = 0;
  for (char& c : id.text_) {
    greatest = std::max(greatest, c);
    c = static_cast<char>(c | 0x20);
  }
  id.was_upper_case_ = greatest <= 'F';
  return id;
}

std::optional<DeviceId> DeviceId::ParseUnmistakable(absl::string_view text) {
  if (text.size() == kBareSize) return std::nullopt;
  return Parse(text);
}

bool DeviceId::IsZero() const {
  return absl::string_view(text_.data(), text_.size()) == kZeroId;
}

bool DeviceId::HasLetters() const {
  return *std::max_element(text_.begin(), text_.end()) > '9';
}

std::array<char, DeviceId::kTextSize> DeviceId::InCase(
    DeviceIdCase letter_case) const {
  std::array<char, kTextSize> text = text_;
  if (letter_case == DeviceIdCase::kUpper) {
    for (char& c : text) c = static_cast<char>(c >= 'a' ? c - ('a' - 'A') : c);
  }
  return text;
}

std::string DeviceId::Text(DeviceIdCase letter_case) const {
  const std::array<char, kTextSize> text = InCase(letter_case);
  return std::string(text.data(), text.size());
}

Record DeviceId::Hash(DeviceIdCase letter_case) const {
  const std::array<char, kTextSize> text = InCase(letter_case);
  Record record = RecordMaker::Make(RecordKind::kSha256, kSha256Size);
  Sha256({text.data(), text.size()}, RecordMaker::Payload(&record));
  return record;
}

}  // namespace identity_mapping
