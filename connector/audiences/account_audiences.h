#ifndef CONNECTOR_AUDIENCES_ACCOUNT_AUDIENCES_H_
#define CONNECTOR_AUDIENCES_ACCOUNT_AUDIENCES_H_

#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "connector/audiences/audience_event.h"
#include "connector/base/clock.h"
#include "connector/base/random.h"
#include "connector/delivery/call_router.h"
#include "connector/membership/audience_table.h"
#include "connector/membership/catalog.h"
#include "connector/membership/counter_table.h"
#include "connector/membership/ledger.h"
#include "connector/pinterest/audience_client.h"

namespace connector::audiences {

// What every account's work is done with. All pointers must outlive it.
struct KeeperEnvironment {
  membership::Catalog* catalog = nullptr;
  membership::Ledger* ledger = nullptr;
  membership::AudienceTable* audiences = nullptr;
  membership::CounterTable* counters = nullptr;
  delivery::CallRouter* router = nullptr;
  pinterest::AudienceClientProvider* clients = nullptr;
  Clock* clock = nullptr;
  Random* random = nullptr;
  AudienceObserver observer;
};

// The audiences of one destination: finds or makes them, changes them as asked
// for, follows their statuses, and reads the counters of its lists. Driven from
// outside, one step at a time; a step makes at most one call. What must not be
// lost is in the store: after a restart the work begins with a look at
// everything.
//
// Statuses are read a page at a time for all audiences of the account, or one
// by one where that takes fewer calls.
class AccountAudiences {
 public:
  AccountAudiences(const KeeperEnvironment& environment,
                   membership::DestinationNumber destination);

  struct StepResult {
    // The destination was deleted.
    bool gone = false;
    // When there is something to do again.
    absl::Time time;
  };
  StepResult Step();

 private:
  // An audience that there is to be.
  struct Wanted {
    membership::AudienceKey key;
    std::string type;
    std::string name;
    std::string description;
    // As AudienceRow::rule; empty while it cannot be told (no list, no seed).
    std::string rule;
    // As it is sent.
    std::string rule_json;
    std::string company_name;
    // An audience outside of this destination that it grows from.
    std::string foreign_seed;
    std::optional<membership::AudienceRow> row;

    std::string id() const { return row.has_value() ? row->audience_id : ""; }
    bool retired() const { return row.has_value() && row->retired; }
  };

  // A look at all audiences of the account.
  struct Scan {
    absl::Time start;
    std::string bookmark;
    int pages = 0;
    // By Wanted's key: those that may be it.
    std::map<std::string, std::vector<pinterest::Audience>> candidates;
    std::set<std::string> seen;
    std::map<std::string, std::string> seed_statuses;
  };

  // How the lookups of an audience that is not there go.
  struct Lookup {
    absl::Time due;
    int failures = 0;
  };

  std::vector<Wanted> ReadWanted(const config::DestinationState& destination);
  void AddSegments(const config::DestinationState& destination,
                   std::vector<Wanted>* wanted);
  void AddDeclared(const config::DestinationState& destination,
                   std::vector<Wanted>* wanted);

  // When each is to be looked at; fills in what is not there yet.
  absl::Time DueTime(const config::DestinationState& destination,
                     const Wanted& wanted, absl::Time now);
  absl::Duration PollInterval(const config::DestinationState& destination,
                              const Wanted& wanted, absl::Time now) const;

  // Each makes one call.
  StepResult Look(const delivery::CallRoute& route,
                  pinterest::AudienceClient& client,
                  const std::vector<Wanted>& wanted);
  StepResult GetOne(const delivery::CallRoute& route,
                    pinterest::AudienceClient& client,
                    const std::vector<Wanted>& wanted, const std::string& id);
  StepResult CreateOne(const delivery::CallRoute& route,
                       pinterest::AudienceClient& client, const Wanted& wanted);
  // nullopt if there is nothing to change.
  std::optional<StepResult> ChangeOne(const delivery::CallRoute& route,
                                      pinterest::AudienceClient& client,
                                      const Wanted& wanted);
  StepResult ReadCounters(const delivery::CallRoute& route);

  void TakePage(const std::vector<Wanted>& wanted,
                const pinterest::AudiencePage& page);
  void EndScan(const config::DestinationState& destination,
               const std::vector<Wanted>& wanted);
  // What is known of an audience that no look has found yet.
  void EndLookFor(const config::DestinationState& destination,
                  const Wanted& wanted, const Scan& scan,
                  std::vector<pinterest::Audience> candidates);
  // Passes ended ones over, for good: an audience that ended before it was
  // ever known here is of no use.
  void Abandon(const Wanted& wanted,
               std::vector<pinterest::Audience>* candidates);
  void Adopt(const Wanted& wanted,
             const std::vector<pinterest::Audience>& candidates);
  void TakeStatus(const Wanted& wanted, const pinterest::Audience& audience);
  void TakeGone(const Wanted& wanted);

  // Whether a call may be made now; otherwise when to come back.
  bool MayCall(const delivery::CallRoute& route, delivery::CallKind kind,
               absl::Time* retry_time);
  void Answered(const delivery::CallRoute& route, delivery::CallKind kind,
                const pinterest::CallInfo& call);
  // What a failed call means for the whole account: nullopt if nothing. A call
  // about one audience that is forbidden or answered 5xx may be that one's own
  // trouble: who calls it puts that audience aside, so that the account goes on
  // with the others.
  std::optional<StepResult> Failed(const delivery::CallRoute& route,
                                   delivery::CallKind kind,
                                   const pinterest::ApiError& error);

  membership::AudienceRow Change(
      const membership::AudienceKey& key,
      absl::FunctionRef<void(membership::AudienceRow&)> change,
      bool durable = true);
  void Observe(AudienceEvent::Kind kind, const std::string& audience_id,
               const std::string& name, std::string message) const;

  const KeeperEnvironment environment_;
  const membership::DestinationNumber destination_;
  std::string ad_account_id_;

  std::unique_ptr<Scan> scan_;
  // Pages of the last whole look.
  int pages_ = 1;
  // Not found by the last look, and to be made.
  std::set<std::string> creatable_;
  // Ids to be asked for one by one; not those that are put aside.
  std::set<std::string> to_get_;
  void AskFor(const std::string& id);
  void PutAside(const config::AudienceSettings& settings,
                const std::string& id);
  // Ids for which asking failed, and when it is tried again.
  std::map<std::string, Lookup> put_aside_;
  std::map<std::string, Lookup> lookups_;
  // When a change that was refused is tried again.
  std::map<std::string, Lookup> changes_;
  // Of seeds outside of this destination.
  std::map<std::string, std::string> seed_statuses_;

  absl::Time counters_due_ = absl::InfinitePast();
  std::string counters_bookmark_;

  // No call before; after failures that concern the whole account.
  absl::Time not_before_ = absl::InfinitePast();
  int failures_ = 0;
  // Closed by a call of this account, whose next one is therefore the probe.
  bool closed_gate_ = false;
};

}  // namespace connector::audiences

#endif  // CONNECTOR_AUDIENCES_ACCOUNT_AUDIENCES_H_
