#include "identity_mapping/hex.h"

#include <array>
#include <cstring>

namespace identity_mapping {
namespace {

// The two digits of every byte.
constexpr std::array<char, 512> MakeDigits() {
  constexpr char kDigits[] = "0123456789abcdef";
  std::array<char, 512> table{};
  for (int i = 0; i < 256; ++i) {
    table[2 * i] = kDigits[i >> 4];
    table[2 * i + 1] = kDigits[i & 15];
  }
  return table;
}

// The value of every hex digit; 0xFF for all other characters.
constexpr std::array<uint8_t, 256> MakeValues() {
  std::array<uint8_t, 256> table{};
  for (int i = 0; i < 256; ++i) table[i] = 0xFF;
  for (int i = 0; i < 10; ++i) table['0' + i] = static_cast<uint8_t>(i);
  for (int i = 0; i < 6; ++i) {
    table['a' + i] = static_cast<uint8_t>(10 + i);
    table['A' + i] = static_cast<uint8_t>(10 + i);
  }
  return table;
}

constexpr std::array<char, 512> kDigitPairs = MakeDigits();
constexpr std::array<uint8_t, 256> kValues = MakeValues();

}  // namespace

char* WriteLowerHex(absl::string_view bytes, char* out) {
  for (char c : bytes) {
    std::memcpy(out, &kDigitPairs[2 * static_cast<uint8_t>(c)], 2);
    out += 2;
  }
  return out;
}

bool IsHex(absl::string_view text) {
  uint8_t seen = 0;
  for (char c : text) seen |= kValues[static_cast<uint8_t>(c)];
  return (seen & 0xF0) == 0;
}

bool ReadHex(absl::string_view text, uint8_t* out) {
  // One test at the end: almost every value that gets here is hex.
  uint8_t seen = 0;
  for (size_t i = 0; i + 1 < text.size(); i += 2) {
    const uint8_t high = kValues[static_cast<uint8_t>(text[i])];
    const uint8_t low = kValues[static_cast<uint8_t>(text[i + 1])];
    seen |= high | low;
    *out++ = static_cast<uint8_t>(high << 4 | low);
  }
  return (seen & 0xF0) == 0;
}

}  // namespace identity_mapping
