#include "connector/membership/run_filter.h"

#include <utility>
#include <vector>

#include "connector/membership/run.h"
#include "connector/membership/wire.h"

namespace connector::membership {
namespace {

// As in run.cc.
constexpr uint8_t kReplay = 4;
constexpr uint8_t kNotCounted = 0x40;

}  // namespace

absl::StatusOr<FilteredRun> FilterRun(
    absl::string_view value,
    absl::FunctionRef<bool(identity_mapping::RecordView)> drop) {
  absl::StatusOr<RunReader> reader = RunReader::Open(value);
  if (!reader.ok()) return reader.status();
  WireReader head(value);
  head.Byte();
  const uint8_t flags = head.Byte();
  head.Millis();
  const EventOrder first = head.Varint();
  // Orders that follow one another.
  const bool ordered = (flags & (kReplay | kRunOfOneOrder)) == 0;

  FilteredRun filtered;
  filtered.replay = (flags & kReplay) != 0;
  uint64_t kept = 0;
  EventOrder next = first;
  std::vector<std::pair<uint64_t, uint64_t>> intervals;
  std::string records;
  std::string event_times;
  std::string holders;
  RunEntry entry;
  while (reader->Next(&entry)) {
    if (drop(entry.record)) {
      ++filtered.dropped;
      filtered.dropped_counted += entry.counted;
      continue;
    }
    const EventOrder order = ordered ? entry.order : next;
    if (intervals.empty() || order != next) {
      intervals.emplace_back(order - next, 0);
    }
    ++intervals.back().second;
    next = order + 1;
    ++kept;
    const uint8_t kind = static_cast<uint8_t>(entry.record.kind());
    records.push_back(
        static_cast<char>(entry.counted ? kind : kind | kNotCounted));
    const absl::string_view payload = entry.record.payload();
    if (entry.record.kind() == identity_mapping::RecordKind::kOpaque) {
      records.push_back(static_cast<char>(payload.size()));
    }
    records.append(payload.data(), payload.size());
    if (entry.event_time.has_value()) {
      AppendMicros(&event_times, *entry.event_time);
    }
    if (entry.holder.has_value()) {
      holders.append(reinterpret_cast<const char*>(entry.holder->data()),
                     entry.holder->size());
    }
  }
  if (!reader->status().ok()) return reader->status();
  filtered.value = RunHead(flags, reader->commit_time(), first);
  AppendVarint(&filtered.value, kept);
  AppendVarint(&filtered.value, intervals.size());
  for (const auto& [skipped, entries] : intervals) {
    AppendVarint(&filtered.value, skipped);
    AppendVarint(&filtered.value, entries);
  }
  filtered.value += records;
  filtered.value += event_times;
  filtered.value += holders;
  return filtered;
}

}  // namespace connector::membership
