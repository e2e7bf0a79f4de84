#include "connector/membership/rejection_log.h"

#include <algorithm>
#include <optional>
#include <string>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "connector/base/error.h"
#include "connector/membership/damage.h"

namespace connector::membership {
namespace {

// "DESTINATION-NUMBER": the line that the next page begins with.
std::string PageToken(DestinationNumber destination, uint64_t number) {
  return absl::StrCat(destination, "-", number);
}

}  // namespace

std::vector<JournalRejection> EndOfFullSync(const FullSync& full_sync,
                                            int32_t reason, absl::Time now) {
  if (full_sync.declared == 0) return {};
  JournalRejection line;
  line.time = now;
  line.intake = {full_sync.export_id,
                 full_sync.begin_sequence_number,
                 {-1, -1, -1, reason}};
  return {std::move(line)};
}

std::vector<JournalRejection> EndOfFullSync(const FullSync& full_sync,
                                            absl::Time now) {
  return EndOfFullSync(
      full_sync,
      full_sync.committed() ? kFullSyncRefusedReason : kFullSyncExpiredReason,
      now);
}

void RejectionLog::Append(DestinationNumber destination,
                          const std::vector<JournalRejection>& lines,
                          WriteSet& set) {
  if (lines.empty()) return;
  uint64_t number = 0;
  uint64_t old_first = 0;
  uint64_t new_first = 0;
  {
    absl::MutexLock lock(&core_.tables.mutex);
    DestinationState* state = core_.tables.FindDestination(destination);
    if (state == nullptr) return;
    number = state->next_rejection;
    state->next_rejection += lines.size();
    old_first = state->first_rejection;
    const uint64_t most = static_cast<uint64_t>(core_.max_rejections);
    if (state->next_rejection > most) {
      state->first_rejection =
          std::max(old_first, state->next_rejection - most);
    }
    new_first = state->first_rejection;
  }
  if (new_first > old_first) {
    set.DeleteRange(Family::kJournal, {PlainKey(destination, old_first),
                                       PlainKey(destination, new_first)});
  }
  for (const JournalRejection& line : lines) {
    if (number >= new_first) {
      set.Put(Family::kJournal, PlainKey(destination, number),
              EncodeRejection(line));
    }
    ++number;
  }
}

absl::StatusOr<RejectionPage> RejectionLog::Read(DestinationNumber destination,
                                                 int page_size,
                                                 absl::string_view page_token) {
  uint64_t first = 0;
  uint64_t next = 0;
  {
    absl::MutexLock lock(&core_.tables.mutex);
    const DestinationState* state = core_.tables.FindDestination(destination);
    if (state == nullptr) return DestinationNotFound();
    first = state->first_rejection;
    next = state->next_rejection;
  }
  uint64_t newest = next - 1;
  if (!page_token.empty()) {
    const size_t dash = page_token.find('-');
    if (dash == absl::string_view::npos ||
        !absl::SimpleAtoi(page_token.substr(dash + 1), &newest) ||
        newest == 0 || newest >= next ||
        page_token != PageToken(destination, newest)) {
      return FieldError("page_token", "must be one that was returned before");
    }
  }
  RejectionPage page;
  // What a write under way has not brought yet is simply not there.
  Scan scan(core_.database, Family::kJournal,
            {PlainKey(destination, first), PlainKey(destination, newest + 1)});
  for (scan.SeekToLast(); scan.valid(); scan.Prev()) {
    const std::optional<NumberKeyParts> key = ParsePlainKey(scan.key());
    std::optional<JournalRejection> line = DecodeRejection(scan.value());
    if (!key.has_value() || !line.has_value()) {
      return Damaged("a stored rejection cannot be read");
    }
    if (static_cast<int>(page.rejections.size()) >= std::max(page_size, 1)) {
      page.next_page_token = PageToken(destination, key->second);
      break;
    }
    page.rejections.push_back(std::move(*line));
  }
  if (absl::Status s = scan.status(); !s.ok()) return s;
  return page;
}

}  // namespace connector::membership
