#ifndef CONNECTOR_EDGE_EDGE_H_
#define CONNECTOR_EDGE_EDGE_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "connector/base/limits.h"
#include "connector/config/destination_config.h"
#include "connector/edge/http_server.h"
#include "connector/edge/segment_admin.h"
#include "connector/edge/work_room.h"
#include "connector/ingest/unary_intake.h"
#include "connector/profile_json/export_body.h"

namespace connector::edge {

// Answers the HTTP calls of a platform (docs/adobe.md lists them).
//
// A 2xx says that everything in the body is on stable storage. What is wrong
// with single identities and memberships is counted in it and named by place.
// 400 is for a body that is not understood, 401 and 404 for a caller that is
// not set up; the platform gives these calls up, and 409 (a segment for
// which one more list is too many) unless it is set to best effort. Overload,
// trouble here and an operation on the segment's list that has to end first
// are 429 or 503 with Retry-After, after which the platform sends the call
// again: that does no harm, even if it was durable.
//
// Nothing of a body and no token is ever in an answer or a log.
class Edge final : public HttpHandler {
 public:
  // The new token and the former one, while the callers change over.
  static constexpr size_t kMaxTokens = 2;

  struct Options {
    // Must outlive the edge.
    const ingest::UnaryIntake* intake = nullptr;
    SegmentAdmin* segments = nullptr;
    // The tokens of which callers have to show one, at most kMaxTokens. Asked
    // for with every request; an error means that nobody is let in for now.
    std::function<absl::StatusOr<std::vector<std::string>>()> tokens;
    // OK while a batch could be made durable.
    std::function<absl::Status()> healthy;
    absl::Duration commit_timeout = limits::kHttpCommitTimeout;
    int64_t max_work_bytes = limits::kMaxHttpWorkBytes;
  };
  explicit Edge(const Options& options);

  // From now on requests are answered 503.
  void Shutdown();

  std::optional<HttpResponse> Check(const RequestHead& head) override;
  HttpResponse Handle(const RequestHead& head, std::string body) override;
  HttpResponse Refuse(int status, absl::string_view rule) override;

 private:
  enum class Call { kHealth, kProfiles, kCreate, kUpdate, kDelete };
  // What a request asks for.
  struct Route {
    Call call = Call::kHealth;
    std::string ad_account_id;
    // Of a segment in the path; the namespace may be empty.
    std::string segment_namespace;
    std::string segment_id;
  };

  // The route, or the answer if there is none.
  static std::optional<HttpResponse> FindRoute(const RequestHead& head,
                                               Route* route);
  std::optional<HttpResponse> CheckToken(const RequestHead& head) const;

  HttpResponse HandleProfiles(const config::DestinationState& destination,
                              const profile_json::BodyDefaults& defaults,
                              std::string body);
  HttpResponse HandleSegment(const Route& route, const RequestHead& head,
                             const config::DestinationState& destination,
                             const std::string& body);

  const Options options_;
  WorkRoom room_;
  mutable absl::Mutex mutex_;
  bool shutting_down_ ABSL_GUARDED_BY(mutex_) = false;
};

// The answer that says what a status says.
HttpResponse ErrorResponse(const absl::Status& status);

}  // namespace connector::edge

#endif  // CONNECTOR_EDGE_EDGE_H_
