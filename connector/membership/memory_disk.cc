#include "connector/membership/memory_disk.h"

#include <functional>
#include <utility>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "connector/membership/block_change.h"
#include "connector/membership/database_options.h"
#include "rocksdb/env.h"
#include "rocksdb/utilities/stackable_db.h"

namespace connector::membership {
namespace {

// One small true database, whose handles stand for the families in write
// batches. Never written to.
class Families {
 public:
  static Families& Get() {
    static Families* const families = new Families();
    return *families;
  }

  const std::vector<rocksdb::ColumnFamilyHandle*>& handles() const {
    return handles_;
  }

 private:
  Families() : env_(rocksdb::NewMemEnv(rocksdb::Env::Default())) {
    DatabaseSetup setup = SetUpDatabase(0, 0, env_.get());
    rocksdb::DB* db = nullptr;
    const rocksdb::Status status = rocksdb::DB::Open(
        setup.options, "/families", setup.families, &handles_, &db);
    if (!status.ok()) std::abort();
    db_.reset(db);
  }

  std::unique_ptr<rocksdb::Env> env_;
  std::unique_ptr<rocksdb::DB> db_;
  std::vector<rocksdb::ColumnFamilyHandle*> handles_;
};

rocksdb::Slice ToSlice(const std::string& text) { return text; }

}  // namespace

// Applies a batch and notes how to undo it.
class MemoryDisk::Applier final : public rocksdb::WriteBatch::Handler {
 public:
  Applier(MemoryDisk& disk, std::vector<Undo>& undo)
      : disk_(disk), undo_(undo) {}

  rocksdb::Status PutCF(uint32_t family, const rocksdb::Slice& key,
                        const rocksdb::Slice& value) override
      ABSL_NO_THREAD_SAFETY_ANALYSIS {
    const auto [place, is_new] =
        disk_.Writable(family).try_emplace(key.ToString());
    undo_.push_back(
        {family, place->first,
         is_new ? std::nullopt : std::make_optional(std::move(place->second))});
    place->second = value.ToString();
    return rocksdb::Status::OK();
  }

  // As the database would put it together when it is read.
  rocksdb::Status MergeCF(uint32_t family, const rocksdb::Slice& key,
                          const rocksdb::Slice& value) override
      ABSL_NO_THREAD_SAFETY_ANALYSIS {
    const Table& table = disk_.Writable(family);
    const auto place = table.find(key.ToString());
    if (place == table.end()) {
      return rocksdb::Status::Corruption("a change of no block");
    }
    const absl::string_view changes[] = {
        absl::string_view(value.data(), value.size())};
    const auto changed = ApplyBlockChanges(place->second, changes);
    if (!changed.has_value()) {
      return rocksdb::Status::Corruption("a change that cannot be read");
    }
    return PutCF(family, key, *changed);
  }

  rocksdb::Status DeleteCF(uint32_t family, const rocksdb::Slice& key) override
      ABSL_NO_THREAD_SAFETY_ANALYSIS {
    Table& table = disk_.Writable(family);
    const auto place = table.find(key.ToString());
    if (place == table.end()) return rocksdb::Status::OK();
    undo_.push_back({family, place->first, std::move(place->second)});
    table.erase(place);
    return rocksdb::Status::OK();
  }

  rocksdb::Status DeleteRangeCF(uint32_t family, const rocksdb::Slice& begin,
                                const rocksdb::Slice& end) override
      ABSL_NO_THREAD_SAFETY_ANALYSIS {
    Table& table = disk_.Writable(family);
    auto place = table.lower_bound(begin.ToString());
    const auto last = table.lower_bound(end.ToString());
    while (place != last) {
      undo_.push_back({family, place->first, std::move(place->second)});
      place = table.erase(place);
    }
    return rocksdb::Status::OK();
  }

 private:
  MemoryDisk& disk_;
  std::vector<Undo>& undo_;
};

// Goes over a table as it was when the iterator was made.
class MemoryIterator final : public rocksdb::Iterator {
 public:
  MemoryIterator(MemoryDisk& disk,
                 std::shared_ptr<const MemoryDisk::Table> table,
                 const rocksdb::ReadOptions& options)
      : disk_(disk), table_(std::move(table)) {
    begin_ = options.iterate_lower_bound == nullptr
                 ? table_->begin()
                 : table_->lower_bound(options.iterate_lower_bound->ToString());
    end_ = options.iterate_upper_bound == nullptr
               ? table_->end()
               : table_->lower_bound(options.iterate_upper_bound->ToString());
    at_ = end_;
  }
  ~MemoryIterator() override {
    // Whoever writes next must know for sure that nobody reads any more.
    absl::MutexLock lock(&disk_.mutex_);
    table_.reset();
  }

  bool Valid() const override { return at_ != end_; }
  void SeekToFirst() override { at_ = begin_; }
  void SeekToLast() override {
    at_ = end_;
    Prev();
  }
  void Seek(const rocksdb::Slice& target) override {
    at_ = Clamp(table_->lower_bound(target.ToString()));
  }
  void SeekForPrev(const rocksdb::Slice& target) override {
    at_ = Clamp(table_->upper_bound(target.ToString()));
    Prev();
  }
  void Next() override { ++at_; }
  void Prev() override { at_ = at_ == begin_ ? end_ : std::prev(at_); }
  rocksdb::Slice key() const override { return ToSlice(at_->first); }
  rocksdb::Slice value() const override { return ToSlice(at_->second); }
  rocksdb::Status status() const override { return rocksdb::Status::OK(); }

 private:
  using Place = MemoryDisk::Table::const_iterator;
  // Within the bounds.
  Place Clamp(Place place) const {
    if (begin_ == end_ || place == table_->end()) return end_;
    if (begin_ != table_->end() && place->first < begin_->first) return begin_;
    if (end_ != table_->end() && place->first > end_->first) return end_;
    return place;
  }

