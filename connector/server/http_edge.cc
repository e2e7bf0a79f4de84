#include "connector/server/http_edge.h"

#include <string>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/clock.h"
#include "connector/base/error.h"
#include "connector/pinterest/secret_file.h"
#include "connector/server/listen_address.h"
#include "connector/server/log.h"

namespace connector::server {
namespace {

// How often it is said again that the token cannot be read.
constexpr absl::Duration kLogInterval = absl::Minutes(1);

absl::StatusOr<ListenAddress> ParseAddress(const std::string& listen) {
  auto address = ParseListenAddress(listen);
  if (!address.ok() || address->is_unix() || !address->loopback ||
      (address->host != "127.0.0.1" && address->host != "::1")) {
    return FieldError("--http_listen",
                      "must be 127.0.0.1:PORT or [::1]:PORT, the port from 0 "
                      "to 65535: a proxy that terminates TLS stands before it");
  }
  return address;
}

absl::StatusOr<std::vector<std::string>> ReadTokens(
    const std::string& directory, const std::string& name) {
  return pinterest::ReadSecretLines(
      directory, name, "token file of the HTTP edge",
      "put a long random token into it and run chmod 600 on it",
      edge::Edge::kMaxTokens);
}

// Reads the tokens anew for every request: a small file, and nothing has to
// guess whether it changed.
class TokenReader {
 public:
  TokenReader(std::string directory, std::string name)
      : directory_(std::move(directory)), name_(std::move(name)) {}

  absl::StatusOr<std::vector<std::string>> operator()() {
    auto tokens = ReadTokens(directory_, name_);
    if (!tokens.ok()) Complain(tokens.status());
    return tokens;
  }

 private:
  void Complain(const absl::Status& status) {
    {
      absl::MutexLock lock(&mutex_);
      const absl::Time now = absl::Now();
      if (now < next_complaint_) return;
      next_complaint_ = now + kLogInterval;
    }
    Log(LogLevel::kError, "http-token-unusable", {{"why", status.message()}});
  }

  const std::string directory_;
  const std::string name_;
  absl::Mutex mutex_;
  absl::Time next_complaint_ ABSL_GUARDED_BY(mutex_) = absl::InfinitePast();
};

}  // namespace

absl::Status HttpEdge::Check(const std::string& listen,
                             const std::string& credentials_dir,
                             const std::string& token_file) {
  if (auto address = ParseAddress(listen); !address.ok()) {
    return address.status();
  }
  if (!pinterest::IsSecretFileName(token_file)) {
    return FieldError("--http_token_file",
                      "must be the name of a file in --credentials_dir: "
                      "letters, digits, '.', '_' and '-'");
  }
  if (auto tokens = ReadTokens(credentials_dir, token_file); !tokens.ok()) {
    return FieldError("--http_token_file", tokens.status().message());
  }
  return absl::OkStatus();
}

absl::StatusOr<std::unique_ptr<HttpEdge>> HttpEdge::Start(Options options) {
  if (absl::Status s =
          Check(options.listen, options.credentials_dir, options.token_file);
      !s.ok()) {
    return s;
  }
  ListenAddress address = *ParseAddress(options.listen);
  std::unique_ptr<HttpEdge> made(new HttpEdge());
  made->segments_ = std::move(options.segments);
  edge::Edge::Options edge_options;
  edge_options.intake = options.intake;
  edge_options.segments = made->segments_.get();
  edge_options.tokens = [reader = std::make_shared<TokenReader>(
                             options.credentials_dir, options.token_file)] {
    return (*reader)();
  };
  edge_options.healthy = [store = options.store] { return store->Healthy(); };
  made->edge_ = std::make_unique<edge::Edge>(edge_options);
  edge::HttpServer::Options server_options;
  server_options.port = address.port;
  server_options.ipv6 = address.host == "::1";
  auto server = edge::HttpServer::Start(server_options, made->edge_.get());
  if (!server.ok()) return server.status();
  made->server_ = *std::move(server);
  address.port = static_cast<uint16_t>(made->server_->port());
  made->address_ = address.ToString();
  return made;
}

void HttpEdge::Stop() {
  edge_->Shutdown();
  server_->Stop();
}

}  // namespace connector::server
