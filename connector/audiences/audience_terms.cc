#include "connector/audiences/audience_terms.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "connector/audiences/audience_state.h"

namespace connector::audiences {

std::string KeyOf(const membership::AudienceKey& key) {
  return key.segment != 0 ? absl::StrCat("segment ", key.segment)
                          : absl::StrCat(key.type, " ", key.name);
}

bool Ended(const pinterest::Audience& audience) {
  return ClassOf(audience.status) == AudienceClass::kEnded;
}

absl::Duration RetryInterval(const config::AudienceSettings& settings,
                             int failures) {
  absl::Duration interval = settings.first_poll_interval;
  for (int i = 1; i < failures && interval < settings.longest_poll_interval;
       ++i) {
    interval *= 2;
  }
  return std::min(interval, settings.longest_poll_interval);
}

void SetStatus(const std::string& status, absl::Time now,
               membership::AudienceRow& row) {
  if (row.status_time == absl::InfinitePast() ||
      ClassOf(row.status) != ClassOf(status)) {
    row.status_time = now;
  }
  row.status = status;
}

}  // namespace connector::audiences
