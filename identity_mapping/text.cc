#include "identity_mapping/text.h"

#include <unicode/bytestream.h>
#include <unicode/casemap.h>
#include <unicode/uchar.h>
#include <unicode/utf8.h>

#include <cstdint>
#include <cstring>

namespace identity_mapping {
namespace {

constexpr UChar32 kZeroWidthNonJoiner = 0x200C;
constexpr UChar32 kZeroWidthJoiner = 0x200D;

bool IsAsciiBlank(char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }

bool IsBlank(UChar32 c) {
  switch (c) {
    case 0x200B:
    case kZeroWidthNonJoiner:
    case kZeroWidthJoiner:
    case 0x2060:
    case 0xFEFF:
      return true;
    default:
      return u_isUWhiteSpace(c);
  }
}

absl::string_view TrimUnicodeBlanks(absl::string_view text) {
  const char* const data = text.data();
  const auto size = static_cast<int32_t>(text.size());
  int32_t begin = 0;
  while (begin < size) {
    int32_t next = begin;
    UChar32 c;
    U8_NEXT(data, next, size, c);
    if (!IsBlank(c)) break;
    begin = next;
  }
  int32_t end = size;
  while (end > begin) {
    int32_t previous = end;
    UChar32 c;
    U8_PREV(data, begin, previous, c);
    if (!IsBlank(c)) break;
    end = previous;
  }
  return text.substr(begin, end - begin);
}

}  // namespace

bool IsAscii(absl::string_view text) {
  const char* p = text.data();
  size_t left = text.size();
  uint64_t seen = 0;
  for (; left >= sizeof(uint64_t); left -= sizeof(uint64_t)) {
    uint64_t word;
    std::memcpy(&word, p, sizeof(word));
    seen |= word;
    p += sizeof(word);
  }
  for (; left > 0; --left) seen |= static_cast<uint8_t>(*p++);
  return (seen & 0x8080808080808080u) == 0;
}

std::optional<size_t> CountCodePoints(absl::string_view text) {
  const auto size = static_cast<int32_t>(text.size());
  size_t count = 0;
  for (int32_t i = 0; i < size; ++count) {
    UChar32 c;
    U8_NEXT(text.data(), i, size, c);
    if (c < 0) return std::nullopt;
  }
  return count;
}

absl::string_view TrimBlanks(absl::string_view text) {
  while (!text.empty() && IsAsciiBlank(text.front())) text.remove_prefix(1);
  while (!text.empty() && IsAsciiBlank(text.back())) text.remove_suffix(1);
  if (text.empty()) return text;
  // Only a byte above 0x7F at an end can belong to another blank.
  const auto is_ascii = [](char c) { return static_cast<uint8_t>(c) < 0x80; };
  if (is_ascii(text.front()) && is_ascii(text.back())) return text;
  return TrimUnicodeBlanks(text);
}

std::optional<absl::string_view> ToLowerCase(absl::string_view text,
                                             absl::Span<char> buffer) {
  if (IsAscii(text)) {
    if (text.size() > buffer.size()) return std::nullopt;
    for (size_t i = 0; i < text.size(); ++i) {
      const char c = text[i];
      buffer[i] = static_cast<char>(c >= 'A' && c <= 'Z' ? c | 0x20 : c);
    }
    return absl::string_view(buffer.data(), text.size());
  }
  icu::CheckedArrayByteSink sink(buffer.data(),
                                 static_cast<int32_t>(buffer.size()));
  UErrorCode error = U_ZERO_ERROR;
  icu::CaseMap::utf8ToLower(
      /*locale=*/"", /*options=*/0,
      icu::StringPiece(text.data(), static_cast<int32_t>(text.size())), sink,
      /*edits=*/nullptr, error);
  if (U_FAILURE(error) || sink.Overflowed()) return std::nullopt;
  return absl::string_view(buffer.data(), sink.NumberOfBytesWritten());
}

bool HasBlankOrInvisible(absl::string_view text) {
  const auto size = static_cast<int32_t>(text.size());
  for (int32_t i = 0; i < size;) {
    UChar32 c;
    U8_NEXT(text.data(), i, size, c);
    if (c == kZeroWidthNonJoiner || c == kZeroWidthJoiner) continue;
    if (IsBlank(c)) return true;
    const int8_t category = u_charType(c);
    if (category == U_CONTROL_CHAR || category == U_FORMAT_CHAR) return true;
  }
  return false;
}

}  // namespace identity_mapping
