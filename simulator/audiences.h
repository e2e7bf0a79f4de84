#ifndef CONNECTOR_SIMULATOR_AUDIENCES_H_
#define CONNECTOR_SIMULATOR_AUDIENCES_H_

#include <cstdint>
#include <map>
#include <optional>
#include <string>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "nlohmann/json.hpp"
#include "simulator/answer.h"
#include "simulator/customer_lists.h"
#include "simulator/paging.h"
#include "simulator/switches.h"

namespace simulator {

struct Audience {
  int64_t id = 0;
  std::string ad_account_id;
  std::string name;
  std::string audience_type;
  nlohmann::json rule;
  // Null when none was given.
  nlohmann::json description;
  absl::Time created;
  absl::Time updated;
  bool removed = false;
  // Set by hand (POST /_simulator/audiences), beats the life cycle.
  std::optional<std::string> forced_status;
  std::optional<int64_t> forced_size;
};

// The audiences of all ad accounts. Their statuses follow from the clock and
// from their customer list, so nothing runs in the background. Not thread-safe.
class Audiences {
 public:
  // `lists` must outlive this.
  explicit Audiences(const CustomerLists& lists) : lists_(lists) {}

  Answer Create(absl::string_view ad_account, const nlohmann::json& body,
                const Switches& switches, absl::Time now);
  // POST .../audiences/custom of the older API.
  Answer CreateCustom(absl::string_view ad_account, const nlohmann::json& body,
                      const Switches& switches, absl::Time now);
  Answer Update(absl::string_view ad_account, absl::string_view id,
                const nlohmann::json& body, const Switches& switches,
                absl::Time now);
  Answer Get(absl::string_view ad_account, absl::string_view id,
             const Switches& switches, absl::Time now) const;
  Answer List(absl::string_view ad_account, const Query& query,
              const Switches& switches, absl::Time now) const;

  // Every audience of the account, as GET shows it.
  nlohmann::json Inspect(absl::string_view ad_account, const Switches& switches,
                         absl::Time now) const;

  // False if there is no such audience. Nothing given: back to the life cycle.
  bool Force(absl::string_view ad_account, absl::string_view id,
             std::optional<std::string> status, std::optional<int64_t> size);

 private:
  struct State {
    std::string status;
    int64_t size = 0;
  };
  State StateOf(const Audience& audience, const Switches& switches,
                absl::Time now) const;
  nlohmann::json ToJson(const Audience& audience, const Switches& switches,
                        absl::Time now) const;
  const Audience* Find(absl::string_view ad_account, absl::string_view id,
                       const Switches& switches) const;
  const std::map<int64_t, Audience>& InAccount(
      absl::string_view ad_account) const;
  // What is wrong with the rule: its form, or what it points at.
  std::optional<Answer> CheckRule(absl::string_view ad_account,
                                  absl::string_view type,
                                  const nlohmann::json& rule,
                                  const Switches& switches,
                                  absl::Time now) const;

  const CustomerLists& lists_;
  std::map<std::string, std::map<int64_t, Audience>, std::less<>> audiences_;
  // Thirteen digits, as seen live.
  int64_t next_id_ = 2542600000001;
};

}  // namespace simulator

#endif  // CONNECTOR_SIMULATOR_AUDIENCES_H_
