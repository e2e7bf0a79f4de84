#ifndef CONNECTOR_MEMBERSHIP_LOG_CHECK_H_
#define CONNECTOR_MEMBERSHIP_LOG_CHECK_H_

#include <string>

#include "absl/status/status.h"
#include "connector/membership/database_options.h"

namespace connector::membership {

// Tells a torn log from a damaged one, for a database that RocksDB refused to
// open with a tolerance for torn tails. (RocksDB's own default opens a log that
// is damaged in the middle and silently drops all that follows, and its
// stricter mode refuses the zeros that a power cut may leave at the end.)
//
// Every synced write carries a growing number (kSyncedWriteKey). If reading on
// behind the bad place finds another number than stopping there, then a synced
// write stands behind it, so it was on stable storage when the place went bad:
// DATA_LOSS. Otherwise OK: nothing that was promised is lost by stopping there.
// Blind within the last 32 KiB of the log, where RocksDB skips all of a block.
//
// Only reads. The caller must hold the directory.
absl::Status CheckTornLog(const std::string& path, const DatabaseSetup& setup);

}  // namespace connector::membership

#endif  // CONNECTOR_MEMBERSHIP_LOG_CHECK_H_
