#include "connector/profile_json/timestamp.h"

#include <cstddef>

namespace connector::profile_json {
namespace {

constexpr bool IsDigit(char c) { return c >= '0' && c <= '9'; }

// Takes exactly `digits` digits from the front of `text`; -1 when they are not
// there.
int TakeNumber(absl::string_view& text, size_t digits) {
  if (text.size() < digits) return -1;
  int value = 0;
  for (size_t i = 0; i < digits; ++i) {
    if (!IsDigit(text[i])) return -1;
    value = value * 10 + (text[i] - '0');
  }
  text.remove_prefix(digits);
  return value;
}

bool TakeOneOf(absl::string_view& text, absl::string_view characters) {
  if (text.empty() || characters.find(text[0]) == absl::string_view::npos) {
    return false;
  }
  text.remove_prefix(1);
  return true;
}

int DaysInMonth(int year, int month) {
  constexpr int kDays[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
  const bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
  return month == 2 && leap ? 29 : kDays[month - 1];
}

// Days from 1970-01-01 in the proleptic Gregorian calendar. The year is taken
// to start in March, so that the leap day is its last one.
int64_t DaysSinceEpoch(int year, int month, int day) {
  const int64_t y = month > 2 ? year : year - 1;
  const int64_t month_from_march = (month + 9) % 12;
  const int64_t day_of_year = (153 * month_from_march + 2) / 5 + day - 1;
  return 365 * y + y / 4 - y / 100 + y / 400 + day_of_year - 719468;
}

// Reads the whole of `text` as a zone, in seconds east of UTC.
bool ReadZone(absl::string_view text, int& zone) {
  zone = 0;
  if (TakeOneOf(text, "Zz")) return text.empty();
  if (text.empty() || (text[0] != '+' && text[0] != '-')) return false;
  const int sign = text[0] == '-' ? -1 : 1;
  text.remove_prefix(1);
  const int hours = TakeNumber(text, 2);
  int minutes = 0;
  if (!text.empty()) {
    TakeOneOf(text, ":");
    minutes = TakeNumber(text, 2);
  }
  zone = sign * (hours * 3600 + minutes * 60);
  return hours >= 0 && hours <= 23 && minutes >= 0 && minutes <= 59 &&
         text.empty();
}

}  // namespace

std::optional<Instant> ParseTimestamp(absl::string_view text) {
  const int year = TakeNumber(text, 4);
  if (year < 0 || !TakeOneOf(text, "-")) return std::nullopt;
  const int month = TakeNumber(text, 2);
  if (month < 0 || !TakeOneOf(text, "-")) return std::nullopt;
  const int day = TakeNumber(text, 2);
  if (day < 0 || !TakeOneOf(text, "Tt")) return std::nullopt;
  const int hour = TakeNumber(text, 2);
  if (hour < 0 || !TakeOneOf(text, ":")) return std::nullopt;
  const int minute = TakeNumber(text, 2);
  if (minute < 0 || !TakeOneOf(text, ":")) return std::nullopt;
  const int second = TakeNumber(text, 2);
  if (second < 0) return std::nullopt;
  if (year < 1 || month < 1 || month > 12 || day < 1 ||
      day > DaysInMonth(year, month) || hour > 23 || minute > 59 ||
      second > 60) {
    return std::nullopt;
  }
  Instant instant;
  if (TakeOneOf(text, ".")) {
    int digits = 0;
    while (!text.empty() && IsDigit(text[0]) && digits < 9) {
      instant.nanos = instant.nanos * 10 + (text[0] - '0');
      text.remove_prefix(1);
      ++digits;
    }
    if (digits == 0) return std::nullopt;
    for (; digits < 9; ++digits) instant.nanos *= 10;
  }
  int zone;
  if (!ReadZone(text, zone)) return std::nullopt;
  instant.seconds = DaysSinceEpoch(year, month, day) * 86400 + hour * 3600 +
                    minute * 60 + second - zone;
  // What google.protobuf.Timestamp can hold; a zone may lead out of it.
  constexpr int64_t kMin = -62135596800;
  constexpr int64_t kMax = 253402300799;
  if (instant.seconds < kMin || instant.seconds > kMax) return std::nullopt;
  return instant;
}

}  // namespace connector::profile_json
