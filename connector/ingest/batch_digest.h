#ifndef CONNECTOR_INGEST_BATCH_DIGEST_H_
#define CONNECTOR_INGEST_BATCH_DIGEST_H_

#include <array>
#include <cstdint>
#include <string>

#include "absl/strings/string_view.h"
#include "audience_sync/v1/profile_export.pb.h"

namespace connector::ingest {

// The digest of a batch's content as it was decoded: identities, segments,
// statuses and times, in their order. Tells the repeat of a batch from another
// batch under its number. Interned names count as the names they stand for. It
// does not follow the destination's configuration: a batch is the same batch
// after the mapping was changed. Display names, which change nothing, are left
// out, and so are profile keys but `with_keys`.
//
// Stored with the batch, and so one way: the first half of a SHA-256 over the
// whole batch, behind `salt` (the destination's history id), so that it cannot
// be looked up anywhere.
std::array<uint8_t, 16> DigestBatch(absl::string_view salt,
                                    const audience_sync::v1::ExportBatch& batch,
                                    bool with_keys = false);

// Digests a sequence of fields. Two sequences have the same digest only if they
// are the same, however they are split into bytes: each field is written with
// its length. Bounded memory: full buffers are folded into a SHA-256 chain.
class FieldDigest {
 public:
  FieldDigest();

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
