#ifndef CONNECTOR_DELIVERY_SPILL_FILE_H_
#define CONNECTOR_DELIVERY_SPILL_FILE_H_

#include <cstdint>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "connector/delivery/sorted_change.h"

namespace connector::delivery {

// A temporary file of sorted changes: written once from front to back, then
// read any number of times. It has no name, so that nothing is left of it when
// the process ends, however that happens. Holds records, so nothing raw.
class SpillFile {
 public:
  // RESOURCE_EXHAUSTED or UNAVAILABLE if the disk does not take it.
  static absl::StatusOr<std::unique_ptr<SpillFile>> Create(
      const std::string& directory);
  ~SpillFile();
  SpillFile(const SpillFile&) = delete;
  SpillFile& operator=(const SpillFile&) = delete;

  absl::Status Append(const SortedChange& change);
  // Ends the writing.
  absl::Status Finish();

  // Reads from the front. The file must outlive the reader; several readers
  // may read at once.
  class Reader {
   public:
    explicit Reader(const SpillFile& file) : file_(file) {}

    // False at the end. The view in `change` is valid until the next call.
    absl::StatusOr<bool> Next(SortedChange* change);

   private:
    absl::Status Fill();

    const SpillFile& file_;
    uint64_t offset_ = 0;
    std::string buffer_;
    size_t at_ = 0;
  };

 private:
  explicit SpillFile(int fd) : fd_(fd) {}
  absl::Status Flush();

  const int fd_;
  uint64_t size_ = 0;
  // What is not written yet, at the front of a buffer.
  std::string pending_;
  size_t pending_size_ = 0;
};

}  // namespace connector::delivery

#endif  // CONNECTOR_DELIVERY_SPILL_FILE_H_
