// Frames of an export, as bytes, through the decoder, the protocol of a stream
// and the mapper, with a store in memory. An input is a byte that says which of
// the destinations is meant and whether the rest is one unary request or a
// sequence of events: frames (a byte, two for the size, the frame) and what
// else may happen to a stream.

#include <algorithm>
#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "audience_sync/v1/export_service.pb.h"
#include "connector/base/error.h"
#include "connector/base/limits.h"
#include "connector/config/fake_catalog.h"
#include "connector/config/registry.h"
#include "connector/ingest/batch_mapper.h"
#include "connector/ingest/export_session.h"
#include "tests/fuzz/fuzz.h"

namespace {

namespace v1 = audience_sync::v1;
using connector::config::DestinationState;
using connector::config::FakeCatalog;
using connector::config::Registry;
using connector::ingest::ExportSession;
using connector::ingest::MapBatch;
using connector::ingest::MappedBatch;
using connector::membership::Change;
using connector::membership::CommitOutcome;
using connector::membership::SegmentChanges;

// Ad accounts 1 to 4: the default mapping; one that was changed twice; an
// opaque kind; few lists and few namespaces.
const Registry& Destinations() {
  static FakeCatalog* const catalog = new FakeCatalog;
  static const Registry* const registry = [] {
    v1::ConnectorConfig file;
    v1::Credential* credential = file.add_credentials();
    credential->set_credential_id("main");
    credential->set_access_token_file("token");
    const auto add = [&](const char* id) {
      v1::Destination* destination = file.add_destinations();
      destination->set_ad_account_id(id);
      destination->set_credential_id("main");
      destination->mutable_segment_policy()->set_default_segment_namespace(
          "ups");
      return destination;
    };
    const auto row = [](v1::IdentityMapping* mapping, const char* name,
                        v1::IdentityKind kind) {
      v1::MappingRow* to = mapping->add_rows();
      to->set_source_namespace(name);
      to->set_kind(kind);
    };
    add("1");
    v1::Destination* changed = add("2");
    row(changed->mutable_identity_mapping(), "Email", v1::IDENTITY_KIND_EMAIL);
    row(changed->mutable_identity_mapping(), "GAID", v1::IDENTITY_KIND_IDFA);
    row(changed->add_former_identity_mappings(), "Email",
        v1::IDENTITY_KIND_PINTEREST_AUDIENCE);
    row(changed->add_former_identity_mappings(), "IDFA",
        v1::IDENTITY_KIND_IDFA);
    row(add("3")->mutable_identity_mapping(), "Email", v1::IDENTITY_KIND_LR_ID);
    v1::Destination* narrow = add("4");
    narrow->mutable_segment_policy()->set_max_customer_lists(1);
    narrow->mutable_segment_policy()->add_segment_namespaces("ups");
    auto loaded = Registry::Load(catalog, file);
    FUZZ_CHECK(loaded.ok());
    return loaded->release();
  }();
  return *registry;
}

// Counted changes of one kind; checks that all of them can be read.
int64_t Counted(const SegmentChanges& changes, Change change) {
  using namespace connector::membership;  // NOLINT
  if (changes.run.count(change) == 0) return 0;
  const std::string value =
      RunHead(changes.run.flags(change), absl::UnixEpoch(), 1) +
      changes.run.Body(change);
  auto reader = RunReader::Open(value);
  FUZZ_CHECK(reader.ok());
  RunEntry entry;
  int64_t counted = 0;
  std::string wire;
  while (reader->Next(&entry)) {
    counted += entry.counted;
    entry.record.AppendWireText(&wire);
  }
  FUZZ_CHECK(reader->status().ok());
  FUZZ_CHECK(wire.find('@') == std::string::npos);
  return counted;
}

void CheckBatch(const DestinationState& destination,
                const v1::ExportBatch& batch) {
  FakeCatalog catalog;
  const absl::StatusOr<MappedBatch> mapped =
      MapBatch(destination, batch, &catalog);
  if (!mapped.ok()) {
    FUZZ_CHECK(absl::IsInvalidArgument(mapped.status()));
    FUZZ_CHECK(!absl::StrContains(mapped.status().message(), "@"));
    return;
  }
  // Everything that came is counted, once.
  int64_t expected = 0;
  for (const v1::ProfileExport& profile : batch.profile_exports()) {
    expected +=
        int64_t{profile.identities_size()} * profile.segment_memberships_size();
  }
  int64_t received = mapped->batch.counts_without_segment.received;
  FUZZ_CHECK(mapped->batch.counts_without_segment.accepted() == 0);
  for (const SegmentChanges& changes : mapped->batch.segments) {
    received += changes.counts.received;
    FUZZ_CHECK(Counted(changes, Change::kAdd) +
                   Counted(changes, Change::kRemove) ==
               changes.counts.accepted());
  }
  FUZZ_CHECK(received == expected);
  FUZZ_CHECK(
      static_cast<int64_t>(mapped->batch.rejections.size()) ==
      std::min<int64_t>(mapped->rejection_count,
                        connector::limits::kMaxStoredRejectionsPerBatch));
  for (const auto& rejection : mapped->batch.rejections) {
    FUZZ_CHECK(rejection.profile_index >= 0 &&
               rejection.profile_index < batch.profile_exports_size());
    const v1::ProfileExport& profile =
        batch.profile_exports(rejection.profile_index);
    FUZZ_CHECK(rejection.identity_index < profile.identities_size());
    FUZZ_CHECK(rejection.membership_index < profile.segment_memberships_size());
    FUZZ_CHECK(v1::RejectionReason_IsValid(rejection.reason));
  }
  FUZZ_CHECK(ToBatchRejections(*mapped).rejections_size() <=
             connector::limits::kMaxStreamRejectionsPerBatch);
  // The repeat of a batch is the same batch.
  FakeCatalog other;
  const absl::StatusOr<MappedBatch> again =
      MapBatch(destination, batch, &other);
  FUZZ_CHECK(again.ok() && again->batch.digest == mapped->batch.digest);
}

// Keeps commits until they are asked for.
class HeldIntake : public connector::membership::Intake {
 public:
  absl::StatusOr<connector::membership::OpenedExport> OpenExport(
      uint32_t, absl::string_view export_id,
      std::weak_ptr<connector::membership::ExportListener> listener) override {
    position_.export_id = std::string(export_id);
    listener_ = std::move(listener);
    return connector::membership::OpenedExport{position_, 1};
  }
  void Commit(
      connector::membership::Batch batch,
      std::function<void(absl::StatusOr<CommitOutcome>)> done) override {
    waiting_.push_back({std::move(batch), std::move(done)});
  }
  std::vector<connector::membership::ExportPosition> Exports(
      uint32_t) override {
    return {};
  }
  absl::Status Healthy() override { return absl::OkStatus(); }

