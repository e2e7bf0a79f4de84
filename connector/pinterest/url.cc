#include "connector/pinterest/url.h"

#include <algorithm>
#include <cstdint>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"

namespace connector::pinterest {
namespace {

absl::Status Bad(absl::string_view rule) {
  return absl::InvalidArgumentError(rule);
}

bool AllOf(absl::string_view text, absl::string_view extra) {
  for (const char c : text) {
    if (!absl::ascii_isalnum(c) && !absl::StrContains(extra, c)) return false;
  }
  return true;
}

bool IsLoopback(absl::string_view host) {
  if (host == "localhost" || host == "::1") return true;
  const std::vector<absl::string_view> parts = absl::StrSplit(host, '.');
  if (parts.size() != 4 || parts[0] != "127") return false;
  for (const absl::string_view part : parts) {
    uint32_t number = 0;
    if (part.empty() || part.size() > 3 || !absl::SimpleAtoi(part, &number) ||
        number > 255 || (part.size() > 1 && part[0] == '0')) {
      return false;
    }
  }
  return true;
}

}  // namespace

absl::StatusOr<HttpUrl> ParseHttpUrl(absl::string_view url) {
  HttpUrl parsed;
  if (absl::ConsumePrefix(&url, "https://")) {
    parsed.https = true;
  } else if (!absl::ConsumePrefix(&url, "http://")) {
    return Bad("a URL must start with https:// or http://");
  }
  for (const char c : url) {
    if (!absl::ascii_isgraph(c) || absl::StrContains("\"<>\\^`{|}#", c)) {
      return Bad("a URL must not hold blanks, quotes, '#' or the like");
    }
  }
  const size_t path_at = std::min(url.find_first_of("/?"), url.size());
  absl::string_view authority = url.substr(0, path_at);
  parsed.path = std::string(url.substr(path_at));
  absl::string_view host = authority;
  absl::string_view port;
  if (absl::StartsWith(authority, "[")) {
    const size_t close = authority.find(']');
    if (close == absl::string_view::npos) {
      return Bad("the URL's IPv6 address has no closing bracket");
    }
    host = authority.substr(1, close - 1);
    port = authority.substr(close + 1);
    for (const char c : host) {
      if (!absl::ascii_isxdigit(c) && c != ':' && c != '.') {
        return Bad("the URL's host must be a name or an IP address");
      }
    }
  } else {
    const size_t colon = std::min(authority.find(':'), authority.size());
    host = authority.substr(0, colon);
    port = authority.substr(colon);
    if (!AllOf(host, ".-")) {
      return Bad("the URL's host must be a name or an IP address");
    }
  }
  if (host.empty()) return Bad("the URL has no host");
  if (!port.empty()) {
    uint32_t number = 0;
    if (!absl::ConsumePrefix(&port, ":") || port.size() > 5 || port.empty() ||
        !AllOf(port, "") || !absl::SimpleAtoi(port, &number) || number == 0 ||
        number > 65535) {
      return Bad("the URL's port must be 1 to 65535");
    }
  }
  parsed.host = absl::AsciiStrToLower(host);
  parsed.loopback = IsLoopback(parsed.host);
  return parsed;
}

std::string PercentEncode(absl::string_view text) {
  constexpr absl::string_view kHex = "0123456789ABCDEF";
  std::string encoded;
  encoded.reserve(text.size());
  for (const char c : text) {
    if (absl::ascii_isalnum(c) || absl::StrContains("-._~", c)) {
      encoded.push_back(c);
    } else {
      const auto byte = static_cast<unsigned char>(c);
      encoded.push_back('%');
      encoded.push_back(kHex[byte >> 4]);
      encoded.push_back(kHex[byte & 15]);
    }
  }
  return encoded;
}

}  // namespace connector::pinterest
