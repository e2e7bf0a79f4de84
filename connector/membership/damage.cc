#include "connector/membership/damage.h"

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "connector/base/error.h"

namespace connector::membership {
namespace {

bool IsNumber(absl::string_view text) {
  for (const char c : text) {
    if (!absl::ascii_isdigit(c)) return false;
  }
  return !text.empty();
}

bool IsFileName(absl::string_view word) {
  if (word == "CURRENT") return true;
  absl::string_view rest = word;
  if (absl::ConsumePrefix(&rest, "MANIFEST-") ||
      absl::ConsumePrefix(&rest, "OPTIONS-") ||
      absl::ConsumeSuffix(&rest, ".sst") ||
      absl::ConsumeSuffix(&rest, ".log")) {
    return IsNumber(rest);
  }
  return false;
}

}  // namespace

absl::Status Damaged(absl::string_view what) {
  return MakeError(absl::StatusCode::kDataLoss, "STORE_DAMAGED",
                   absl::StrCat("the store is damaged: ", what,
                                "; restore the state directory from a backup "
                                "(docs/operation.md, \"Backup and restore\")"));
}

std::string FileNamedIn(absl::string_view message) {
  const auto is_part = [](char c) {
    return absl::ascii_isalnum(c) || c == '-' || c == '.';
  };
  for (size_t begin = 0; begin < message.size();) {
    if (!is_part(message[begin])) {
      ++begin;
      continue;
    }
    size_t end = begin;
    while (end < message.size() && is_part(message[end])) ++end;
    absl::string_view word = message.substr(begin, end - begin);
    while (absl::ConsumeSuffix(&word, ".")) {
    }
    if (IsFileName(word)) return std::string(word);
    begin = end;
  }
  return "";
}

}  // namespace connector::membership
