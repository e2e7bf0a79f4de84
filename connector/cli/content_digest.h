#ifndef CONNECTOR_CLI_CONTENT_DIGEST_H_
#define CONNECTOR_CLI_CONTENT_DIGEST_H_

#include <cstdint>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace connector::cli {

// A SHA-256 over a sequence of parts. Each part is preceded by its length, so
// that no two sequences give the same bytes. Not thread-safe.
class ContentDigest {
 public:
  ContentDigest();
  ~ContentDigest();

  void Add(absl::string_view part);
  void Add(int64_t number);

  // The digest in lower-case hex; nothing may be added afterwards.
  std::string Finish();

 private:
  struct State;
  const std::unique_ptr<State> state_;
};

// SHA-256 of what can be read from `fd`, from where it stands to its end, in
// lower-case hex. UNKNOWN when reading fails.
absl::StatusOr<std::string> DigestOfFile(int fd);

}  // namespace connector::cli

#endif  // CONNECTOR_CLI_CONTENT_DIGEST_H_
