#ifndef CONNECTOR_DELIVERY_DOUBT_SET_H_
#define CONNECTOR_DELIVERY_DOUBT_SET_H_

#include <vector>

#include "connector/membership/ledger.h"
#include "identity_mapping/record.h"

namespace connector::delivery {

// The records of a list whose state at Pinterest is not known, as ranges.
class DoubtSet {
 public:
  DoubtSet() = default;
  explicit DoubtSet(const std::vector<membership::Doubt>& doubts);

  // Whether a request with the record may or may not have been applied.
  bool Contains(identity_mapping::RecordView record) const {
    return InDoubt(additions_, record) || InDoubt(removals_, record);
  }
  // The same for requests of one kind.
  bool Contains(membership::Change change,
                identity_mapping::RecordView record) const {
    return InDoubt(change == membership::Change::kAdd ? additions_ : removals_,
                   record);
  }

 private:
  struct Range {
    identity_mapping::Record first;
    identity_mapping::Record last;
  };
  // Ascending, apart from one another.
  using Ranges = std::vector<Range>;
  static Ranges Merge(Ranges ranges);
  static bool InDoubt(const Ranges& ranges,
                      identity_mapping::RecordView record);

  Ranges additions_;
  Ranges removals_;
};

}  // namespace connector::delivery

#endif  // CONNECTOR_DELIVERY_DOUBT_SET_H_
