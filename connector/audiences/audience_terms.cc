#include "connector/audiences/audience_terms.h"

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

void SetStatus(const std::string& status, absl::Time now,
               membership::AudienceRow& row) {
  if (row.status_time == absl::InfinitePast() ||
      ClassOf(row.status) != ClassOf(status)) {
    row.status_time = now;
  }
  row.status = status;
}

}  // namespace connector::audiences
