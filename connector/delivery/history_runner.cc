#include "connector/delivery/history_runner.h"

#include <algorithm>
#include <optional>
#include <set>
#include <utility>

#include "absl/strings/str_cat.h"
#include "connector/base/limits.h"
#include "connector/delivery/history_checks.h"

namespace connector::delivery {
namespace {

using membership::Change;
using membership::DeliveredState;
using Event = DeliveryWorld::Event;
using Fault = FakePinterest::Fault;
using Kind = HistoryStep::Kind;
using Scope = HistoryStep::Scope;

constexpr const char* kAccounts[kHistoryDestinations] = {
    DeliveryWorld::kAdAccount, "549755885176", "549755885177"};
constexpr int kOfApi = 1;
constexpr int kReadsPerMinute = 300;
// Within which late additions are held back.
constexpr int kWindowSeconds[kHistoryDestinations] = {600, 120, 0};

// More steps of delivery than any history needs: beyond, it turns in a circle.
constexpr int kMostSteps = 30'000;

// The number after `name=` in an event's message.
int64_t NumberIn(const std::string& message, const std::string& name) {
  const size_t at = message.find(name + "=");
  return at == std::string::npos
             ? 0
             : std::atoll(message.c_str() + at + name.size() + 1);
}

class Run {
 public:
  Run(const History& history, const HistoryOptions& options, Coverage* coverage)
      : history_(history),
        coverage_(*coverage),
        trace_(options.trace),
        world_(history.seed, options.backend) {
    if (options.ledger_wrapper) {
      world_.set_ledger_wrapper(options.ledger_wrapper);
    }
    world_.set_min_members_to_confirm(3);
    auto& config = world_.config();
    auto* credential = config.add_credentials();
    credential->set_credential_id("other");
    credential->set_access_token_file("other");
    for (auto& each : *config.mutable_credentials()) {
      each.mutable_rate_limits()->set_writes_per_minute(200);
      each.mutable_rate_limits()->set_reads_per_minute(kReadsPerMinute);
    }
    auto* destination = config.add_destinations();
    destination->set_ad_account_id(kAccounts[2]);
    destination->set_display_name("third");
    destination->set_credential_id("other");
    of_api_.set_ad_account_id(kAccounts[kOfApi]);
    of_api_.set_display_name("second");
    of_api_.set_credential_id("main");
    for (int d = 0; d < kHistoryDestinations; ++d) {
      Policy(d)->set_max_request_records(most_records_);
      // So little that what waits for a list that is blocked is netted.
      Policy(d)->set_max_backlog_bytes(1'000);
    }
    for (int d = 0; d < kHistoryDestinations; ++d) {
      DestinationAt(d)
          ->mutable_edge_policy()
          ->mutable_late_addition_window()
          ->set_seconds(kWindowSeconds[d]);
    }
    world_.pinterest().SetFaults(
        [this](const FakePinterest::Call& call) { return NextFault(call); });
  }

  std::string Do() {
    Open();
    if (failure_.empty()) Create();
    for (step_ = 0; step_ < history_.steps.size(); ++step_) {
      if (!failure_.empty()) return failure_;
      const HistoryStep& step = history_.steps[step_];
      if (trace_) Trace(FormatStep(step));
      Take(step);
      AfterCalls();
      if (failure_.empty()) CheckAccounts(/*of_all=*/false);
    }
    if (failure_.empty()) End();
    return failure_;
  }

 private:
  // A full sync: at its place it says of every record whether it is a member.
  struct FullSyncModel {
    int64_t begun_at = 0;
    absl::Time expire_time;
    std::set<int> declared;
    int64_t count = 0;
    membership::FullSyncState state = membership::FullSyncState::kOpen;
    bool over = false;
  };
  struct Segment {
    std::map<int, Change> last;
    // Exits with a time: that, and when they were committed.
    std::map<int, std::vector<std::pair<absl::Time, absl::Time>>> exits;
    int64_t received = 0;
    // What its counters were.
    membership::SyncCounts counts;
    // Records of which nobody knows whether they are on the list: it was there
    // before, or the destination was deleted.
    std::set<int> unknown;
    // There is a list of the name that others made.
    bool foreign = false;
    // The place of the last word about each record: events count up.
    std::map<int, int64_t> last_at;
    std::map<membership::FullSyncNumber, FullSyncModel> full_syncs;
    // What was declared and came to nothing.
    int64_t rejected = 0;
    bool mapped = true;
    // Somebody else took these off the list since the last resync.
    std::set<int> meddled;
    // Whole lists were worked on: how many calls that takes is another matter.
    bool operated = false;
  };
  struct Trouble {
    Fault fault;
    Scope scope;
    int skip;
    int times;
    absl::Time until;
  };

  void Fail(const std::string& what) {
    if (!failure_.empty()) return;
    failure_ = absl::StrCat("after step ", step_ + 1, ": ", what);
  }
  void Trace(const std::string& line) {
    if (!trace_) return;
    trace_(
        absl::StrCat(absl::ToInt64Seconds(world_.clock().Now() -
                                          absl::FromUnixSeconds(1'700'000'000)),
                     " s: ", line));
  }
  void Reach(const std::string& name) { ++coverage_[name]; }

  // ---- Pinterest.

  static bool Meets(Scope scope, const FakePinterest::Call& call) {
    return scope == Scope::kAny ||
           (scope == Scope::kList) == (call.what == "LIST");
  }

  Fault NextFault(const FakePinterest::Call& call) {
    if (kill_in_call_.has_value() && call.what != "LIST") {
      const bool applied = (*kill_in_call_)[0] != 0;
      kill_ = (*kill_in_call_)[1];
      kill_in_call_.reset();
      // It never hears the answer, and writes nothing any more.
      if (world_.disk() != nullptr) world_.disk()->DieAtWrite(1, false);
      Reach(applied ? "kill.in_call_applied" : "kill.in_call");
      return applied ? Fault::kLostAfter : Fault::kLostBefore;
    }
    for (auto trouble = troubles_.begin(); trouble != troubles_.end();
         ++trouble) {
      if (!Meets(trouble->scope, call)) continue;
      if (trouble->skip > 0) {
        --trouble->skip;
        continue;
      }
      const Fault fault = trouble->fault;
      if (--trouble->times == 0) troubles_.erase(trouble);
      return fault;
    }
    for (const Trouble& window : windows_) {
      if (Meets(window.scope, call) && world_.clock().Now() < window.until) {
        return window.fault;
      }
    }
    return Fault::kNone;
  }

  // ---- The process.

  void Open() {
    Trace("  opened");
    world_.Open();
    if (!world_.is_open()) return Fail("the store does not open");
    ResetBudgets();
    for (auto& [key, pass] : passes_) pass.Disturb();
    SeeWhetherDeleted();
  }

  void ResetBudgets() {
    const auto& limits = world_.config().credentials(0).rate_limits();
    budgets_[0].Reset(limits.writes_per_minute(), kReadsPerMinute);
    budgets_[1].Reset(200, kReadsPerMinute);
  }

  // A kill or power cut now.
  void Kill(int kept) {
    size_t left = SIZE_MAX;
    if (world_.disk() != nullptr && kept >= 0) {
      const size_t unsynced = world_.disk()->unsynced_writes();
      left = static_cast<size_t>(kept) % (unsynced + 1);
      if (left < unsynced) {
        Reach("kill.power");
        for (auto& [key, segment] : segments_) segment.counts.settled = {};
      }
    }
    Reach("kill.all");
    kill_.reset();
    kill_at_write_.reset();
    world_.Close(left);
    Open();
  }

  // Whether the process has died meanwhile; starts it anew if so.
  bool DiedMeanwhile() {
    if (world_.disk() != nullptr && world_.disk()->dead()) {
      if (kill_at_write_.has_value()) {
        Reach((*kill_at_write_)[1] != 0 ? "kill.after_write"
                                        : "kill.before_write");
        kill_ = (*kill_at_write_)[2];
      }
      Kill(kill_.value_or(-1));
      return true;
    }
    if (kill_.has_value()) {
      Kill(*kill_);
      return true;
    }
    return false;
  }

  bool Exists(int destination) {
    return world_.registry().FindDestination(
               absl::string_view(kAccounts[destination])) != nullptr;
  }
  membership::DestinationNumber Number(int destination) {
    return world_.registry()
        .FindDestination(absl::string_view(kAccounts[destination]))
        ->number;
  }

  void Create() {
    if (Exists(kOfApi)) return;
    if (!world_.registry().ApplyDestination(of_api_, false).ok()) {
      if (!DiedMeanwhile()) Fail("a destination cannot be made");
    } else {
      world_.deliverer().OnConfigurationChanged();
    }
  }

  // What a deleted destination knew is forgotten.
  void SeeWhetherDeleted() {
    if (Exists(kOfApi)) return;
    for (auto& [key, segment] : segments_) {
      if (key.first != kOfApi) continue;
      Segment anew;
      anew.unknown = std::move(segment.unknown);
      anew.foreign = segment.foreign;
      anew.operated = segment.operated;
      for (const auto& [record, change] : segment.last) {
        anew.unknown.insert(record);
      }
      segment = std::move(anew);
    }
  }

  bool MayHavePass(int destination, const std::string& segment) {
    const auto row =
        world_.store().FindSegment(Number(destination), "ups", segment);
    if (!row.has_value()) return false;
    if (world_.store().FindPendingList(row->list).has_value()) return true;
    const auto echoes = world_.store().EchoTimes();
    return std::any_of(echoes.begin(), echoes.end(), [&](const auto& echo) {
      return echo.first == row->list;
    });
  }

  void Commit(const HistoryStep& step) {
    const int d = step.destination;
    if (!Exists(d) || step.events.empty()) return;
    std::set<std::string> names;
    for (const Event& event : step.events) names.insert(event.segment);
    for (const std::string& name : names) {
      // A pass under way may take in what is removed now.
      if (MayHavePass(d, name)) {
        passes_[{kAccounts[d], DeliveryWorld::Name(name)}].Disturb();
      }
    }
    const auto before = world_.store().SyncedCommit();
    const absl::Status status = world_.TryCommitTo(kAccounts[d], step.events);
    if (!status.ok()) {
      if (!DiedMeanwhile()) {
        return Fail(absl::StrCat("a commit is refused: ", status.message()));
      }
      Reach("kill.in_commit");
      // Nobody was told that it is durable, but it may be.
      if (!failure_.empty() || world_.store().SyncedCommit() == before) return;
      Reach("kill.in_commit_durable");
    }
    for (const Event& event : step.events) Happen(d, event);
  }

  void Happen(int d, const Event& event) {
    Segment& segment = segments_[{d, event.segment}];
    segment.received += event.counted;
    if (!segment.mapped) return;
    if (IsHeldBack(d, event, segment)) {
      late_additions_ = true;
      return Reach("held_back");
    }
    segment.last[event.record] = event.change;
    segment.last_at[event.record] = ++time_;
    segment.unknown.erase(event.record);
  }

  // ---- Full syncs.

  static std::string ExportOf(const HistoryStep& step) {
    return absl::StrCat("export-", step.numbers[0]);
  }

  std::vector<membership::FullSync> StoredFullSyncs(
      int d, const std::string& segment) {
    const auto row = world_.store().FindSegment(Number(d), "ups", segment);
    if (!row.has_value()) return {};
    return world_.store().FindFullSyncs(row->list);
  }

  // The newest of the segment that the export began.
  std::optional<membership::FullSync> FullSyncOf(int d,
                                                 const std::string& segment,
                                                 const std::string& id) {
    std::optional<membership::FullSync> found;
    for (const auto& full_sync : StoredFullSyncs(d, segment)) {
      if (full_sync.export_id == id) found = full_sync;
    }
    return found;
  }

  // Whether something that was answered with `status` is durable all the same.
  bool Durable(const absl::Status& status, membership::CommitNumber before) {
    if (status.ok()) return true;
    if (!DiedMeanwhile()) {
      Fail(absl::StrCat("a frame is refused: ", status.message()));
      return false;
    }
    return failure_.empty() && world_.store().SyncedCommit() != before;
  }

  // The id of an export that ended is not taken again.
  bool Ended(int d, const std::string& id) {
    for (const auto& position : world_.store().Exports(Number(d))) {
      if (position.export_id == id) return position.ended;
    }
    return false;
  }

  void BeginFullSync(const HistoryStep& step) {
    const int d = step.destination;
    if (!Exists(d) || Ended(d, ExportOf(step))) return;
    const absl::Duration expiry = absl::Seconds(std::max(step.numbers[1], 1));
    const absl::Time now = world_.clock().Now();
    const auto before = world_.store().SyncedCommit();
    const absl::Status status = world_.TryFullSyncFrame(
        kAccounts[d], ExportOf(step), step.segment,
        membership::FullSyncFrame::Kind::kBegin, expiry);
    if (!segments_[{d, step.segment}].mapped &&
        absl::IsFailedPrecondition(status)) {
      return Reach("full_sync.unmapped");
    }
    if (!Durable(status, before)) return;
    FollowFullSyncs();
    const auto begun = FullSyncOf(d, step.segment, ExportOf(step));
    Segment& segment = segments_[{d, step.segment}];
    if (!begun.has_value() || segment.full_syncs.count(begun->number) > 0) {
      return Fail("a full sync is not begun");
    }
    FullSyncModel& model = segment.full_syncs[begun->number];
    model.begun_at = ++time_;
    model.expire_time = now + expiry;
  }

  void Declare(const HistoryStep& step) {
    const int d = step.destination;
    const std::string id = ExportOf(step);
    if (!Exists(d) || step.events.empty() || Ended(d, id)) return;
    std::map<std::string, std::optional<membership::FullSync>> full_syncs;
    for (const Event& event : step.events) {
      full_syncs[event.segment] = FullSyncOf(d, event.segment, id);
      if (MayHavePass(d, event.segment)) {
        passes_[{kAccounts[d], DeliveryWorld::Name(event.segment)}].Disturb();
      }
    }
    const auto before = world_.store().SyncedCommit();
    if (!Durable(world_.TryCommitTo(kAccounts[d], step.events, id), before)) {
      return;
    }
    for (const Event& event : step.events) {
      const auto& full_sync = full_syncs[event.segment];
      if (event.change == Change::kRemove || !full_sync.has_value() ||
          full_sync->committed()) {
        Happen(d, event);
        continue;
      }
      Segment& segment = segments_[{d, event.segment}];
      segment.received += event.counted;
      if (!segment.mapped) continue;
      if (full_sync->ended()) {
        Reach("full_sync.too_late");
        segment.rejected += event.counted;
        continue;
      }
      Reach("full_sync.declared");
      FullSyncModel& model = segment.full_syncs[full_sync->number];
      model.declared.insert(event.record);
      model.count += event.counted;
    }
  }

  void CommitFullSync(const HistoryStep& step) {
    const int d = step.destination;
    const std::string id = ExportOf(step);
    if (!Exists(d) || Ended(d, id)) return;
    const auto full_sync = FullSyncOf(d, step.segment, id);
    const bool open = full_sync.has_value() &&
                      full_sync->state == membership::FullSyncState::kOpen &&
                      world_.clock().Now() < full_sync->expire_time;
    const auto before = world_.store().SyncedCommit();
    const absl::Status status = world_.TryFullSyncFrame(
        kAccounts[d], id, step.segment,
        membership::FullSyncFrame::Kind::kCommit, absl::ZeroDuration());
    if (!open && absl::IsFailedPrecondition(status)) {
      return Reach("full_sync.not_open");
    }
    if (open) {
      Durable(status, before);
    } else if (!DiedMeanwhile()) {
      Fail("a full sync is committed that is not open");
    }
  }

  void DecideFullSync(int d, const std::string& segment, bool apply) {
    if (!Exists(d)) return;
    for (const auto& full_sync : StoredFullSyncs(d, segment)) {
      if (full_sync.state != membership::FullSyncState::kWaiting) continue;
      membership::FullSyncDecision decision;
      decision.list = full_sync.list;
      decision.number = full_sync.number;
      decision.expected = membership::FullSyncState::kWaiting;
      decision.kind = apply ? membership::FullSyncDecision::Kind::kRelease
                            : membership::FullSyncDecision::Kind::kDiscard;
      Reach(apply ? "full_sync.confirmed" : "full_sync.discarded");
      const absl::Status status = world_.TryDecide(decision);
      if (apply && absl::IsFailedPrecondition(status)) {
        Reach("full_sync.list_is_replaced");
        return DecideFullSync(d, segment, /*apply=*/false);
      }
      if (!status.ok() && !DiedMeanwhile()) Fail("a decision is refused");
      return;
    }
  }

  void EndExport(const HistoryStep& step) {
    const int d = step.destination;
    if (!Exists(d) || Ended(d, ExportOf(step))) return;
    const absl::Status status =
        world_.TryEndExport(kAccounts[d], ExportOf(step));
    if (!status.ok() && !DiedMeanwhile()) Fail("an end is refused");
  }

  // What became of full syncs, and what follows for the records.
  void FollowFullSyncs() {
    for (auto& [key, segment] : segments_) {
      if (segment.full_syncs.empty() || !Exists(key.first)) continue;
      std::map<membership::FullSyncNumber, membership::FullSync> stored;
      for (const auto& row : StoredFullSyncs(key.first, key.second)) {
        stored[row.number] = row;
      }
      for (auto& [number, model] : segment.full_syncs) {
        if (model.over) continue;
        const auto row = stored.find(number);
        if (row == stored.end()) return Fail("a full sync is forgotten");
        Follow(row->second, model, segment);
      }
    }
  }

  void Follow(const membership::FullSync& row, FullSyncModel& model,
              Segment& segment) {
    using State = membership::FullSyncState;
    if (row.declared != model.count) {
      return Fail(
          absl::StrCat("declared ", row.declared, ", not ", model.count));
    }
    if (row.state == model.state) return;
    const State before = std::exchange(model.state, row.state);
    const bool judged = before == State::kJudging || before == State::kOpen;
    if (row.state == State::kJudging) return;
    if (row.state == State::kExpired && before != State::kWaiting &&
        world_.clock().Now() < model.expire_time) {
      return Fail("a full sync expires too early");
    }
    if (judged && row.committed() && row.state != State::kExpired) {
      CheckVerdict(row, model, segment);
    }
    switch (row.state) {
      case State::kReleased:
      case State::kApplied:
        Reach("full_sync.applied");
        model.over = true;
        for (int record : model.declared) segment.last.try_emplace(record);
        for (auto& [record, change] : segment.last) {
          int64_t& at = segment.last_at[record];
          if (at > model.begun_at) {
            Reach("full_sync.beaten_by_an_event");
            continue;
          }
          at = model.begun_at;
          change =
              model.declared.count(record) > 0 ? Change::kAdd : Change::kRemove;
          segment.unknown.erase(record);
        }
        break;
      case State::kDiscarded:
      case State::kExpired:
        Reach(row.state == State::kExpired ? "full_sync.expired"
                                           : "full_sync.ended_unapplied");
        model.over = true;
        segment.rejected += model.count;
        break;
      default:
        Reach("full_sync.held_back");
        break;
    }
  }

  void CheckVerdict(const membership::FullSync& row, const FullSyncModel& model,
                    const Segment& segment) {
    // Who was refused for good counts as the answers of Pinterest tell.
    if (bad_records_ || late_additions_ || segment.operated ||
        row.decision_time == absl::InfinitePast())
      return;
    if (row.state == membership::FullSyncState::kDiscarded) return;
    int64_t members = 0;
    int64_t removals = 0;
    for (const auto& [record, change] : segment.last) {
      if (change == Change::kRemove) continue;
      ++members;
      removals += model.declared.count(record) == 0 &&
                  segment.last_at.at(record) < model.begun_at;
    }
    if (row.members != members || row.removals != removals) {
      Fail(absl::StrCat("judged to remove ", row.removals, " of ", row.members,
                        ", not ", removals, " of ", members));
    }
  }

  // Whether the event is an addition that an exit is newer than. Exits are
  // taken down.
  bool IsHeldBack(int destination, const Event& event, Segment& segment) {
    const absl::Time now =
        absl::FromUnixMillis(absl::ToUnixMillis(world_.clock().Now()));
    if (event.time == Event::kNoTime) return false;
    auto& exits = segment.exits[event.record];
    if (event.change == Change::kRemove) {
      exits.emplace_back(
          event.time == Event::kAtCommit ? now : DeliveryWorld::TimeOf(event),
          now);
      return false;
    }
    const absl::Duration window = absl::Seconds(kWindowSeconds[destination]);
    return window > absl::ZeroDuration() &&
           std::any_of(exits.begin(), exits.end(), [&](const auto& exit) {
             return DeliveryWorld::TimeOf(event) <= exit.first &&
                    now - exit.second <= window;
           });
  }

  // As the server does now and then.
  void ForgetExits() {
    for (int d = 0; d < kHistoryDestinations; ++d) {
      if (!Exists(d)) continue;
      world_.store()
          .ForgetExits(Number(d), absl::Seconds(kWindowSeconds[d]))
          .IgnoreError();
      if (DiedMeanwhile()) return;
    }
  }

  // ---- The steps.

  void Take(const HistoryStep& step) {
    const int n = step.numbers[0];
    const int d = step.destination;
    Reach(absl::StrCat("step.", HistoryStepName(step.kind)));
    switch (step.kind) {
      case Kind::kCommit:
        Commit(step);
        break;
      case Kind::kFlush:
        if (Exists(d)) world_.deliverer().Flush(Number(d));
        break;
      case Kind::kRetry:
        if (Exists(d)) world_.deliverer().Retry(Number(d));
        break;
      case Kind::kPause:
      case Kind::kResume:
        Disturb(d);
        if (!Exists(d)) break;
        world_.registry()
            .SetDestinationPaused(kAccounts[d], step.kind == Kind::kPause)
            .IgnoreError();
        if (!DiedMeanwhile()) world_.deliverer().OnConfigurationChanged();
        break;
      case Kind::kPauseSegment:
      case Kind::kResumeSegment:
        PauseSegment(d, step.segment, step.kind == Kind::kPauseSegment);
        break;
      case Kind::kUnmapKeep:
      case Kind::kUnmapEmpty:
      case Kind::kMap:
      case Kind::kResync:
      case Kind::kReplace:
        Operate(step);
        break;
      case Kind::kMeddle:
        Meddle(step);
        break;
      case Kind::kDelete:
        if (!Exists(kOfApi)) break;
        world_.registry()
            .DeleteDestination(kAccounts[kOfApi], "")
            .IgnoreError();
        Disturb(kOfApi);
        if (DiedMeanwhile()) break;
        world_.deliverer().OnConfigurationChanged();
        SeeWhetherDeleted();
        break;
      case Kind::kCreate:
        if (Exists(kOfApi)) break;
        // A new incarnation knows nothing of the old one's requests and of
        // lists that do not show yet.
        RunUntil(world_.clock().Now() + absl::Minutes(10));
        if (failure_.empty()) Create();
        break;
      case Kind::kRequestRecords:
        Policy(d)->set_max_request_records(std::clamp(n, 1, 50));
        most_records_ = std::max(most_records_, std::clamp(n, 1, 50));
        Reconfigure(d);
        break;
      case Kind::kMaxDelay:
        Policy(d)->mutable_max_delay()->set_seconds(std::clamp(n, 1, 600));
        Reconfigure(d);
        break;
      case Kind::kRate:
        world_.config()
            .mutable_credentials(0)
            ->mutable_rate_limits()
            ->set_writes_per_minute(std::clamp(n, 2, 400));
        Kill(-1);
        break;
      case Kind::kTrial: {
        auto* limits =
            world_.config().mutable_credentials(0)->mutable_rate_limits();
        limits->set_access_tier(n != 0
                                    ? audience_sync::v1::ACCESS_TIER_TRIAL
                                    : audience_sync::v1::ACCESS_TIER_STANDARD);
        Kill(-1);
        if (n != 0) {
          budgets_[0].SetDays(limits::kTrialWritesPerDay,
                              limits::kTrialCallsPerDay);
        } else {
          budgets_[0].SetDays(0, 0);
        }
        days_of_patience_ = n != 0 ? 30 : days_of_patience_;
        break;
      }
      case Kind::kAdvance:
        world_.clock().Advance(absl::Seconds(std::max(n, 0)));
        ForgetExits();
        break;
      case Kind::kRun:
        for (int i = 0; i < n && RunStep(); ++i) {
        }
        break;
      case Kind::kKill:
        Kill(n);
        break;
      case Kind::kKillAtWrite:
        if (world_.disk() == nullptr) {
          kill_ = -1;
        } else {
          kill_at_write_ = step.numbers;
          world_.disk()->DieAtWrite(std::max(n, 1), step.numbers[1] != 0);
        }
        break;
      case Kind::kKillInCall:
        kill_in_call_ = step.numbers;
        break;
      case Kind::kFault:
        troubles_.push_back({step.fault, step.scope, n,
                             std::max(step.numbers[1], 1), absl::Time()});
        break;
      case Kind::kWindow:
        windows_.push_back({step.fault, step.scope, 0, 0,
                            world_.clock().Now() + absl::Seconds(n)});
        break;
      case Kind::kBadRecord:
        bad_records_ = true;
        world_.pinterest().SetBadRecord(DeliveryWorld::WireText(n),
                                        step.numbers[1] != 0);
        break;
      case Kind::kHeal:
        world_.pinterest().ClearBadRecords();
        break;
      case Kind::kMaxRecords:
        world_.pinterest().SetMaxRecords(static_cast<size_t>(std::max(n, 0)));
        break;
      case Kind::kListingDelay:
        world_.pinterest().SetListingDelay(absl::Seconds(n));
        break;
      case Kind::kLateDelay:
        world_.pinterest().SetLateDelay(absl::Seconds(n));
        break;
      case Kind::kForeignList:
        AddForeignList(step);
        break;
      case Kind::kBeginFullSync:
        BeginFullSync(step);
        break;
      case Kind::kDeclare:
        Declare(step);
        break;
      case Kind::kCommitFullSync:
        CommitFullSync(step);
        break;
      case Kind::kDecideFullSync:
        DecideFullSync(d, step.segment, n != 0);
        break;
      case Kind::kEndExport:
        EndExport(step);
        break;
    }
  }

  audience_sync::v1::Destination* DestinationAt(int destination) {
    return destination == kOfApi
               ? &of_api_
               : world_.config().mutable_destinations(destination == 0 ? 0 : 1);
  }
  audience_sync::v1::DeliveryPolicy* Policy(int destination) {
    return DestinationAt(destination)->mutable_delivery_policy();
  }

  // The file is read at the start; over the API it goes at once.
  void Reconfigure(int destination) {
    Disturb(destination);
    if (destination != kOfApi) return Kill(-1);
    if (!Exists(kOfApi)) return;
    if (!world_.registry().ApplyDestination(of_api_, false).ok()) {
      if (!DiedMeanwhile()) Fail("a destination cannot be changed");
      return;
    }
    world_.deliverer().OnConfigurationChanged();
  }

  void PauseSegment(int destination, const std::string& name, bool paused) {
    Disturb(destination);
    if (!Exists(destination)) return;
    const auto row =
        world_.store().FindSegment(Number(destination), "ups", name);
    if (!row.has_value()) return;
    world_.store().SetSegmentPaused(row->number, paused).IgnoreError();
    if (!DiedMeanwhile()) world_.deliverer().OnConfigurationChanged();
  }

  void Operate(const HistoryStep& step) {
    const int d = step.destination;
    if (!Exists(d)) return;
    auto row = world_.store().FindSegment(Number(d), "ups", step.segment);
    if (!row.has_value()) return;
    const uint32_t number = row->number;
    Segment& segment = segments_[{d, step.segment}];
    segment.operated = true;
    absl::Status status;
    switch (step.kind) {
      case Kind::kUnmapKeep:
        status = world_.store().UnmapSegment(number, false).status();
        break;
      case Kind::kUnmapEmpty:
        status = world_.store().UnmapSegment(number, true).status();
        break;
      case Kind::kMap:
        status = world_.store()
                     .MapSegment(Number(d), "ups", step.segment, {}, 1000)
                     .status();
        break;
      case Kind::kResync:
        status = world_.store().RequestResync(number);
        break;
      default:
        status = world_.store().RequestReplacement(number, {.again = true});
        break;
    }
    // Nobody was told that it is durable, but it may be.
    if (!status.ok()) DiedMeanwhile();
    if (!failure_.empty() || !Exists(d)) return;
    row = world_.store().FindSegment(Number(d), "ups", step.segment);
    if (!row.has_value()) return Fail("a segment is lost");
    if (row->mapping == membership::MappingState::kEmptied &&
        step.kind == Kind::kUnmapEmpty) {
      for (auto& [record, change] : segment.last) change = Change::kRemove;
      segment.meddled.clear();
      Reach("unmapped_and_emptied");
    }
    segment.mapped = row->mapping == membership::MappingState::kMapped;
    if (!status.ok()) return;
    if (step.kind == Kind::kResync || step.kind == Kind::kReplace) {
      Reach(absl::StrCat("asked.", HistoryStepName(step.kind)));
      segment.meddled.clear();
    }
  }

  // Somebody else takes a record off the list.
  void Meddle(const HistoryStep& step) {
    const int d = step.destination;
    if (!Exists(d)) return;
    const auto row = world_.store().FindSegment(Number(d), "ups", step.segment);
    if (!row.has_value()) return;
    const auto list = world_.store().GetList(row->list);
    if (!list.ok() || list->customer_list_id.empty()) return;
    const std::string text = DeliveryWorld::WireText(step.numbers[0]);
    world_.pinterest().Edit(
        list->customer_list_id, [&](std::set<std::string>& records) {
          if (records.erase(text) > 0) {
            segments_[{d, step.segment}].meddled.insert(step.numbers[0]);
          }
        });
  }

  // Has what somebody else did repaired.
  void Repair() {
    for (auto& [key, segment] : segments_) {
      if (segment.meddled.empty() || !segment.mapped || !Exists(key.first)) {
        continue;
      }
      const auto row =
          world_.store().FindSegment(Number(key.first), "ups", key.second);
      segment.operated = true;
      if (row.has_value() && world_.store().RequestResync(row->number).ok()) {
        segment.meddled.clear();
        Reach("repaired");
      }
    }
  }

  // That nobody is left on lists that were replaced, and that there is none
  // that nobody knows of.
  void CheckReplaced(int destination, const std::string& name,
                     const Segment& segment, membership::ListNumber list,
                     const std::set<std::string>& refused) {
    std::set<std::string> known;
    for (const std::string& id : world_.store().OtherCustomerLists(list)) {
      known.insert(id);
    }
    const auto row = world_.store().GetList(list);
    for (const auto& [id, each] : world_.pinterest().Lists()) {
      if (each.ad_account_id != kAccounts[destination] ||
          each.name != DeliveryWorld::Name(name) ||
          (row.ok() && id == row->customer_list_id) || each.foreign) {
        continue;
      }
      // A destination that was deleted forgets its lists.
      if (destination == kOfApi) continue;
      if (known.count(id) == 0) {
        return Fail(absl::StrCat("list ", id, " is known to nobody"));
      }
      std::set<std::string> left = each.records;
      for (const std::string& record : refused) left.erase(record);
      for (int record : segment.unknown) {
        left.erase(DeliveryWorld::WireText(record));
      }
      // A list that seems to have vanished is replaced whatever a full sync
      // still has to take off it.
      if (!segment.full_syncs.empty() &&
          coverage_["fault.NOT_FOUND"] > not_found_before_) {
        continue;
      }
      if (!left.empty()) {
        return Fail(absl::StrCat("destination ", destination, " segment ", name,
                                 ": ", left.size(),
                                 " records are left on replaced list ", id));
      }
      Reach("replaced_list_is_empty");
    }
  }

  void AddForeignList(const HistoryStep& step) {
    const int d = step.destination;
    const std::string name = DeliveryWorld::Name(step.segment);
    // Not once the connector may have looked for it: what somebody else makes
    // while the connector makes its own cannot be told from that.
    if (looked_for_.count({d, step.segment}) > 0) return;
    Reach("foreign_list");
    Segment& segment = segments_[{d, step.segment}];
    segment.foreign = true;
    for (int i = 0; i < 3; ++i) {
      // Records with events keep what their events say only if a removal is
      // never skipped on a list of others; so these are known by nobody else.
      const int record = step.numbers[0] + i;
      if (segment.last.count(record) == 0) segment.unknown.insert(record);
    }
    std::set<std::string> records;
    for (int record : segment.unknown) {
      records.insert(DeliveryWorld::WireText(record));
    }
    world_.pinterest().AddList(name, std::move(records), kAccounts[d]);
  }

  void NoteLooked(const std::string& account) {
    for (const auto& [key, segment] : segments_) {
      if (kAccounts[key.first] == account && !segment.last.empty()) {
        looked_for_.insert(key);
      }
    }
  }

  void Disturb(int destination) {
    for (auto& [key, pass] : passes_) {
      if (key.first == kAccounts[destination]) pass.Disturb();
    }
  }

  // One step of delivery; false if none is due.
  bool RunStep() {
    if (!failure_.empty()) return false;
    const bool ran =
        world_.deliverer().RunReadyStep() || world_.TellAudiences();
    AfterCalls();
    if (ran && ++steps_run_ > kMostSteps) Fail("delivery turns in a circle");
    return ran;
  }

  void RunUntil(absl::Time end) {
    while (failure_.empty()) {
      while (RunStep()) {
      }
      if (!failure_.empty()) return;
      const absl::Time next = world_.deliverer().NextStepTime();
      const absl::Time now = world_.clock().Now();
      const absl::Time until = std::min(next, end);
      if (until > now) {
        world_.clock().Advance(until - now);
      } else if (now >= end) {
        return;
      } else {
        world_.clock().Advance(absl::Milliseconds(1));
        if (++steps_run_ > kMostSteps) Fail("delivery turns in a circle");
      }
    }
  }

  // ---- The checks.

  // Looks at what Pinterest and the log got since the last time, and whether
  // the process has died over it.
  void AfterCalls() {
    const auto calls = world_.pinterest().CallsAfter(0);
    world_.pinterest().ClearCalls();
    for (const FakePinterest::Call& call : calls) Check(call);
    std::vector<DeliveryEvent> events;
    events.swap(world_.events());
    for (const DeliveryEvent& event : events) Check(event);
    if (failure_.empty()) DiedMeanwhile();
    if (failure_.empty()) FollowFullSyncs();
  }

  void Check(const FakePinterest::Call& call) {
    const bool read = call.what == "LIST";
    if (trace_) {
      std::string line = absl::StrCat("  ", call.what, " ", call.ad_account_id,
                                      " ", call.list_name, " ",
                                      FakePinterest::FaultName(call.fault));
      for (int record = 0; record < 60; ++record) {
        const std::string text = DeliveryWorld::WireText(record);
        for (const std::string& each : call.records) {
          if (each == text) absl::StrAppend(&line, " ", record);
        }
      }
      Trace(line);
    }
    if (call.fault != Fault::kNone) {
      Reach(absl::StrCat(read ? "read_fault." : "fault.",
                         FakePinterest::FaultName(call.fault)));
    }
    Reach(absl::StrCat("call.", call.what));
    const bool other = call.ad_account_id == kAccounts[2];
    if (!budgets_[other].Take(read, call.time)) {
      Fail("a credential's budget is exceeded");
    }
    if (budgets_[other].day_is_full()) Reach("day_is_used_up");
    if (read) {
      NoteLooked(call.ad_account_id);
      if (Taken(call.fault)) return;
      for (auto& [key, pass] : passes_) {
        if ((key.first == kAccounts[2]) == other) pass.Disturb();
      }
      return;
    }
    const ListKey key(call.ad_account_id, call.list_name);
    look_at_lists_ |= call.what == "CREATE";
    if (static_cast<int>(call.records.size()) > most_records_) {
      Fail("a request is larger than it may be");
    }
    refusals_.Take(call);
    PassCheck& pass = passes_[key];
    pass.Take(call);
    if (Operated(key)) pass.Disturb();
    if (call.what == "REMOVE" && added_since_settled_[key]) {
      Reach("removal_during_a_pass");
    }
    if (call.what != "REMOVE") added_since_settled_[key] = true;
    if (Taken(call.fault)) return;
    // Its own list's pass, and whoever may be stopped by a gate over it.
    for (auto& [each, disturbed] : passes_) {
      if ((each.first == kAccounts[2]) == other) disturbed.Disturb();
    }
    pass.Disturb();
  }

  // A list of which whole was worked on, in whatever destination.
  bool Operated(const ListKey& key) const {
    for (const auto& [each, segment] : segments_) {
      if (segment.operated && kAccounts[each.first] == key.first &&
          DeliveryWorld::Name(each.second) == key.second) {
        return true;
      }
    }
    return false;
  }

  void Check(const DeliveryEvent& event) {
    Reach(absl::StrCat("event.", DeliveryEventName(event.kind)));
    Trace(absl::StrCat("  ", DeliveryEventName(event.kind), " list ",
                       event.list, ": ", event.message));
    if (event.kind == DeliveryEvent::Kind::kListAdopted &&
        event.message != "found by its name") {
      Reach("creation_found_later");
    }
    if (event.kind != DeliveryEvent::Kind::kPassSettled) return;
    const auto list = world_.store().GetList(event.list);
    if (!list.ok()) return;
    const auto segment = world_.store().GetSegment(list->segment);
    const auto destination =
        world_.registry().FindDestination(list->destination);
    if (!segment.ok() || destination == nullptr) return;
    const ListKey key(event.ad_account_id,
                      DeliveryWorld::Name(segment->segment_id));
    int64_t most = destination->policy.max_request_records;
    if (list->learnt_max_records > 0) {
      most = std::min(most, list->learnt_max_records);
    }
    if (Operated(key)) passes_[key].Disturb();
    if (passes_[key].clean() && passes_[key].under_way()) {
      Reach("pass_without_trouble");
    }
    const std::string wrong =
        passes_[key].Settled(NumberIn(event.message, "added"),
                             NumberIn(event.message, "removed"), most);
    added_since_settled_[key] = false;
    if (!wrong.empty()) Fail(wrong);
    if (NumberIn(event.message, "superseded") > 0) Reach("superseded");
    if (NumberIn(event.message, "netted_out") > 0) Reach("netted_out");
    if (NumberIn(event.message, "already_there") > 0) Reach("already_there");
  }

  void CheckLists() {
    look_at_lists_ = false;
    std::map<ListKey, int> lists;
    for (const auto& [id, list] : world_.pinterest().Lists()) {
      if (list.foreign) continue;
      const ListKey key(list.ad_account_id, list.name);
      if (++lists[key] > 1 && !Operated(key)) {
        Fail(absl::StrCat("two lists of the name ", list.name));
      }
    }
  }

  // All counters; of the runs themselves one list in turn, or all.
  void CheckAccounts(bool of_all) {
    int looked_at = 0;
    const int turn = ++turns_;
    if (look_at_lists_ || of_all || turn % 16 == 0) CheckLists();
    for (int d = 0; d < kHistoryDestinations && failure_.empty(); ++d) {
      if (!Exists(d)) continue;
      const auto report = world_.store().Report(Number(d));
      if (!report.ok()) return Fail("no report");
      for (const auto& row : report->segments) {
        Segment& segment = segments_[{d, row.segment.segment_id}];
        const std::string where = absl::StrCat("destination ", d, " segment ",
                                               row.segment.segment_id, ": ");
        CheckCounts(where, row.counts, segment);
        const bool look = of_all || turn % 6 == looked_at++ % 6;
        if (look) CheckPending(where, row);
      }
    }
  }

  void CheckCounts(const std::string& where,
                   const membership::SyncCounts& counts, Segment& segment) {
    const auto& now = counts.settled;
    const auto& before = segment.counts.settled;
    if (counts.intake.received != segment.received) {
      Fail(absl::StrCat(where, "received ", counts.intake.received,
                        ", committed ", segment.received));
    } else if (counts.intake.rejected != segment.rejected) {
      Fail(absl::StrCat(where, "rejected ", counts.intake.rejected, ", not ",
                        segment.rejected));
    } else if (counts.pending() < 0) {
      Fail(absl::StrCat(where, "less than nothing is pending"));
    } else if (now.delivered < before.delivered ||
               now.already_there < before.already_there ||
               now.netted_out < before.netted_out ||
               now.superseded < before.superseded ||
               now.refused < before.refused) {
      Fail(absl::StrCat(where, "a counter went down"));
    }
    segment.counts = counts;
  }

  // What is pending is what the runs hold.
  void CheckPending(const std::string& where,
                    const membership::SegmentReport& row) {
    int64_t counted = 0;
    for (Change change : {Change::kAdd, Change::kRemove}) {
      auto runs =
          world_.store().ReadRuns(row.list.number, change, row.list.settled,
                                  world_.store().SyncedCommit());
      if (!runs.ok()) return Fail("runs cannot be read");
      membership::RunEntry entry;
      while ((*runs)->Next(&entry)) counted += entry.counted;
    }
    for (const auto& full_sync :
         world_.store().FindFullSyncs(row.list.number)) {
      if (full_sync.ended()) continue;
      auto declared =
          world_.store().ReadDeclared(row.list.number, full_sync.number);
      if (!declared.ok()) return Fail("a full sync cannot be read");
      membership::RunEntry entry;
      while ((*declared)->Next(&entry)) counted += entry.counted;
    }
    if (counted != row.counts.pending()) {
      Fail(absl::StrCat(where, row.counts.pending(), " pending, ", counted,
                        " in the runs"));
    }
  }

  // ---- The end.

  void End() {
    troubles_.clear();
    windows_.clear();
    kill_in_call_.reset();
    world_.pinterest().SetMaxRecords(0);
    if (world_.disk() != nullptr) Kill(-1);
    for (int d = 0; d < kHistoryDestinations && failure_.empty(); ++d) {
      if (!Exists(d)) continue;
      world_.registry().SetDestinationPaused(kAccounts[d], false).IgnoreError();
      for (const auto& segment : world_.store().Segments(Number(d))) {
        world_.store().SetSegmentPaused(segment.number, false).IgnoreError();
      }
    }
    world_.deliverer().OnConfigurationChanged();
    // Bad records get their chance to be refused; those of which nothing shows
    // that they are bad wait until they are well.
    RunUntil(world_.clock().Now() + absl::Hours(1));
    for (int round = 0; round < 2 && failure_.empty(); ++round) {
      for (auto& [key, segment] : segments_) {
        DecideFullSync(key.first, key.second, round == 0);
      }
      if (failure_.empty()) FollowFullSyncs();
    }
    world_.pinterest().ClearBadRecords();
    Repair();
    // What may still be applied late is, and what is repeated goes out.
    RunUntil(world_.clock().Now() + days_of_patience_ * absl::Hours(24));
    if (!failure_.empty()) return;
    if (world_.deliverer().NextStepTime() != absl::InfiniteFuture()) {
      return Fail("delivery does not come to rest");
    }
    CheckAccounts(/*of_all=*/true);
    for (auto& [key, segment] : segments_) {
      if (failure_.empty() && Exists(key.first)) {
        CheckConverged(key.first, key.second, segment);
      }
    }
    // The first pass after a kill believes no doubt, so it may repeat some.
    const bool doubts = HasDoubts();
    if (failure_.empty()) CheckRepeatedExport(/*may_cost=*/doubts);
    if (failure_.empty() && doubts) CheckRepeatedExport(/*may_cost=*/false);
  }

  bool HasDoubts() {
    for (const auto& [key, segment] : segments_) {
      if (!Exists(key.first)) continue;
      const auto row =
          world_.store().FindSegment(Number(key.first), "ups", key.second);
      if (!row.has_value()) continue;
      const auto doubts = world_.store().Doubts(row->list);
      if (!doubts.ok() || !doubts->empty()) return true;
    }
    return false;
  }

  std::set<std::string> LoggedRefusals(int destination,
                                       membership::SegmentNumber segment) {
    std::set<std::string> records;
    const auto page =
        world_.store().Rejections(Number(destination), 10'000, "");
    if (!page.ok()) return records;
    for (const auto& line : page->rejections) {
      if (!line.refused.has_value() || line.refused->segment != segment) {
        continue;
      }
      std::string text;
      line.refused->refusal.record.AppendWireText(&text);
      records.insert(text);
    }
    return records;
  }

  void CheckConverged(int destination, const std::string& name,
                      Segment& segment) {
    const std::string where =
        absl::StrCat("destination ", destination, " segment ", name, ": ");
    const auto row =
        world_.store().FindSegment(Number(destination), "ups", name);
    if (!row.has_value()) {
      if (!segment.last.empty()) Fail(absl::StrCat(where, "unknown"));
      return;
    }
    const auto list = world_.store().GetList(row->list);
    auto delivered = world_.store().ReadDelivered(row->list);
    if (!list.ok() || !delivered.ok()) return Fail("the list cannot be read");
    if (world_.store().FindPendingList(row->list).has_value()) {
      return Fail(absl::StrCat(where, "still pending"));
    }
    const ListKey key(kAccounts[destination], DeliveryWorld::Name(name));
    std::set<std::string> there;
    const auto lists = world_.pinterest().Lists();
    const auto found = lists.find(list->customer_list_id);
    if (found != lists.end()) there = found->second.records;
    const std::set<std::string> refused =
        LoggedRefusals(destination, row->number);
    for (const std::string& record : refused) {
      if (!refusals_.Proven(key, record)) {
        return Fail(absl::StrCat(where, "a record is refused without proof"));
      }
    }

    std::map<std::string, std::pair<int, Change>> last;
    for (const auto& [record, change] : segment.last) {
      last[DeliveryWorld::WireText(record)] = {record, change};
    }
    // In the order of the records, as the cursor wants it.
    for (const auto& [text, event] : last) {
      const auto& [record, change] = event;
      const bool is_there = there.erase(text) > 0;
      const auto entry = (*delivered)->Find(DeliveryWorld::RecordOf(record));
      if (!entry.ok()) return Fail("the delivered state cannot be read");
      // A change of what is not believed is sent; so is a removal of what was
      // refused.
      if (entry->state == DeliveredState::kRefusedRemove ||
          entry->unconfirmed) {
        refused_removals_.insert({{destination, name}, record});
      }
      if (segment.meddled.count(record) > 0) continue;
      if (is_there == (change == Change::kAdd)) continue;
      const auto excuse = change == Change::kAdd
                              ? DeliveredState::kRefusedAdd
                              : DeliveredState::kRefusedRemove;
      if (entry->state == excuse && refused.count(text) > 0) {
        Reach("refused_for_good");
        continue;
      }
      return Fail(absl::StrCat(
          where, "record ", record,
          is_there ? " is still there" : " is not there", ", delivered state ",
          entry->state.has_value() ? static_cast<int>(*entry->state) : 0,
          refused.count(text) > 0 ? ", refused" : ""));
    }
    for (int record : segment.unknown) {
      there.erase(DeliveryWorld::WireText(record));
    }
    CheckReplaced(destination, name, segment, row->list, refused);
    if (!there.empty()) {
      Fail(absl::StrCat(where, there.size(), " records nobody asked for"));
    }
  }

  // Everything once more, as a daily full export does.
  void CheckRepeatedExport(bool may_cost) {
    for (const auto& [key, segment] : segments_) {
      if (!Exists(key.first) || !failure_.empty()) continue;
      const auto row =
          world_.store().FindSegment(Number(key.first), "ups", key.second);
      if (!row.has_value()) continue;
      const auto list = world_.store().GetList(row->list);
      HistoryStep step;
      step.kind = Kind::kCommit;
      step.destination = key.first;
      for (const auto& [record, change] : segment.last) {
        // On a list with members of others no removal is skipped, nor is one
        // that was refused.
        if (change == Change::kRemove &&
            (segment.foreign || (list.ok() && list->unknown_members))) {
          continue;
        }
        if (refused_removals_.count({key, record}) > 0) continue;
        step.events.push_back({key.second, record, change});
      }
      Commit(step);
    }
    const int64_t before = WritingCalls();
    RunUntil(world_.clock().Now() + absl::Hours(1));
    if (!may_cost && WritingCalls() != before)
      Fail("a repeated export costs calls");
    if (failure_.empty()) CheckAccounts(/*of_all=*/true);
    for (const auto& [key, segment] : segments_) {
      if (segment.counts.pending() != 0 && Exists(key.first)) {
        Fail("the end is pending");
      }
    }
  }

  int64_t WritingCalls() {
    return coverage_["call.CREATE"] + coverage_["call.ADD"] +
           coverage_["call.REMOVE"];
  }

  const History& history_;
  Coverage& coverage_;
  const std::function<void(const std::string&)> trace_;
  DeliveryWorld world_;
  audience_sync::v1::Destination of_api_;
  std::string failure_;
  size_t step_ = 0;
  int steps_run_ = 0;
  int turns_ = 0;
  int days_of_patience_ = 1;
  // A list may have been made since the last look.
  bool look_at_lists_ = false;
  // Counts events.
  int64_t time_ = 0;
  bool bad_records_ = false;
  bool late_additions_ = false;
  // As of the start of this history.
  const int64_t not_found_before_ = coverage_["fault.NOT_FOUND"];
  int most_records_ = 10;

  std::vector<Trouble> troubles_;
  std::vector<Trouble> windows_;
  // Once the step under way is over.
  std::optional<int> kill_;
  std::optional<std::array<int, 3>> kill_at_write_;
  std::optional<std::array<int, 3>> kill_in_call_;

  // By destination and segment.
  std::map<std::pair<int, std::string>, Segment> segments_;
  std::set<std::pair<int, std::string>> looked_for_;
  std::set<std::pair<std::pair<int, std::string>, int>> refused_removals_;
  BudgetCheck budgets_[2];
  RefusalCheck refusals_;
  std::map<ListKey, PassCheck> passes_;
  std::map<ListKey, bool> added_since_settled_;
};

}  // namespace

std::vector<std::string> WhatHistoriesReach() {
  std::vector<std::string> names = {
      "call.CREATE",
      "call.ADD",
      "call.REMOVE",
      "call.LIST",
      "event.LIST_CREATED",
      "event.LIST_ADOPTED",
      "event.TWIN_LIST_FOUND",
      "event.PASS_SETTLED",
      "event.REQUEST_FAILED",
      "event.BLOCKED",
      "event.RECORDS_REFUSED",
      "event.EXCEPTIONS",
      "creation_found_later",
      "foreign_list",
      "event.OPERATION_BEGUN",
      "event.OPERATION_ENDED",
      "asked.resync",
      "asked.replace",
      "repaired",
      "unmapped_and_emptied",
      "replaced_list_is_empty",
      "removal_during_a_pass",
      "pass_without_trouble",
      "day_is_used_up",
      "refused_for_good",
      "superseded",
      "full_sync.declared",
      "full_sync.too_late",
      "full_sync.not_open",
      "full_sync.applied",
      "full_sync.beaten_by_an_event",
      "full_sync.held_back",
      "full_sync.confirmed",
      "full_sync.discarded",
      "full_sync.expired",
      "full_sync.ended_unapplied",
      "held_back",
      "netted_out",
      "already_there",
      "kill.all",
      "kill.power",
      "kill.before_write",
      "kill.after_write",
      "kill.in_call",
      "kill.in_call_applied",
      "kill.in_commit",
      "kill.in_commit_durable",
  };
  for (int i = 1; i < FakePinterest::kFaults; ++i) {
    const char* name = FakePinterest::FaultName(static_cast<Fault>(i));
    names.push_back(absl::StrCat("fault.", name));
    names.push_back(absl::StrCat("read_fault.", name));
  }
  for (int i = 0; i < kHistoryStepKinds; ++i) {
    names.push_back(absl::StrCat(
        "step.", HistoryStepName(static_cast<HistoryStep::Kind>(i))));
  }
  return names;
}

std::string RunHistory(const History& history, const HistoryOptions& options,
                       Coverage* coverage) {
  return Run(history, options, coverage).Do();
}

}  // namespace connector::delivery
