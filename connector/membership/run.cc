#include "connector/membership/run.h"

#include <algorithm>
#include <cstring>

#include "connector/membership/damage.h"
#include "connector/membership/record_bytes.h"
#include "connector/membership/wire.h"

namespace connector::membership {
namespace {

using identity_mapping::RecordKind;
using identity_mapping::RecordView;

constexpr uint8_t kVersion = 1;
constexpr uint8_t kEventTimes = 1;
constexpr uint8_t kHolders = 2;
constexpr uint8_t kReplay = 4;
constexpr uint8_t kNotCounted = 0x40;
constexpr size_t kHolderBytes = 16;
// The head and the two numbers before the intervals, nearly.
constexpr size_t kHeadBytes = 24;

absl::Status DamagedRun() { return Damaged("a stored run cannot be read"); }

}  // namespace

void RunBuilder::Add(Change change, RecordView record, bool counted,
                     std::optional<absl::Time> event_time,
                     const std::array<uint8_t, 16>* holder) {
  Part& part = parts_[static_cast<int>(change)];
  if (part.intervals.empty() || part.next_order != total_) {
    part.intervals.emplace_back(total_ - part.next_order, 0);
  }
  ++part.intervals.back().second;
  part.next_order = ++total_;
  ++part.entries;
  if (counted) ++part.counted;

  const uint8_t kind = static_cast<uint8_t>(record.kind());
  part.records.push_back(
      static_cast<char>(counted ? kind : kind | kNotCounted));
  absl::string_view payload = record.payload();
  if (record.kind() == RecordKind::kOpaque) {
    part.records.push_back(static_cast<char>(payload.size()));
  }
  part.records.append(payload.data(), payload.size());
  if (event_time.has_value()) {
    AppendMicros(&part.event_times, *event_time);
    if (change == Change::kRemove && *event_time != absl::InfinitePast()) {
      has_timed_exits_ = true;
      if (*event_time == absl::InfiniteFuture()) {
        has_exit_at_commit_ = true;
      } else {
        newest_exit_ = std::max(newest_exit_, *event_time);
      }
    }
  }
  if (holder != nullptr) {
    part.holders.append(reinterpret_cast<const char*>(holder->data()),
                        holder->size());
  }
}

void RunBuilder::MarkAsReplay() { replay_ = true; }

uint8_t RunBuilder::flags(Change change) const {
  const Part& part = this->part(change);
  return (part.event_times.empty() ? 0 : kEventTimes) |
         (part.holders.empty() ? 0 : kHolders) | (replay_ ? kReplay : 0);
}

size_t RunBuilder::bytes() const {
  size_t bytes = 0;
  for (const Part& part : parts_) {
    if (part.entries == 0) continue;
    bytes += kHeadBytes + 4 * part.intervals.size() + part.records.size() +
             part.event_times.size() + part.holders.size();
  }
  return bytes;
}

std::string RunBuilder::Body(Change change) const {
  const Part& part = this->part(change);
  std::string body;
  body.reserve(kHeadBytes + 6 * part.intervals.size() + part.records.size() +
               part.event_times.size() + part.holders.size());
  AppendVarint(&body, part.entries);
  AppendVarint(&body, part.intervals.size());
  for (const auto& [skipped, entries] : part.intervals) {
    AppendVarint(&body, skipped);
    AppendVarint(&body, entries);
  }
  body += part.records;
  body += part.event_times;
  body += part.holders;
  return body;
}

std::string RunHead(uint8_t flags, absl::Time commit_time,
                    EventOrder first_order) {
  std::string head;
  head.push_back(static_cast<char>(kVersion));
  head.push_back(static_cast<char>(flags));
  AppendMillis(&head, commit_time);
  AppendVarint(&head, first_order);
  return head;
}

absl::StatusOr<RunReader> RunReader::Open(absl::string_view value) {
  WireReader wire(value);
  if (wire.Byte() != kVersion) return DamagedRun();
  RunReader reader;
  reader.flags_ = wire.Byte();
  if ((reader.flags_ & ~(kEventTimes | kHolders | kReplay | kRunOfOneOrder)) !=
      0) {
    return DamagedRun();
  }
  reader.commit_time_ = wire.Millis();
  reader.order_ = wire.Varint();
  reader.count_ = reader.left_ = wire.Varint();
  reader.intervals_left_ = wire.Varint();
  // Both are bounded by what could stand in the bytes that are left.
  const size_t size = wire.rest().size();
  if (!wire.ok() || reader.count_ > size || reader.intervals_left_ > size) {
    return DamagedRun();
  }

  const absl::string_view intervals = wire.rest();
  uint64_t entries = 0;
  for (uint64_t i = 0; i < reader.intervals_left_; ++i) {
    wire.Varint();
    const uint64_t in_interval = wire.Varint();
    if (!wire.ok() || in_interval > reader.count_ - entries)
      return DamagedRun();
    entries += in_interval;
  }
  if (entries != reader.count_) return DamagedRun();
  reader.intervals_ =
      intervals.substr(0, intervals.size() - wire.rest().size());

  reader.records_ = wire.rest();
  if ((reader.flags_ & (kEventTimes | kHolders)) == 0) return reader;

  // Where the entries end is only to be found by going through them.
  const char* data = reader.records_.data();
  const char* const end = data + reader.records_.size();
  for (uint64_t i = 0; i < reader.count_; ++i) {
    if (data == end) return DamagedRun();
    const uint8_t kind = static_cast<uint8_t>(*data++) & ~kNotCounted;
    const char* payload;
    size_t payload_size;
    data = ReadPayload(kind, data, end, &payload, &payload_size);
    if (data == nullptr) return DamagedRun();
  }
  absl::string_view rest(data, end - data);
  reader.records_.remove_suffix(rest.size());
  if ((reader.flags_ & kHolders) != 0) {
    const uint64_t holder_bytes = kHolderBytes * reader.count_;
    if (rest.size() < holder_bytes) return DamagedRun();
    reader.holders_ = rest.substr(rest.size() - holder_bytes);
    rest.remove_suffix(holder_bytes);
  }
  if ((reader.flags_ & kEventTimes) == 0 && !rest.empty()) return DamagedRun();
  reader.event_times_ = rest;
  return reader;
}

bool RunReader::Next(RunEntry* entry) {
  if (!status_.ok()) return false;
  if (left_ == 0) {
    if (!records_.empty() || !event_times_.empty()) status_ = DamagedRun();
    return false;
  }
  while (interval_entries_left_ == 0) {
    if (intervals_left_ == 0) {
      status_ = DamagedRun();
      return false;
    }
    WireReader wire(intervals_);
    const uint64_t skipped = wire.Varint();
    if ((flags_ & kRunOfOneOrder) == 0) order_ += skipped;
    interval_entries_left_ = wire.Varint();
    intervals_ = wire.rest();
    --intervals_left_;
  }

  const char* const begin = records_.data();
  const char* const end = begin + records_.size();
  const char* payload = nullptr;
  const char* next = nullptr;
  size_t size = 0;
  uint8_t head = 0;
  if (begin != end) {
    head = static_cast<uint8_t>(*begin);
    next = ReadPayload(head & ~kNotCounted, begin + 1, end, &payload, &size);
  }
  if (next == nullptr) {
    status_ = DamagedRun();
    return false;
  }
  records_.remove_prefix(next - begin);
  absl::string_view encoded(begin, 1 + size);
  if (payload != begin + 1 || (head & kNotCounted) != 0) {
    scratch_[0] = static_cast<char>(head & ~kNotCounted);
    std::memcpy(&scratch_[1], payload, size);
    encoded = absl::string_view(scratch_.data(), 1 + size);
  }
  std::optional<RecordView> record = RecordView::FromEncoded(encoded);
  if (!record.has_value()) {
    status_ = DamagedRun();
    return false;
  }
  entry->record = *record;
  entry->counted = (head & kNotCounted) == 0;
  entry->replay = (flags_ & kReplay) != 0;
  entry->order = entry->replay ? kReplayOrder : order_;
  if ((flags_ & kRunOfOneOrder) == 0) ++order_;
  entry->commit_time = commit_time_;
  entry->event_time.reset();
  if ((flags_ & kEventTimes) != 0) {
    WireReader wire(event_times_);
    entry->event_time = wire.Micros();
    if (!wire.ok()) {
      status_ = DamagedRun();
      return false;
    }
    event_times_ = wire.rest();
  }
  entry->holder.reset();
  if ((flags_ & kHolders) != 0) {
    std::memcpy(entry->holder.emplace().data(), holders_.data(), kHolderBytes);
    holders_.remove_prefix(kHolderBytes);
  }
  --left_;
  --interval_entries_left_;
  return true;
}

}  // namespace connector::membership
