#ifndef CONNECTOR_MEMBERSHIP_LOG_CHECK_H_
#define CONNECTOR_MEMBERSHIP_LOG_CHECK_H_

#include <cstdint>
#include <map>
#include <optional>
#include <string>

#include "absl/status/status.h"
#include "connector/membership/database_options.h"
#include "rocksdb/wal_filter.h"

// Tells a log that a power cut tore from one that was damaged later.
//
// Every write of the log has a place in one sequence of numbers. A power cut
// may leave any part of what was not synced, also the end of one file and the
// beginning of the next, so only what comes before the first gap counts. (Left
// to itself RocksDB goes on behind a tail that is missing in a file which is
// not the last one.) A synced write tells which number was known to be on
// stable storage when it began (kSyncedWriteKey). If such a claim is found
// anywhere that reaches beyond the first gap, what is missing was on stable
// storage once: damage. Otherwise nothing that was promised is lost by stopping
// at the gap.
//
// Blind: damage of the last synced write itself, and of the last 32 KiB of a
// file if all claims lie in them, as RocksDB skips the rest of such a block;
// both look like a torn tail.
namespace connector::membership {

// Lets a recovery stop where the log has its first gap. One recovery each.
class GapStop final : public rocksdb::WalFilter {
 public:
  // The newest number that needs no log: a log that begins behind the one after
  // it has its gap there, as its first file was lost. Before the recovery.
  void SetFlushed(uint64_t flushed) { next_ = flushed + 1; }

  WalProcessingOption LogRecordFound(unsigned long long number,  // NOLINT
                                     const std::string& file,
                                     const rocksdb::WriteBatch& batch,
                                     rocksdb::WriteBatch* new_batch,
                                     bool* batch_changed) override;
  const char* Name() const override { return "GapStop"; }

 private:
  // Nothing above it was found yet; 0: anything may come first.
  uint64_t next_ = 0;
};

// What a log claims, after a CheckLog() that returned OK.
struct LogClaim {
  // Everything up to this number was on stable storage.
  uint64_t stable = 0;
  // The newest number that needs no log; none if there is no database yet.
  std::optional<uint64_t> flushed;
};

// DATA_LOSS if the log, or what says which files there are, is damaged. Only
// reads. The caller must hold the directory.
absl::Status CheckLog(const std::string& path, const DatabaseSetup& setup,
                      LogClaim* claim);

}  // namespace connector::membership

#endif  // CONNECTOR_MEMBERSHIP_LOG_CHECK_H_
