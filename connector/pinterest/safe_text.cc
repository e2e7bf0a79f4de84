#include "connector/pinterest/safe_text.h"

#include <optional>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_replace.h"
#include "connector/pinterest/utf8.h"

namespace connector::pinterest {
namespace {

// More is not looked at: no message of use is longer.
constexpr size_t kMaxInput = 16 << 10;

// A shorter secret would turn ordinary words into masks.
constexpr size_t kMinSecret = 8;

constexpr size_t kLongRun = 32;

bool EndsWord(char c) {
  return absl::string_view(" \"<>(),;[]").find(c) != absl::string_view::npos;
}

bool IsHexOrHyphen(char c) { return absl::ascii_isxdigit(c) || c == '-'; }

bool IsOpaque(char c) {
  return absl::ascii_isalnum(c) || c == '+' || c == '/' || c == '=' ||
         c == '_' || c == '-';
}

// Only whole words are kept of what is too long: half a digest might not be
// told as one any more.
absl::string_view CutInput(absl::string_view text) {
  if (text.size() <= kMaxInput) return text;
  text = text.substr(0, kMaxInput);
  while (!text.empty() && !absl::ascii_isspace(text.back())) {
    text.remove_suffix(1);
  }
  return text;
}

std::string DropUnprintable(absl::string_view text) {
  std::string clean;
  clean.reserve(text.size());
  while (!text.empty()) {
    const absl::string_view before = text;
    const std::optional<char32_t> c = TakeCodePoint(&text);
    if (!c.has_value()) {
      clean.push_back('?');
    } else if (*c == '\n' || *c == '\r' || *c == '\t') {
      clean.push_back(' ');
    } else if (!IsControl(*c) && !IsInvisible(*c)) {
      clean.append(before.data(), before.size() - text.size());
    }
  }
  return clean;
}

bool HoldsAt(absl::string_view word) {
  return absl::StrContains(word, '@') || absl::StrContains(word, "%40") ||
         absl::StrContains(word, "\xEF\xBC\xA0") ||  // Full width.
         absl::StrContains(word, "\xEF\xB9\xAB") ||  // Small form.
         absl::StrContains(word, "u0040") || absl::StrContains(word, "&#64");
}

// "pin", a letter, '_'; also in the middle of a word, as a message may glue a
// token to what goes before.
bool StartsToken(absl::string_view text) {
  return text.size() >= 5 && absl::StartsWithIgnoreCase(text, "pin") &&
         absl::ascii_isalpha(text[3]) && text[4] == '_';
}

template <typename Predicate>
size_t RunEnd(absl::string_view text, size_t from, Predicate predicate) {
  while (from < text.size() && predicate(text[from])) ++from;
  return from;
}

void AppendMaskedWord(absl::string_view word, std::string* out) {
  if (HoldsAt(word)) {
    out->append("[address]");
    return;
  }
  size_t i = 0;
  // The runs that `i` is in, each looked at once however long it is.
  size_t hex_end = 0;
  size_t hex_digits = 0;  // from i on
  size_t end = 0;
  size_t last_digit = 0;
  while (i < word.size()) {
    if (StartsToken(word.substr(i))) {
      out->append("[token]");
      return;
    }
    if (!IsOpaque(word[i])) {
      out->push_back(word[i++]);
      continue;
    }
    if (i >= hex_end) {
      hex_end = RunEnd(word, i, IsHexOrHyphen);
      hex_digits = 0;
      for (size_t k = i; k < hex_end; ++k) hex_digits += word[k] != '-';
    }
    if (hex_digits >= kLongRun) {
      out->append("[id]");
      i = hex_end;
      continue;
    }
    if (i >= end) {
      end = RunEnd(word, i, IsOpaque);
      last_digit = end;
      while (last_digit > i && !absl::ascii_isdigit(word[last_digit - 1])) {
        --last_digit;
      }
    }
    // `last_digit` is one past it.
    if (end - i >= kLongRun && last_digit > i) {
      out->append("[opaque]");
      i = end;
      continue;
    }
    // A run may still hold a digest or token that starts further on.
    if (i < hex_end && word[i] != '-') --hex_digits;
    out->push_back(word[i++]);
  }
}

std::string Cut(std::string text, size_t max_bytes) {
  if (text.size() <= max_bytes) return text;
  size_t end = max_bytes - 3;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0) == 0x80) {
    --end;
  }
  text.resize(end);
  text.append("...");
  return text;
}

}  // namespace

std::string SafeText(absl::string_view text, size_t max_bytes,
                     absl::string_view secret) {
  std::string clean = DropUnprintable(CutInput(text));
  if (secret.size() >= kMinSecret) {
    clean = absl::StrReplaceAll(clean, {{secret, " [token] "}});
  }
  std::string masked;
  masked.reserve(clean.size());
  absl::string_view rest = clean;
  while (!rest.empty()) {
    const size_t end = RunEnd(rest, 0, [](char c) { return !EndsWord(c); });
    AppendMaskedWord(rest.substr(0, end), &masked);
    rest.remove_prefix(end);
    if (!rest.empty()) {
      masked.push_back(rest.front());
      rest.remove_prefix(1);
    }
  }
  return Cut(std::string(absl::StripAsciiWhitespace(masked)), max_bytes);
}

}  // namespace connector::pinterest
