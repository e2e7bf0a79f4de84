#ifndef CONNECTOR_PINTEREST_TEST_RECORDS_H_
#define CONNECTOR_PINTEREST_TEST_RECORDS_H_

#include <cstddef>
#include <cstdint>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "identity_mapping/record.h"

namespace connector::pinterest {

// Records for tests, owned. The same for one seed.
class TestRecords {
 public:
  // `mixed`: digests of all lengths and opaque ids, otherwise SHA-256 only.
  explicit TestRecords(size_t count, bool mixed = false, uint64_t seed = 1) {
    std::mt19937_64 random(seed);
    encoded_.reserve(count);
    for (size_t i = 0; i < count; ++i) {
      const int kind = mixed ? static_cast<int>(1 + random() % 4) : 1;
      const size_t sizes[] = {0, 32, 20, 16, 1 + random() % 126};
      std::string encoded(1, static_cast<char>(kind));
      for (size_t k = 0; k < sizes[kind]; ++k) {
        encoded.push_back(kind == 4 ? static_cast<char>('a' + random() % 26)
                                    : static_cast<char>(random()));
      }
      encoded_.push_back(std::move(encoded));
    }
    views_.reserve(count);
    for (const std::string& encoded : encoded_) {
      views_.push_back(*identity_mapping::RecordView::FromEncoded(encoded));
    }
  }

  const std::vector<identity_mapping::RecordView>& views() const {
    return views_;
  }

  // "a,b,c"
  std::string Joined() const {
    std::string joined;
    for (const identity_mapping::RecordView& view : views_) {
      if (!joined.empty()) joined.push_back(',');
      view.AppendWireText(&joined);
    }
    return joined;
  }

 private:
  std::vector<std::string> encoded_;
  std::vector<identity_mapping::RecordView> views_;
};

}  // namespace connector::pinterest

#endif  // CONNECTOR_PINTEREST_TEST_RECORDS_H_
