#include "connector/config/field_check.h"

#include <algorithm>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "connector/base/error.h"

namespace connector::config {
namespace {

// A message is for one look; the details have the rest.
constexpr size_t kMaxViolationsInMessage = 20;

}  // namespace

std::string WithCommas(int64_t number) {
  std::string digits = absl::StrCat(number);
  const size_t first = digits[0] == '-' ? 1 : 0;
  for (size_t i = digits.size(); i > first + 3; i -= 3) {
    digits.insert(i - 3, ",");
  }
  return digits;
}

bool HasControlCharacter(absl::string_view text) {
  return std::any_of(text.begin(), text.end(), [](char c) {
    return absl::ascii_iscntrl(static_cast<unsigned char>(c));
  });
}

void FieldCheck::Add(absl::string_view field, absl::string_view rule) {
  violations_.emplace_back(field, rule);
}

void FieldCheck::Range(absl::string_view field, int64_t value, int64_t least,
                       int64_t most) {
  if (value >= least && value <= most) return;
  Add(field,
      absl::StrCat("must be ", WithCommas(least), " to ", WithCommas(most)));
}

void FieldCheck::Text(absl::string_view field, absl::string_view text,
                      size_t max_bytes) {
  if (text.size() > max_bytes) {
    Add(field,
        absl::StrCat("must be at most ", WithCommas(max_bytes), " bytes long"));
  } else if (HasControlCharacter(text)) {
    Add(field, "must not contain a control character");
  }
}

void FieldCheck::Append(const FieldCheck& other) {
  violations_.insert(violations_.end(), other.violations_.begin(),
                     other.violations_.end());
}

absl::Status FieldCheck::ToStatus() const {
  if (violations_.empty()) return absl::OkStatus();
  ErrorDetail detail;
  detail.reason = "FIELD_INVALID";
  detail.metadata["field"] = violations_[0].first;
  detail.field_violations.assign(
      violations_.begin(),
      violations_.begin() + std::min(violations_.size(), kMaxViolations));
  std::string message;
  if (violations_.size() > 1) {
    message = absl::StrCat(violations_.size(), " fields are wrong: ");
  }
  for (size_t i = 0; i < violations_.size(); ++i) {
    if (i == kMaxViolationsInMessage) {
      absl::StrAppend(&message, "; and ", violations_.size() - i, " more");
      break;
    }
    absl::StrAppend(&message, i == 0 ? "" : "; ", violations_[i].first, ": ",
                    violations_[i].second);
  }
  return MakeError(absl::StatusCode::kInvalidArgument, message, detail);
}

}  // namespace connector::config
