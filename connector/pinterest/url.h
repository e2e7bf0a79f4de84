#ifndef CONNECTOR_PINTEREST_URL_H_
#define CONNECTOR_PINTEREST_URL_H_

#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace connector::pinterest {

struct HttpUrl {
  bool https = false;

  // Lower case; an IPv6 address without its brackets.
  std::string host;

  // "localhost", 127.0.0.0/8 as four numbers, or ::1.
  bool loopback = false;

  // The path with its query, as given; empty or starting with '/' or '?'.
  std::string path;
};

// Reads an absolute http or https URL, strictly: no user name, no fragment, a
// host of letters, digits, '.' and '-' or an IPv6 address in brackets, a port
// of 1 to 65535, no blank or control character. So strict that no two parsers
// can see different hosts in it. INVALID_ARGUMENT otherwise; the message names
// the rule and shows nothing of the URL.
absl::StatusOr<HttpUrl> ParseHttpUrl(absl::string_view url);

// Everything but [A-Za-z0-9_.~-] as %XX (RFC 3986, section 2.3).
std::string PercentEncode(absl::string_view text);

}  // namespace connector::pinterest

#endif  // CONNECTOR_PINTEREST_URL_H_
