#ifndef CONNECTOR_INGEST_GRPC_STATUS_H_
#define CONNECTOR_INGEST_GRPC_STATUS_H_

#include "absl/status/status.h"
#include "google/rpc/status.pb.h"
#include "grpcpp/support/status.h"

namespace connector::ingest {

// Longest message and largest details of an error that leaves the process, in
// bytes. gRPC sends both in HTTP/2 trailers, which many peers bound at 8 KB;
// the details hold the message, too, and travel in base64.
inline constexpr size_t kMaxErrorMessageBytes = 1024;
inline constexpr size_t kMaxErrorDetailsBytes = 3072;

// A status as google.rpc.Status: code, message, and the payloads that
// connector/base/error.h made. An error without a reason gets its code's name
// as one. What is too long is shortened: the message first, then violations.
google::rpc::Status ToStatusProto(const absl::Status& status);

// The same as an answer of a gRPC call: the one place where an absl::Status
// becomes one. google.rpc.Status travels in grpc-status-details-bin.
grpc::Status ToGrpcStatus(const absl::Status& status);

// The way back, for clients and tests.
absl::Status FromGrpcStatus(const grpc::Status& status);

}  // namespace connector::ingest

#endif  // CONNECTOR_INGEST_GRPC_STATUS_H_
