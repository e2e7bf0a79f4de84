#include "connector/pinterest/utf8.h"

#include <cstddef>

namespace connector::pinterest {

std::optional<char32_t> TakeCodePoint(absl::string_view* text) {
  const auto byte = [&](size_t i) {
    return static_cast<unsigned char>((*text)[i]);
  };
  const unsigned char lead = byte(0);
  size_t length = 1;
  char32_t value = lead;
  char32_t smallest = 0;
  if (lead >= 0x80) {
    if (lead >= 0xC2 && lead <= 0xDF) {
      length = 2, value = lead & 0x1F, smallest = 0x80;
    } else if (lead >= 0xE0 && lead <= 0xEF) {
      length = 3, value = lead & 0x0F, smallest = 0x800;
    } else if (lead >= 0xF0 && lead <= 0xF4) {
      length = 4, value = lead & 0x07, smallest = 0x10000;
    } else {
      length = 0;
    }
  }
  bool good = length > 0 && length <= text->size();
  for (size_t i = 1; good && i < length; ++i) {
    good = (byte(i) & 0xC0) == 0x80;
    value = (value << 6) | (byte(i) & 0x3F);
  }
  if (good) {
    good = value >= smallest && value <= 0x10FFFF &&
           !(value >= 0xD800 && value <= 0xDFFF);
  }
  text->remove_prefix(good ? length : 1);
  if (!good) return std::nullopt;
  return value;
}

bool IsControl(char32_t c) { return c < 0x20 || (c >= 0x7F && c <= 0x9F); }

bool IsInvisible(char32_t c) {
  return c == 0xAD || (c >= 0x200B && c <= 0x200F) ||
         (c >= 0x2028 && c <= 0x202E) || (c >= 0x2060 && c <= 0x206F) ||
         c == 0xFEFF;
}

bool IsPlainUtf8(absl::string_view text) {
  while (!text.empty()) {
    const std::optional<char32_t> c = TakeCodePoint(&text);
    if (!c.has_value() || IsControl(*c)) return false;
  }
  return true;
}

}  // namespace connector::pinterest
