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

  bool Contains(identity_mapping::RecordView record) const;
  bool empty() const { return ranges_.empty(); }

 private:
  struct Range {
    identity_mapping::Record first;
    identity_mapping::Record last;
  };
  // Ascending, apart from one another.
  std::vector<Range> ranges_;
};

}  // namespace connector::delivery

#endif  // CONNECTOR_DELIVERY_DOUBT_SET_H_
