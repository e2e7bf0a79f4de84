#ifndef CONNECTOR_MEMBERSHIP_MANIFEST_CHECK_H_
#define CONNECTOR_MEMBERSHIP_MANIFEST_CHECK_H_

#include <string>

#include "absl/status/status.h"
#include "rocksdb/env.h"

namespace connector::membership {

// DATA_LOSS if the list of the database's files is damaged in a way that
// RocksDB takes for its end, to go on with an older one: a size or type with a
// rotten byte, or more behind the bad place than one sync can have brought. A
// torn end is cut off, as RocksDB would refuse it: nothing that followed from
// it was done yet, or a log that is missing tells
// (track_and_verify_wals_in_manifest).
//
// `path` is the database's, which must have a file CURRENT. The caller
// must hold the directory.
absl::Status CheckManifest(const std::string& path, rocksdb::Env* env);

}  // namespace connector::membership

#endif  // CONNECTOR_MEMBERSHIP_MANIFEST_CHECK_H_
