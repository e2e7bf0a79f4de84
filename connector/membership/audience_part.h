#ifndef CONNECTOR_MEMBERSHIP_AUDIENCE_PART_H_
#define CONNECTOR_MEMBERSHIP_AUDIENCE_PART_H_

#include "absl/synchronization/mutex.h"
#include "connector/membership/audience_table.h"
#include "connector/membership/counter_table.h"
#include "connector/membership/tables.h"

namespace connector::membership {

// The views of audiences and counters. Reading takes memory alone.
class AudiencePart final : public AudienceTable, public CounterTable {
 public:
  explicit AudiencePart(Core& core) : core_(core) {}

  std::vector<AudienceEntry> Audiences(DestinationNumber destination) override;
  std::optional<AudienceRow> FindAudience(const AudienceKey& key) override;
  absl::StatusOr<AudienceRow> ChangeAudience(
      const AudienceKey& key,
      absl::FunctionRef<void(AudienceRow&)> change) override;
  absl::StatusOr<AudienceRow> NoteAudience(
      const AudienceKey& key,
      absl::FunctionRef<void(AudienceRow&)> change) override;
  absl::Status DeleteAudience(const AudienceKey& key) override;

  std::optional<ListCounterRow> FindCounters(ListNumber list) override;
  absl::Status ChangeCounters(
      ListNumber list,
      absl::FunctionRef<void(ListCounterRow&)> change) override;

 private:
  absl::StatusOr<AudienceRow> Change(
      const AudienceKey& key, absl::FunctionRef<void(AudienceRow&)> change,
      Database::Sync sync);

  Core& core_;
  // Held over reading and writing; before `use` and `mutex` of the tables.
  absl::Mutex audience_mutex_;
  absl::Mutex counter_mutex_;
};

}  // namespace connector::membership

#endif  // CONNECTOR_MEMBERSHIP_AUDIENCE_PART_H_
