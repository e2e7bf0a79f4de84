#ifndef CONNECTOR_SERVER_HTTP_EDGE_H_
#define CONNECTOR_SERVER_HTTP_EDGE_H_

#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "connector/edge/edge.h"
#include "connector/edge/http_server.h"
#include "connector/edge/segment_admin.h"
#include "connector/ingest/unary_intake.h"
#include "connector/membership/intake.h"

namespace connector::server {

// The HTTP edge with its listener, as the flags want it.
class HttpEdge {
 public:
  struct Options {
    // "127.0.0.1:PORT" or "[::1]:PORT": HTTP has no TLS here.
    std::string listen;
    // Where the token file is, and its name.
    std::string credentials_dir;
    std::string token_file;
    // Must outlive the edge.
    const ingest::UnaryIntake* intake = nullptr;
    membership::Intake* store = nullptr;
    std::unique_ptr<edge::SegmentAdmin> segments;
  };

  // INVALID_ARGUMENT for what costs nothing to check: names the flag.
  static absl::Status Check(const std::string& listen,
                            const std::string& credentials_dir,
                            const std::string& token_file);

  // Errors as Check() has them; ALREADY_EXISTS if the address is in use.
  static absl::StatusOr<std::unique_ptr<HttpEdge>> Start(Options options);

  // Where it listens, with the port in use.
  std::string address() const { return address_; }

  // Refuses what is new and waits for what is under way. Idempotent.
  void Stop();

 private:
  HttpEdge() = default;

  std::string address_;
  std::unique_ptr<edge::SegmentAdmin> segments_;
  std::unique_ptr<edge::Edge> edge_;
  std::unique_ptr<edge::HttpServer> server_;
};

}  // namespace connector::server

#endif  // CONNECTOR_SERVER_HTTP_EDGE_H_
