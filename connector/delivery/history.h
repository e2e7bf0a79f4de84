#ifndef CONNECTOR_DELIVERY_HISTORY_H_
#define CONNECTOR_DELIVERY_HISTORY_H_

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "connector/delivery/delivery_world.h"
#include "connector/delivery/fake_pinterest.h"

namespace connector::delivery {

// Everything that happens to a connector and its Pinterest, as data: a test
// makes histories, runs them, cuts them down and reads them back from text.
//
// There are three destinations: 0 and 2 belong to the configuration file, 1 to
// the API; 0 and 1 share a credential.
inline constexpr int kHistoryDestinations = 3;

struct HistoryStep {
  enum class Kind {
    // The connector's callers.
    kCommit,         // destination, events
    kFlush,          // destination
    kRetry,          // destination
    kPause,          // destination
    kResume,         // destination
    kPauseSegment,   // destination, segment
    kResumeSegment,  // destination, segment
    kUnmapKeep,      // destination, segment
    kUnmapEmpty,     // destination, segment
    kMap,            // destination, segment
    kResync,         // destination, segment
    kReplace,        // destination, segment
    kDelete,         // destination 1
    kCreate,         // destination 1, anew; ten minutes pass first
    // Configuration.
    kRequestRecords,  // destination, records in a request
    kMaxDelay,        // destination, seconds
    kRate,            // writes a minute of the credential of 0 and 1
    kTrial,           // 1 if Pinterest granted it trial access only
    // Time.
    kAdvance,  // seconds
    kRun,      // so many steps of delivery
    // Ends of the process; it starts anew at once. `kept` of the writes that
    // were not synced are left (modulo their number + 1; -1: all).
    kKill,         // kept
    kKillAtWrite,  // at the nth write of the store from now; 1 if that one is
                   // still carried out; kept
    kKillInCall,   // while the next writing call is out; 1 if Pinterest
                   // carries it out; kept
    // Pinterest.
    kFault,         // fault, scope, calls to skip, calls to hit
    kWindow,        // fault, scope, seconds
    kBadRecord,     // record; 1 if it cannot be removed either
    kHeal,          // no record is bad any more
    kMaxRecords,    // records above which a request is too large; 0: no bound
    kListingDelay,  // seconds until a created list shows
    kLateDelay,     // seconds until APPLIED_LATE is applied
    kForeignList,   // destination, segment, a record on it: a list of the name
                    // that was there before; nothing if delivery was sooner
    kMeddle,        // destination, segment, a record that somebody else takes
                    // off the list
    // Full syncs, of one of two exports.
    kBeginFullSync,   // destination, segment, export, seconds until it expires
    kDeclare,         // destination, export, events
    kCommitFullSync,  // destination, segment, export
    kDecideFullSync,  // destination, segment, 1 to apply; if one waits
    kEndExport,       // destination, export
  };
  // Which calls a fault meets.
  enum class Scope { kAny, kWrite, kList };

  Kind kind = Kind::kRun;
  int destination = 0;
  std::string segment;
  FakePinterest::Fault fault = FakePinterest::Fault::kNone;
  Scope scope = Scope::kAny;
  std::array<int, 3> numbers = {};
  std::vector<DeliveryWorld::Event> events;
};

struct History {
  // Of what the connector itself draws: jitter.
  uint64_t seed = 1;
  std::vector<HistoryStep> steps;
};

// How many numbers a step of the kind has.
int NumbersOf(HistoryStep::Kind kind);
// "commit", "kill_at_write"…
absl::string_view HistoryStepName(HistoryStep::Kind kind);
inline constexpr int kHistoryStepKinds =
    static_cast<int>(HistoryStep::Kind::kEndExport) + 1;

// One step a line, a few words each; '#' begins a comment. An event is
// segment, sign and record: + adds, - removes, and * and ~ do the same without
// counting, as further forms of an identity do. "@120" behind it says that it
// happened 120 s after the beginning, "@commit" (of an exit) when it came.
std::string FormatStep(const HistoryStep& step);
std::string FormatHistory(const History& history);
absl::StatusOr<History> ParseHistory(absl::string_view text);

}  // namespace connector::delivery

#endif  // CONNECTOR_DELIVERY_HISTORY_H_
