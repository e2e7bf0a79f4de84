#include "connector/server/listen_address.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <climits>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "connector/base/error.h"

namespace connector::server {
namespace {

constexpr char kFlag[] = "--listen";

// One byte of the path is the final zero.
constexpr size_t kMaxSocketPath = sizeof(sockaddr_un::sun_path) - 1;

absl::StatusOr<ListenAddress> ParseUnix(absl::string_view path) {
  // gRPC also writes "unix:///path".
  if (absl::StartsWith(path, "///")) path.remove_prefix(2);
  if (path.empty() || absl::EndsWith(path, "/")) {
    return FieldError(kFlag, "unix: needs the path of a socket");
  }
  if (absl::StrContains(path, '\0')) {
    return FieldError(kFlag, "the path must not hold a zero byte");
  }
  ListenAddress address;
  if (path[0] == '/') {
    address.socket_path = std::string(path);
  } else {
    char directory[PATH_MAX];
    if (getcwd(directory, sizeof(directory)) == nullptr) {
      return FieldError(kFlag, "a relative path needs a current directory");
    }
    address.socket_path = absl::StrCat(directory, "/", path);
  }
  if (address.socket_path.size() > kMaxSocketPath) {
    return FieldError(kFlag, absl::StrCat("the path of a Unix socket has at "
                                          "most ",
                                          kMaxSocketPath, " bytes"));
  }
  return address;
}

bool IsHostName(absl::string_view host) {
  return !host.empty() && host.size() <= 253 &&
         std::all_of(host.begin(), host.end(), [](char c) {
           return absl::ascii_isalnum(c) || c == '.' || c == '-';
         });
}

}  // namespace

std::string ListenAddress::ToString() const {
  if (is_unix()) return absl::StrCat("unix:", socket_path);
  if (absl::StrContains(host, ':')) return absl::StrCat("[", host, "]:", port);
  return absl::StrCat(host, ":", port);
}

absl::StatusOr<ListenAddress> ParseListenAddress(absl::string_view text) {
  if (absl::ConsumePrefix(&text, "unix:")) return ParseUnix(text);

  absl::string_view host;
  absl::string_view port;
  const size_t colon = text.rfind(':');
  if (colon != absl::string_view::npos) {
    host = text.substr(0, colon);
    port = text.substr(colon + 1);
  }
  ListenAddress address;
  uint32_t number = 0;
  if (port.empty() || port.size() > 5 ||
      !std::all_of(port.begin(), port.end(), absl::ascii_isdigit) ||
      !absl::SimpleAtoi(port, &number) || number > 65535) {
    return FieldError(kFlag,
                      "must be unix:PATH or HOST:PORT, the port from 0 to "
                      "65535");
  }
  address.port = static_cast<uint16_t>(number);

  in_addr v4 = {};
  in6_addr v6 = {};
  if (absl::StartsWith(host, "[") && absl::EndsWith(host, "]")) {
    address.host = std::string(host.substr(1, host.size() - 2));
    if (inet_pton(AF_INET6, address.host.c_str(), &v6) != 1) {
      return FieldError(kFlag, "the brackets must hold an IPv6 address");
    }
    address.loopback = IN6_IS_ADDR_LOOPBACK(&v6);
    return address;
  }
  address.host = absl::AsciiStrToLower(host);
  if (address.host == "localhost") address.host = "127.0.0.1";
  if (inet_pton(AF_INET, address.host.c_str(), &v4) == 1) {
    address.loopback = (ntohl(v4.s_addr) >> 24) == 127;
    return address;
  }
  if (!IsHostName(address.host)) {
    return FieldError(kFlag,
                      "the host must be an IPv4 address, an IPv6 address in "
                      "brackets, localhost or a host name");
  }
  return address;
}

}  // namespace connector::server
