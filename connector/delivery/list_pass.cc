#include "connector/delivery/list_pass.h"

#include <algorithm>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "connector/base/crash_point.h"
#include "connector/base/error.h"
#include "connector/delivery/counter_track.h"
#include "connector/delivery/delivery_timing.h"
#include "connector/delivery/event_time.h"
#include "connector/delivery/list_name.h"

namespace connector::delivery {
namespace {

using identity_mapping::Record;
using identity_mapping::RecordView;
using membership::Change;
using membership::DeliveredEntry;
using membership::DeliveredState;
using StepKind = ListPass::StepResult::Kind;

// How many requests are repeated in a pass; the others are due in the next one.
constexpr size_t kEchoesPerPass = 20;

// How many changes a step looks at when none of them has to be sent.
constexpr int kChangesPerStep = 500'000;

// Whether a removal has to be sent. A refused addition may be there all the
// same: an earlier request with it may have been applied without an answer.
bool MayBeThere(std::optional<DeliveredState> state) {
  return state == DeliveredState::kThere ||
         state == DeliveredState::kRefusedAdd ||
         state == DeliveredState::kRefusedRemove;
}

std::string OperationName(membership::ListOperation::Kind kind) {
  using Kind = membership::ListOperation::Kind;
  switch (kind) {
    case Kind::kEmpty:
      return "emptying the list";
    case Kind::kResync:
      return "sending every member again";
    case Kind::kReplace:
      return "replacing the list";
    case Kind::kEmptyFormer:
      return "emptying the list that was replaced";
  }
  return "";
}

// Newer removals that a pass takes in; with more it starts anew.
constexpr size_t kMaxNewerRemovals = 100'000;

}  // namespace

ListPass::ListPass(const PassEnvironment& environment,
                   membership::ListNumber list, membership::SegmentRow segment,
                   PassMemory memory)
    : environment_(environment),
      list_(list),
      segment_(std::move(segment)),
      memory_(std::move(memory)) {}

ListPass::StepResult ListPass::Step(const PassRoute& route) {
  gate_opened_ = false;
  absl::StatusOr<StepResult> result = TryStep(route);
  if (result.ok()) {
    result->gate_opened = gate_opened_;
    return *result;
  }
  if (absl::IsNotFound(result.status())) return {StepKind::kGone};
  if (!absl::IsCancelled(result.status())) {
    Observe(DeliveryEvent::Kind::kInternalError,
            std::string(result.status().message()));
  }
  return {StepKind::kAbandoned, environment_.clock->Now() + absl::Seconds(10),
          result.status()};
}

absl::StatusOr<ListPass::StepResult> ListPass::TryStep(const PassRoute& route) {
  if (phase_ == Phase::kPrepare) {
    if (absl::Status status = Prepare(route); !status.ok()) return status;
    ReachCrashPoint(CrashPoint::kPassPrepared);
    return StepResult{StepKind::kAgain};
  }
  if (OperationChanged()) {
    return StepResult{StepKind::kAbandoned, environment_.clock->Now()};
  }
  if (phase_ == Phase::kFindList) return FindList(route);

  const bool adding = work_.empty() ? phase_ == Phase::kAdditions
                                    : work_.back().change == Change::kAdd;
  if (adding &&
      (look_before_next_addition_ || environment_.clock->Now() - last_look_ >=
                                         route.destination->policy.max_delay)) {
    auto fits = LookForRemovals(route);
    if (!fits.ok()) return fits.status();
    if (!*fits) {
      return StepResult{StepKind::kAbandoned, environment_.clock->Now()};
    }
  }
  if (!work_.empty()) return Send(route);

  if (phase_ == Phase::kRemovals || phase_ == Phase::kAdditions) {
    const bool removals = phase_ == Phase::kRemovals;
    auto filled = removals ? Fill(route, *removals_, Change::kRemove)
                           : Fill(route, *additions_, Change::kAdd);
    if (!filled.ok()) return filled.status();
    if (!*filled) return StepResult{StepKind::kAgain};
    return Send(route);
  }
  return Settle();
}

bool ListPass::GatesOpen(std::initializer_list<Gate*> gates,
                         StepResult* otherwise) {
  const absl::Time now = environment_.clock->Now();
  absl::Time retry;
  for (Gate* gate : gates) {
    if (probing_.count(gate) > 0 || gate->WouldPass(now, &retry)) continue;
    *otherwise = {StepKind::kAbandoned, retry, gate->condition().reason};
    return false;
  }
  return true;
}

bool ListPass::PassGates(std::initializer_list<Gate*> gates,
                         StepResult* otherwise) {
  const absl::Time now = environment_.clock->Now();
  absl::Time retry;
  for (Gate* gate : gates) {
    if (probing_.count(gate) > 0) continue;
    bool probe = false;
    if (!gate->Pass(now, &retry, &probe)) {
      *otherwise = {StepKind::kAbandoned, retry, gate->condition().reason};
      return false;
    }
    if (probe) probing_.insert(gate);
  }
  return true;
}

absl::Status ListPass::Prepare(const PassRoute& route) {
  membership::Ledger& ledger = *environment_.ledger;
  ad_account_id_ = route.destination->ad_account_id;
  list_name_ = ListName(route.destination->policy.list_name_prefix,
                        segment_.segment_namespace, segment_.segment_id);
  // First the commit, then what it brought: what is committed meanwhile belongs
  // to the next pass.
  through_ = ledger.PassableCommit(list_);
  looked_through_ = through_;
  last_look_ = environment_.clock->Now();
  if (absl::Status status = ReadOperation(route); !status.ok()) return status;
  auto row = ledger.GetList(list_);
  if (!row.ok()) return row.status();
  row_ = *std::move(row);
  through_ = looked_through_ = std::max(through_, row_.settled);
  if (absl::Status status = ReadDoubts(); !status.ok()) return status;

  const absl::Duration window = route.destination->policy.late_addition_window;
  ChangeSorter sorter(environment_.sort_budget, environment_.spill_directory,
                      window);
  FullSyncJoin join;
  if (environment_.full_syncs != nullptr) {
    join = FullSyncJoin(
        {environment_.ledger, environment_.full_syncs, environment_.sort_budget,
         environment_.spill_directory, environment_.stop},
        list_, environment_.full_syncs->FindFullSyncs(list_), through_);
  }
  if (Emptying()) join.DropDeclared(operation_->through);
  if (absl::Status status = ReadEchoes(join, sorter); !status.ok()) {
    return status;
  }
  // Additions first: times matter only if one of them has one.
  TimedAdditions timed;
  if (absl::Status status = join.AddDeclared(
          row_.settled, window > absl::ZeroDuration(), &timed, sorter);
      !status.ok()) {
    return status;
  }
  if (absl::Status status = ReadRuns(
          Change::kAdd, window > absl::ZeroDuration(), &timed, join, sorter);
      !status.ok()) {
    return status;
  }
  if (absl::Status status =
          ReadRuns(Change::kRemove, timed.any, &timed, join, sorter);
      !status.ok()) {
    return status;
  }
  if (timed.any) {
    if (absl::Status status = ReadRememberedExits(timed, window, sorter);
        !status.ok()) {
      return status;
    }
  }
  if (absl::Status status = ReadPiece(join, sorter); !status.ok())
    return status;
  auto netted = sorter.Finish();
  if (!netted.ok()) return netted.status();
  changes_ = *std::move(netted);
  if (absl::Status status = join.AddUndeclared(&changes_); !status.ok()) {
    return status;
  }
  if (!join.empty()) ReachCrashPoint(CrashPoint::kFullSyncJoined);
  counts_.superseded += changes_.superseded + join.superseded();
  counts_.refused += changes_.overtaken_replays + join.overtaken_replays();
  removals_ = std::make_unique<SortedChanges::Reader>(changes_.removals);
  additions_ = std::make_unique<SortedChanges::Reader>(changes_.additions);

  ReadForced(route);
  const bool nothing = changes_.removals.count() == 0 &&
                       changes_.additions.count() == 0 && forced_.empty();
  const bool looks = row_.customer_list_id.empty() || row_.look_for_newer;
  phase_ = looks && !nothing ? Phase::kFindList : Phase::kRemovals;
  return absl::OkStatus();
}

absl::Status ListPass::ReadDoubts() {
  auto doubts = environment_.ledger->Doubts(list_);
  if (!doubts.ok()) return doubts.status();
  late_ = DoubtSet(*doubts);
  std::vector<membership::Doubt> open;
  for (const membership::Doubt& doubt : *doubts) {
    if (doubt.number > memory_.covered_through) open.push_back(doubt);
  }
  doubts_ = DoubtSet(open);
  // The time of one that an earlier process left is not known: it may have been
  // just now.
  std::map<membership::DoubtNumber, absl::Time> times;
  const absl::Time now = environment_.clock->Now();
  for (const membership::Doubt& doubt : *doubts) {
    auto known = memory_.doubt_times.find(doubt.number);
    times[doubt.number] =
        known == memory_.doubt_times.end() ? now : known->second;
  }
  memory_.doubt_times = std::move(times);
  return absl::OkStatus();
}

absl::Status ListPass::ReadEchoes(FullSyncJoin& join, ChangeSorter& sorter) {
  auto echoes = environment_.ledger->Echoes(list_, last_look_, kEchoesPerPass);
  if (!echoes.ok()) return echoes.status();
  for (const membership::Echo& echo : *echoes) {
    echoes_.push_back(echo.number);
    // What is confirmed now goes out again, whatever went out then.
    auto delivered = environment_.ledger->ReadDelivered(list_);
    if (!delivered.ok()) return delivered.status();
    for (const Record& record : echo.records) {
      auto entry = (*delivered)->Find(record);
      if (!entry.ok()) return entry.status();
      // It is wanted there: what is applied late does no harm, and that it is
      // refused must not be forgotten.
      if (entry->state == DeliveredState::kRefusedAdd) continue;
      SortedChange change;
      change.record = record;
      // What is being emptied is not wanted there any more.
      change.change = entry->state == DeliveredState::kThere &&
                              !(Emptying() && entry->unconfirmed)
                          ? Change::kAdd
                          : Change::kRemove;
      change.flags = SortedChange::kEcho;
      change.order = membership::kEchoOrder;
      if (absl::Status status = join.Add(change, sorter); !status.ok()) {
        return status;
      }
    }
  }
  return absl::OkStatus();
}

absl::Status ListPass::ReadOperation(const PassRoute& route) {
  if (environment_.operations == nullptr) return absl::OkStatus();
  operation_ = environment_.operations->FindOperation(list_);
  if (!operation_.has_value()) return absl::OkStatus();
  if (!operation_->needs_passes()) {
    operation_.reset();
    return absl::OkStatus();
  }
  operation_number_ = operation_->number;
  if (operation_->phase != membership::ListOperation::Phase::kRequested) {
    return absl::OkStatus();
  }
  if (previewing_ || !Reaches(*operation_, through_)) {
    // Taking it up is a pass's business.
    operation_.reset();
    return absl::OkStatus();
  }
  // What is applied or removed first would stay on the list that is replaced;
  // but if that has vanished, replacing it is the cure.
  bool vanished = false;
  if (operation_->kind == membership::ListOperation::Kind::kReplace &&
      absl::StrContains(
          GetErrorDetail(route.list_gate->condition().reason).reason,
          "NOT_FOUND")) {
    auto row = environment_.ledger->GetList(list_);
    if (!row.ok()) return row.status();
    row_ = *std::move(row);
    vanished = !row_.customer_list_id.empty() && IsGone(route);
  }
  auto taken = environment_.operations->TakeUp(list_, vanished);
  const std::string reason = GetErrorDetail(taken.status()).reason;
  if (reason == "TOO_MANY_REMOVALS_WAIT" || reason == "CREATION_UNANSWERED" ||
      reason == "FULL_SYNC_RELEASED") {
    Observe(DeliveryEvent::Kind::kOperationWaits,
            std::string(taken.status().message()));
    operation_.reset();
    return absl::OkStatus();
  }
  if (!taken.ok()) return taken.status();
  operation_ = *std::move(taken);
  // It was about the list that is not used any more.
  if (vanished) route.list_gate->Open();
  Observe(DeliveryEvent::Kind::kOperationBegun,
          OperationName(operation_->kind));
  return absl::OkStatus();
}

bool ListPass::Reaches(const membership::ListOperation& operation,
                       membership::CommitNumber through) {
  return operation.kind != membership::ListOperation::Kind::kEmpty ||
         operation.through <= through;
}

bool ListPass::OperationChanged() const {
  if (environment_.operations == nullptr) return false;
  const auto now = environment_.operations->FindOperation(list_);
  const uint64_t number =
      now.has_value() && now->needs_passes() ? now->number : 0;
  return number != operation_number_;
}

absl::Status ListPass::ReadPiece(FullSyncJoin& join, ChangeSorter& sorter) {
  if (!operation_.has_value()) return absl::OkStatus();
  using Kind = membership::ListOperation::Kind;
  const Kind kind = operation_->kind;
  piece_position_ = operation_->position;
  const auto take = [&](RecordView record, DeliveredState state) {
    SortedChange change;
    change.record = record;
    change.order = membership::kEchoOrder;
    change.flags = SortedChange::kOperation;
    switch (kind) {
      case Kind::kEmpty:
      case Kind::kEmptyFormer:
        change.change = Change::kRemove;
        break;
      case Kind::kResync:
      case Kind::kReplace:
        // What is refused is left to a replay.
        if (state == DeliveredState::kThere) {
          change.change = Change::kAdd;
        } else if (state == DeliveredState::kAbsentSince &&
                   kind == Kind::kResync) {
          change.change = Change::kRemove;
        } else {
          return absl::OkStatus();
        }
        break;
    }
    return join.Add(change, sorter);
  };
  auto last = environment_.operations->ReadEntries(
      kind == Kind::kEmptyFormer ? operation_->source : list_, &piece_position_,
      environment_.operation_piece, take);
  if (!last.ok()) return last.status();
  piece_is_last_ = *last;
  return absl::OkStatus();
}

absl::Status ListPass::ReadRuns(Change change, bool timed,
                                TimedAdditions* additions, FullSyncJoin& join,
                                ChangeSorter& sorter) {
  // Runs up to the settled commit may be kept for a full sync.
  const membership::CommitNumber settled = row_.settled;
  // What waited when the list was to be emptied, and what came since.
  const membership::CommitNumber superseded =
      Emptying() && change == Change::kAdd
          ? std::min(operation_->through, through_)
          : 0;
  if (superseded > settled) {
    if (absl::Status status =
            ReadRuns(change, settled, superseded, /*superseded=*/true,
                     /*timed=*/false, additions, join, sorter);
        !status.ok()) {
      return status;
    }
  }
  return ReadRuns(change, std::max(settled, superseded), through_,
                  /*superseded=*/false, timed, additions, join, sorter);
}

absl::Status ListPass::ReadRuns(Change change, membership::CommitNumber after,
                                membership::CommitNumber through,
                                bool superseded, bool timed,
                                TimedAdditions* additions, FullSyncJoin& join,
                                ChangeSorter& sorter) {
  auto runs = environment_.ledger->ReadRuns(list_, change, after, through);
  if (!runs.ok()) return runs.status();
  membership::RunEntry entry;
  while ((*runs)->Next(&entry)) {
    // An event counts with the list that the segment has now.
    const bool counted = entry.counted && !former();
    if (superseded) {
      if (counted) ++(entry.replay ? counts_.refused : counts_.superseded);
      if (entry.replay) continue;
    }
    SortedChange sorted;
    sorted.record = entry.record;
    sorted.order = entry.order;
    // An addition that is not wanted any more may have gone out all the same.
    sorted.change = superseded ? Change::kRemove : change;
    sorted.flags = (counted && !superseded ? SortedChange::kCounted : 0) |
                   (superseded ? SortedChange::kOperation : 0) |
                   (entry.replay ? SortedChange::kReplay : 0);
    if (timed && SetTime(entry, sorted) && change == Change::kAdd) {
      additions->Note(sorted);
    }
    if (absl::Status status = join.Add(sorted, sorter); !status.ok()) {
      return status;
    }
  }
  return (*runs)->status();
}

absl::Status ListPass::ReadRememberedExits(const TimedAdditions& additions,
                                           absl::Duration window,
                                           ChangeSorter& sorter) {
  membership::ExitFilter filter;
  filter.committed_from =
      absl::FromUnixMillis(additions.commit_millis) - window;
  filter.happened_from = absl::FromUnixMicros(additions.event_micros);
  // Newer ones are among the pass's own changes.
  auto exits =
      environment_.ledger->ReadRememberedExits(list_, row_.settled, filter);
  if (!exits.ok()) return exits.status();
  membership::RunEntry entry;
  while ((*exits)->Next(&entry)) {
    SortedChange sorted;
    sorted.record = entry.record;
    sorted.order = entry.order;
    sorted.change = Change::kRemove;
    sorted.flags = SortedChange::kRemembered;
    if (!SetTime(entry, sorted) ||
        sorted.event_micros < additions.event_micros) {
      continue;
    }
    if (absl::Status status = sorter.Add(sorted); !status.ok()) return status;
  }
  return (*exits)->status();
}

ListPass::StepResult ListPass::FindList(const PassRoute& route) {
  const absl::Time now = environment_.clock->Now();
  const auto gates = {&route.credential->gate(), route.destination_gate};
  StepResult otherwise;
  if (!GatesOpen(gates, &otherwise)) return otherwise;
  const auto pace = route.credential->pacer().TryAcquire(CallKind::kRead, now);
  if (!pace.granted) return {StepKind::kWait, pace.retry_time, pace.reason};
  if (!PassGates(gates, &otherwise)) return otherwise;

  if (finder_ == nullptr) {
    finder_ = std::make_unique<ListFinder>(
        list_name_,
        environment_.operations == nullptr
            ? std::vector<std::string>()
            : environment_.operations->OtherCustomerLists(list_),
        IgnoredThrough());
    look_began_ = now;
  }
  ReachCrashPoint(CrashPoint::kLookupAsked);
  auto page =
      route.credential->client().List(ad_account_id_, finder_->bookmark());
  route.credential->pacer().Observe(CallKind::kRead, page.call().rate_limits,
                                    now);
  if (!page.ok()) {
    finder_.reset();
    auto result = Failed(route, page.error(), 0, /*creation=*/false);
    return result.ok() ? *result
                       : StepResult{StepKind::kAbandoned, now, result.status()};
  }
  ReachCrashPoint(CrashPoint::kLookupAnswered);
  route.credential->NoteSuccess(/*read=*/true);
  for (Gate* gate : gates) gate_opened_ |= gate->OpenForRead();
  if (!finder_->AddPage(page.value())) return {StepKind::kAgain};

  const bool attempted = row_.creation_attempt_time != absl::InfinitePast();
  const std::unique_ptr<ListFinder> finder = std::move(finder_);
  if (row_.look_for_newer) {
    const std::optional<StepResult> adopted = TakeNewest(*finder, now);
    if (adopted.has_value()) return *adopted;
  }
  if (!attempted && !row_.ignored_through.empty() && !finder->id().empty()) {
    // A new list is wanted: none that was there before it is made.
    row_.ignored_through = finder->newest();
    if (absl::Status status = environment_.ledger->UpdateList(row_);
        !status.ok()) {
      return {absl::IsNotFound(status) ? StepKind::kGone : StepKind::kAbandoned,
              now + absl::Seconds(10), status};
    }
    phase_ = Phase::kRemovals;
    return {StepKind::kAgain};
  }
  if (finder->matches() > 1) {
    Observe(DeliveryEvent::Kind::kTwinListFound,
            absl::StrCat(finder->matches(), " lists have the name; list ",
                         finder->id(), " is used"));
  }
  if (!finder->id().empty()) {
    ReachCrashPoint(CrashPoint::kListFound);
    row_.customer_list_id = finder->id();
    // A list that we did not just try to create was there before this store,
    // with members that nobody here knows.
    // Nor is one believed that shows after its window: what was removed
    // meanwhile was not sent.
    // And of two it may be the other one that was made just now.
    row_.unknown_members =
        !attempted || finder->matches() > 1 ||
        now >= row_.creation_attempt_time +
                   route.destination->policy.creation_lookup_window;
    row_.creation_attempt_time = absl::InfinitePast();
    Count([&](membership::ListCounterRow& counted) {
      CountAdopted(row_, finder->list(), now, counted);
    });
    if (absl::Status status = environment_.ledger->UpdateList(row_);
        !status.ok()) {
      return {absl::IsNotFound(status) ? StepKind::kGone : StepKind::kAbandoned,
              now + absl::Seconds(10), status};
    }
    Observe(DeliveryEvent::Kind::kListAdopted,
            attempted ? "found after its creation was not answered"
                      : "found by its name");
    phase_ = Phase::kRemovals;
    return {StepKind::kAgain};
  }
  const absl::Duration window =
      route.destination->policy.creation_lookup_window;
  if (attempted && look_began_ < row_.creation_attempt_time + window) {
    // It may have been created and not show yet, or not have shown when this
    // look, of several pages, began: creating again would make two.
    if (now >= row_.creation_attempt_time + window) return {StepKind::kAgain};
    const absl::Duration poll = std::clamp(window / 10, absl::Milliseconds(100),
                                           absl::Duration(absl::Seconds(30)));
    return {
        StepKind::kWait, now + poll,
        MakeError(
            absl::StatusCode::kUnavailable, "LIST_CREATION_UNANSWERED",
            absl::StrCat("the creation of the list was not answered; "
                         "it is looked for until ",
                         absl::FormatTime(absl::RFC3339_sec,
                                          row_.creation_attempt_time + window,
                                          absl::UTCTimeZone()),
                         " and then created again"))};
  }
  phase_ = Phase::kRemovals;
  return {StepKind::kAgain};
}

bool ListPass::MustSend(const SortedChange& change,
                        const DeliveredEntry& entry) {
  const int64_t counted = change.flags & SortedChange::kCounted ? 1 : 0;
  const bool believed = !entry.unconfirmed && !doubts_.Contains(change.record);
  const bool echo = change.flags & SortedChange::kEcho;
  if (change.flags & SortedChange::kReplay) {
    const auto refused = change.change == Change::kAdd
                             ? DeliveredState::kRefusedAdd
                             : DeliveredState::kRefusedRemove;
    if (entry.state == refused && !row_.customer_list_id.empty()) return true;
    // Something newer was done about the record since: that stands.
    counts_.refused += counted;
    return false;
  }
  if (change.change == Change::kAdd) {
    if (!believed || echo) return true;
    if (entry.state == DeliveredState::kThere) {
      counts_.already_there += counted;
      return false;
    }
    if (entry.state == DeliveredState::kRefusedAdd &&
        (change.flags & SortedChange::kTryAgain) == 0) {
      counts_.refused += counted;
      return false;
    }
    return true;
  }

  if (row_.customer_list_id.empty()) {
    // Known of a list that was replaced: nobody may be sent to the new one for
    // it.
    if (entry.state.has_value()) return true;
    counts_.netted_out += counted;
    return false;
  }
  // The first request of the pass removed it.
  if (forced_.ContainsSorted(change.record)) {
    counts_.delivered += counted;
    return false;
  }
  // It came to the list after that was to be emptied.
  if ((change.flags & SortedChange::kOperation) && believed && !echo &&
      entry.state.has_value()) {
    return false;
  }
  if (!believed || echo || row_.unknown_members || MayBeThere(entry.state)) {
    return true;
  }
  if (memory_.early_removals.ContainsSorted(change.record)) {
    counts_.delivered += counted;
  } else {
    counts_.netted_out += counted;
  }
  return false;
}

absl::StatusOr<bool> ListPass::Fill(const PassRoute& route,
                                    SortedChanges::Reader& changes,
                                    Change change) {
  auto delivered = environment_.ledger->ReadDelivered(list_);
  if (!delivered.ok()) return delivered.status();
  const size_t max_records = MaxRecords(route);
  const size_t max_bytes = MaxWireBytes(route);
  bool ended = false;
  for (int looked_at = 0; looked_at < kChangesPerStep; ++looked_at) {
    if (filling_.size() >= max_records || filling_.wire_bytes() >= max_bytes) {
      break;
    }
    SortedChange next;
    auto more = changes.Next(&next);
    if (!more.ok()) return more.status();
    if (!*more) {
      ended = true;
      break;
    }
    if (change == Change::kAdd && newer_removals_.ContainsSorted(next.record)) {
      SortedChange::CountOvertaken(next.flags, counts_.superseded,
                                   counts_.refused);
      continue;
    }
    auto entry = (*delivered)->Find(next.record);
    if (!entry.ok()) return entry.status();
    if (MustSend(next, *entry)) filling_.Add(next.record, next.flags);
  }
  const bool full =
      filling_.size() >= max_records || filling_.wire_bytes() >= max_bytes;
  if (!filling_.empty() && (full || ended)) {
    Work work;
    work.change = change;
    work.records = std::move(filling_);
    filling_ = RecordBuffer();
    work_.push_back(std::move(work));
  }
  if (ended) {
    phase_ = change == Change::kRemove ? Phase::kAdditions : Phase::kSettle;
  }
  return !work_.empty();
}

absl::StatusOr<bool> ListPass::LookForRemovals(const PassRoute& route) {
  look_before_next_addition_ = false;
  last_look_ = environment_.clock->Now();
  const membership::CommitNumber synced =
      environment_.ledger->PassableCommit(list_);
  if (synced <= looked_through_) return true;
  auto runs = environment_.ledger->ReadRuns(list_, Change::kRemove,
                                            looked_through_, synced);
  if (!runs.ok()) return runs.status();
  std::vector<Record> found;
  membership::RunEntry entry;
  while ((*runs)->Next(&entry)) {
    if (found.size() + newer_removals_.size() >= kMaxNewerRemovals) {
      return false;
    }
    found.push_back(Record::FromView(entry.record));
  }
  if (!(*runs)->status().ok()) return (*runs)->status();
  const RecordBuffer forced = ForcedBetween(looked_through_, synced);
  looked_through_ = synced;
  if (found.empty()) return true;
  std::sort(found.begin(), found.end());
  found.erase(std::unique(found.begin(), found.end()), found.end());

  if (!row_.customer_list_id.empty()) {
    auto delivered = environment_.ledger->ReadDelivered(list_);
    if (!delivered.ok()) return delivered.status();
    std::vector<Work> early;
    for (const Record& record : found) {
      auto state = (*delivered)->Find(record);
      if (!state.ok()) return state.status();
      if (!MayBeThere(state->state) && !state->unconfirmed &&
          !row_.unknown_members && !doubts_.Contains(record) &&
          !forced.ContainsSorted(record)) {
        continue;
      }
      if (early.empty() || early.back().records.size() >= MaxRecords(route) ||
          early.back().records.wire_bytes() >= MaxWireBytes(route)) {
        early.emplace_back();
        early.back().early = true;
      }
      early.back().records.Add(record, 0);
    }
    DropCancelledAdditions();
    if (!early.empty()) ReachCrashPoint(CrashPoint::kEarlyRemovalsTaken);
    for (Work& work : early) work_.push_back(std::move(work));
  }

  std::vector<Record> all = std::move(found);
  for (size_t i = 0; i < newer_removals_.size(); ++i) {
    all.push_back(Record::FromView(newer_removals_[i]));
  }
  std::sort(all.begin(), all.end());
  newer_removals_.Clear();
  for (size_t i = 0; i < all.size(); ++i) {
    if (i == 0 || all[i] != all[i - 1]) newer_removals_.Add(all[i], 0);
  }
  DropCancelledAdditions();
  return true;
}

void ListPass::DropCancelledAdditions() {
  if (newer_removals_.empty()) return;
  const auto keep_others = [this](RecordBuffer& records) {
    RecordBuffer kept;
    for (size_t i = 0; i < records.size(); ++i) {
      if (newer_removals_.ContainsSorted(records[i])) {
        SortedChange::CountOvertaken(records.flags(i), counts_.superseded,
                                     counts_.refused);
      } else {
        kept.Add(records[i], records.flags(i));
      }
    }
    records = std::move(kept);
  };
  for (Work& work : work_) {
    if (work.change == Change::kAdd) keep_others(work.records);
  }
  if (phase_ == Phase::kAdditions) keep_others(filling_);
}

absl::StatusOr<ListPass::StepResult> ListPass::Settle() {
  if (!suspects_.empty()) {
    // Nothing shows that the records are to blame; they stay pending.
    return StepResult{
        StepKind::kAbandoned, environment_.clock->Now() + kLongProbeInterval,
        MakeError(absl::StatusCode::kFailedPrecondition,
                  "RECORD_REFUSED_WITHOUT_PROOF",
                  absl::StrCat("Pinterest refuses ", suspects_.size(),
                               " records, and no other request "
                               "shows that it is their fault"))};
  }
  const absl::Time now = environment_.clock->Now();
  // Everything that is in doubt was confirmed since by a newer request. But
  // what was not answered may still be applied after that one, and undo a
  // change yet to come: it is remembered for as long as that may happen.
  membership::DoubtNumber last_over = 0;
  if (absl::Status status = ReadDoubts(); !status.ok()) return status;
  for (const auto& [number, time] : memory_.doubt_times) {
    memory_.covered_through = number;
  }
  for (const auto& [number, time] : memory_.doubt_times) {
    if (time + kEchoDelay > now) break;
    last_over = number;
  }
  memory_.doubt_times.erase(memory_.doubt_times.begin(),
                            memory_.doubt_times.upper_bound(last_over));
  if (absl::Status status =
          environment_.ledger->Settle(list_, through_, last_over, counts_, now);
      !status.ok()) {
    return status;
  }
  if (operation_.has_value()) {
    if (absl::Status status = environment_.operations->Advance(
            list_, operation_->number, piece_position_, piece_sent_,
            piece_is_last_);
        !status.ok()) {
      return status;
    }
    if (piece_is_last_) {
      Observe(DeliveryEvent::Kind::kOperationEnded,
              OperationName(operation_->kind));
    }
  }
  if (!echoes_.empty()) ReachCrashPoint(CrashPoint::kEchoesUnended);
  for (uint64_t echo : echoes_) {
    if (absl::Status status = environment_.ledger->EndEcho(list_, echo);
        !status.ok()) {
      return status;
    }
  }
  Observe(DeliveryEvent::Kind::kPassSettled,
          absl::StrCat("added=", sent_additions_, " removed=", sent_removals_,
                       " already_there=", counts_.already_there, " netted_out=",
                       counts_.netted_out, " superseded=", counts_.superseded,
                       " refused=", counts_.refused));
  return StepResult{StepKind::kSettled};
}

bool ListPass::NextIsRemoval() const {
  if (!work_.empty()) return work_.back().change == Change::kRemove;
  if (phase_ == Phase::kFindList) return changes_.removals.count() > 0;
  return phase_ == Phase::kPrepare || phase_ == Phase::kRemovals;
}

PassMemory ListPass::TakeMemory(bool settled) {
  PassMemory memory = std::move(memory_);
  if (!settled) {
    // The removals are still pending: those of before and those of this pass.
    for (size_t i = 0; i < memory.early_removals.size(); ++i) {
      early_confirmed_.Add(memory.early_removals[i], 0);
    }
  }
  std::vector<Record> records;
  for (size_t i = 0; i < early_confirmed_.size(); ++i) {
    records.push_back(Record::FromView(early_confirmed_[i]));
  }
  std::sort(records.begin(), records.end());
  memory.early_removals = RecordBuffer();
  records.erase(std::unique(records.begin(), records.end()), records.end());
  // Without them these removals count as netted out, and nothing else.
  if (records.size() > kMaxNewerRemovals) records.clear();
  for (const Record& record : records) memory.early_removals.Add(record, 0);
  return memory;
}

size_t ListPass::MaxRecords(const PassRoute& route) const {
  const int64_t configured = route.destination->policy.max_request_records;
  return static_cast<size_t>(row_.learnt_max_records > 0
                                 ? std::min(configured, row_.learnt_max_records)
                                 : configured);
}

size_t ListPass::MaxWireBytes(const PassRoute& route) const {
  // What stands around the records: the other fields, the name at its longest
  // escaping, and the record that may still be added below the bound.
  const int64_t around =
      200 + 6 * static_cast<int64_t>(list_name_.size()) +
      static_cast<int64_t>(identity_mapping::kMaxRecordPayload);
  return static_cast<size_t>(std::max<int64_t>(
      1, route.destination->policy.max_request_bytes - around));
}

void ListPass::Count(
    absl::FunctionRef<void(membership::ListCounterRow&)> change) {
  if (environment_.counters == nullptr) return;
  if (absl::Status status =
          environment_.counters->ChangeCounters(list_, change);
      !status.ok() && !absl::IsNotFound(status)) {
    Observe(DeliveryEvent::Kind::kInternalError, std::string(status.message()));
  }
}

void ListPass::Observe(DeliveryEvent::Kind kind, std::string message) const {
  if (environment_.observer == nullptr) return;
  environment_.observer(
      {kind, ad_account_id_, list_, row_.customer_list_id, std::move(message)});
}

}  // namespace connector::delivery