  bool CommitNext(bool fail) {
    if (waiting_.empty()) return false;
    auto [batch, done] = std::move(waiting_.front());
    waiting_.pop_front();
    if (fail || batch.sequence_number > position_.durable + 1) {
      done(connector::MakeError(absl::StatusCode::kOutOfRange, "SEQUENCE_GAP",
                                "gap"));
      return true;
    }
    CommitOutcome outcome;
    outcome.repeat =
        !batch.end_of_export && batch.sequence_number <= position_.durable;
    if (!batch.end_of_export) {
      position_.durable = std::max(position_.durable, batch.sequence_number);
    }
    position_.ended = batch.end_of_export;
    outcome.position = position_;
    done(std::move(outcome));
    return true;
  }
  void Deliver() {
    position_.delivered = position_.durable;
    if (auto listener = listener_.lock()) {
      listener->OnDelivered(position_.delivered);
    }
  }
  void Fence() {
    if (auto listener = listener_.lock()) listener->OnFenced();
  }
  int64_t durable() const { return position_.durable; }

 private:
  struct Waiting {
    connector::membership::Batch batch;
    std::function<void(absl::StatusOr<CommitOutcome>)> done;
  };
  connector::membership::ExportPosition position_;
  std::weak_ptr<connector::membership::ExportListener> listener_;
  std::deque<Waiting> waiting_;
};

class Host : public ExportSession::Transport {
 public:
  explicit Host(const HeldIntake* intake) : intake_(intake) {}

