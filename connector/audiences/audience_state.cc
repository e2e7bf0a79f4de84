#include "connector/audiences/audience_state.h"

#include <algorithm>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"

namespace connector::audiences {
namespace {

// "3 h", "20 min"; for people.
std::string Waited(absl::Duration duration) {
  if (duration >= absl::Hours(1)) {
    return absl::StrCat(absl::ToInt64Hours(duration), " h");
  }
  return absl::StrCat(std::max<int64_t>(0, absl::ToInt64Minutes(duration)),
                      " min");
}

std::string PendingHint(absl::string_view type,
                        const membership::AudienceRow& row) {
  if (row.retired) return "it is retired, and none is made";
  if (row.creation_attempt_time != absl::InfinitePast()) {
    return "its creation was not answered: it is looked for before it is made "
           "again";
  }
  if (!row.last_error.empty()) {
    return "it could not be made yet and is tried again at the next poll";
  }
  if (type == "ACTALIKE") {
    return "it is made once its seed audience can be used";
  }
  return "it is made soon";
}

std::string WaitingHint(const membership::AudienceRow& row, absl::Time now) {
  const absl::Duration waited = now - row.status_time;
  if (waited > kLongestWait) {
    return absl::StrCat(
        "Pinterest has been at work on it for ", Waited(waited),
        ", longer than the 72 h it names: look at it in Ads Manager or ask "
        "Pinterest's support; it is asked for on and on");
  }
  return absl::StrCat(
      "Pinterest is at work on it: typically 48 h, at most 72 h; ",
      Waited(waited), " so far");
}

std::string EndedHint(const membership::AudienceRow& row) {
  if (row.status == kGoneStatus) {
    return "Pinterest knows it no longer: somebody took it away";
  }
  if (row.retired) return "it is retired";
  if (row.status == "ERROR") {
    return "Pinterest could not make it: look at it in Ads Manager";
  }
  return "it is archived: ad groups cannot take it up any more";
}

}  // namespace

AudienceClass ClassOf(absl::string_view status) {
  if (status.empty()) return AudienceClass::kPending;
  if (status == "READY" || status == "ELIGIBLE") return AudienceClass::kUsable;
  if (status == "INITIALIZING" || status == "PROCESSING" ||
      status == "UPDATING") {
    return AudienceClass::kWaiting;
  }
  if (status == "TOO_SMALL") return AudienceClass::kTooSmall;
  if (status == "ARCHIVED" || status == "ERROR" || status == kGoneStatus) {
    return AudienceClass::kEnded;
  }
  return AudienceClass::kUnknown;
}

std::string AudienceHint(absl::string_view type,
                         const membership::AudienceRow& row, absl::Time now) {
  std::vector<std::string> hints;
  switch (row.audience_id.empty() ? AudienceClass::kPending
                                  : ClassOf(row.status)) {
    case AudienceClass::kPending:
      hints.push_back(PendingHint(type, row));
      break;
    case AudienceClass::kWaiting:
      hints.push_back(WaitingHint(row, now));
      break;
    case AudienceClass::kUsable:
      break;
    case AudienceClass::kTooSmall:
      hints.push_back(
          "fewer than 100 matched accounts: it cannot be used before more "
          "members match");
      break;
    case AudienceClass::kEnded:
      hints.push_back(EndedHint(row));
      break;
    case AudienceClass::kUnknown:
      hints.push_back(
          "Pinterest gives a status that this version does not know");
      break;
  }
  if (row.twins > 0) {
    hints.push_back(absl::StrCat(
        row.twins, row.twins == 1 ? " other audience has" : " others have",
        " the same rule; the oldest is used"));
  }
  return absl::StrJoin(hints, "; ");
}

}  // namespace connector::audiences
