#include "connector/membership/run_cursor.h"

#include <optional>
#include <utility>

#include "connector/membership/run.h"

namespace connector::membership {
namespace {

class ScanRunCursor final : public RunCursor {
 public:
  ScanRunCursor(Database& database, KeyRange range)
      // Each run is read once or twice and then deleted: not worth caching.
      : scan_(database, Family::kRuns, std::move(range),
              {.fill_cache = false, .readahead = 256 << 10}) {
    scan_.SeekToFirst();
    Load();
  }

  bool Next(RunEntry* entry) override {
    while (status_.ok() && reader_.has_value()) {
      if (reader_->Next(entry)) return true;
      status_ = reader_->status();
      if (!status_.ok()) return false;
      scan_.Next();
      Load();
    }
    return false;
  }

  absl::Status status() override { return status_; }

 private:
  void Load() {
    reader_.reset();
    if (!scan_.valid()) {
      status_ = scan_.status();
      return;
    }
    absl::StatusOr<RunReader> reader = RunReader::Open(scan_.value());
    status_ = reader.status();
    if (reader.ok()) reader_ = *std::move(reader);
  }

  Scan scan_;
  std::optional<RunReader> reader_;
  absl::Status status_;
};

}  // namespace

std::unique_ptr<RunCursor> MakeRunCursor(Database& database, KeyRange range) {
  return std::make_unique<ScanRunCursor>(database, std::move(range));
}

}  // namespace connector::membership
