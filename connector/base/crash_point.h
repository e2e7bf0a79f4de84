#ifndef CONNECTOR_BASE_CRASH_POINT_H_
#define CONNECTOR_BASE_CRASH_POINT_H_

#include <atomic>

// Named places at which a crash could matter: before and after each write to
// the store, before and after each effect outside of the process. The stress
// program (tests/stress) kills the connector at every one of them.
//
// A new place takes a line in the table and one ReachCrashPoint() in the code;
// tests/stress:crash_point_places_test checks that each name of the table
// stands in the code exactly once.
//
// In production a place costs one relaxed load. Nothing there can set the hook:
// the only way is SetCrashPointHook(), in a library for tests.

// POINT(enumerator, name)
#define CONNECTOR_CRASH_POINTS(POINT)                                 \
  /* The process. */                                                  \
  POINT(kStoreOpened, "server.store.opened")                          \
  POINT(kConfigurationLoaded, "server.configuration.loaded")          \
  POINT(kServing, "server.serving")                                   \
  POINT(kShutdownBegun, "server.shutdown.begun")                      \
  POINT(kShutdownIntakeEnded, "server.shutdown.intake_ended")         \
  POINT(kShutdownDeliveryEnded, "server.shutdown.delivery_ended")     \
  POINT(kShutdownStoreClosed, "server.shutdown.store_closed")         \
  /* Configuration. */                                                \
  POINT(kConfigurationStored, "config.stored")                        \
  /* Intake. */                                                       \
  POINT(kBatchMapped, "ingest.batch.mapped")                          \
  POINT(kUnaryBatchMapped, "ingest.unary_batch.mapped")               \
  POINT(kEndReceived, "ingest.end.received")                          \
  POINT(kExportFenced, "membership.export.fenced")                    \
  POINT(kExportOpened, "membership.export.opened")                    \
  POINT(kCommitChecked, "membership.commit.checked")                  \
  POINT(kCommitWritten, "membership.commit.written")                  \
  POINT(kCommitTold, "membership.commit.told_to_delivery")            \
  POINT(kCommitAcknowledged, "membership.commit.acknowledged")        \
  POINT(kReleaseUnwritten, "membership.release.unwritten")            \
  POINT(kReleaseWritten, "membership.release.written")                \
  POINT(kFullSyncUnwritten, "membership.full_sync.unwritten")         \
  POINT(kFullSyncWritten, "membership.full_sync.written")             \
  POINT(kFullSyncUncleaned, "membership.full_sync.uncleaned")         \
  POINT(kFullSyncCleaned, "membership.full_sync.cleaned")             \
  /* Destinations and segments. */                                    \
  POINT(kDestinationUnwritten, "membership.destination.unwritten")    \
  POINT(kDestinationWritten, "membership.destination.written")        \
  POINT(kDeletionBegun, "membership.deletion.begun")                  \
  POINT(kDeletionUnwritten, "membership.deletion.unwritten")          \
  POINT(kDeletionWritten, "membership.deletion.written")              \
  POINT(kSegmentUnwritten, "membership.segment.unwritten")            \
  POINT(kSegmentWritten, "membership.segment.written")                \
  POINT(kOperationUnwritten, "membership.operation.unwritten")        \
  POINT(kOperationWritten, "membership.operation.written")            \
  POINT(kReplacementUnwritten, "membership.replacement.unwritten")    \
  POINT(kReplacementWritten, "membership.replacement.written")        \
  POINT(kOperationEnded, "membership.operation.ended")                \
  /* What delivery writes. */                                         \
  POINT(kListUnwritten, "membership.list.unwritten")                  \
  POINT(kListWritten, "membership.list.written")                      \
  POINT(kAudienceUnwritten, "membership.audience.unwritten")          \
  POINT(kAudienceWritten, "membership.audience.written")              \
  POINT(kDoubtUnwritten, "membership.doubt.unwritten")                \
  POINT(kDoubtWritten, "membership.doubt.written")                    \
  POINT(kDoubtCancelled, "membership.doubt.cancelled")                \
  POINT(kConfirmBegun, "membership.confirm.begun")                    \
  POINT(kConfirmPieceWritten, "membership.confirm.piece_written")     \
  POINT(kConfirmWritten, "membership.confirm.written")                \
  POINT(kRefusalUnwritten, "membership.refusal.unwritten")            \
  POINT(kRefusalWritten, "membership.refusal.written")                \
  POINT(kSettleUnwritten, "membership.settle.unwritten")              \
  POINT(kSettleWritten, "membership.settle.written")                  \
  POINT(kNettingUnwritten, "membership.netting.unwritten")            \
  POINT(kNettingWritten, "membership.netting.written")                \
  POINT(kEchoEnded, "membership.echo.ended")                          \
  /* Requests to forget. */                                           \
  POINT(kForgetUnwritten, "membership.forget.unwritten")              \
  POINT(kForgetWritten, "membership.forget.written")                  \
  POINT(kForgetConfirmed, "membership.forget.confirmed")              \
  POINT(kForgetPurging, "membership.forget.purging")                  \
  POINT(kForgetRunPurged, "membership.forget.run_purged")             \
  POINT(kForgetBlocksPurged, "membership.forget.blocks_purged")       \
  POINT(kForgetListPurged, "membership.forget.list_purged")           \
  POINT(kForgetCleaned, "membership.forget.cleaned")                  \
  POINT(kForgetRecordsDropped, "membership.forget.records_dropped")   \
  POINT(kForgetErased, "membership.forget.erased")                    \
  POINT(kForgetDone, "membership.forget.done")                        \
  POINT(kCallHistoryUnwritten, "membership.call_history.unwritten")   \
  POINT(kCallHistoryWritten, "membership.call_history.written")       \
  /* Passes and calls of Pinterest. */                                \
  POINT(kPassPrepared, "delivery.pass.prepared")                      \
  POINT(kFullSyncJoined, "delivery.full_sync.joined")                 \
  POINT(kFullSyncJudged, "delivery.full_sync.judged")                 \
  POINT(kSpillWritten, "delivery.spill.written")                      \
  POINT(kLookupAsked, "delivery.lookup.asked")                        \
  POINT(kLookupAnswered, "delivery.lookup.answered")                  \
  POINT(kListFound, "delivery.list.found")                            \
  POINT(kCreationNoted, "delivery.creation.noted")                    \
  POINT(kCreationAnswered, "delivery.creation.answered")              \
  POINT(kCreationStored, "delivery.creation.stored")                  \
  POINT(kRequestAboutToGo, "delivery.request.about_to_go")            \
  POINT(kRequestAnswered, "delivery.request.answered")                \
  POINT(kRequestFailed, "delivery.request.failed")                    \
  POINT(kEarlyRemovalsTaken, "delivery.early_removals.taken")         \
  POINT(kEarlyRemovalsConfirmed, "delivery.early_removals.confirmed") \
  POINT(kRequestHalved, "delivery.request.halved")                    \
  POINT(kEchoesUnended, "delivery.echoes.unended")                    \
  /* Audiences. */                                                    \
  POINT(kAudienceCreationNoted, "audiences.creation.noted")           \
  POINT(kAudienceCreationAnswered, "audiences.creation.answered")

