#include "tests/benchmark/pipeline.h"

#include <cstdlib>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "connector/ingest/batch_mapper.h"
#include "connector/membership/run.h"
#include "connector/pinterest/request_body.h"

namespace benchmark_pipeline {

using connector::membership::Change;
using connector::membership::RunEntry;
using connector::membership::RunHead;
using connector::membership::RunReader;
using identity_mapping::Record;
using identity_mapping::RecordView;

namespace {

connector::config::DestinationState SomeDestination() {
  audience_sync::v1::Destination destination;
  destination.set_ad_account_id("549755885175");
  destination.set_credential_id("main");
  destination.mutable_segment_policy()->set_default_segment_namespace("ups");
  auto state = connector::config::ResolveDestination(destination);
  if (!state.ok()) std::abort();
  state->number = 1;
  return *std::move(state);
}

}  // namespace

Pipeline::Pipeline(Sink sink)
    : sink_(std::move(sink)), destination_(SomeDestination()) {
  waiting_.reserve(kBodyRecords);
}

void Pipeline::Add(const audience_sync::v1::ExportBatch& batch) {
  auto mapped = connector::ingest::MapBatch(destination_, batch, &catalog_);
  if (!mapped.ok()) std::abort();
  for (const auto& segment : mapped->batch.segments) {
    if (segment.run.count(Change::kAdd) == 0) continue;
    const std::string run = absl::StrCat(
        RunHead(segment.run.flags(Change::kAdd), absl::UnixEpoch(), 1),
        segment.run.Body(Change::kAdd));
    auto reader = RunReader::Open(run);
    if (!reader.ok()) std::abort();
    RunEntry entry;
    while (reader->Next(&entry)) {
      waiting_.push_back(Record::FromView(entry.record));
      ++records_;
      if (waiting_.size() == kBodyRecords) Send();
    }
    if (!reader->status().ok()) std::abort();
  }
}

void Pipeline::Finish() {
  if (!waiting_.empty()) Send();
}

void Pipeline::Send() {
  const std::vector<RecordView> views(waiting_.begin(), waiting_.end());
  sink_(connector::pinterest::BuildUpdateBody(
      connector::pinterest::Operation::kAdd, views));
  waiting_.clear();
}

}  // namespace benchmark_pipeline