  void StartRead() override {
    FUZZ_CHECK(!reading && !finished);
    reading = true;
  }
  void StartWrite(const v1::ExportSegmentsResponse* frame) override {
    FUZZ_CHECK(!writing && !finished);
    writing = true;
    FUZZ_CHECK(!absl::StrContains(frame->ShortDebugString(), "@"));
    if (frame->has_durable_ack()) {
      // Never more than is durable, and never less than was told.
      const int64_t durable = frame->durable_ack().durable_sequence_number();
      FUZZ_CHECK(durable <= intake_->durable() && durable >= durable_);
      durable_ = durable;
    }
    if (frame->has_delivered_ack()) {
      FUZZ_CHECK(frame->delivered_ack().delivered_sequence_number() <=
                 durable_);
    }
  }
  void Finish(const absl::Status& status) override {
    FUZZ_CHECK(!writing && !finished);
    finished = true;
    FUZZ_CHECK(!absl::StrContains(status.message(), "@"));
  }

  bool reading = false;
  bool writing = false;
  bool finished = false;

 private:
  const HeldIntake* const intake_;
  int64_t durable_ = 0;
};

void RunStream(fuzz::Input* input) {
  FakeCatalog catalog;
  HeldIntake intake;
  Host host(&intake);
  auto budget = std::make_shared<connector::ingest::InFlightBudget>(4096);
  auto session = std::make_shared<ExportSession>(
      connector::ingest::IngestContext{&Destinations(), &catalog, &intake,
                                       budget, 2048},
      &host);
  const auto written = [&] {
    if (!host.writing) return false;
    host.writing = false;
    session->OnWritten(true);
    return true;
  };
  const auto closed = [&] {
    if (!host.reading) return false;
    host.reading = false;
    session->OnReadClosed();
    return true;
  };
  session->Start();
  while (!input->empty() && !host.finished) {
    switch (const uint8_t event = input->Byte() % 16; event) {
      case 8:
      case 9:
        intake.CommitNext(/*fail=*/event == 9);
        break;
      case 10:
        written();
        break;
      case 11:
        intake.Deliver();
        break;
      case 12:
        intake.Fence();
        break;
      case 13:
        session->OnShutdown();
        break;
      case 14:
        closed();
        break;
      case 15:
        session->OnCancelled();
        break;
      default: {
        const absl::string_view bytes = input->Take(input->Short());
        v1::ExportSegmentsRequest frame;
        if (!host.reading ||
            !frame.ParseFromArray(bytes.data(),
                                  static_cast<int>(bytes.size()))) {
          break;
        }
        host.reading = false;
        session->OnFrame(frame);
        session->OnFrameFreed();
        if (frame.has_batch()) {
          CheckBatch(*Destinations().FindDestination("1"), frame.batch());
        }
      }
    }
  }
  // However it went, the stream comes to its end.
  while (written() || intake.CommitNext(false) || closed()) {
  }
  FUZZ_CHECK(host.finished);
  FUZZ_CHECK(budget->used() == 0);
  session->Detach();
}

}  // namespace

int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  fuzz::Input input(data, size);
  const uint8_t kind = input.Byte();
  if (kind >= 4) {
    RunStream(&input);
    return 0;
  }
  const absl::string_view bytes = input.Rest();
  v1::ExportProfilesRequest request;
  if (!request.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()))) {
    return 0;
  }
  CheckBatch(*Destinations().FindDestination(absl::StrCat(kind + 1)),
             request.batch());
  return 0;
}