namespace connector {

enum class CrashPoint : int {
#define CONNECTOR_CRASH_POINT_ENUMERATOR(enumerator, name) enumerator,
  CONNECTOR_CRASH_POINTS(CONNECTOR_CRASH_POINT_ENUMERATOR)
#undef CONNECTOR_CRASH_POINT_ENUMERATOR
};

inline constexpr const char* kCrashPointNames[] = {
#define CONNECTOR_CRASH_POINT_NAME(enumerator, name) name,
    CONNECTOR_CRASH_POINTS(CONNECTOR_CRASH_POINT_NAME)
#undef CONNECTOR_CRASH_POINT_NAME
};

inline constexpr int kCrashPoints =
    static_cast<int>(sizeof kCrashPointNames / sizeof kCrashPointNames[0]);

using CrashPointHook = void (*)(CrashPoint point);

namespace crash_point_internal {
inline std::atomic<CrashPointHook> hook{nullptr};
}  // namespace crash_point_internal

// Says that the code is at this point now. From any thread, with any lock.
inline void ReachCrashPoint(CrashPoint point) {
  const CrashPointHook hook =
      crash_point_internal::hook.load(std::memory_order_relaxed);
  if (hook != nullptr) hook(point);
}

}  // namespace connector

#endif  // CONNECTOR_BASE_CRASH_POINT_H_
