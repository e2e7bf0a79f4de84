#include "connector/membership/keys.h"

#include <limits>

#include "absl/strings/str_cat.h"
#include "connector/membership/wire.h"

namespace connector::membership {
namespace {

std::optional<NumberKeyParts> ParseNumbers(absl::string_view numbers) {
  if (numbers.size() != 4 && numbers.size() != 12) return std::nullopt;
  WireReader wire(numbers);
  NumberKeyParts parts;
  parts.number = wire.Fixed32();
  if (!wire.rest().empty()) parts.second = wire.Fixed64();
  return parts;
}

// What stands in the place of a kind of change.
constexpr char kRememberedExits = 2;
constexpr char kHeld = 4;

std::string KeyOfRun(ListNumber list, char kind, CommitNumber commit,
                     uint32_t part) {
  std::string key = PlainKey(list);
  key.push_back(kind);
  AppendFixed64(&key, commit);
  AppendFixed32(&key, part);
  return key;
}

KeyRange RangeOfRuns(ListNumber list, char kind, CommitNumber after,
                     CommitNumber through) {
  // No commit number comes near the largest number there is.
  constexpr CommitNumber kLargest = std::numeric_limits<CommitNumber>::max();
  if (after < kLargest) ++after;
  if (through < kLargest) ++through;
  return {KeyOfRun(list, kind, after, 0), KeyOfRun(list, kind, through, 0)};
}

}  // namespace

KeyRange PrefixRange(absl::string_view prefix) {
  KeyRange range{std::string(prefix), std::string(prefix)};
  while (!range.end.empty() && static_cast<uint8_t>(range.end.back()) == 0xff) {
    range.end.pop_back();
  }
  if (!range.end.empty()) ++range.end.back();
  return range;
}

std::string NumberKey(char letter, uint32_t number) {
  std::string key(1, letter);
  AppendFixed32(&key, number);
  return key;
}

std::string NumberKey(char letter, uint32_t number, uint64_t second) {
  std::string key = NumberKey(letter, number);
  AppendFixed64(&key, second);
  return key;
}

std::string PlainKey(uint32_t number) {
  std::string key;
  AppendFixed32(&key, number);
  return key;
}

std::string PlainKey(uint32_t number, uint64_t second) {
  std::string key = PlainKey(number);
  AppendFixed64(&key, second);
  return key;
}

std::string CredentialKey(absl::string_view credential_id) {
  return absl::StrCat(absl::string_view(&kCredentialKey, 1), credential_id);
}

std::string CallHistoryKey(absl::string_view credential_id) {
  return absl::StrCat(absl::string_view(&kCallHistoryKey, 1), credential_id);
}

std::string ExportKey(DestinationNumber destination,
                      absl::string_view export_id, uint64_t number) {
  std::string key = PlainKey(destination);
  key.push_back(static_cast<char>(export_id.size() >> 8));
  key.push_back(static_cast<char>(export_id.size()));
  key.append(export_id.data(), export_id.size());
  AppendFixed64(&key, number);
  return key;
}

std::optional<ExportKeyParts> ParseExportKey(absl::string_view key) {
  WireReader wire(key);
  ExportKeyParts parts;
  parts.destination = wire.Fixed32();
  const size_t high = wire.Byte();
  parts.export_id = wire.Raw(high << 8 | wire.Byte());
  parts.number = wire.Fixed64();
  if (!wire.done()) return std::nullopt;
  return parts;
}

std::string RunKey(ListNumber list, Change change, CommitNumber commit,
                   uint32_t part) {
  return KeyOfRun(list, static_cast<char>(change), commit, part);
}

KeyRange RunRange(ListNumber list, Change change, CommitNumber after,
                  CommitNumber through) {
  return RangeOfRuns(list, static_cast<char>(change), after, through);
}

std::string ExitKey(ListNumber list, CommitNumber commit, uint32_t part) {
  return KeyOfRun(list, kRememberedExits, commit, part);
}

KeyRange ExitRange(ListNumber list, CommitNumber through) {
  return RangeOfRuns(list, kRememberedExits, 0, through);
}

std::string DeclaredKey(ListNumber list, uint64_t number, CommitNumber commit,
                        uint32_t part) {
  std::string key = DeclaredRange(list, number).begin;
  AppendFixed64(&key, commit);
  AppendFixed32(&key, part);
  return key;
}

KeyRange DeclaredRange(ListNumber list, uint64_t number) {
  std::string prefix = PlainKey(list);
  // Behind the additions, which are 1, and the remembered exits.
  prefix.push_back(3);
  AppendFixed64(&prefix, number);
  return PrefixRange(prefix);
}

std::string HeldRunKey(ListNumber list, Change change, CommitNumber commit,
                       uint32_t part) {
  return KeyOfRun(list, static_cast<char>(kHeld + static_cast<int>(change)),
                  commit, part);
}

KeyRange HeldRunRange(ListNumber list, Change change, CommitNumber after,
                      CommitNumber through) {
  return RangeOfRuns(list, static_cast<char>(kHeld + static_cast<int>(change)),
                     after, through);
}

std::string StatementKey(DestinationNumber destination, CommitNumber commit,
                         uint32_t part) {
  std::string key = NumberKey(kStatementKey, destination, commit);
  AppendFixed32(&key, part);
  return key;
}

KeyRange StatementRange(DestinationNumber destination, CommitNumber through) {
  return {NumberKey(kStatementKey, destination, 0),
          NumberKey(kStatementKey, destination, through + 1)};
}

std::string BlockKey(ListNumber list, absl::string_view lower_bound) {
  std::string key = PlainKey(list);
  key.append(lower_bound.data(), lower_bound.size());
  return key;
}

absl::string_view BlockLowerBound(absl::string_view key) {
  return key.substr(4);
}

std::optional<NumberKeyParts> ParseNumberKey(absl::string_view key) {
  if (key.empty()) return std::nullopt;
  return ParseNumbers(key.substr(1));
}

std::optional<NumberKeyParts> ParsePlainKey(absl::string_view key) {
  return ParseNumbers(key);
}

}  // namespace connector::membership
