#ifndef CONNECTOR_CONFIG_FAKE_CATALOG_H_
#define CONNECTOR_CONFIG_FAKE_CATALOG_H_

#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "connector/base/error.h"
#include "connector/membership/catalog.h"

namespace connector::config {

// A Catalog in memory, for tests. Thread-safe.
class FakeCatalog : public membership::Catalog {
 public:
  std::vector<membership::DestinationRow> Destinations() override {
    absl::MutexLock lock(&mutex_);
    std::vector<membership::DestinationRow> rows;
    for (const auto& [id, row] : destinations_) rows.push_back(row);
    return rows;
  }

  std::optional<membership::DestinationRow> FindDestination(
      absl::string_view ad_account_id) override {
    absl::MutexLock lock(&mutex_);
    auto found = destinations_.find(std::string(ad_account_id));
    if (found == destinations_.end()) return std::nullopt;
    return found->second;
  }

  absl::StatusOr<membership::DestinationRow> PutDestination(
      absl::string_view ad_account_id, absl::string_view config) override {
    absl::MutexLock lock(&mutex_);
    ++writes_;
    if (!failure_.ok()) return failure_;
    auto& row = destinations_[std::string(ad_account_id)];
    if (row.number == 0) {
      row.number = ++last_number_;
      row.ad_account_id = std::string(ad_account_id);
      row.history_id = absl::StrCat("history-", row.number);
    }
    row.config = std::string(config);
    return row;
  }

  absl::Status SetDestinationPaused(membership::DestinationNumber destination,
                                    bool paused) override {
    absl::MutexLock lock(&mutex_);
    for (auto& [id, row] : destinations_) {
      if (row.number != destination) continue;
      row.paused = paused;
      return absl::OkStatus();
    }
    return absl::NotFoundError("no such destination");
  }

  absl::Status DeleteDestination(
      membership::DestinationNumber destination) override {
    absl::MutexLock lock(&mutex_);
    for (auto it = destinations_.begin(); it != destinations_.end(); ++it) {
      if (it->second.number != destination) continue;
      destinations_.erase(it);
      return absl::OkStatus();
    }
    return absl::NotFoundError("no such destination");
  }

  std::vector<membership::CredentialRow> Credentials() override {
    absl::MutexLock lock(&mutex_);
    std::vector<membership::CredentialRow> rows;
    for (const auto& [id, config] : credentials_) rows.push_back({id, config});
    return rows;
  }

  absl::Status PutCredential(absl::string_view credential_id,
                             absl::string_view config) override {
    absl::MutexLock lock(&mutex_);
    ++writes_;
    if (!failure_.ok()) return failure_;
    credentials_[std::string(credential_id)] = std::string(config);
    return absl::OkStatus();
  }

  absl::Status DeleteCredential(absl::string_view credential_id) override {
    absl::MutexLock lock(&mutex_);
    credentials_.erase(std::string(credential_id));
    return absl::OkStatus();
  }

  absl::StatusOr<membership::SegmentRow> EnsureSegment(
      membership::DestinationNumber destination,
      absl::string_view segment_namespace, absl::string_view segment_id,
      absl::string_view display_name, int max_lists) override {
    absl::MutexLock lock(&mutex_);
    ++ensure_calls_;
    if (!failure_.ok()) return failure_;
    int lists = 0;
    for (membership::SegmentRow& row : segments_) {
      if (row.destination != destination) continue;
      ++lists;
      if (row.segment_namespace == segment_namespace &&
          row.segment_id == segment_id) {
        if (!display_name.empty()) row.display_name = std::string(display_name);
        return row;
      }
    }
    if (lists >= max_lists) {
      return MakeError(absl::StatusCode::kResourceExhausted,
                       "TOO_MANY_CUSTOMER_LISTS", "too many customer lists");
    }
    membership::SegmentRow row;
    row.number = ++last_number_;
    row.list = ++last_number_;
    row.destination = destination;
    row.segment_namespace = std::string(segment_namespace);
    row.segment_id = std::string(segment_id);
    row.display_name = std::string(display_name);
    segments_.push_back(row);
    return row;
  }

  std::optional<membership::SegmentRow> FindSegment(
      membership::DestinationNumber destination,
      absl::string_view segment_namespace,
      absl::string_view segment_id) override {
    absl::MutexLock lock(&mutex_);
    for (const membership::SegmentRow& row : segments_) {
      if (row.destination == destination &&
          row.segment_namespace == segment_namespace &&
          row.segment_id == segment_id) {
        return row;
      }
    }
    return std::nullopt;
  }

  std::vector<membership::SegmentRow> Segments(
      membership::DestinationNumber destination) override {
    absl::MutexLock lock(&mutex_);
    std::vector<membership::SegmentRow> rows;
    for (const membership::SegmentRow& row : segments_) {
      if (row.destination == destination) rows.push_back(row);
    }
    return rows;
  }

  absl::Status SetSegmentPaused(membership::SegmentNumber segment,
                                bool paused) override {
    absl::MutexLock lock(&mutex_);
    for (membership::SegmentRow& row : segments_) {
      if (row.number != segment) continue;
      row.paused = paused;
      return absl::OkStatus();
    }
    return absl::NotFoundError("no such segment");
  }

  // Makes every write and EnsureSegment fail from now on; OK: no longer.
  void FailWith(absl::Status failure) {
    absl::MutexLock lock(&mutex_);
    failure_ = std::move(failure);
  }
  // Configurations written.
  int writes() {
    absl::MutexLock lock(&mutex_);
    return writes_;
  }
  int ensure_calls() {
    absl::MutexLock lock(&mutex_);
    return ensure_calls_;
  }

 private:
  absl::Mutex mutex_;
  std::map<std::string, membership::DestinationRow> destinations_
      ABSL_GUARDED_BY(mutex_);
  std::map<std::string, std::string> credentials_ ABSL_GUARDED_BY(mutex_);
  std::vector<membership::SegmentRow> segments_ ABSL_GUARDED_BY(mutex_);
  uint32_t last_number_ ABSL_GUARDED_BY(mutex_) = 0;
  absl::Status failure_ ABSL_GUARDED_BY(mutex_);
  int writes_ ABSL_GUARDED_BY(mutex_) = 0;
  int ensure_calls_ ABSL_GUARDED_BY(mutex_) = 0;
};

}  // namespace connector::config

#endif  // CONNECTOR_CONFIG_FAKE_CATALOG_H_
