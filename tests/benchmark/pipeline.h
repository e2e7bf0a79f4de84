#ifndef TESTS_BENCHMARK_PIPELINE_H_
#define TESTS_BENCHMARK_PIPELINE_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "audience_sync/v1/profile_export.pb.h"
#include "connector/config/destination_config.h"
#include "connector/config/fake_catalog.h"
#include "identity_mapping/record.h"

namespace benchmark_pipeline {

// From events to request bodies with the connector's own parts, without store
// and network: batches are mapped, their additions read back as delivery reads
// them, and put into bodies of 10,000. What other connectors' figures cover.
// Not thread-safe.
class Pipeline {
 public:
  using Sink = std::function<void(const std::string& body)>;

  // `sink` gets each body.
  explicit Pipeline(Sink sink);

  void Add(const audience_sync::v1::ExportBatch& batch);
  // The last body.
  void Finish();

  int64_t records() const { return records_; }

 private:
  static constexpr size_t kBodyRecords = 10'000;

  void Send();

  const Sink sink_;
  connector::config::FakeCatalog catalog_;
  const connector::config::DestinationState destination_;
  std::vector<identity_mapping::Record> waiting_;
  int64_t records_ = 0;
};

}  // namespace benchmark_pipeline

#endif  // TESTS_BENCHMARK_PIPELINE_H_
