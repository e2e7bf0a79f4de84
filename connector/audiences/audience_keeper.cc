#include "connector/audiences/audience_keeper.h"

#include <algorithm>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "connector/base/error.h"
#include "connector/base/limits.h"

namespace connector::audiences {
namespace {

using membership::AudienceRow;
using membership::DestinationNumber;

absl::Status CheckText(absl::string_view field, absl::string_view text,
                       size_t max_bytes) {
  if (text.size() > max_bytes) {
    return FieldError(field,
                      absl::StrCat("must be at most ", max_bytes, " bytes"));
  }
  if (absl::StrContains(text, '@')) {
    return FieldError(field, "must not contain '@'");
  }
  if (std::any_of(text.begin(), text.end(),
                  [](char c) { return absl::ascii_iscntrl(c); })) {
    return FieldError(field, "must not contain control characters");
  }
  return absl::OkStatus();
}

}  // namespace

AudienceKeeper::AudienceKeeper(AudienceKeeperOptions options)
    : options_(std::move(options)) {
  OnConfigurationChanged();
}

AudienceKeeper::~AudienceKeeper() { Stop(); }

void AudienceKeeper::Start() {
  for (int i = 0; i < options_.workers; ++i) {
    threads_.emplace_back([this] { Work(); });
  }
}

void AudienceKeeper::Stop() {
  {
    absl::MutexLock lock(&mutex_);
    stopping_ = true;
    wake_.SignalAll();
  }
  for (std::thread& thread : threads_) thread.join();
  threads_.clear();
}

void AudienceKeeper::Work() {
  absl::MutexLock lock(&mutex_);
  while (!stopping_) {
    const absl::Time now = options_.environment.clock->Now();
    absl::Time next;
    const DestinationNumber destination = PickReady(now, &next);
    if (destination == 0) {
      wake_.WaitWithTimeout(&mutex_,
                            std::clamp(next - now, absl::Milliseconds(1),
                                       options_.longest_sleep));
      continue;
    }
    mutex_.Unlock();
    RunStep(destination);
    mutex_.Lock();
  }
}

bool AudienceKeeper::RunReadyStep() {
  DestinationNumber destination;
  {
    absl::MutexLock lock(&mutex_);
    absl::Time next;
    destination = PickReady(options_.environment.clock->Now(), &next);
  }
  if (destination == 0) return false;
  RunStep(destination);
  return true;
}

absl::Time AudienceKeeper::NextStepTime() {
  absl::MutexLock lock(&mutex_);
  return queue_.empty() ? absl::InfiniteFuture() : std::get<0>(*queue_.begin());
}

DestinationNumber AudienceKeeper::PickReady(absl::Time now, absl::Time* next) {
  *next = absl::InfiniteFuture();
  for (const auto& place : queue_) {
    const auto [due, ticket, destination] = place;
    if (due > now) {
      *next = due;
      break;
    }
    Task& task = tasks_.at(destination);
    // One that hangs must leave threads to others.
    if (!busy_.insert(task.credential_id).second) continue;
    queue_.erase({due, ticket, destination});
    task.running = true;
    task.roused = false;
    return destination;
  }
  return 0;
}

void AudienceKeeper::RunStep(DestinationNumber destination) {
  AccountAudiences* account;
  {
    absl::MutexLock lock(&mutex_);
    // Nobody takes a running task away.
    account = tasks_.at(destination).account.get();
  }
  const AccountAudiences::StepResult result = account->Step();
  absl::MutexLock lock(&mutex_);
  Task& task = tasks_.at(destination);
  busy_.erase(task.credential_id);
  task.running = false;
  if (result.gone) {
    tasks_.erase(destination);
  } else {
    Enqueue(destination, task,
            task.roused ? absl::InfinitePast() : result.time);
  }
  wake_.SignalAll();  // this credential has a place free
}

void AudienceKeeper::Enqueue(DestinationNumber destination, Task& task,
                             absl::Time due) {
  queue_.erase({task.due, task.ticket, destination});
  task.due = due;
  task.ticket = ++last_ticket_;
  // The credential as configured now: for whom it counts as busy.
  const auto state = options_.registry->FindDestination(destination);
  if (state != nullptr) task.credential_id = state->credential_id;
  if (due == absl::InfiniteFuture()) return;
  queue_.insert({task.due, task.ticket, destination});
  wake_.Signal();
}

void AudienceKeeper::OnConfigurationChanged() {
  const auto destinations = options_.registry->Destinations();
  absl::MutexLock lock(&mutex_);
  for (const auto& destination : destinations) {
    Task& task = tasks_[destination->number];
    if (task.account == nullptr) {
      task.account = std::make_unique<AccountAudiences>(options_.environment,
                                                        destination->number);
    }
  }
  for (auto& [number, task] : tasks_) {
    if (task.running) {
      task.roused = true;
    } else {
      Enqueue(number, task, absl::InfinitePast());
    }
  }
}

void AudienceKeeper::Rouse(DestinationNumber destination) {
  absl::MutexLock lock(&mutex_);
  const auto found = tasks_.find(destination);
  if (found == tasks_.end()) return;
  if (found->second.running) {
    found->second.roused = true;
  } else {
    Enqueue(destination, found->second, absl::InfinitePast());
  }
}

void AudienceKeeper::OnListChanged(membership::ListNumber list) {
  const auto row = options_.environment.ledger->GetList(list);
  if (row.ok()) Rouse(row->destination);
}

absl::StatusOr<membership::AudienceKey> AudienceKeeper::KeyOf(
    membership::SegmentNumber segment) {
  const auto row = options_.environment.ledger->GetSegment(segment);
  if (!row.ok()) return row.status();
  membership::AudienceKey key;
  key.destination = row->destination;
  key.segment = segment;
  return key;
}

absl::Status AudienceKeeper::Rename(membership::SegmentNumber segment,
                                    absl::string_view name,
                                    absl::string_view description) {
  if (absl::Status s = CheckText("name", name, limits::kMaxAudienceNameBytes);
      !s.ok()) {
    return s;
  }
  if (absl::Status s =
          CheckText("description", description, limits::kMaxDescriptionBytes);
      !s.ok()) {
    return s;
  }
  const auto key = KeyOf(segment);
  if (!key.ok()) return key.status();
  const auto changed = options_.environment.audiences->ChangeAudience(
      *key, [&](AudienceRow& row) {
        row.wanted_name = std::string(name);
        row.wanted_description = std::string(description);
      });
  if (!changed.ok()) return changed.status();
  Rouse(key->destination);
  return absl::OkStatus();
}

absl::Status AudienceKeeper::Retire(membership::SegmentNumber segment) {
  const auto key = KeyOf(segment);
  if (!key.ok()) return key.status();
  const auto changed = options_.environment.audiences->ChangeAudience(
      *key, [](AudienceRow& row) {
        row.retired = true;
        row.replace_if_ended = false;
      });
  if (!changed.ok()) return changed.status();
  Rouse(key->destination);
  return absl::OkStatus();
}

absl::Status AudienceKeeper::Revive(membership::SegmentNumber segment) {
  const auto key = KeyOf(segment);
  if (!key.ok()) return key.status();
  const auto changed = options_.environment.audiences->ChangeAudience(
      *key, [now = options_.environment.clock->Now()](AudienceRow& row) {
        const bool over = row.retirement_confirmed ||
                          row.status == "ARCHIVED" || row.status == "GONE";
        const bool asked = row.retired;
        row.retired = false;
        row.retirement_confirmed = false;
        if (row.audience_id.empty()) return;
        if (over) {
          row.abandoned_ids.push_back(row.audience_id);
          row.audience_id.clear();
          row.rule.clear();
          row.status.clear();
          row.size.reset();
          row.status_time = absl::InfinitePast();
        } else if (asked) {
          // The request may be under way.
          row.replace_if_ended = true;
          row.revive_time = now;
        }
      });
  if (!changed.ok()) return changed.status();
  Rouse(key->destination);
  return absl::OkStatus();
}

absl::Status AudienceKeeper::PointAtList(membership::SegmentNumber segment) {
  const auto key = KeyOf(segment);
  if (!key.ok()) return key.status();
  Rouse(key->destination);
  return absl::OkStatus();
}

absl::Status AudienceKeeper::Forget(membership::SegmentNumber segment) {
  const auto key = KeyOf(segment);
  if (!key.ok()) return key.status();
  if (absl::Status s = options_.environment.audiences->DeleteAudience(*key);
      !s.ok()) {
    return s;
  }
  Rouse(key->destination);
  return absl::OkStatus();
}

}  // namespace connector::audiences
