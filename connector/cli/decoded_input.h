#ifndef CONNECTOR_CLI_DECODED_INPUT_H_
#define CONNECTOR_CLI_DECODED_INPUT_H_

#include <cstdint>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "connector/cli/byte_source.h"
#include "connector/cli/gunzip.h"

namespace connector::cli {

// The content of a file or a pipe, decompressed if it is gzip, which its first
// two bytes tell. Not thread-safe.
class DecodedInput final : public ByteSource {
 public:
  // `fd` must stay open.
  explicit DecodedInput(int fd) : raw_(fd), start_(&raw_) {}

  // The first bytes, a few thousand if there are so many; before the first
  // Read. They are not taken.
  absl::StatusOr<absl::string_view> Peek();

  absl::StatusOr<size_t> Read(char* to, size_t size) override;

  // Bytes of the file that were read, compressed as they are.
  int64_t raw_position() const { return raw_.position(); }
  bool gzip() const { return gunzip_ != nullptr; }

 private:
  // A source some of whose first bytes were looked at.
  class Peeked final : public ByteSource {
   public:
    explicit Peeked(ByteSource* source) : source_(source) {}
    absl::StatusOr<absl::string_view> Peek(size_t size);
    absl::StatusOr<size_t> Read(char* to, size_t size) override;

   private:
    ByteSource* const source_;
    std::string start_;
    size_t taken_ = 0;
  };

  absl::Status Open();

  FdSource raw_;
  Peeked start_;
  std::unique_ptr<GunzipSource> gunzip_;
  std::unique_ptr<Peeked> decoded_;
};

}  // namespace connector::cli

#endif  // CONNECTOR_CLI_DECODED_INPUT_H_
