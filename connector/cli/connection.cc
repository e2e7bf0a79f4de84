#include "connector/cli/connection.h"

#include <cstdint>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/strip.h"
#include "grpcpp/create_channel.h"
#include "grpcpp/security/credentials.h"

namespace connector::cli {
namespace {

// Answers may be long: a status has a row for each of up to 10,000 segments.
constexpr int kMaxResponseBytes = 256 << 20;

bool IsLoopback(absl::string_view host) {
  // An address, not a name that starts like one.
  const bool numeric =
      host.find_first_not_of("0123456789.") == absl::string_view::npos;
  return host == "localhost" || host == "[::1]" ||
         (numeric && absl::StartsWith(host, "127."));
}

}  // namespace

absl::Status CheckAddress(absl::string_view address, bool allow_remote) {
  if (absl::ConsumePrefix(&address, "unix:")) {
    if (address.empty()) {
      return absl::InvalidArgumentError("--address: unix: needs a path");
    }
    return absl::OkStatus();
  }
  const size_t colon = address.rfind(':');
  uint32_t port = 0;
  if (colon == absl::string_view::npos || colon == 0 ||
      !absl::SimpleAtoi(address.substr(colon + 1), &port) || port == 0 ||
      port > 65535) {
    return absl::InvalidArgumentError(
        "--address: must be unix:PATH or HOST:PORT");
  }
  if (!IsLoopback(address.substr(0, colon)) && !allow_remote) {
    return absl::InvalidArgumentError(
        "--address: the connection is not encrypted, so the host must be this "
        "machine (a loopback address); --insecure_remote lifts this rule");
  }
  return absl::OkStatus();
}

std::shared_ptr<grpc::Channel> Connect(const std::string& address) {
  grpc::ChannelArguments arguments;
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  arguments.SetInt(GRPC_ARG_ENABLE_HTTP_PROXY, 0);
  arguments.SetMaxReceiveMessageSize(kMaxResponseBytes);
  return grpc::CreateCustomChannel(address, grpc::InsecureChannelCredentials(),
                                   arguments);
}

}  // namespace connector::cli
