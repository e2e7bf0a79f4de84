#ifndef CONNECTOR_INGEST_READ_CHANGES_H_
#define CONNECTOR_INGEST_READ_CHANGES_H_

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "absl/time/time.h"
#include "connector/membership/intake.h"
#include "connector/membership/run.h"
#include "gtest/gtest.h"

namespace connector::ingest {

// One change of a run, for tests.
struct ReadChange {
  membership::EventOrder order = 0;
  membership::Change change = membership::Change::kAdd;
  std::string record;  // encoded
  bool counted = true;
};

// All changes of a run, in order.
inline std::vector<ReadChange> ReadChanges(const membership::RunBuilder& run) {
  std::vector<ReadChange> changes;
  for (membership::Change change :
       {membership::Change::kRemove, membership::Change::kAdd}) {
    if (run.count(change) == 0) continue;
    const std::string value =
        membership::RunHead(run.flags(change), absl::UnixEpoch(), 1) +
        run.Body(change);
    auto reader = membership::RunReader::Open(value);
    EXPECT_TRUE(reader.ok()) << reader.status();
    if (!reader.ok()) continue;
    membership::RunEntry entry;
    while (reader->Next(&entry)) {
      changes.push_back({entry.order, change,
                         std::string(entry.record.encoded()), entry.counted});
    }
    EXPECT_TRUE(reader->status().ok()) << reader->status();
  }
  std::sort(changes.begin(), changes.end(),
            [](const ReadChange& a, const ReadChange& b) {
              return a.order < b.order;
            });
  return changes;
}

// What a batch brings to a segment, in order.
inline std::vector<ReadChange> ReadChanges(
    const membership::SegmentChanges& changes) {
  std::vector<ReadChange> all = ReadChanges(changes.former_forms);
  for (ReadChange& change : ReadChanges(changes.run)) {
    all.push_back(std::move(change));
  }
  return all;
}

}  // namespace connector::ingest

#endif  // CONNECTOR_INGEST_READ_CHANGES_H_
