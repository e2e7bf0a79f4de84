// What becomes of a request: how it goes out, and what each answer means.

#include <algorithm>
#include <initializer_list>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "connector/base/crash_point.h"
#include "connector/base/limits.h"
#include "connector/delivery/backoff.h"
#include "connector/delivery/counter_track.h"
#include "connector/delivery/delivery_timing.h"
#include "connector/delivery/list_pass.h"

namespace connector::delivery {
namespace {

using identity_mapping::Record;
using identity_mapping::RecordView;
using membership::Change;
using StepKind = ListPass::StepResult::Kind;

}  // namespace

absl::StatusOr<ListPass::StepResult> ListPass::Send(const PassRoute& route) {
  Work& work = work_.back();
  const bool creation = row_.customer_list_id.empty();
  if (work.records.empty()) {
    // All of it was cancelled.
    work_.pop_back();
    return StepResult{StepKind::kAgain};
  }
  if (creation && work.change == Change::kRemove) {
    if (absl::Status status = RemoveHere(); !status.ok()) return status;
    return StepResult{StepKind::kAgain};
  }
  const absl::Time now = environment_.clock->Now();
  const auto gates = {&route.credential->gate(), route.destination_gate,
                      route.list_gate};
  StepResult otherwise;
  if (!GatesOpen(gates, &otherwise)) return otherwise;
  const CallKind kind =
      work.change == Change::kRemove ? CallKind::kRemoval : CallKind::kAddition;
  CallPacer& pacer = route.credential->pacer();
  const auto pace = pacer.TryAcquire(kind, now);
  if (!pace.granted) {
    StepResult wait{StepKind::kWait, pace.retry_time, pace.reason};
    wait.removals_may_pass = kind == CallKind::kAddition;
    return wait;
  }
  if (!PassGates(gates, &otherwise)) return otherwise;

  const std::vector<RecordView> records = work.records.views();
  if (creation) {
    row_.creation_attempt_time = now;
    if (absl::Status status = environment_.ledger->UpdateList(row_);
        !status.ok()) {
      return status;
    }
    ReachCrashPoint(CrashPoint::kCreationNoted);
  }
  const auto sent = static_cast<int64_t>(records.size());
  // Made durable by the doubt's write.
  Count([&](membership::ListCounterRow& counted) {
    CountRequest(row_, work.change, sent, now, counted);
  });
  auto doubt = environment_.ledger->BeginRequest(
      list_, work.change, records.front(), records.back());
  if (!doubt.ok()) return doubt.status();
  memory_.doubt_times[*doubt] = now;
  ReachCrashPoint(CrashPoint::kRequestAboutToGo);

  pinterest::CustomerListClient& client = route.credential->client();
  auto answer =
      creation ? client.Create(ad_account_id_, list_name_,
                               route.destination->mapping->ListType(), records)
               : client.Update(ad_account_id_, row_.customer_list_id,
                               work.change == Change::kAdd
                                   ? pinterest::Operation::kAdd
                                   : pinterest::Operation::kRemove,
                               records);
  pacer.Observe(kind, answer.call().rate_limits, environment_.clock->Now());
  probing_.clear();
  if (!answer.ok()) return Failed(route, answer.error(), *doubt, creation);
  ReachCrashPoint(CrashPoint::kRequestAnswered);

  for (Gate* gate : gates) gate_opened_ |= gate->Open();
  route.credential->NoteSuccess(/*read=*/false);
  if (absl::Status status = Succeeded(route, answer.value(), *doubt);
      !status.ok()) {
    return status;
  }
  return StepResult{StepKind::kAgain};
}

absl::Status ListPass::RemoveHere() {
  const Work work = std::move(work_.back());
  work_.pop_back();
  for (size_t i = 0; i < work.records.size(); ++i) {
    if (!work.early && (work.records.flags(i) & SortedChange::kCounted)) {
      ++counts_.netted_out;
    }
  }
  return environment_.ledger->Confirm(list_, Change::kRemove,
                                      work.records.views(), /*doubt=*/0, {},
                                      absl::InfiniteFuture());
}

// A 404 may also be about the account, or a read may be answered by a part of
// Pinterest that does not know the list yet.
bool ListPass::IsGone(const PassRoute& route) {
  const auto read = [&](auto call) {
    const absl::Time now = environment_.clock->Now();
    CallPacer& pacer = route.credential->pacer();
    if (!pacer.TryAcquire(CallKind::kRead, now).granted) return false;
    return call();
  };
  return read([&] {
           auto list = route.credential->client().Get(ad_account_id_,
                                                      row_.customer_list_id);
           return !list.ok() &&
                  list.error().error_class == pinterest::ErrorClass::kNotFound;
         }) &&
         read([&] {
           return route.credential->client().List(ad_account_id_, "").ok();
         });
}

absl::Status ListPass::Succeeded(const PassRoute&,
                                 const pinterest::CustomerList& answer,
                                 membership::DoubtNumber doubt) {
  const Work work = std::move(work_.back());
  work_.pop_back();
  Count([&](membership::ListCounterRow& counted) {
    CountAnswer(work.change, static_cast<int64_t>(work.records.size()), answer,
                environment_.clock->Now(), counted);
  });
  failures_ = 0;
  ++successes_[static_cast<int>(work.change)];
  if (row_.customer_list_id.empty()) {
    ReachCrashPoint(CrashPoint::kCreationAnswered);
    row_.customer_list_id = answer.id;
    row_.unknown_members = false;
    row_.creation_attempt_time = absl::InfinitePast();
    if (absl::Status status = environment_.ledger->UpdateList(row_);
        !status.ok()) {
      return status;
    }
    ReachCrashPoint(CrashPoint::kCreationStored);
    Observe(DeliveryEvent::Kind::kListCreated,
            "created with its first records");
  }
  if (!answer.exceptions_json.empty()) {
    Observe(DeliveryEvent::Kind::kExceptions, answer.exceptions_json);
  }

  const std::vector<RecordView> records = work.records.views();
  std::vector<RecordView> echoes;
  // A request that was given up may be applied after this one, which asked for
  // the opposite: then this one has to be repeated.
  const Change opposite =
      work.change == Change::kAdd ? Change::kRemove : Change::kAdd;
  for (RecordView record : records) {
    if (late_.Contains(opposite, record)) echoes.push_back(record);
  }
  if (absl::Status status = environment_.ledger->Confirm(
          list_, work.change, records, doubt, echoes,
          environment_.clock->Now() + kEchoDelay);
      !status.ok()) {
    return status;
  }
  if (work.early) ReachCrashPoint(CrashPoint::kEarlyRemovalsConfirmed);
  (work.change == Change::kRemove ? sent_removals_ : sent_additions_) +=
      static_cast<int64_t>(records.size());
  for (size_t i = 0; i < records.size(); ++i) {
    if (work.records.flags(i) & SortedChange::kOperation) ++piece_sent_;
    if (work.early) {
      early_confirmed_.Add(records[i], 0);
    } else if (work.records.flags(i) & SortedChange::kCounted) {
      ++counts_.delivered;
    }
  }
  TryProvableSuspects();
  return absl::OkStatus();
}

absl::StatusOr<ListPass::StepResult> ListPass::Failed(
    const PassRoute& route, const pinterest::ApiError& error,
    membership::DoubtNumber doubt, bool creation) {
  using pinterest::ErrorClass;
  ReachCrashPoint(CrashPoint::kRequestFailed);
  Observe(DeliveryEvent::Kind::kRequestFailed,
          absl::StrCat(pinterest::ErrorClassName(error.error_class), " ",
                       error.message));
  const CallKind kind = doubt == 0 ? CallKind::kRead
                                   : (work_.back().change == Change::kRemove
                                          ? CallKind::kRemoval
                                          : CallKind::kAddition);
  look_before_next_addition_ = true;
  if (doubt != 0 && !error.outcome_unknown) {
    const Work& refused = work_.back();
    Count([&](membership::ListCounterRow& counted) {
      CountNotSent(refused.change, static_cast<int64_t>(refused.records.size()),
                   counted);
    });
    if (absl::Status status = environment_.ledger->CancelRequest(list_, doubt);
        !status.ok()) {
      return status;
    }
    if (creation) {
      row_.creation_attempt_time = absl::InfinitePast();
      if (absl::Status status = environment_.ledger->UpdateList(row_);
          !status.ok()) {
        return status;
      }
    }
  } else if (doubt != 0) {
    if (absl::Status status = ReadDoubts(); !status.ok()) return status;
    // Whether the list is there now has to be found out before anything else.
    if (creation) phase_ = Phase::kFindList;
  }

  const absl::Status reason = error.ToStatus();
  switch (error.error_class) {
    case ErrorClass::kRetryable:
      return Retry(route, error, kind);
    case ErrorClass::kRateLimited: {
      ++failures_;
      const absl::Time until =
          environment_.clock->Now() +
          error.call.retry_after.value_or(
              absl::Seconds(1) + FullJitter(failures_, kFirstRetryDelay,
                                            kLongestRetryDelay,
                                            *environment_.random));
      route.credential->pacer().HoldUntil(kind, until, reason);
      return StepResult{StepKind::kWait, until, reason};
    }
    case ErrorClass::kSpamBlocked:
      return Block(route.credential->gate(), reason, kSpamProbeInterval,
                   doubt == 0);
    case ErrorClass::kUnauthorized:
      return Block(route.credential->gate(), reason, kProbeInterval,
                   doubt == 0);
    case ErrorClass::kForbidden:
      return Block(*route.destination_gate, reason, kLongProbeInterval,
                   doubt == 0);
    case ErrorClass::kNotFound:
      if (doubt != 0 && former() && IsGone(route)) {
        // Nobody is on it any more.
        Observe(DeliveryEvent::Kind::kListGone, "the replaced list is gone");
        if (environment_.forgets != nullptr) {
          if (absl::Status s = environment_.forgets->NoteListGone(list_);
              !s.ok()) {
            return s;
          }
        }
        work_.clear();
        suspects_.clear();
        piece_is_last_ = true;
        phase_ = Phase::kSettle;
        return StepResult{StepKind::kAgain};
      }
      return Block(
          doubt == 0 || creation ? *route.destination_gate : *route.list_gate,
          reason, kLongProbeInterval, doubt == 0);
    case ErrorClass::kTooLarge:
      if (doubt == 0 || work_.back().records.size() <= 1) break;
      row_.learnt_max_records =
          static_cast<int64_t>(work_.back().records.size() / 2);
      if (absl::Status status = environment_.ledger->UpdateList(row_);
          !status.ok()) {
        return status;
      }
      Halve();
      return StepResult{StepKind::kAgain};
    case ErrorClass::kBadRequest:
      if (doubt == 0) break;
      return Refused(route, error);
    case ErrorClass::kUnexpected:
      break;
  }
  return Block(doubt == 0 ? *route.destination_gate : *route.list_gate, reason,
               kLongProbeInterval, doubt == 0);
}

ListPass::StepResult ListPass::Retry(const PassRoute& route,
                                     const pinterest::ApiError& error,
                                     CallKind kind) {
  ++failures_;
  const absl::Time now = environment_.clock->Now();
  const bool read = kind == CallKind::kRead;
  if (route.credential->NoteFailure(read) >= kFailuresUntilBlocked) {
    // Pinterest is away, not this list: one probe for all.
    return Block(route.credential->gate(), error.ToStatus(), kOutageInterval,
                 read);
  }
  const absl::Duration delay =
      std::max(error.call.retry_after.value_or(absl::ZeroDuration()),
               FullJitter(failures_, kFirstRetryDelay, kLongestRetryDelay,
                          *environment_.random));
  return {StepKind::kWait, now + delay, error.ToStatus()};
}

ListPass::StepResult ListPass::Block(Gate& gate, const absl::Status& reason,
                                     absl::Duration interval, bool by_read) {
  const absl::Time now = environment_.clock->Now();
  probing_.clear();
  gate.Close(reason, now, interval, by_read);
  Observe(DeliveryEvent::Kind::kBlocked,
          absl::StrCat("tried again in ", absl::FormatDuration(interval), ": ",
                       reason.message()));
  // A little later than the others that wait at the gate: if it is this list's
  // own fault, the next probe must be somebody else's.
  return {StepKind::kAbandoned, now + interval + kStandBack, reason};
}

absl::StatusOr<ListPass::StepResult> ListPass::Refused(
    const PassRoute& route, const pinterest::ApiError& error) {
  Work& work = work_.back();
  if (!work.successes_at_refusal.has_value()) {
    work.successes_at_refusal = successes_[static_cast<int>(work.change)];
  }
  if (work.records.size() > 1) {
    if (halving_requests_ + 2 > limits::kMaxHalvingRequestsPerPass) {
      return Block(*route.list_gate, error.ToStatus(), kLongProbeInterval,
                   /*by_read=*/false);
    }
    halving_requests_ += 2;
    Halve();
    return StepResult{StepKind::kAgain};
  }
  if (!work.last_try) {
    suspects_.push_back(std::move(work));
    work_.pop_back();
    TryProvableSuspects();
    return StepResult{StepKind::kAgain};
  }

  membership::Refusal refusal;
  refusal.record = Record::FromView(work.records[0]);
  refusal.change = work.change;
  refusal.http_status = error.call.http_status;
  refusal.message = error.message;
  refusal.request_id = error.call.request_id;
  if (!work.early && (work.records.flags(0) & SortedChange::kCounted)) {
    ++counts_.refused;
  }
  work_.pop_back();
  Observe(DeliveryEvent::Kind::kRecordsRefused, "a record is refused for good");
  if (absl::Status status = environment_.ledger->Refuse(list_, {refusal});
      !status.ok()) {
    return status;
  }
  return StepResult{StepKind::kAgain};
}

// A record is to blame only if the list took another request of the same kind
// after the first refusal, and then refuses this one again: otherwise anything
// may be wrong, and nobody's membership is dropped.
void ListPass::TryProvableSuspects() {
  std::vector<Work> others;
  for (Work& suspect : suspects_) {
    if (successes_[static_cast<int>(suspect.change)] >
        *suspect.successes_at_refusal) {
      suspect.last_try = true;
      work_.push_back(std::move(suspect));
    } else {
      others.push_back(std::move(suspect));
    }
  }
  suspects_ = std::move(others);
}

void ListPass::Halve() {
  Work whole = std::move(work_.back());
  work_.pop_back();
  const size_t middle = whole.records.size() / 2;
  Work halves[2];
  for (size_t i = 0; i < whole.records.size(); ++i) {
    halves[i < middle ? 0 : 1].records.Add(whole.records[i],
                                           whole.records.flags(i));
  }
  // The last goes first: the lower half.
  for (int half : {1, 0}) {
    halves[half].change = whole.change;
    halves[half].early = whole.early;
    halves[half].successes_at_refusal = whole.successes_at_refusal;
    work_.push_back(std::move(halves[half]));
  }
  ReachCrashPoint(CrashPoint::kRequestHalved);
}

}  // namespace connector::delivery
