#include "connector/delivery/deliverer.h"

#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "absl/strings/str_cat.h"
#include "connector/base/error.h"
#include "connector/delivery/delivery_timing.h"

namespace connector::delivery {
namespace {

using membership::DestinationNumber;
using membership::ListNumber;
using StepKind = ListPass::StepResult::Kind;

// Places that no other credential's passes can take.
constexpr int kPassesForEveryCredential = 2;

// A pass that has to wait longer is given up and made anew afterwards.
constexpr absl::Duration kLongestHeldWait = absl::Seconds(90);

// Bytes of a run entry of the usual kind: a change in the number of which a
// full request counts.
constexpr int64_t kRunEntryBytes = 33;

}  // namespace

absl::StatusOr<std::unique_ptr<Deliverer>> Deliverer::Create(
    DelivererOptions options) {
  if (mkdir(options.spill_directory.c_str(), 0700) != 0 && errno != EEXIST) {
    return MakeError(absl::StatusCode::kFailedPrecondition, "SPILL_FAILED",
                     absl::StrCat("making the directory for temporary files: ",
                                  std::strerror(errno)));
  }
  std::unique_ptr<Deliverer> deliverer(new Deliverer(std::move(options)));
  Deliverer* const raw = deliverer.get();
  raw->options_.ledger->SetCommitListener(
      [raw](ListNumber list, bool has_removals) {
        raw->OnCommit(list, has_removals);
      });
  if (raw->options_.full_syncs != nullptr) {
    raw->options_.full_syncs->SetFullSyncListener([raw] {
      absl::MutexLock lock(&raw->mutex_);
      raw->full_syncs_changed_ = true;
      raw->full_sync_wake_.Signal();
    });
  }
  if (raw->options_.operations != nullptr) {
    raw->options_.operations->SetOperationListener(
        [raw](ListNumber list) { raw->OnOperation(list); });
  }
  absl::MutexLock lock(&raw->mutex_);
  if (raw->options_.operations != nullptr) {
    for (const auto& row : raw->options_.operations->OperatedLists()) {
      raw->FindOrAddTask(row.number, row.destination);
    }
  }
  for (const auto& [list, time] : raw->options_.ledger->EchoTimes()) {
    auto row = raw->options_.ledger->GetList(list);
    if (!row.ok()) continue;
    raw->FindOrAddTask(list, row->destination).echo_time = time;
  }
  for (const auto& pending : raw->options_.ledger->PendingLists()) {
    raw->FindOrAddTask(pending.list, pending.destination);
  }
  for (auto& [list, task] : raw->tasks_) raw->Schedule(*task);
  return deliverer;
}

Deliverer::Deliverer(DelivererOptions options)
    : options_(std::move(options)), sort_budget_(options_.sort_memory_bytes) {
  environment_.ledger = options_.ledger;
  environment_.counters = options_.counters;
  environment_.clock = options_.clock;
  environment_.random = options_.random;
  environment_.sort_budget = &sort_budget_;
  environment_.spill_directory = options_.spill_directory;
  environment_.observer = options_.observer;
  environment_.operations = options_.operations;
  environment_.forgets = options_.forgets;
  environment_.operation_piece = options_.operation_piece;
  environment_.full_syncs = options_.full_syncs;
  environment_.stop = &stop_;
  if (options_.people != nullptr) {
    people_runner_ = std::make_unique<PeopleRunner>(PeopleRunner::Options{
        options_.people, options_.registry, options_.clock, &sort_budget_,
        options_.spill_directory, &stop_, options_.observer});
  }
  if (options_.full_syncs == nullptr) return;
  full_sync_runner_ = std::make_unique<FullSyncRunner>(
      FullSyncRunner::Options{{options_.ledger, options_.full_syncs,
                               &sort_budget_, options_.spill_directory, &stop_},
                              options_.operations,
                              options_.intake,
                              options_.registry,
                              options_.clock,
                              options_.min_members_to_confirm,
                              options_.observer});
}

Deliverer::~Deliverer() {
  Stop();
  options_.ledger->SetCommitListener(nullptr);
  if (options_.full_syncs != nullptr) {
    options_.full_syncs->SetFullSyncListener(nullptr);
  }
  if (options_.operations != nullptr) {
    options_.operations->SetOperationListener(nullptr);
  }
}

void Deliverer::Start() {
  for (int i = 0; i < options_.workers; ++i) {
    threads_.emplace_back([this] { Work(); });
  }
  if (full_sync_runner_ != nullptr) {
    threads_.emplace_back([this] { JudgeFullSyncs(); });
  }
  if (people_runner_ != nullptr) {
    threads_.emplace_back([this] { BringPeopleUp(); });
  }
}

void Deliverer::Stop() {
  {
    absl::MutexLock lock(&mutex_);
    stopping_ = true;
    stop_ = true;
    wake_.SignalAll();
    full_sync_wake_.SignalAll();
    people_wake_.SignalAll();
    step_ended_.SignalAll();
  }
  for (std::thread& thread : threads_) thread.join();
  threads_.clear();
}

void Deliverer::Work() {
  absl::MutexLock lock(&mutex_);
  while (!stopping_) {
    const absl::Time now = options_.clock->Now();
    absl::Time next;
    Task* const task = PickReady(now, &next);
    if (task == nullptr) {
      wake_.WaitWithTimeout(&mutex_,
                            std::clamp(next - now, absl::Milliseconds(1),
                                       options_.longest_sleep));
      continue;
    }
    wake_.Signal();  // there may be more for the others
    mutex_.Unlock();
    const ListPass::StepResult result = RunStep(*task);
    mutex_.Lock();
    Finish(*task, result);
  }
}

void Deliverer::JudgeFullSyncs() {
  absl::MutexLock lock(&mutex_);
  while (!stopping_) {
    full_syncs_changed_ = false;
    mutex_.Unlock();
    const bool ran = full_sync_runner_->RunReadyStep();
    const absl::Duration rest =
        full_sync_runner_->NextStepTime() - options_.clock->Now();
    mutex_.Lock();
    if (ran || full_syncs_changed_ || stopping_) continue;
    full_sync_wake_.WaitWithTimeout(
        &mutex_,
        std::clamp(rest, absl::Milliseconds(1), options_.longest_sleep));
  }
}

void Deliverer::BringPeopleUp() {
  // Not told of commits, which are many: a look costs next to nothing.
  constexpr absl::Duration kLook = absl::Seconds(1);
  absl::MutexLock lock(&mutex_);
  while (!stopping_) {
    mutex_.Unlock();
    const bool ran = people_runner_->RunReadyStep();
    const absl::Duration rest =
        people_runner_->NextStepTime() - options_.clock->Now();
    mutex_.Lock();
    if (stopping_) break;
    people_wake_.WaitWithTimeout(
        &mutex_, ran ? absl::Milliseconds(1)
                     : std::clamp(rest, absl::Milliseconds(1),
                                  std::min(kLook, options_.longest_sleep)));
  }
}

bool Deliverer::RunReadyStep() {
  if (people_runner_ != nullptr && people_runner_->RunReadyStep()) return true;
  if (full_sync_runner_ != nullptr && full_sync_runner_->RunReadyStep()) {
    return true;
  }
  Task* task;
  {
    absl::MutexLock lock(&mutex_);
    absl::Time next;
    task = PickReady(options_.clock->Now(), &next);
  }
  if (task == nullptr) return false;
  const ListPass::StepResult result = RunStep(*task);
  absl::MutexLock lock(&mutex_);
  Finish(*task, result);
  return true;
}

absl::Time Deliverer::NextStepTime() {
  absl::Time next = full_sync_runner_ == nullptr
                        ? absl::InfiniteFuture()
                        : full_sync_runner_->NextStepTime();
  if (people_runner_ != nullptr) {
    next = std::min(next, people_runner_->NextStepTime());
  }
  absl::MutexLock lock(&mutex_);
  for (const Queue* queue : {&removal_queue_, &other_queue_}) {
    if (!queue->empty()) next = std::min(next, std::get<0>(*queue->begin()));
  }
  return next;
}

Deliverer::Task* Deliverer::PickReady(absl::Time now, absl::Time* next) {
  *next = absl::InfiniteFuture();
  for (const Queue* queue : {&removal_queue_, &other_queue_}) {
    for (const auto& [due, ticket, list] : *queue) {
      if (due > now) {
        *next = std::min(*next, due);
        break;
      }
      Task& task = *tasks_.at(list);
      if (task.held) continue;
      int& running = running_[task.credential_id];
      // Looked at again when one of them ends.
      if (running >= std::max(1, options_.workers / 2)) continue;
      ++running;
      Dequeue(task);
      task.running = true;
      task.configuration = configuration_;
      return &task;
    }
  }
  return nullptr;
}

absl::StatusOr<CallRoute> Deliverer::RouteTo(DestinationNumber destination) {
  CallRoute route;
  route.destination = options_.registry->FindDestination(destination);
  if (route.destination == nullptr) {
    return absl::NotFoundError("the destination was deleted");
  }
  if (!route.destination->delivers()) return absl::CancelledError("paused");
  auto credential =
      options_.registry->FindCredential(route.destination->credential_id);
  if (credential == nullptr) {
    return MakeError(absl::StatusCode::kFailedPrecondition,
                     "CREDENTIAL_NOT_FOUND",
                     absl::StrCat("there is no credential ",
                                  route.destination->credential_id));
  }
  route.credential_id = credential->credential_id;
  route.token_name = credential->token_name;
  route.credential = Channel(*credential);
  if (route.credential == nullptr) {
    return MakeError(
        absl::StatusCode::kFailedPrecondition, "CREDENTIAL_UNUSABLE",
        absl::StrCat("the token file of credential ",
                     route.destination->credential_id, " cannot be used"));
  }
  absl::MutexLock lock(&mutex_);
  auto& gate = destination_gates_[destination];
  if (gate == nullptr) gate = std::make_shared<DestinationGate>();
  // Gates are never deleted while the deliverer lives.
  route.destination_gate = &gate->gate;
  return route;
}

absl::StatusOr<PassRoute> Deliverer::Route(Task& task) {
  absl::StatusOr<CallRoute> call = RouteTo(task.destination);
  if (!call.ok()) return call.status();
  PassRoute route;
  route.destination = std::move(call->destination);
  route.credential = std::move(call->credential);
  route.destination_gate = call->destination_gate;
  route.list_gate = &task.gate;
  absl::MutexLock lock(&mutex_);
  if (task.credential_id != call->credential_id) {
    --running_[task.credential_id];
    task.credential_id = call->credential_id;
    ++running_[task.credential_id];
  }
  return route;
}

std::shared_ptr<CredentialChannel> Deliverer::Channel(
    const config::CredentialState& credential) {
  absl::MutexLock lock(&mutex_);
  Credential& entry = credentials_[credential.credential_id];
  if (entry.channel == nullptr || entry.token_name != credential.token_name) {
    auto client = options_.clients->ClientFor(credential.token_name);
    if (!client.ok()) return nullptr;
    entry.token_name = credential.token_name;
    membership::Ledger* const ledger = options_.ledger;
    entry.channel = std::make_shared<CredentialChannel>(
        *std::move(client), credential.limits,
        ledger->CallHistory(credential.credential_id), options_.clock->Now(),
        [ledger, id = credential.credential_id](const std::string& history) {
          return ledger->PutCallHistory(id, history);
        });
  }
  entry.channel->pacer().SetLimits(credential.limits);
  return entry.channel;
}

ListPass::StepResult Deliverer::RunStep(Task& task) {
  if (task.netting) return NetBacklogOf(task);
  const absl::Time now = options_.clock->Now();
  auto route = Route(task);
  if (!route.ok()) {
    if (absl::IsNotFound(route.status())) return {StepKind::kGone};
    return {StepKind::kAbandoned, absl::InfiniteFuture(), route.status()};
  }
  auto row = options_.ledger->GetList(task.list);
  if (!row.ok()) return {StepKind::kGone};
  auto segment = options_.ledger->GetSegment(row->segment);
  if (!segment.ok()) return {StepKind::kGone};
  if (segment->paused) {
    return {StepKind::kAbandoned, absl::InfiniteFuture(),
            absl::CancelledError("paused")};
  }

  if (task.pass == nullptr) {
    // Sorting is work: not before a request could go out.
    absl::Time retry;
    for (Gate* gate : {&route->credential->gate(), route->destination_gate,
                       route->list_gate}) {
      if (!gate->WouldPass(now, &retry)) {
        return {StepKind::kAbandoned, retry, gate->condition().reason};
      }
    }
    PassMemory memory;
    {
      absl::MutexLock lock(&mutex_);
      if (!HasPlace(task)) return {StepKind::kWait, now};
      ++passes_;
      ++passes_of_[task.credential_id];
      task.flush = false;
      memory = std::exchange(task.memory, {});
    }
    task.pass_credential_id = task.credential_id;
    task.pass = std::make_unique<ListPass>(
        environment_, task.list, *std::move(segment), std::move(memory));
  }
  return task.pass->Step(*route);
}

bool Deliverer::HasPlace(const Task& task) {
  const auto pending = options_.ledger->FindPendingList(task.list);
  const bool urgent = pending.has_value() && pending->has_removals;
  return passes_ < options_.max_passes * (urgent ? 2 : 1) ||
         passes_of_[task.credential_id] < kPassesForEveryCredential;
}

bool Deliverer::RunAlone(ListNumber list, absl::FunctionRef<void()> work) {
  Task* task = nullptr;
  absl::MutexLock lock(&mutex_);
  for (;;) {
    const auto row = options_.ledger->GetList(list);
    if (!row.ok()) {
      const auto found = tasks_.find(list);
      if (found != tasks_.end()) found->second->held = false;
      return true;
    }
    task = &FindOrAddTask(list, row->destination);
    if (!task->running) break;
    if (stopping_) return false;
    task->held = true;
    step_ended_.WaitWithTimeout(&mutex_, options_.longest_sleep);
  }
  EndPass(*task, /*settled=*/false);
  // Names removals that were sent early: they count as netted out now.
  task->memory.early_removals = RecordBuffer();
  Dequeue(*task);
  task->held = false;
  task->running = true;
  ++running_[task->credential_id];
  mutex_.Unlock();
  work();
  mutex_.Lock();
  task->running = false;
  --running_[task->credential_id];
  wake_.Signal();
  Schedule(*task);
  return true;
}

void Deliverer::EndPass(Task& task, bool settled) {
  if (task.pass == nullptr) return;
  task.memory = task.pass->TakeMemory(settled);
  task.pass.reset();
  --passes_;
  --passes_of_[task.pass_credential_id];
  // Two may come in for one that ends: a place may suit one and not the other.
  for (int i = 0; i < 2 && !parked_.empty(); ++i) {
    auto parked = tasks_.find(parked_.front());
    parked_.pop_front();
    if (parked == tasks_.end()) continue;
    parked->second->parked = false;
    Schedule(*parked->second);
  }
}

void Deliverer::Finish(Task& task, const ListPass::StepResult& result) {
  task.running = false;
  --running_[task.credential_id];
  wake_.Signal();  // this credential has a thread free
  step_ended_.SignalAll();
  if (std::exchange(task.netting, false)) {
    FinishNetting(task, result);
    return;
  }
  const absl::Time now = options_.clock->Now();
  task.not_before = absl::InfinitePast();
  task.removals_may_pass = result.removals_may_pass;
  const bool new_removals = std::exchange(task.new_removals, false);
  task.condition = {};
  if (!result.reason.ok() && !absl::IsCancelled(result.reason)) {
    task.condition = {result.kind == StepKind::kWait
                          ? DeliveryCondition::State::kRetrying
                          : DeliveryCondition::State::kBlocked,
                      result.reason, result.time};
  }
  if (result.gate_opened) {
    RouseBlocked(&task, task.credential_id, task.destination);
  }
  switch (result.kind) {
    case StepKind::kAgain:
      Enqueue(task, now, task.pass == nullptr || task.pass->NextIsRemoval());
      return;
    case StepKind::kWait:
      task.not_before = result.time;
      if (task.pass == nullptr) {
        if (HasPlace(task)) break;
        task.not_before = absl::InfinitePast();
        if (!task.parked) {
          task.parked = true;
          parked_.push_back(task.list);
        }
        return;
      }
      if (result.time - now <= kLongestHeldWait) {
        Enqueue(task, result.time, task.pass->NextIsRemoval());
        if (new_removals) LetRemovalsPass(task);
        return;
      }
      // Its memory and its place are worth more than its sort.
      EndPass(task, /*settled=*/false);
      break;
    case StepKind::kSettled:
      EndPass(task, /*settled=*/true);
      task.net_from = 0;
      break;
    case StepKind::kAbandoned:
      task.not_before = result.time;
      EndPass(task, /*settled=*/false);
      break;
    case StepKind::kGone:
      EndPass(task, /*settled=*/false);
      tasks_.erase(task.list);  // `task` is gone
      return;
  }
  // What it saw may have been overtaken while it ran.
  if (task.configuration != configuration_) {
    task.not_before = absl::InfinitePast();
  }
  task.echo_time = task.memory.doubt_times.empty()
                       ? absl::InfiniteFuture()
                       : task.memory.doubt_times.begin()->second + kEchoDelay;
  for (const auto& [list, time] : options_.ledger->EchoTimes()) {
    if (list == task.list) task.echo_time = std::min(task.echo_time, time);
  }
  if (new_removals) LetRemovalsPass(task);
  Schedule(task);
}

void Deliverer::LetRemovalsPass(Task& task) {
  if (!task.removals_may_pass) return;
  if (task.pass == nullptr) {
    task.not_before = absl::InfinitePast();
    return;
  }
  // Its next step looks for removals, once a flush interval has gone by.
  const auto destination = options_.registry->FindDestination(task.destination);
  if (destination == nullptr || !task.queued) return;
  const absl::Time look = options_.clock->Now() + destination->policy.max_delay;
  if (look < task.due) Enqueue(task, look, /*removal=*/true);
}

void Deliverer::Schedule(Task& task) {
  if (task.running) return;          // scheduled when its step ends
  if (task.pass != nullptr) return;  // queued by its last step
  Dequeue(task);
  task.netting = false;
  absl::Time due = task.echo_time;
  bool removal = due != absl::InfiniteFuture();
  auto pending = options_.ledger->FindPendingList(task.list);
  // Told when it can be passed over.
  const bool held_back = pending.has_value() && pending->held_back;
  if (held_back) pending.reset();
  if (pending.has_value()) {
    const auto destination =
        options_.registry->FindDestination(task.destination);
    if (destination == nullptr) {
      due = options_.clock->Now();  // to be taken out by its next step
    } else {
      const bool full =
          pending->bytes >=
          destination->policy.max_request_records * kRunEntryBytes;
      due =
          std::min(due, task.flush || full ? absl::InfinitePast()
                                           : pending->oldest_change_time +
                                                 destination->policy.max_delay);
    }
    removal = removal || pending->has_removals;
  } else if (!held_back) {
    task.flush = false;
  }
  if (options_.operations != nullptr) {
    const auto operation = options_.operations->FindOperation(task.list);
    if (operation.has_value() && operation->needs_passes() &&
        ListPass::Reaches(*operation,
                          options_.ledger->PassableCommit(task.list))) {
      due = absl::InfinitePast();
      removal = removal || operation->removes();
    }
  }
  due = std::max(due, task.not_before);
  if (pending.has_value() && due > options_.clock->Now() &&
      WantsNetting(task, *pending)) {
    task.netting = true;
    due = options_.clock->Now();
  }
  if (due != absl::InfiniteFuture()) Enqueue(task, due, removal);
}

void Deliverer::Enqueue(Task& task, absl::Time due, bool removal) {
  Dequeue(task);
  task.queued = true;
  task.queued_as_removal = removal;
  task.due = due;
  task.ticket = ++last_ticket_;
  Queue& queue = removal ? removal_queue_ : other_queue_;
  const auto place = queue.insert({due, task.ticket, task.list}).first;
  // Only whoever is first in a queue changes how long a worker may sleep.
  if (place == queue.begin()) wake_.Signal();
}

void Deliverer::Dequeue(Task& task) {
  if (!task.queued) return;
  (task.queued_as_removal ? removal_queue_ : other_queue_)
      .erase({task.due, task.ticket, task.list});
  task.queued = false;
}

Deliverer::Task& Deliverer::FindOrAddTask(ListNumber list,
                                          DestinationNumber destination) {
  std::unique_ptr<Task>& task = tasks_[list];
  if (task == nullptr) {
    task = std::make_unique<Task>();
    task->list = list;
    task->destination = destination;
  }
  return *task;
}

void Deliverer::OnCommit(ListNumber list, bool has_removals) {
  absl::MutexLock lock(&mutex_);
  auto found = tasks_.find(list);
  if (found == tasks_.end()) {
    const auto pending = options_.ledger->FindPendingList(list);
    if (!pending.has_value()) return;
    Schedule(FindOrAddTask(list, pending->destination));
    return;
  }
  Task& task = *found->second;
  if (has_removals) {
    if (task.running) {
      task.new_removals = true;
    } else {
      LetRemovalsPass(task);
    }
  }
  // Already due, and as urgent as it can get: nothing to decide.
  if (task.queued && (task.queued_as_removal || !has_removals) &&
      task.due <= options_.clock->Now()) {
    return;
  }
  Schedule(task);
}

void Deliverer::OnOperation(ListNumber list) {
  absl::MutexLock lock(&mutex_);
  // Full syncs wait for the end of a replacement.
  full_syncs_changed_ = true;
  full_sync_wake_.Signal();
  const auto row = options_.ledger->GetList(list);
  if (!row.ok()) return;
  Task& task = FindOrAddTask(list, row->destination);
  // What stopped it may be what is done away with; the pass sees by the reason.
  task.gate.ProbeNow(options_.clock->Now());
  // A step that runs ends before it is seen, and looks by itself.
  ++configuration_;
  Rouse(task, options_.clock->Now());
}

void Deliverer::OnConfigurationChanged() {
  absl::MutexLock lock(&mutex_);
  ++configuration_;
  const absl::Time now = options_.clock->Now();
  for (auto& [list, task] : tasks_) Rouse(*task, now);
}

void Deliverer::Rouse(Task& task, absl::Time now) {
  if (task.running) return;  // sees it when its step ends
  task.not_before = absl::InfinitePast();
  if (task.pass != nullptr) Enqueue(task, now, task.pass->NextIsRemoval());
  Schedule(task);
}

void Deliverer::RouseBlocked(const Task* opener,
                             absl::string_view credential_id,
                             DestinationNumber destination) {
  const absl::Time now = options_.clock->Now();
  for (auto& [list, other] : tasks_) {
    if (other.get() != opener &&
        other->condition.state == DeliveryCondition::State::kBlocked &&
        (other->credential_id == credential_id ||
         other->destination == destination)) {
      Rouse(*other, now);
    }
  }
}

void Deliverer::OnGateOpened(const CallRoute& route) {
  absl::MutexLock lock(&mutex_);
  RouseBlocked(nullptr, route.credential_id, route.destination->number);
}

absl::Status Deliverer::BringUpPeople(DestinationNumber destination) {
  if (people_runner_ == nullptr) return absl::OkStatus();
  return people_runner_->BringUp(destination);
}

void Deliverer::Flush(DestinationNumber destination) {
  if (people_runner_ != nullptr) people_runner_->Flush(destination);
  absl::MutexLock lock(&mutex_);
  people_wake_.Signal();
  for (const auto& pending : options_.ledger->PendingLists()) {
    if (pending.destination != destination) continue;
    Task& task = FindOrAddTask(pending.list, destination);
    task.flush = true;
    Schedule(task);
  }
}

void Deliverer::Retry(DestinationNumber destination) {
  const auto configured = options_.registry->FindDestination(destination);
  const absl::Time now = options_.clock->Now();
  absl::MutexLock lock(&mutex_);
  if (configured != nullptr) {
    auto credential = credentials_.find(configured->credential_id);
    if (credential != credentials_.end() &&
        credential->second.channel != nullptr) {
      credential->second.channel->gate().ProbeNow(now);
    }
  }
  auto gate = destination_gates_.find(destination);
  if (gate != destination_gates_.end()) gate->second->gate.ProbeNow(now);
  ++configuration_;
  for (auto& [list, task] : tasks_) {
    if (task->destination != destination) continue;
    task->gate.ProbeNow(now);
    Rouse(*task, now);
  }
}

absl::StatusOr<ListPreview> Deliverer::Preview(ListNumber list) {
  auto row = options_.ledger->GetList(list);
  if (!row.ok()) return row.status();
  auto segment = options_.ledger->GetSegment(row->segment);
  if (!segment.ok()) return segment.status();
  auto destination = options_.registry->FindDestination(row->destination);
  if (destination == nullptr) {
    return absl::NotFoundError("the destination was deleted");
  }
  PassMemory memory;
  {
    absl::MutexLock lock(&mutex_);
    auto task = tasks_.find(list);
    // A pass under way has the memory; without it the preview may count a
    // record too many.
    if (task != tasks_.end()) memory = task->second->memory;
  }
  ListPass pass(environment_, list, *std::move(segment), std::move(memory));
  return pass.Preview(std::move(destination));
}

DeliveryCondition Deliverer::ListCondition(ListNumber list) {
  absl::MutexLock lock(&mutex_);
  auto found = tasks_.find(list);
  if (found == tasks_.end()) return {};
  Task& task = *found->second;
  DeliveryCondition condition = task.gate.condition();
  return condition.state == DeliveryCondition::State::kActive ? task.condition
                                                              : condition;
}

DeliveryCondition Deliverer::DestinationCondition(
    DestinationNumber destination) {
  absl::MutexLock lock(&mutex_);
  auto found = destination_gates_.find(destination);
  return found == destination_gates_.end() ? DeliveryCondition()
                                           : found->second->gate.condition();
}

DeliveryCondition Deliverer::CredentialCondition(
    absl::string_view credential_id) {
  absl::MutexLock lock(&mutex_);
  auto found = credentials_.find(credential_id);
  return found == credentials_.end() || found->second.channel == nullptr
             ? DeliveryCondition()
             : found->second.channel->gate().condition();
}

}  // namespace connector::delivery
