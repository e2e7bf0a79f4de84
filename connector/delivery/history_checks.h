#ifndef CONNECTOR_DELIVERY_HISTORY_CHECKS_H_
#define CONNECTOR_DELIVERY_HISTORY_CHECKS_H_

#include <cstdint>
#include <deque>
#include <map>
#include <set>
#include <string>
#include <tuple>
#include <utility>

#include "absl/time/time.h"
#include "connector/delivery/fake_pinterest.h"

namespace connector::delivery {

// Account and name.
using ListKey = std::pair<std::string, std::string>;

// That the calls of a credential keep its budgets: those of a minute as of the
// start of the process, those of a day as of their beginning.
class BudgetCheck {
 public:
  // A process starts.
  void Reset(int writes_per_minute, int reads_per_minute);
  // Trial access begins or ends.
  void SetDays(int writes_per_day, int calls_per_day);
  // Takes in a call; false if it was one too many.
  bool Take(bool read, absl::Time time);
  // Whether the budget of a day is used up.
  bool day_is_full() const { return day_is_full_; }

 private:
  struct Window {
    // 0: any number.
    int limit = 0;
    std::deque<absl::Time> calls;

    // How many there are in a window that ends now.
    int Take(absl::Duration length, absl::Time time);
  };

  Window minutes_[2];
  Window day_writes_;
  Window day_calls_;
  bool day_is_full_ = false;
};

// That a pass which met no trouble makes as few calls as it can, removals
// first. One for a list.
class PassCheck {
 public:
  // Something makes the calls of the pass under way, if there is one, hard to
  // foretell.
  void Disturb() { clean_ = false; }
  void Take(const FakePinterest::Call& call);
  // The pass settled, with requests of at most `most` records. Returns what is
  // wrong.
  std::string Settled(int64_t added, int64_t removed, int64_t most);
  bool clean() const { return clean_; }
  bool under_way() const { return additions_ + removals_ > 0; }

 private:
  bool clean_ = true;
  bool removed_late_ = false;
  int64_t additions_ = 0;
  int64_t removals_ = 0;
  absl::Time last_;
};

// Of which records Pinterest's answers show that it refuses them: refused, then
// another request of the same kind taken for the list, then refused alone.
class RefusalCheck {
 public:
  void Take(const FakePinterest::Call& call);
  bool Proven(const ListKey& list, const std::string& record) const {
    return proven_.count({list, record}) > 0;
  }

 private:
  using Kind = std::pair<ListKey, bool>;  // true: additions
  std::map<Kind, int64_t> successes_;
  std::map<std::pair<Kind, std::string>, int64_t> first_refusals_;
  std::set<std::pair<ListKey, std::string>> proven_;
};

// Whether Pinterest took the call, and said so.
bool Taken(FakePinterest::Fault fault);

}  // namespace connector::delivery

#endif  // CONNECTOR_DELIVERY_HISTORY_CHECKS_H_
