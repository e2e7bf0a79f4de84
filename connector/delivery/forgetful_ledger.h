#ifndef CONNECTOR_DELIVERY_FORGETFUL_LEDGER_H_
#define CONNECTOR_DELIVERY_FORGETFUL_LEDGER_H_

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/strings/string_view.h"
#include "connector/membership/ledger.h"

namespace connector::delivery {

// A ledger with a fault of its own, to see that the tests of histories notice
// what they are there to notice.
class ForgetfulLedger : public membership::Ledger {
 public:
  enum class Fault {
    kNone,
    // Does not remember which requests were never answered.
    kNoDoubts,
    // Forgets every third exit.
    kLosesExits,
    // Does not repeat what an older request may have overtaken.
    kNoEchoes,
    // Counts what is delivered twice.
    kCountsTwice,
    // Does not remember what was settled since a full sync began.
    kForgetsSettledRuns,
    // Does not remember exits once they are delivered.
    kForgetsExits,
    // Takes some of what stands out of the backlog, too.
    kNetsTooMuch,
  };

  explicit ForgetfulLedger(Fault fault) : fault_(fault) {}

  // What it stands before from now on.
  membership::Ledger* Wrap(membership::Ledger* ledger) {
    ledger_ = ledger;
    return this;
  }

  void SetCommitListener(
      std::function<void(membership::ListNumber, bool)> listener) override {
    ledger_->SetCommitListener(std::move(listener));
  }
  membership::CommitNumber SyncedCommit() override {
    return ledger_->SyncedCommit();
  }
  std::vector<membership::PendingList> PendingLists() override {
    return ledger_->PendingLists();
  }
  std::optional<membership::PendingList> FindPendingList(
      membership::ListNumber list) override {
    return ledger_->FindPendingList(list);
  }
  absl::StatusOr<membership::ListRow> GetList(
      membership::ListNumber list) override {
    return ledger_->GetList(list);
  }
  absl::StatusOr<membership::SegmentRow> GetSegment(
      membership::SegmentNumber segment) override {
    return ledger_->GetSegment(segment);
  }
  absl::StatusOr<std::unique_ptr<membership::RunCursor>> ReadRuns(
      membership::ListNumber list, membership::Change change,
      membership::CommitNumber after,
      membership::CommitNumber through) override {
    if (fault_ == Fault::kForgetsSettledRuns) {
      const auto row = ledger_->GetList(list);
      if (row.ok() && through <= row->settled) after = through;
    }
    auto runs = ledger_->ReadRuns(list, change, after, through);
    if (!runs.ok() || fault_ != Fault::kLosesExits ||
        change != membership::Change::kRemove) {
      return runs;
    }
    return std::make_unique<LossyCursor>(*std::move(runs));
  }
  absl::StatusOr<std::unique_ptr<membership::RunCursor>> ReadRememberedExits(
      membership::ListNumber list, membership::CommitNumber through,
      const membership::ExitFilter& filter) override {
    return ledger_->ReadRememberedExits(
        list, fault_ == Fault::kForgetsExits ? 0 : through, filter);
  }
  absl::Status ForgetExits(membership::DestinationNumber destination,
                           absl::Duration window) override {
    return ledger_->ForgetExits(destination, window);
  }
  absl::StatusOr<std::unique_ptr<membership::DeliveredCursor>> ReadDelivered(
      membership::ListNumber list) override {
    return ledger_->ReadDelivered(list);
  }
  absl::Status DropOvertaken(
      membership::ListNumber list, membership::CommitNumber through,
      absl::FunctionRef<absl::StatusOr<bool>(membership::EventOrder)> stands)
      override {
    if (fault_ != Fault::kNetsTooMuch) {
      return ledger_->DropOvertaken(list, through, stands);
    }
    int seen = 0;
    return ledger_->DropOvertaken(
        list, through,
        [&](membership::EventOrder order) -> absl::StatusOr<bool> {
          auto stays = stands(order);
          if (!stays.ok() || ++seen % 3 != 0) return stays;
          return false;
        });
  }
  absl::Status UpdateList(const membership::ListRow& row) override {
    return ledger_->UpdateList(row);
  }
  absl::StatusOr<membership::DoubtNumber> BeginRequest(
      membership::ListNumber list, membership::Change change,
      identity_mapping::RecordView first,
      identity_mapping::RecordView last) override {
    return ledger_->BeginRequest(list, change, first, last);
  }
  absl::Status CancelRequest(membership::ListNumber list,
                             membership::DoubtNumber doubt) override {
    return ledger_->CancelRequest(list, doubt);
  }
  absl::StatusOr<std::vector<membership::Doubt>> Doubts(
      membership::ListNumber list) override {
    if (fault_ == Fault::kNoDoubts) return std::vector<membership::Doubt>();
    return ledger_->Doubts(list);
  }
  absl::Status Confirm(membership::ListNumber list, membership::Change change,
                       absl::Span<const identity_mapping::RecordView> records,
                       membership::DoubtNumber doubt,
                       absl::Span<const identity_mapping::RecordView> echoes,
                       absl::Time echo_time) override {
    if (fault_ == Fault::kNoEchoes) echoes = {};
    return ledger_->Confirm(list, change, records, doubt, echoes, echo_time);
  }
  absl::StatusOr<std::vector<membership::Echo>> Echoes(
      membership::ListNumber list, absl::Time due, size_t at_most) override {
    return ledger_->Echoes(list, due, at_most);
  }
  std::vector<std::pair<membership::ListNumber, absl::Time>> EchoTimes()
      override {
    return ledger_->EchoTimes();
  }
  absl::Status EndEcho(membership::ListNumber list, uint64_t number) override {
    return ledger_->EndEcho(list, number);
  }
  absl::Status Refuse(membership::ListNumber list,
                      absl::Span<const membership::Refusal> refusals) override {
    return ledger_->Refuse(list, refusals);
  }
  absl::Status Settle(membership::ListNumber list,
                      membership::CommitNumber through,
                      membership::DoubtNumber last_doubt,
                      const membership::PassCounts& counts,
                      absl::Time now) override {
    membership::PassCounts told = counts;
    if (fault_ == Fault::kCountsTwice) told.delivered *= 2;
    return ledger_->Settle(list, through, last_doubt, told, now);
  }
  absl::StatusOr<std::vector<membership::RefusedRecord>> RefusedRecords(
      membership::ListNumber list,
      const std::optional<identity_mapping::Record>& after,
      size_t at_most) override {
    return ledger_->RefusedRecords(list, after, at_most);
  }
  std::string CallHistory(absl::string_view credential_id) override {
    return ledger_->CallHistory(credential_id);
  }
  absl::Status PutCallHistory(absl::string_view credential_id,
                              absl::string_view history) override {
    return ledger_->PutCallHistory(credential_id, history);
  }

 private:
  class LossyCursor final : public membership::RunCursor {
   public:
    explicit LossyCursor(std::unique_ptr<membership::RunCursor> cursor)
        : cursor_(std::move(cursor)) {}
    bool Next(membership::RunEntry* entry) override {
      while (cursor_->Next(entry)) {
        if (++seen_ % 3 != 0) return true;
      }
      return false;
    }
    absl::Status status() override { return cursor_->status(); }

   private:
    const std::unique_ptr<membership::RunCursor> cursor_;
    int seen_ = 0;
  };

  const Fault fault_;
  membership::Ledger* ledger_ = nullptr;
};

}  // namespace connector::delivery

#endif  // CONNECTOR_DELIVERY_FORGETFUL_LEDGER_H_
