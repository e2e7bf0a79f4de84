#include "connector/delivery/change_sorter.h"

#include <endian.h>

#include <algorithm>
#include <cstring>
#include <utility>

namespace connector::delivery {
namespace {

using identity_mapping::RecordView;
using membership::Change;

// The first bytes of a record as a number that sorts as they do.
uint64_t Prefix(RecordView record) {
  const absl::string_view encoded = record.encoded();
  char bytes[8] = {};
  std::memcpy(bytes, encoded.data(), std::min<size_t>(8, encoded.size()));
  uint64_t number;
  std::memcpy(&number, bytes, 8);
  return be64toh(number);
}

// Behind the record of a change with a time.
constexpr size_t kTimesBytes = 16;

// Sorted items lie at random places of the memory: what is needed next but this
// many is fetched meanwhile.
constexpr size_t kFetchAhead = 12;
// A SHA-256 with its kind: may lie in two lines of the cache.
constexpr size_t kRecordBytes = 33;

}  // namespace

// One chunk: encoded records in one piece, and an index that is what is sorted.
struct SortedChanges::Memory {
  struct Item {
    uint64_t prefix;
    membership::EventOrder order;
    uint32_t offset;
    uint8_t size;
    uint8_t change_and_flags;
  };

  explicit Memory(SortBudget* budget) : budget(budget) {}
  ~Memory() { budget->Return(taken); }

  RecordView record(const Item& item) const {
    return *RecordView::FromEncoded({bytes.data() + item.offset, item.size});
  }

  // Where the record is, for __builtin_prefetch: gcc drops calls of functions
  // that do nothing else.
  const char* Address(size_t i) const { return &bytes[items[i].offset]; }

  // But for the record.
  SortedChange GetEvent(const Item& item) const {
    SortedChange change;
    change.order = item.order;
    change.change = static_cast<Change>(item.change_and_flags & 1);
    change.flags = item.change_and_flags >> 1;
    if (change.flags & SortedChange::kTimed) {
      const char* times = bytes.data() + item.offset + item.size;
      std::memcpy(&change.event_micros, times, 8);
      std::memcpy(&change.commit_millis, times + 8, 8);
    }
    return change;
  }

  SortedChange Get(const Item& item) const {
    SortedChange change = GetEvent(item);
    change.record = record(item);
    return change;
  }

  bool SameRecord(const Item& a, const Item& b) const {
    return a.prefix == b.prefix && record(a) == record(b);
  }

  // By record, the events of one in their order.
  void Sort() {
    std::sort(items.begin(), items.end(), [this](const Item& a, const Item& b) {
      if (a.prefix != b.prefix) return a.prefix < b.prefix;
      const auto order = record(a) <=> record(b);
      if (order != 0) return order < 0;
      return a.order < b.order;
    });
  }

  // Keeps of each record the event that stands.
  void Net(Netting& netting) {
    size_t kept = 0;
    size_t standing = 0;
    for (size_t i = 0; i < items.size(); ++i) {
      if (i == 0 || !SameRecord(items[i - 1], items[i])) {
        netting.Start();
        standing = kept;
      }
      SortedChange change = GetEvent(items[i]);
      if (!netting.Take(change)) continue;
      Item item = items[i];
      item.change_and_flags = static_cast<uint8_t>(
          change.flags << 1 | static_cast<uint8_t>(change.change));
      items[standing] = item;
      kept = standing + 1;
    }
    items.resize(kept);
  }

  size_t used() const { return bytes.size() + items.size() * sizeof(Item); }
  size_t room() const {
    return static_cast<size_t>(ChangeSorter::kFreeBytes + taken);
  }

