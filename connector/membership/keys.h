#ifndef CONNECTOR_MEMBERSHIP_KEYS_H_
#define CONNECTOR_MEMBERSHIP_KEYS_H_

#include <cstdint>
#include <optional>
#include <string>

#include "absl/strings/string_view.h"
#include "connector/membership/types.h"

// Every key of the store. All numbers are big-endian, so that keys sort as
// their numbers do; "4" and "8" are their bytes.
//
//   family    key                                value (rows.h if not said)
//   meta      "!format"                          format version
//             "!history"                         id of this store
//             "!next"                            next numbers
//             "!synced"                          what is on stable storage
//             'A' destination(4) ...             audience_rows.h
//             'D' destination(4)                 DestinationRow
//             'F' list(4) number(8)              FullSync
//             'K' credential id                  its configuration
//             'L' list(4)                        ListRow
//             'O' list(4)                        ListOperation
//             'R' destination(4) number(8)       ForgetRow (forget_rows.h)
//             'S' segment(4)                     SegmentRow
//   exports   destination(4) size(2) id 0(8)     ExportRow
//             destination(4) size(2) id number(8)  BatchRow, until delivered
//   runs      list(4) change(1) commit(8) part(4)  run (run.h); change 2:
//                                              remembered exits; 4 and 5:
//                                              removals and additions of a
//                                              held segment
//             list(4) 3(1) number(8) commit(8) part(4)  run of a full sync
//   blocks    list(4) lower bound                block (block.h)
//   doubts    'd' list(4) number(8)              Doubt
//             'e' list(4) number(8)              Echo
//   journal   destination(4) number(8)           JournalRejection
//   counters  'c'                                newest commit, next order
//             'h' credential id                  calls of the last day
//             'i' segment(4)                     IntakeCounts
//             'm' list(4)                        number of members
//             'p' list(4) commit(8)              PendingRow
//             'q' list(4) commit(8)              PendingRow, settled but kept
//             's' segment(4)                     PassCounts
//             'u' destination(4)                 IntakeCounts without segment
//             'x' list(4) commit(8)              PendingRow of remembered exits
//   people    'a' destination(4)                 PeoplePassRow
//             'b' segment(4)                     HeldRow
//             'h' destination(4) lower bound     block of people
//             'p' segment(4) lower bound         block of holders
//             's' destination(4) commit(8) part(4)  statements
//             't' destination(4) commit(8)       StatementsRow
namespace connector::membership {

// A half-open range of keys.
struct KeyRange {
  std::string begin;
  std::string end;
};

// All keys that start with `prefix`, which must not be all 0xff.
KeyRange PrefixRange(absl::string_view prefix);

inline constexpr absl::string_view kFormatKey = "!format";
inline constexpr absl::string_view kHistoryKey = "!history";
inline constexpr absl::string_view kNextNumbersKey = "!next";
inline constexpr absl::string_view kSyncedWriteKey = "!synced";
inline constexpr absl::string_view kNewestCommitKey = "c";

// The kinds of keys that are a letter and a number.
inline constexpr char kAudienceKey = 'A';
inline constexpr char kDestinationKey = 'D';
inline constexpr char kFullSyncKey = 'F';
inline constexpr char kCredentialKey = 'K';
inline constexpr char kListKey = 'L';
inline constexpr char kOperationKey = 'O';
inline constexpr char kForgetKey = 'R';
inline constexpr char kSegmentKey = 'S';
inline constexpr char kDoubtKey = 'd';
inline constexpr char kEchoKey = 'e';
inline constexpr char kCallHistoryKey = 'h';
inline constexpr char kIntakeKey = 'i';
inline constexpr char kMembersKey = 'm';
inline constexpr char kPendingKey = 'p';
inline constexpr char kKeptKey = 'q';
inline constexpr char kPassKey = 's';
inline constexpr char kNoSegmentKey = 'u';
inline constexpr char kExitsKey = 'x';
inline constexpr char kPeoplePassKey = 'a';
inline constexpr char kHeldKey = 'b';
inline constexpr char kPersonKey = 'h';
inline constexpr char kHoldersKey = 'p';
inline constexpr char kStatementKey = 's';
inline constexpr char kStatementsKey = 't';

// letter number(4)
std::string NumberKey(char letter, uint32_t number);
// letter number(4) number(8)
std::string NumberKey(char letter, uint32_t number, uint64_t second);
// number(4), and number(4) number(8)
std::string PlainKey(uint32_t number);
std::string PlainKey(uint32_t number, uint64_t second);
std::string CredentialKey(absl::string_view credential_id);
std::string CallHistoryKey(absl::string_view credential_id);

// Number 0 is the row of the export itself.
std::string ExportKey(DestinationNumber destination,
                      absl::string_view export_id, uint64_t number);
struct ExportKeyParts {
  DestinationNumber destination = 0;
  absl::string_view export_id;
  uint64_t number = 0;
};
std::optional<ExportKeyParts> ParseExportKey(absl::string_view key);

std::string RunKey(ListNumber list, Change change, CommitNumber commit,
                   uint32_t part);
// All runs of one kind of commits in (after, through].
KeyRange RunRange(ListNumber list, Change change, CommitNumber after,
                  CommitNumber through);

// A run of what a full sync declared, and all of them.
std::string DeclaredKey(ListNumber list, uint64_t number, CommitNumber commit,
                        uint32_t part);
KeyRange DeclaredRange(ListNumber list, uint64_t number);
// Beside the runs of a list: the removals of a commit that are remembered.
std::string ExitKey(ListNumber list, CommitNumber commit, uint32_t part);
KeyRange ExitRange(ListNumber list, CommitNumber through);

// Changes of a held segment that are not brought into its holders yet.
std::string HeldRunKey(ListNumber list, Change change, CommitNumber commit,
                       uint32_t part);
KeyRange HeldRunRange(ListNumber list, Change change, CommitNumber after,
                      CommitNumber through);
// Statements of one commit, and those of all up to one.
std::string StatementKey(DestinationNumber destination, CommitNumber commit,
                         uint32_t part);
KeyRange StatementRange(DestinationNumber destination, CommitNumber through);

std::string BlockKey(ListNumber list, absl::string_view lower_bound);
// The lower bound of a block key.
absl::string_view BlockLowerBound(absl::string_view key);

// The numbers of a key; nullopt if the size does not fit.
struct NumberKeyParts {
  uint32_t number = 0;
  uint64_t second = 0;
};
std::optional<NumberKeyParts> ParseNumberKey(absl::string_view key);
std::optional<NumberKeyParts> ParsePlainKey(absl::string_view key);

}  // namespace connector::membership

#endif  // CONNECTOR_MEMBERSHIP_KEYS_H_
