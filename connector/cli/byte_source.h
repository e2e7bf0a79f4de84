#ifndef CONNECTOR_CLI_BYTE_SOURCE_H_
#define CONNECTOR_CLI_BYTE_SOURCE_H_

#include <cstddef>
#include <cstdint>

#include "absl/status/statusor.h"

namespace connector::cli {

// Bytes from the front to the end. Not thread-safe.
class ByteSource {
 public:
  virtual ~ByteSource() = default;

  // Reads 1 to `size` bytes; 0 at the end. `size` is at least 1. UNKNOWN, which
  // is final, when reading fails; the message says where, and does not name the
  // file.
  virtual absl::StatusOr<size_t> Read(char* to, size_t size) = 0;
};

// What can be read from a file descriptor, which must stay open.
class FdSource final : public ByteSource {
 public:
  explicit FdSource(int fd) : fd_(fd) {}
  absl::StatusOr<size_t> Read(char* to, size_t size) override;

  // Bytes read so far.
  int64_t position() const { return position_; }

 private:
  const int fd_;
  int64_t position_ = 0;
};

}  // namespace connector::cli

#endif  // CONNECTOR_CLI_BYTE_SOURCE_H_
