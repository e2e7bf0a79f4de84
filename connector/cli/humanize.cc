#include "connector/cli/humanize.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"

namespace connector::cli {

std::string Grouped(int64_t number) {
  std::string digits = absl::StrCat(number);
  const size_t start = number < 0 ? 1 : 0;
  for (size_t at = digits.size(); at > start + 3;) {
    at -= 3;
    digits.insert(at, ",");
  }
  return digits;
}

std::string HumanBytes(int64_t bytes) {
  if (bytes < 1000) return absl::StrCat(bytes, " B");
  double value = static_cast<double>(bytes);
  for (const char* unit : {"kB", "MB", "GB"}) {
    value /= 1000;
    if (value < 999.95) return absl::StrFormat("%.1f %s", value, unit);
  }
  return absl::StrFormat("%.1f TB", value / 1000);
}

std::string HumanDuration(absl::Duration duration) {
  const int64_t seconds =
      absl::ToInt64Seconds(duration + absl::Milliseconds(500));
  if (seconds < 60) return absl::StrCat(seconds, " s");
  if (seconds < 3600) {
    return absl::StrFormat("%d:%02d", seconds / 60, seconds % 60);
  }
  return absl::StrFormat("%d:%02d:%02d", seconds / 3600, seconds / 60 % 60,
                         seconds % 60);
}

std::string Counted(int64_t number, const std::string& noun,
                    const std::string& plural) {
  if (number == 1) return absl::StrCat("1 ", noun);
  return absl::StrCat(Grouped(number), " ",
                      plural.empty() ? noun + "s" : plural);
}

}  // namespace connector::cli