  SortBudget* const budget;
  int64_t taken = 0;
  std::string bytes;
  std::vector<Item> items;
};

SortedChanges::Reader::Reader(const SortedChanges& changes)
    : changes_(&changes) {
  if (changes.file_ != nullptr) {
    file_ = std::make_unique<SpillFile::Reader>(*changes.file_);
  }
}

absl::StatusOr<bool> SortedChanges::Reader::Next(SortedChange* change) {
  if (file_ != nullptr) return file_->Next(change);
  if (next_ == changes_->indices_.size()) return false;
  const Memory& memory = *changes_->memory_;
  if (next_ + kFetchAhead < changes_->indices_.size()) {
    const char* next = memory.Address(changes_->indices_[next_ + kFetchAhead]);
    __builtin_prefetch(next);
    __builtin_prefetch(next + kRecordBytes);
  }
  *change = memory.Get(memory.items[changes_->indices_[next_++]]);
  return true;
}

absl::Status SortedChanges::Writer::Append(const SortedChange& change) {
  if (file_ == nullptr) {
    auto file = SpillFile::Create(spill_directory_);
    if (!file.ok()) return file.status();
    file_ = *std::move(file);
  }
  ++count_;
  return file_->Append(change);
}

absl::StatusOr<SortedChanges> SortedChanges::Writer::Finish() {
  SortedChanges changes;
  if (file_ == nullptr) return changes;
  if (absl::Status status = file_->Finish(); !status.ok()) return status;
  changes.count_ = count_;
  changes.file_ = std::move(file_);
  return changes;
}

ChangeSorter::ChangeSorter(SortBudget* budget, std::string spill_directory,
                           absl::Duration late_addition_window)
    : budget_(budget),
      spill_directory_(std::move(spill_directory)),
      memory_(std::make_shared<SortedChanges::Memory>(budget)),
      netting_(late_addition_window) {}

ChangeSorter::~ChangeSorter() = default;

absl::Status ChangeSorter::Add(const SortedChange& change) {
  const absl::string_view encoded = change.record.encoded();
  const bool timed = (change.flags & SortedChange::kTimed) != 0;
  const size_t need = encoded.size() + (timed ? kTimesBytes : 0) +
                      sizeof(SortedChanges::Memory::Item);
  if (memory_->used() + need > memory_->room()) {
    if (budget_->TryTake(kStepBytes)) {
      memory_->taken += kStepBytes;
      // Grown by hand: doubling would take twice what was asked for.
      const size_t items = memory_->room() / need;
      memory_->items.reserve(items);
      memory_->bytes.reserve(memory_->room() -
                             items * sizeof(SortedChanges::Memory::Item));
    } else {
      if (absl::Status status = Spill(); !status.ok()) return status;
      if (absl::Status status = JoinChunks(); !status.ok()) return status;
    }
  }
  memory_->items.push_back(
      {Prefix(change.record), change.order,
       static_cast<uint32_t>(memory_->bytes.size()),
       static_cast<uint8_t>(encoded.size()),
       static_cast<uint8_t>(change.flags << 1 |
                            static_cast<uint8_t>(change.change))});
  memory_->bytes.append(encoded.data(), encoded.size());
  if (timed) {
    timed_ = true;
    char times[kTimesBytes];
    std::memcpy(times, &change.event_micros, 8);
    std::memcpy(times + 8, &change.commit_millis, 8);
    memory_->bytes.append(times, sizeof times);
  }
  return absl::OkStatus();
}

absl::Status ChangeSorter::Spill() {
  memory_->Sort();
  // Which of the events with times stands shows only when all of a record are
  // together. Without times a later one always stands, whatever comes between.
  if (!timed_) memory_->Net(netting_);
  auto file = SpillFile::Create(spill_directory_);
  if (!file.ok()) return file.status();
  for (size_t i = 0; i < memory_->items.size(); ++i) {
    if (i + kFetchAhead < memory_->items.size()) {
      const char* next = memory_->Address(i + kFetchAhead);
      __builtin_prefetch(next);
      __builtin_prefetch(next + kRecordBytes);
    }
    if (absl::Status status = (*file)->Append(memory_->Get(memory_->items[i]));
        !status.ok()) {
      return status;
    }
  }
  if (absl::Status status = (*file)->Finish(); !status.ok()) return status;
  chunks_.push_back({*std::move(file), 0});
  memory_->items.clear();
  memory_->bytes.clear();
  return absl::OkStatus();
}

absl::Status ChangeSorter::JoinChunks() {
  // The last ones have the lowest level.
  while (chunks_.size() >= kJoinedChunks &&
         chunks_[chunks_.size() - kJoinedChunks].level ==
             chunks_.back().level) {
    const size_t first = chunks_.size() - kJoinedChunks;
    auto joined = SpillFile::Create(spill_directory_);
    if (!joined.ok()) return joined.status();
    absl::Status status = Merge(
        first, /*net=*/!timed_,
        [&](const SortedChange& change) { return (*joined)->Append(change); });
    if (!status.ok()) return status;
    if (status = (*joined)->Finish(); !status.ok()) return status;
    const int level = chunks_.back().level + 1;
    chunks_.resize(first);
    chunks_.push_back({*std::move(joined), level});
  }
  return absl::OkStatus();
}

namespace {

// The next change of each chunk, the smallest on top: by record, of one record
// the earliest event.
class MergeHeap {
 public:
  absl::Status Add(const SpillFile& file) {
    Source source{std::make_unique<SpillFile::Reader>(file), {}, 0};
    auto more = source.reader->Next(&source.head);
    if (!more.ok()) return more.status();
    if (!*more) return absl::OkStatus();
    source.prefix = Prefix(source.head.record);
    sources_.push_back(std::move(source));
    // From the end towards the top.
    for (size_t i = sources_.size() - 1; i > 0 && Before(i, (i - 1) / 2);
         i = (i - 1) / 2) {
      std::swap(sources_[i], sources_[(i - 1) / 2]);
    }
    return absl::OkStatus();
  }

