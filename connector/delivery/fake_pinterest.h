#ifndef CONNECTOR_DELIVERY_FAKE_PINTEREST_H_
#define CONNECTOR_DELIVERY_FAKE_PINTEREST_H_

#include <functional>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "connector/base/clock.h"
#include "connector/pinterest/client_provider.h"
#include "connector/pinterest/customer_list_client.h"

namespace connector::delivery {

// Pinterest as delivery sees it, in memory, with everything that can go wrong
// with a call. Thread-safe.
class FakePinterest final : public pinterest::CustomerListClient,
                            public pinterest::ClientProvider {
 public:
  enum class Fault {
    kNone,
    kNotSent,          // no connection: surely not applied
    kLostBefore,       // not applied, and the caller cannot know
    kLostAfter,        // applied, and the caller cannot know
    kAppliedLate,      // applied `late_delay` later, and the caller cannot know
    kServerError,      // 503, not applied, and the caller cannot know
    kRateLimited,      // 429 without a hint
    kSpam,             // 429 that speaks of spam
    kUnauthorized,     // 401
    kForbidden,        // 403
    kNotFound,         // 404
    kTooLarge,         // 413
    kBadRequest,       // 400
    kUnexpected,       // 409
    kUnreadable,       // applied; a 2xx whose body is something else
    kExceptions,       // applied, and the answer has `exceptions`
    kRateLimitedHint,  // 429 with a Retry-After of 20 s
    kBudgetUsedUp,     // applied; the headers say that the window is used up
    kWrongCounters,    // applied; the answer counts something else
  };
  static constexpr int kFaults = static_cast<int>(Fault::kWrongCounters) + 1;
  // "LOST_AFTER"…
  static const char* FaultName(Fault fault);

  struct Call {
    std::string what;  // "CREATE", "ADD", "REMOVE", "LIST"
    std::string ad_account_id;
    std::string list_id;
    std::string list_name;             // not for "LIST"
    std::vector<std::string> records;  // wire text
    absl::Time time;
    Fault fault = Fault::kNone;
  };

  struct List {
    std::string name;
    std::string list_type;
    absl::Time visible_from;
    std::set<std::string> records;
    std::string ad_account_id;  // empty: every account has it
    bool foreign = false;       // made by AddList
    // As Pinterest counts.
    int64_t uploaded = 0;
    int64_t removed = 0;
    int64_t batches = 0;
  };

  explicit FakePinterest(Clock* clock) : clock_(clock) {}

  // What goes wrong with the next calls: asked for each one; `call` has all but
  // the fault. nullptr: nothing.
  void SetFaults(std::function<Fault(const Call& call)> faults);

  // A request that adds this record is refused with 400, and one that removes
  // it if `removals_too`.
  void SetBadRecord(std::string wire_record, bool removals_too = true);
  void ClearBadRecords();
  // A request with more records is refused with 413; 0: none is.
  void SetMaxRecords(size_t max_records);
  // How late a created list shows up in the listing.
  void SetListingDelay(absl::Duration delay);
  void SetLateDelay(absl::Duration delay);
  // A list that was there before.
  std::string AddList(std::string name, std::set<std::string> records,
                      std::string ad_account_id = "");

  // Somebody else changes a list, or takes it away.
  void Edit(const std::string& list_id,
            const std::function<void(std::set<std::string>&)>& change);
  void Vanish(const std::string& list_id);
  // Somebody else writes to a list.
  void WriteForeign(const std::string& list_id, int64_t uploaded,
                    int64_t removed);

  std::map<std::string, List> Lists();
  // The records of the only list of this name; fails the test otherwise.
  std::set<std::string> Records(const std::string& name);
  std::vector<Call> Calls();
  // All but the first `skipped` calls.
  std::vector<Call> CallsAfter(size_t skipped);
  void ClearCalls();
  // Whether requests wait to be applied late.
  bool HasLateRequests();

  pinterest::ApiResult<pinterest::CustomerList> Create(
      absl::string_view ad_account_id, absl::string_view name,
      absl::string_view list_type,
      absl::Span<const identity_mapping::RecordView> records) override;
  pinterest::ApiResult<pinterest::CustomerList> Update(
      absl::string_view ad_account_id, absl::string_view customer_list_id,
      pinterest::Operation operation,
      absl::Span<const identity_mapping::RecordView> records) override;
  pinterest::ApiResult<pinterest::CustomerList> Get(
      absl::string_view ad_account_id,
      absl::string_view customer_list_id) override;
  pinterest::ApiResult<pinterest::CustomerListPage> List(
      absl::string_view ad_account_id, absl::string_view bookmark,
      int page_size, bool newest_first) override;
  pinterest::ApiResult<pinterest::AdAccount> GetAdAccount(
      absl::string_view ad_account_id) override;
  absl::StatusOr<std::shared_ptr<pinterest::CustomerListClient>> ClientFor(
      absl::string_view access_token_file) override;

 private:
  pinterest::ApiResult<pinterest::CustomerList> Write(
      Call call, std::function<std::string(absl::Time)> apply);
  pinterest::CustomerList Describe(const std::string& id)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  Fault Decide(const Call& call) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void ApplyLate() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  Clock* const clock_;
  absl::Mutex mutex_;
  std::function<Fault(const Call&)> faults_ ABSL_GUARDED_BY(mutex_);
  // Those of which true stands beside them are not removed either.
  std::map<std::string, bool> bad_records_ ABSL_GUARDED_BY(mutex_);
  size_t max_records_ ABSL_GUARDED_BY(mutex_) = 0;
  absl::Duration listing_delay_ ABSL_GUARDED_BY(mutex_);
  absl::Duration late_delay_ ABSL_GUARDED_BY(mutex_) = absl::Minutes(2);
  std::map<std::string, struct List> lists_ ABSL_GUARDED_BY(mutex_);
  std::multimap<absl::Time, std::function<std::string(absl::Time)>> late_
      ABSL_GUARDED_BY(mutex_);
  std::vector<Call> calls_ ABSL_GUARDED_BY(mutex_);
  int next_id_ ABSL_GUARDED_BY(mutex_) = 100;
};

}  // namespace connector::delivery

#endif  // CONNECTOR_DELIVERY_FAKE_PINTEREST_H_
