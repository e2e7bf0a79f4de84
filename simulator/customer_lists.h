#ifndef CONNECTOR_SIMULATOR_CUSTOMER_LISTS_H_
#define CONNECTOR_SIMULATOR_CUSTOMER_LISTS_H_

#include <cstdint>
#include <map>
#include <string>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "nlohmann/json.hpp"
#include "simulator/answer.h"
#include "simulator/list_request.h"
#include "simulator/paging.h"
#include "simulator/record_set.h"
#include "simulator/switches.h"

namespace simulator {

struct CustomerList {
  int64_t id = 0;
  std::string ad_account_id;
  std::string name;
  std::string list_type;
  bool is_nca = false;
  absl::Time created;
  absl::Time updated;
  // When GET customer_lists begins to show it.
  absl::Time visible;
  // Counted as Pinterest does: a call is a batch, a record sent counts whether
  // or not it changed anything.
  int64_t num_batches = 0;
  int64_t num_uploaded = 0;
  int64_t num_removed = 0;
  RecordSet records;

  // PROCESSING for a while after each change, then READY or TOO_SMALL.
  std::string Status(const Switches& switches, absl::Time now) const;
  // How many of the records belong to a Pinterest account.
  int64_t Matched(const Switches& switches) const;
};

// Fewer matched accounts than this cannot be targeted (Pinterest's guide
// "Create audiences").
inline constexpr int64_t kMinimumMatched = 100;

// The customer lists of all ad accounts, and what Pinterest's description says
// about the four calls on them. Not thread-safe.
class CustomerLists {
 public:
  Answer Create(absl::string_view ad_account, const ListRequest& request,
                const Switches& switches, absl::Time now);
  Answer Update(absl::string_view ad_account, absl::string_view id,
                const ListRequest& request, const Switches& switches,
                absl::Time now);
  Answer Get(absl::string_view ad_account, absl::string_view id,
             const Switches& switches, absl::Time now) const;
  Answer List(absl::string_view ad_account, const Query& query,
              const Switches& switches, absl::Time now) const;

  // Null if the account has no such list.
  const CustomerList* Find(absl::string_view ad_account,
                           absl::string_view id) const;
  // By id.
  const std::map<int64_t, CustomerList>& InAccount(
      absl::string_view ad_account) const;

 private:
  std::map<std::string, std::map<int64_t, CustomerList>, std::less<>> lists_;
  // Seven digits, as seen live.
  int64_t next_id_ = 4000001;
};

}  // namespace simulator

#endif  // CONNECTOR_SIMULATOR_CUSTOMER_LISTS_H_
