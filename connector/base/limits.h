#ifndef CONNECTOR_BASE_LIMITS_H_
#define CONNECTOR_BASE_LIMITS_H_

#include <cstdint>

#include "absl/time/time.h"

// Every bound on what a caller or Pinterest can make the connector hold, in one
// place. docs/limits.md is the same list for people.
namespace connector::limits {

// Export frames.
inline constexpr int64_t kMaxFrameBytes = 16 << 20;
inline constexpr int kMaxBatchProfiles = 20'000;
inline constexpr int kMaxProfileIdentities =
    100;  // the platform sends up to 50
inline constexpr int kMaxProfileMemberships =
    1'000;  // the platform maps up to 250
inline constexpr int kMaxBatchNamespaces = 256;
inline constexpr int kMaxBatchSegments = 1'000;
inline constexpr int kMaxProfileKeyBytes = 1'024;
inline constexpr int kMaxExportIdBytes = 128;
inline constexpr int kMaxSegmentNamespaceBytes = 128;
inline constexpr int kMaxSegmentIdBytes = 256;
inline constexpr int kMaxSegmentNameBytes = 500;
// Identity x membership of one batch: what its changes take in memory.
inline constexpr int64_t kMaxBatchChanges = 1'000'000;

// Export streams.
inline constexpr int64_t kMaxStreamUnacknowledgedBytes = 32 << 20;
inline constexpr int64_t kMaxProcessUnacknowledgedBytes = 96 << 20;
inline constexpr int kMaxStreams = 1'000;
inline constexpr int kMaxExportsPerDestination = 10'000;

// Rejections.
inline constexpr int kMaxStreamRejectionsPerBatch = 100;
inline constexpr int kMaxStoredRejectionsPerBatch = 1'000;
inline constexpr int kMaxStoredRejections = 10'000;
inline constexpr int kMaxReplayRecords = 1'000;

// Requests to forget, of a destination: not done, and receipts kept.
inline constexpr int kMaxForgets = 1'000;
inline constexpr int kMaxForgetReceipts = 1'000;
inline constexpr int kMaxForgetRequestIdBytes = 64;

// Configuration.
inline constexpr int kMaxDestinations = 10'000;
inline constexpr int kMaxCredentials = 1'000;
inline constexpr int kMaxMappingRows = 100;
inline constexpr int kMaxNamespaceBytes = 128;
inline constexpr int kMaxFormerMappings = 8;
inline constexpr int kMaxDisplayNameBytes = 200;
inline constexpr int kMaxDescriptionBytes = 2'000;
inline constexpr int kMaxListNamePrefixBytes = 100;
inline constexpr int kMaxSegmentNamespaceFilters = 100;
inline constexpr int kDefaultMaxCustomerLists = 250;
inline constexpr int kMaxCustomerLists = 10'000;

// Audiences.
inline constexpr int kMaxDeclaredAudiences = 100;
inline constexpr int kMaxAudienceNameBytes = 500;
inline constexpr int kMaxCategoryBytes = 100;
inline constexpr int kMaxEngagementDomains = 20;
inline constexpr int kMaxDomainBytes = 253;
inline constexpr int kMaxVisitorConditions = 20;
inline constexpr absl::Duration kMinPollInterval = absl::Seconds(1);
inline constexpr absl::Duration kMaxPollInterval = absl::Hours(24);
inline constexpr absl::Duration kDefaultFirstPollInterval = absl::Minutes(2);
inline constexpr absl::Duration kDefaultLongestPollInterval = absl::Hours(1);

// Delivery.
inline constexpr int kDefaultRequestRecords = 10'000;
inline constexpr int kMaxRequestRecords = 50'000;
inline constexpr int64_t kDefaultRequestBytes = 1'000'000;
inline constexpr int64_t kMinRequestBytes = 10'000;
inline constexpr int64_t kMaxRequestBytes = 10'000'000;
inline constexpr absl::Duration kDefaultMaxDelay = absl::Seconds(30);
inline constexpr absl::Duration kMaxMaxDelay = absl::Hours(1);
inline constexpr absl::Duration kDefaultCreationLookupWindow = absl::Minutes(5);
inline constexpr absl::Duration kMaxCreationLookupWindow = absl::Hours(1);
// Full syncs.
inline constexpr absl::Duration kDefaultFullSyncExpiry = absl::Hours(24);
inline constexpr absl::Duration kMaxFullSyncExpiry = absl::Hours(7 * 24);
inline constexpr int kDefaultFullSyncRemovalPercent = 30;
// Lists with fewer members are never asked about.
inline constexpr int64_t kMinMembersToConfirm = 100;
// How long a full sync waits to be confirmed.
inline constexpr absl::Duration kFullSyncConfirmationTime = absl::Hours(7 * 24);
inline constexpr int64_t kDefaultBacklogBytes = int64_t{4} << 30;
// Of removals that are taken along when a list is replaced.
inline constexpr int64_t kMaxTakenAlongBytes = int64_t{16} << 20;
inline constexpr int kMaxHalvingRequestsPerPass = 64;
inline constexpr int kDefaultWritesPerMinute = 200;
inline constexpr int kMaxWritesPerMinute = 400;
inline constexpr int kDefaultReadsPerMinute = 500;
inline constexpr int kMaxReadsPerMinute = 1'000;
// Half of what Pinterest grants an app and user.
inline constexpr int kCallsPerSecond = 50;
// What Pinterest grants an app with trial access.
inline constexpr int kTrialWritesPerDay = 300;
inline constexpr int kTrialCallsPerDay = 1'000;

// The API's server. A frame of an export is also the bound of every other
// request.
inline constexpr int kMaxMetadataBytes = 16 << 10;
// Calls of one connection at a time: all streams that there may be, and some.
inline constexpr int kMaxConnectionCalls = kMaxStreams + 100;
// A connection that has not shaken hands by then is closed.
inline constexpr absl::Duration kHandshakeTimeout = absl::Seconds(10);
// One from which nothing comes is asked after this time, and closed when it
// does not answer in that one.
inline constexpr absl::Duration kKeepaliveTime = absl::Minutes(1);
inline constexpr absl::Duration kKeepaliveTimeout = absl::Seconds(20);
inline constexpr absl::Duration kMinPingInterval = absl::Seconds(10);
inline constexpr int64_t kServerMemoryBytes = 128 << 20;
inline constexpr int kMaxServerThreads = 256;
// Drains, checks and previews at a time.
inline constexpr int kMaxLongCalls = 32;
// Watches of a status at a time; each holds a thread.
inline constexpr int kMaxStatusWatches = 32;
inline constexpr int kDefaultPageSize = 100;
inline constexpr int kMaxPageSize = 1'000;

// The HTTP edge.
inline constexpr int64_t kMaxHttpBodyBytes = 32 << 20;
// Of all bodies that are read or worked on.
inline constexpr int64_t kMaxHttpProcessBytes = 96 << 20;
// Of those that are worked on: parsed, each takes a few times its size.
inline constexpr int64_t kMaxHttpWorkBytes = 32 << 20;
inline constexpr int kMaxHttpHeadBytes = 16 << 10;
inline constexpr int kMaxHttpHeaders = 100;
inline constexpr int kMaxHttpConnections = 256;
// From the first byte of a request to the end of its head, from there to the
// end of its body, and for taking the answer: however slowly bytes come.
inline constexpr absl::Duration kHttpHeadTimeout = absl::Seconds(5);
inline constexpr absl::Duration kHttpBodyTimeout = absl::Seconds(30);
inline constexpr absl::Duration kHttpAnswerTimeout = absl::Seconds(10);
// Between two requests of a connection.
inline constexpr absl::Duration kHttpIdleTimeout = absl::Minutes(1);
// How long a request may wait to be worked on and for stable storage: Adobe
// gives a call 2 s.
inline constexpr absl::Duration kHttpCommitTimeout = absl::Milliseconds(1500);
inline constexpr absl::Duration kDefaultLateAdditionWindow = absl::Hours(1);
inline constexpr absl::Duration kMaxLateAdditionWindow = absl::Hours(24);
// Of the exits that are remembered for a destination; beyond, the oldest go.
inline constexpr int64_t kMaxRememberedExitBytes = int64_t{1} << 30;

// Answers of Pinterest.
inline constexpr int64_t kMaxAnswerBytes = 4 << 20;
inline constexpr int64_t kMaxAnswerHeaderBytes = 64 << 10;
inline constexpr int kMaxAnswerDepth = 64;

// Files.
inline constexpr int64_t kMaxConfigFileBytes = 16 << 20;
inline constexpr int64_t kMaxTokenFileBytes = 4 << 10;
// Of the name of a token file.
inline constexpr int kMaxFileNameBytes = 100;

}  // namespace connector::limits

#endif  // CONNECTOR_BASE_LIMITS_H_
