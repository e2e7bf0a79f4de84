#include "tests/stress/export_writer.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "gtest/gtest.h"

namespace stress {

namespace v1 = audience_sync::v1;

ExportWriter::ExportWriter(Options options)
    : options_(std::move(options)),
      random_(options_.seed),
      stub_(v1::ExportService::NewStub(MakeChannel(options_.address))) {}

bool ExportWriter::IsPassing(const grpc::Status& status) {
  switch (status.error_code()) {
    case grpc::StatusCode::UNAVAILABLE:
    case grpc::StatusCode::CANCELLED:
    case grpc::StatusCode::RESOURCE_EXHAUSTED:
    case grpc::StatusCode::DEADLINE_EXCEEDED:
      return true;
    default:
      return false;
  }
}

void ExportWriter::Pause() { absl::SleepFor(absl::Milliseconds(10)); }

void ExportWriter::AddProfile(const Event& event, Batch* batch) {
  v1::ProfileExport* profile = batch->proto.add_profile_exports();
  v1::Identity* identity = profile->add_identities();
  identity->set_source_namespace("Email");
  identity->set_value(AddressOf(event.person));
  ++batch->units.received;
  // One that is excluded, and one that is rejected.
  if (Chance(20)) {
    identity = profile->add_identities();
    identity->set_source_namespace("ECID");
    identity->set_value("12345");
    ++batch->units.received;
    ++batch->units.excluded;
  }
  if (Chance(20)) {
    identity = profile->add_identities();
    identity->set_source_namespace("Email");
    identity->set_value("no address");
    ++batch->units.received;
    ++batch->units.rejected;
  }
  v1::SegmentMembership* membership = profile->add_segment_memberships();
  membership->mutable_segment()->set_segment_namespace("ups");
  membership->mutable_segment()->set_segment_id(event.segment);
  membership->set_status(event.member ? v1::MEMBERSHIP_STATUS_REALIZED
                                      : v1::MEMBERSHIP_STATUS_EXITED);
  batch->events.push_back(event);
}

ExportWriter::Batch ExportWriter::RandomBatch(int64_t number, int profiles) {
  static const char* const kSegments[] = {"gold", "silver", "bronze"};
  Batch batch;
  batch.proto.set_sequence_number(number);
  if (Chance(20)) {
    // Nothing of it goes to any list.
    v1::ProfileExport* profile = batch.proto.add_profile_exports();
    v1::Identity* identity = profile->add_identities();
    identity->set_source_namespace("ECID");
    identity->set_value("12345");
    v1::SegmentMembership* membership = profile->add_segment_memberships();
    membership->mutable_segment()->set_segment_namespace("ups");
    membership->mutable_segment()->set_segment_id("gold");
    membership->set_status(v1::MEMBERSHIP_STATUS_REALIZED);
    batch.units = {1, 1, 0};
    return batch;
  }
  for (int i = 0; i < profiles; ++i) {
    Event event;
    event.person =
        options_.first_person +
        options_.step * static_cast<int>(random_() % options_.people);
    if (!options_.bad_people.empty() && Chance(200)) {
      event.person =
          options_.bad_people[random_() % options_.bad_people.size()];
    }
    event.segment = kSegments[random_() % 3];
    event.member = random_() % 5 < 3;
    AddProfile(event, &batch);
  }
  // Now and then a segment that nobody has named before: its list is made.
  if (Chance(10)) {
    Event event;
    event.person = options_.first_person;
    event.segment =
        absl::StrCat("small-", random_() % options_.bounds->small_segments);
    event.member = random_() % 5 < 4;
    AddProfile(event, &batch);
  }
  return batch;
}

void ExportWriter::RunBulk() {
  if (options_.bulk) RunWave("gold", true);
}

void ExportWriter::RunWave(const std::string& segment, bool member) {
  Export run;
  run.id = absl::StrCat(options_.name, "-wave-", next_export_);
  run.with_end = true;
  for (int first = 0; first < options_.people; first += 2'000) {
    Batch& batch = run.batches.emplace_back();
    batch.proto.set_sequence_number(static_cast<int64_t>(run.batches.size()));
    for (int i = first; i < std::min(options_.people, first + 2'000); ++i) {
      AddProfile({options_.first_person + options_.step * i, segment, member},
                 &batch);
    }
  }
  RunStreams(&run);
}

void ExportWriter::RunOne() {
  ++next_export_;
  ++counts_.exports;
  // In large populations: a request that is confirmed in pieces, a sort that
  // spills.
  if (options_.people >= 40'000 && Chance(40)) {
    wave_members_ = !wave_members_;
    RunWave("wave", wave_members_);
    return;
  }
  switch (random_() % 8) {
    case 0:
      RunUnary(/*numbered=*/false);
      return;
    case 1:
      RunUnary(/*numbered=*/true);
      return;
    default:
      break;
  }
  Export run;
  run.id = absl::StrCat(options_.name, "-", next_export_);
  run.with_end = !Chance(3);
  run.profiles_per_batch = 1 + static_cast<int>(random_() % 100);
  const int batches = 1 + static_cast<int>(random_() % 25);
  for (int number = 1; number <= batches; ++number) {
    run.batches.push_back(RandomBatch(number, run.profiles_per_batch));
  }
  RunStreams(&run);
}

void ExportWriter::RunStreams(Export* run) {
  while (!run->over && !stop_ && !testing::Test::HasFailure()) {
    Attempt(run);
    if (!run->over) Pause();
  }
}

void ExportWriter::MarkDurable(int64_t number, Export* run) {
  for (int64_t n = run->durable + 1; n <= number; ++n) {
    const Batch& batch = run->batches[n - 1];
    for (const Event& event : batch.events) {
      model_[event.segment][event.person] = event.member;
    }
    durable_ += batch.units;
    options_.bounds->durable += batch.units.received;
    counts_.events += static_cast<int64_t>(batch.events.size());
    ++counts_.batches;
  }
  run->durable = std::max(run->durable, number);
}

void ExportWriter::TakePosition(const v1::ExportOpened& opened, Export* run) {
  const int64_t durable = opened.position().durable_sequence_number();
  const int64_t delivered = opened.position().delivered_sequence_number();
  EXPECT_GE(durable, run->durable) << "an acknowledged batch is lost";
  EXPECT_LE(durable, run->sent) << "durable, but never sent";
  EXPECT_GE(delivered, run->delivered) << "the delivered position went back";
  EXPECT_LE(delivered, durable);
  EXPECT_FALSE(opened.position().ended());
  if (history_id_.empty()) history_id_ = opened.history_id();
  EXPECT_EQ(opened.history_id(), history_id_);
  if (testing::Test::HasFailure()) return;
  MarkDurable(durable, run);
  run->delivered = delivered;
  // Nothing of an older stream comes any more: what is not durable may be
  // something else now.
  run->sent = durable;
  if (run->profiles_per_batch > 0 && Chance(2)) {
    for (size_t n = durable; n < run->batches.size(); ++n) {
      run->batches[n] =
          RandomBatch(static_cast<int64_t>(n) + 1, run->profiles_per_batch);
    }
  }
}

void ExportWriter::TakeFrames(Stream& stream, Export* run) {
  EXPECT_LE(stream.durable(), run->sent);
  if (testing::Test::HasFailure()) return;
  MarkDurable(stream.durable(), run);
  run->delivered = std::max(run->delivered, stream.delivered());
}

void ExportWriter::TakeEnd(const grpc::Status& status, Export* run) {
  const int64_t all = static_cast<int64_t>(run->batches.size());
  if (status.error_code() == grpc::StatusCode::FAILED_PRECONDITION &&
      run->end_sent) {
    // The answer to the end was lost.
    MarkDurable(all, run);
    run->over = true;
    return;
  }
  if (status.error_code() == grpc::StatusCode::ABORTED) return;  // fenced
  EXPECT_TRUE(IsPassing(status))
      << status.error_code() << " " << status.error_message();
}

void ExportWriter::Attempt(Export* run) {
  ++counts_.streams;
  auto stream =
      std::make_unique<Stream>(stub_.get(), options_.ad_account, run->id);
  const auto opened = stream->AwaitOpened();
  if (!opened.has_value()) {
    TakeEnd(stream->Finish(), run);
    return;
  }
  TakePosition(*opened, run);
  v1::ExportSegmentsRequest frame;
  const int64_t all = static_cast<int64_t>(run->batches.size());
  bool writing = true;
  // What is durable may come again, with what it held.
  if (run->durable > 0 && Chance(3)) {
    ++counts_.repeats;
    *frame.mutable_batch() = run->batches[random_() % run->durable].proto;
    writing = stream->Write(frame);
  }
  int64_t fence_at = Chance(5) ? run->durable + 1 + random_() % 10 : all + 1;
  for (int64_t n = run->durable + 1; n <= all && writing && !stop_; ++n) {
    if (testing::Test::HasFailure()) return;
    const Batch& batch = run->batches[n - 1];
    run->sent = std::max(run->sent, n);
    options_.bounds->sent += batch.units.received;
    *frame.mutable_batch() = batch.proto;
    writing = stream->Write(frame);
    if (n != fence_at || !writing) continue;
    // A newer stream takes over while batches of the older are on their way,
    // and the older one goes on as if nothing had happened.
    fence_at = all + 1;
    auto newer =
        std::make_unique<Stream>(stub_.get(), options_.ad_account, run->id);
    const auto reopened = newer->AwaitOpened();
    if (!reopened.has_value()) {
      TakeEnd(newer->Finish(), run);
      return;
    }
    const int64_t after = reopened->position().durable_sequence_number();
    if (after < all) *frame.mutable_batch() = run->batches[after].proto;
    TakePosition(*reopened, run);
    if (after < all) stream->Write(frame);
    const grpc::Status fenced = stream->Finish();
    EXPECT_TRUE(fenced.error_code() == grpc::StatusCode::ABORTED ||
                IsPassing(fenced))
        << fenced.error_code() << " " << fenced.error_message();
    EXPECT_LE(stream->durable(), run->durable);
    ++counts_.fenced;
    stream = std::move(newer);
    n = run->durable;
  }
  if (writing && run->with_end && !stop_) {
    frame.mutable_end()->set_last_sequence_number(all);
    run->end_sent = true;
    writing = stream->Write(frame);
  } else if (writing && Chance(2)) {
    stream->AwaitDelivered(all, absl::Milliseconds(300));
  }
  const grpc::Status status = stream->Finish();
  TakeFrames(*stream, run);
  if (!status.ok()) {
    TakeEnd(status, run);
    return;
  }
  if (stop_ && run->durable < all) return;
  EXPECT_EQ(run->durable, all) << "the stream was ended well before its end";
  EXPECT_EQ(stream->ended(), run->with_end);
  run->over = true;
}

grpc::Status ExportWriter::SendUnary(const std::string& export_id,
                                     const Batch& batch,
                                     v1::ExportProfilesResponse* response,
                                     int64_t* unanswered) {
  v1::ExportProfilesRequest request;
  request.set_ad_account_id(options_.ad_account);
  request.set_export_id(export_id);
  *request.mutable_batch() = batch.proto;
  while (!stop_) {
    grpc::ClientContext context;
    context.set_deadline(std::chrono::system_clock::now() +
                         std::chrono::seconds(60));
    options_.bounds->sent += batch.units.received;
    const grpc::Status status =
        stub_->ExportProfiles(&context, request, response);
    if (status.ok() || !IsPassing(status)) return status;
    *unanswered += batch.units.received;
    Pause();
  }
  return grpc::Status(grpc::StatusCode::CANCELLED, "stopped");
}

void ExportWriter::RunUnary(bool numbered) {
  Export run;
  if (numbered) run.id = absl::StrCat(options_.name, "-", next_export_);
  const int batches = 1 + static_cast<int>(random_() % 6);
  for (int number = 1; number <= batches; ++number) {
    run.batches.push_back(RandomBatch(numbered ? number : 0,
                                      1 + static_cast<int>(random_() % 50)));
    const Batch& batch = run.batches.back();
    v1::ExportProfilesResponse response;
    int64_t unanswered = 0;
    grpc::Status status = SendUnary(run.id, batch, &response, &unanswered);
    if (stop_) {
      // Nobody knows whether it is there: only when the test failed.
      return;
    }
    ASSERT_TRUE(status.ok()) << status.error_code() << status.error_message();
    ++counts_.unary;
    MarkDurable(number, &run);
    if (!numbered) {
      maybe_more_ += unanswered;
      continue;
    }
    EXPECT_EQ(response.position().durable_sequence_number(), number);
    unanswered = 0;
    if (Chance(2)) {
      ++counts_.repeats;
      const int64_t again = 1 + static_cast<int64_t>(random_() % number);
      status =
          SendUnary(run.id, run.batches[again - 1], &response, &unanswered);
      if (stop_) return;
      EXPECT_TRUE(status.ok()) << status.error_code() << status.error_message();
      EXPECT_EQ(response.position().durable_sequence_number(), number);
    }
    if (Chance(4)) {
      ++counts_.wrong;
      Batch other = RandomBatch(number, 3);
      // Two batches that bring nothing to any list may be the same.
      while (other.events.empty()) other = RandomBatch(number, 3);
      status = SendUnary(run.id, other, &response, &unanswered);
      if (stop_) return;
      EXPECT_EQ(status.error_code(), grpc::StatusCode::INVALID_ARGUMENT)
          << "other content under the number of the last batch";
    }
    if (Chance(4)) {
      ++counts_.wrong;
      const Batch later = RandomBatch(number + 2, 3);
      status = SendUnary(run.id, later, &response, &unanswered);
      if (stop_) return;
      EXPECT_EQ(status.error_code(), grpc::StatusCode::OUT_OF_RANGE) << "a gap";
    }
    if (testing::Test::HasFailure()) return;
  }
}

}  // namespace stress
