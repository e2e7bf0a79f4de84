#ifndef CONNECTOR_PINTEREST_CURL_TRANSPORT_H_
#define CONNECTOR_PINTEREST_CURL_TRANSPORT_H_

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "connector/base/limits.h"
#include "connector/pinterest/http_transport.h"

namespace connector::pinterest {

// HttpTransport on libcurl: HTTP/1.1, or HTTP/2 where TLS agrees on it.
//
// Connections are kept and used again by later calls. libcurl by itself would
// send a request once more when a kept connection breaks before an answer; here
// it does so only while no byte of a body has gone out, so a request with a
// body takes effect at most once. A POST always gets a new connection: a kept
// one that the server is just closing would leave the outcome of a creation
// unknown.
//
// Certificates are verified; TLS 1.2 or newer. A proxy named by the usual
// environment variables is used, except for loopback hosts. Signal handlers are
// left alone; the process should ignore SIGPIPE.
class CurlTransport final : public HttpTransport {
 public:
  struct Options {
    std::string user_agent = "audience-connector";

    // PEM file of the certificate authorities to trust instead of the
    // system's.
    std::optional<std::string> ca_file;

    // For name resolution, TCP and TLS together; positive.
    absl::Duration connect_timeout = absl::Seconds(10);

    // A larger answer body is an error.
    size_t max_response_bytes = limits::kMaxAnswerBytes;

    // Plain http:// to hosts other than loopback. Tokens would travel in the
    // clear.
    bool allow_plain_http = false;

    // Pools of connections, one a call, kept while idle.
    size_t max_idle_pools = 32;
  };

  // INVALID_ARGUMENT when an option breaks its rule; INTERNAL when libcurl
  // cannot start.
  static absl::StatusOr<std::unique_ptr<CurlTransport>> Create(Options options);

  ~CurlTransport() override;

  HttpResult Perform(const HttpRequest& request) override;

 private:
  explicit CurlTransport(Options options);

  // `void*` is a CURLM*, so that users of this header need none of curl's.
  void* TakePool();
  void ReturnPool(void* pool);

  const Options options_;
  absl::Mutex mutex_;
  // The last one returned is taken first: its connection is the freshest.
  std::vector<void*> idle_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace connector::pinterest

#endif  // CONNECTOR_PINTEREST_CURL_TRANSPORT_H_
