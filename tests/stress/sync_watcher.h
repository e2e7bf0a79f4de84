#ifndef TESTS_STRESS_SYNC_WATCHER_H_
#define TESTS_STRESS_SYNC_WATCHER_H_

#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <string>

#include "audience_sync/v1/destination_service.grpc.pb.h"
#include "tests/stress/export_writer.h"

namespace stress {

// Asks for the sync status of an ad account again and again and holds each
// answer against what must be true at every moment: the counters add up, for
// the destination and for each segment; nothing that is acknowledged is
// missing; a backlog stands exactly while something is pending; no counter ever
// goes back, whatever was killed in between.
class SyncWatcher {
 public:
  SyncWatcher(const std::string& address, std::string ad_account,
              AccountBounds* bounds);

  // One look. False if the connector did not answer.
  bool Look();
  // The newest answer.
  const audience_sync::v1::DestinationStatus& status() const { return status_; }
  int64_t looks() const { return looks_; }

 private:
  static void ExpectAddsUp(const audience_sync::v1::SyncCounters& counters,
                           const std::string& of);
  void ExpectForward(const audience_sync::v1::SyncCounters& counters,
                     const std::string& of);

  const std::string ad_account_;
  AccountBounds* const bounds_;
  std::unique_ptr<audience_sync::v1::DestinationService::Stub> stub_;
  audience_sync::v1::DestinationStatus status_;
  std::map<std::string, audience_sync::v1::SyncCounters> last_;
  int64_t looks_ = 0;
};

}  // namespace stress

#endif  // TESTS_STRESS_SYNC_WATCHER_H_
