#include "connector/cli/full_sync_frames.h"

namespace connector::cli {
namespace {

namespace v1 = audience_sync::v1;

template <typename Frame>
void Fill(int64_t sequence_number, const v1::SegmentName& segment, Frame* frame,
          Batch& batch) {
  frame->set_sequence_number(sequence_number);
  frame->mutable_segment()->set_segment_namespace(segment.segment_namespace());
  frame->mutable_segment()->set_segment_id(segment.segment_id());
  batch.sequence_number = sequence_number;
  batch.bytes = static_cast<int64_t>(batch.frame->ByteSizeLong());
}

}  // namespace

std::unique_ptr<Batch> BeginFullSyncFrame(int64_t sequence_number,
                                          const v1::SegmentName& segment,
                                          absl::Duration expire_after) {
  auto batch = std::make_unique<Batch>();
  v1::BeginFullSync* begin = batch->frame->mutable_begin_full_sync();
  if (expire_after != absl::ZeroDuration()) {
    begin->mutable_expire_after()->set_seconds(
        absl::IDivDuration(expire_after, absl::Seconds(1), &expire_after));
    begin->mutable_expire_after()->set_nanos(
        static_cast<int32_t>(absl::ToInt64Nanoseconds(expire_after)));
  }
  Fill(sequence_number, segment, begin, *batch);
  return batch;
}

std::unique_ptr<Batch> CommitFullSyncFrame(int64_t sequence_number,
                                           const v1::SegmentName& segment,
                                           int64_t input_position) {
  auto batch = std::make_unique<Batch>();
  batch->input_position = input_position;
  Fill(sequence_number, segment, batch->frame->mutable_commit_full_sync(),
       *batch);
  return batch;
}

}  // namespace connector::cli
