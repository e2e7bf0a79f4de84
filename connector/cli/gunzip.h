#ifndef CONNECTOR_CLI_GUNZIP_H_
#define CONNECTOR_CLI_GUNZIP_H_

#include <cstddef>
#include <cstdint>
#include <memory>

#include "absl/strings/string_view.h"
#include "connector/cli/byte_source.h"

namespace connector::cli {

// Whether a file that begins so is gzip (RFC 1952).
bool HasGzipMagic(absl::string_view start);

// Decompresses gzip: one member or several in a row, as `cat a.gz b.gz` and
// parallel compressors make them; zero bytes behind the last one are passed
// over. Memory does not grow with the data. Errors are UNKNOWN and name the
// place by its byte in the compressed data: it ends in the middle, is damaged
// (the checksum counts), or is followed by something else.
class GunzipSource final : public ByteSource {
 public:
  // `compressed` must outlive it.
  explicit GunzipSource(ByteSource* compressed);
  ~GunzipSource() override;
  GunzipSource(const GunzipSource&) = delete;
  GunzipSource& operator=(const GunzipSource&) = delete;

  absl::StatusOr<size_t> Read(char* to, size_t size) override;

 private:
  struct State;

  absl::StatusOr<bool> Fill();
  // Behind a member: goes to the next one; false if there is none.
  absl::StatusOr<bool> NextMember();
  absl::Status Broken(absl::string_view rule) const;

  ByteSource* const compressed_;
  const std::unique_ptr<State> state_;
};

}  // namespace connector::cli

#endif  // CONNECTOR_CLI_GUNZIP_H_