  bool empty() const { return sources_.empty(); }
  // Valid until the next Advance.
  const SortedChange& top() const { return sources_.front().head; }

  absl::Status Advance() {
    Source& top = sources_.front();
    auto more = top.reader->Next(&top.head);
    if (!more.ok()) return more.status();
    if (*more) {
      top.prefix = Prefix(top.head.record);
    } else {
      std::swap(top, sources_.back());
      sources_.pop_back();
    }
    for (size_t i = 0;;) {
      size_t child = 2 * i + 1;
      if (child >= sources_.size()) break;
      if (child + 1 < sources_.size() && Before(child + 1, child)) ++child;
      if (!Before(child, i)) break;
      std::swap(sources_[i], sources_[child]);
      i = child;
    }
    return absl::OkStatus();
  }

 private:
  struct Source {
    std::unique_ptr<SpillFile::Reader> reader;
    SortedChange head;
    uint64_t prefix;
  };

  bool Before(size_t a, size_t b) const {
    const Source& x = sources_[a];
    const Source& y = sources_[b];
    if (x.prefix != y.prefix) return x.prefix < y.prefix;
    const auto order = x.head.record <=> y.head.record;
    if (order != 0) return order < 0;
    return x.head.order < y.head.order;
  }

  std::vector<Source> sources_;
};

}  // namespace

absl::Status ChangeSorter::Merge(
    size_t first, bool net,
    absl::FunctionRef<absl::Status(const SortedChange&)> write) {
  MergeHeap heap;
  for (size_t i = first; i < chunks_.size(); ++i) {
    if (absl::Status status = heap.Add(*chunks_[i].file); !status.ok()) {
      return status;
    }
  }
  // The record at hand, and what stands of it.
  bool have_record = false;
  identity_mapping::Record record;
  bool stands = false;
  SortedChange standing;
  const auto end_record = [&]() -> absl::Status {
    if (!stands) return absl::OkStatus();
    stands = false;
    return write(standing);
  };
  while (!heap.empty()) {
    SortedChange change = heap.top();
    if (!net) {
      if (absl::Status status = write(change); !status.ok()) return status;
    } else {
      if (!have_record || record.view() != change.record) {
        if (absl::Status status = end_record(); !status.ok()) return status;
        record = identity_mapping::Record::FromView(change.record);
        have_record = true;
        netting_.Start();
      }
      if (netting_.Take(change)) {
        stands = true;
        standing = change;
        standing.record = record.view();
      }
    }
    if (absl::Status status = heap.Advance(); !status.ok()) return status;
  }
  return end_record();
}

absl::StatusOr<NettedChanges> ChangeSorter::Finish() {
  NettedChanges netted;
  if (chunks_.empty()) {
    memory_->Sort();
    memory_->Net(netting_);
    for (uint32_t i = 0; i < memory_->items.size(); ++i) {
      SortedChanges& side = (memory_->items[i].change_and_flags & 1) ==
                                    static_cast<int>(Change::kAdd)
                                ? netted.additions
                                : netted.removals;
      side.indices_.push_back(i);
      ++side.count_;
    }
    netted.removals.memory_ = memory_;
    netted.additions.memory_ = memory_;
    netted.superseded = netting_.superseded();
    netted.overtaken_replays = netting_.overtaken_replays();
    return netted;
  }

  if (!memory_->items.empty()) {
    if (absl::Status status = Spill(); !status.ok()) return status;
  }
  memory_.reset();  // gives its budget back before the merge
  for (SortedChanges* side : {&netted.removals, &netted.additions}) {
    auto file = SpillFile::Create(spill_directory_);
    if (!file.ok()) return file.status();
    side->file_ = *std::move(file);
  }

  const auto write = [&netted](const SortedChange& change) {
    SortedChanges& side =
        change.change == Change::kAdd ? netted.additions : netted.removals;
    ++side.count_;
    return side.file_->Append(change);
  };
  if (absl::Status status = Merge(0, /*net=*/true, write); !status.ok()) {
    return status;
  }
  chunks_.clear();
  for (SortedChanges* side : {&netted.removals, &netted.additions}) {
    if (absl::Status status = side->file_->Finish(); !status.ok()) {
      return status;
    }
  }
  netted.superseded = netting_.superseded();
  netted.overtaken_replays = netting_.overtaken_replays();
  return netted;
}

}  // namespace connector::delivery
