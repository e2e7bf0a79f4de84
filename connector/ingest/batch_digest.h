#ifndef CONNECTOR_INGEST_BATCH_DIGEST_H_
#define CONNECTOR_INGEST_BATCH_DIGEST_H_

#include <array>
#include <cstdint>
#include <string>

#include "absl/strings/string_view.h"

namespace connector::ingest {

// Digests a sequence of fields. Two sequences have the same digest only if they
// are the same, however they are split into bytes: each field is written with
// its length. Bounded memory: full buffers are folded into a SHA-256 chain.
class BatchDigest {
 public:
  BatchDigest();

  void Number(uint64_t number);
  void Text(absl::string_view text);

  // The first half of the SHA-256 chain's end. Call once.
  std::array<uint8_t, 16> Finish();

 private:
  void Fold();

  std::string buffer_;
};

}  // namespace connector::ingest

#endif  // CONNECTOR_INGEST_BATCH_DIGEST_H_