  MemoryDisk& disk_;
  std::shared_ptr<const MemoryDisk::Table> table_;
  Place begin_;
  Place end_;
  Place at_;
};

// What the store asks of a database, and no more.
class MemoryDatabase final : public rocksdb::StackableDB {
 public:
  explicit MemoryDatabase(MemoryDisk& disk)
      : StackableDB(static_cast<rocksdb::DB*>(nullptr)), disk_(disk) {}

  rocksdb::Status Write(const rocksdb::WriteOptions& options,
                        rocksdb::WriteBatch* batch) override {
    return disk_.Write(options.sync, *batch);
  }

  using rocksdb::StackableDB::Get;
  rocksdb::Status Get(const rocksdb::ReadOptions&,
                      rocksdb::ColumnFamilyHandle* family,
                      const rocksdb::Slice& key,
                      rocksdb::PinnableSlice* value) override {
    absl::MutexLock lock(&disk_.mutex_);
    const MemoryDisk::Table& table = *disk_.tables_[family->GetID()];
    const auto found = table.find(key.ToString());
    if (found == table.end()) return rocksdb::Status::NotFound();
    value->PinSelf(found->second);
    return rocksdb::Status::OK();
  }

  using rocksdb::StackableDB::NewIterator;
  rocksdb::Iterator* NewIterator(const rocksdb::ReadOptions& options,
                                 rocksdb::ColumnFamilyHandle* family) override {
    absl::MutexLock lock(&disk_.mutex_);
    return new MemoryIterator(disk_, disk_.tables_[family->GetID()], options);
  }

  rocksdb::Status DestroyColumnFamilyHandle(
      rocksdb::ColumnFamilyHandle*) override {
    return rocksdb::Status::OK();  // shared by all
  }
  rocksdb::Status Close() override { return rocksdb::Status::OK(); }
  rocksdb::SequenceNumber GetLatestSequenceNumber() const override {
    absl::MutexLock lock(&disk_.mutex_);
    return disk_.changes_;
  }

 private:
  MemoryDisk& disk_;
};

MemoryDisk::MemoryDisk() {
  for (const auto* handle : Families::Get().handles()) {
    if (tables_.size() <= handle->GetID()) tables_.resize(handle->GetID() + 1);
    tables_[handle->GetID()] = std::make_shared<Table>();
  }
}

std::function<rocksdb::Status(std::vector<rocksdb::ColumnFamilyHandle*>*,
                              rocksdb::DB**)>
MemoryDisk::Opener() {
  return [this](std::vector<rocksdb::ColumnFamilyHandle*>* handles,
                rocksdb::DB** db) {
    absl::MutexLock lock(&mutex_);
    dead_ = false;
    writes_to_live_ = -1;
    *handles = Families::Get().handles();
    *db = new MemoryDatabase(*this);
    return rocksdb::Status::OK();
  };
}

MemoryDisk::Table& MemoryDisk::Writable(uint32_t family) {
  std::shared_ptr<Table>& table = tables_[family];
  if (table.use_count() > 1) table = std::make_shared<Table>(*table);
  return *table;
}

rocksdb::Status MemoryDisk::Write(bool sync, const rocksdb::WriteBatch& batch) {
  absl::MutexLock lock(&mutex_);
  const rocksdb::Status died = rocksdb::Status::IOError("died, as a test asks");
  if (dead_) return died;
  const bool last = writes_to_live_ == 0;
  if (last) dead_ = true;
  if (writes_to_live_ > 0) --writes_to_live_;
  if (last && !carry_out_last_) return died;
  std::vector<Undo> undo;
  Applier applier(*this, undo);
  const rocksdb::Status status = batch.Iterate(&applier);
  if (!status.ok()) return status;
  changes_ += batch.Count();
  if (sync) {
    unsynced_.clear();
  } else {
    unsynced_.push_back(std::move(undo));
  }
  return last ? died : status;
}

std::vector<std::string> MemoryDisk::PlacesOf(const std::string& bytes) {
  absl::MutexLock lock(&mutex_);
  std::vector<std::string> places;
  for (size_t family = 0; family < tables_.size(); ++family) {
    if (tables_[family] == nullptr) continue;
    for (const auto& [key, value] : *tables_[family]) {
      if (key.find(bytes) != std::string::npos ||
          value.find(bytes) != std::string::npos) {
        places.push_back(
            absl::StrCat(family, ":", absl::BytesToHexString(key)));
      }
    }
  }
  return places;
}

size_t MemoryDisk::unsynced_writes() {
  absl::MutexLock lock(&mutex_);
  return unsynced_.size();
}

void MemoryDisk::LoseUnsynced(size_t kept) {
  absl::MutexLock lock(&mutex_);
  for (; unsynced_.size() > kept; unsynced_.pop_back()) {
    std::vector<Undo>& write = unsynced_.back();
    for (auto undo = write.rbegin(); undo != write.rend(); ++undo) {
      Table& table = Writable(undo->family);
      if (undo->value.has_value()) {
        table[undo->key] = *std::move(undo->value);
      } else {
        table.erase(undo->key);
      }
    }
  }
  // What was read back is on the disk.
  unsynced_.clear();
}

void MemoryDisk::DieAtWrite(int nth, bool after) {
  absl::MutexLock lock(&mutex_);
  writes_to_live_ = nth - 1;
  carry_out_last_ = after;
}

bool MemoryDisk::dead() {
  absl::MutexLock lock(&mutex_);
  return dead_;
}

bool MemoryDisk::died_after_write() {
  absl::MutexLock lock(&mutex_);
  return dead_ && carry_out_last_;
}

}  // namespace connector::membership
