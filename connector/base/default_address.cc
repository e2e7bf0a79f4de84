#include "connector/base/default_address.h"

#include <unistd.h>

#include <cstdlib>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"

namespace connector {

std::string DefaultSocketPath(absl::string_view runtime_dir, uint32_t uid) {
  if (absl::StartsWith(runtime_dir, "/")) {
    return absl::StrCat(absl::StripSuffix(runtime_dir, "/"),
                        "/audience-connector/connector.sock");
  }
  return absl::StrCat("/tmp/audience-connector-", uid, "/connector.sock");
}

std::string DefaultAddress() {
  const char* runtime_dir = std::getenv("XDG_RUNTIME_DIR");
  return absl::StrCat(
      "unix:",
      DefaultSocketPath(runtime_dir == nullptr ? "" : runtime_dir, ::getuid()));
}

}  // namespace connector
