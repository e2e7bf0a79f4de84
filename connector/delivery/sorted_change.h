#ifndef CONNECTOR_DELIVERY_SORTED_CHANGE_H_
#define CONNECTOR_DELIVERY_SORTED_CHANGE_H_

#include <cstdint>

#include "connector/membership/types.h"
#include "identity_mapping/record.h"

namespace connector::delivery {

// A change on its way through the sort of a pass.
struct SortedChange {
  identity_mapping::RecordView record;
  // The later event has the larger one; 0 for an echo, which is no event.
  membership::EventOrder order = 0;
  membership::Change change = membership::Change::kRemove;
  // kCounted, kEcho.
  uint8_t flags = 0;

  // It counts in PassCounts.
  static constexpr uint8_t kCounted = 1;
  // What is confirmed of the record has to go out once more.
  static constexpr uint8_t kEcho = 2;
};

}  // namespace connector::delivery

#endif  // CONNECTOR_DELIVERY_SORTED_CHANGE_H_
