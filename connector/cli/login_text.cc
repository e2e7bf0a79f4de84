#include "connector/cli/login_text.h"

#include <cstdint>

#include "absl/strings/str_cat.h"
#include "connector/cli/humanize.h"
#include "connector/cli/rpc_error.h"

namespace connector::cli {
namespace {

// In the largest unit that is not zero, rounded down: an end is never told
// later than it is.
std::string Roughly(absl::Duration duration) {
  const int64_t minutes = duration / absl::Minutes(1);
  if (minutes >= 2 * 24 * 60) return Counted(minutes / (24 * 60), "day");
  if (minutes >= 2 * 60) return Counted(minutes / 60, "hour");
  if (minutes >= 2) return Counted(minutes, "minute");
  return Counted(duration / absl::Seconds(1), "second");
}

absl::Time TimeOf(const google::protobuf::Timestamp& timestamp) {
  return absl::FromUnixSeconds(timestamp.seconds());
}

std::string Validity(const google::protobuf::Timestamp& end, absl::Time now) {
  const absl::Duration left = TimeOf(end) - now;
  return left <= absl::ZeroDuration()
             ? "ended"
             : absl::StrCat("good for ", Roughly(left));
}

}  // namespace

std::string LoginText(const audience_sync::v1::OAuthStatus& status,
                      absl::Time now) {
  std::string text;
  if (status.has_access_token_expire_time()) {
    absl::StrAppend(&text, "access token ",
                    Validity(status.access_token_expire_time(), now));
  } else {
    absl::StrAppend(&text, "no access token");
  }
  if (status.has_refresh_token_expire_time()) {
    absl::StrAppend(&text, ", refresh token ",
                    Validity(status.refresh_token_expire_time(), now));
  }
  if (status.has_last_refresh_time()) {
    absl::StrAppend(&text, ", refreshed ",
                    Roughly(std::max(now - TimeOf(status.last_refresh_time()),
                                     absl::ZeroDuration())),
                    " ago");
  }
  if (status.has_problem()) {
    absl::StrAppend(&text, "; ", ErrorLine(status.problem()));
  }
  return text;
}

}  // namespace connector::cli
