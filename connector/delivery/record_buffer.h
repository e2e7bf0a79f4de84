#ifndef CONNECTOR_DELIVERY_RECORD_BUFFER_H_
#define CONNECTOR_DELIVERY_RECORD_BUFFER_H_

#include <cstdint>
#include <string>
#include <vector>

#include "identity_mapping/record.h"

namespace connector::delivery {

// Records one after another in one piece of memory, each with a byte of flags.
// Views that it gave are valid until the next Add or Clear. Not thread-safe.
class RecordBuffer {
 public:
  void Add(identity_mapping::RecordView record, uint8_t flags) {
    items_.push_back({static_cast<uint32_t>(bytes_.size()),
                      static_cast<uint8_t>(record.encoded().size()), flags});
    bytes_.append(record.encoded().data(), record.encoded().size());
    wire_bytes_ += record.WireSize() + 1;
  }

  void Clear() {
    items_.clear();
    bytes_.clear();
    wire_bytes_ = 0;
  }

  size_t size() const { return items_.size(); }
  bool empty() const { return items_.empty(); }
  // What the records take in a request body, commas included.
  size_t wire_bytes() const { return wire_bytes_; }

  identity_mapping::RecordView operator[](size_t i) const {
    return *identity_mapping::RecordView::FromEncoded(
        {bytes_.data() + items_[i].offset, items_[i].size});
  }
  uint8_t flags(size_t i) const { return items_[i].flags; }

  std::vector<identity_mapping::RecordView> views() const {
    std::vector<identity_mapping::RecordView> views;
    views.reserve(size());
    for (size_t i = 0; i < size(); ++i) views.push_back((*this)[i]);
    return views;
  }

  // Whether an ascending buffer has the record.
  bool ContainsSorted(identity_mapping::RecordView record) const {
    size_t low = 0;
    size_t high = size();
    while (low < high) {
      const size_t middle = (low + high) / 2;
      if ((*this)[middle] < record) {
        low = middle + 1;
      } else {
        high = middle;
      }
    }
    return low < size() && (*this)[low] == record;
  }

 private:
  struct Item {
    uint32_t offset;
    uint8_t size;
    uint8_t flags;
  };
  std::string bytes_;
  std::vector<Item> items_;
  size_t wire_bytes_ = 0;
};

}  // namespace connector::delivery

#endif  // CONNECTOR_DELIVERY_RECORD_BUFFER_H_
