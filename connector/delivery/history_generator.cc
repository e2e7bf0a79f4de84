#include "connector/delivery/history_generator.h"

#include <algorithm>
#include <array>
#include <iterator>
#include <random>
#include <utility>
#include <vector>

namespace connector::delivery {
namespace {

using membership::Change;
using Event = DeliveryWorld::Event;
using Fault = FakePinterest::Fault;
using Kind = HistoryStep::Kind;
using Scope = HistoryStep::Scope;

const std::array<std::vector<const char*>, kHistoryDestinations> kSegments = {
    {{"a", "b", "c"}, {"a", "d"}, {"e"}}};

// Weights of the kinds of steps, in the order of Kind: what a history is made
// of when nothing is left out.
constexpr int kWeights[] = {
    30,  // commit
    3,
    3,  // flush, retry
    1,
    2,  // pause, resume
    1,
    2,  // pause_segment, resume_segment
    1,
    2,
    5,  // unmap_keep, unmap_empty, map
    2,
    3,  // resync, replace
    1,
    2,  // delete, create
    1,
    1,  // request_records, max_delay
    1,
    0,  // rate, trial (at the start only)
    12,
    45,  // advance, run
    4,
    6,
    4,  // kill, kill_at_write, kill_in_call
    25,
    3,  // fault, window
    2,
    1,  // bad_record, heal
    1,
    1,
    1,  // max_records, listing_delay, late_delay
    1,
    2,  // foreign_list, meddle
    // begin_full_sync, declare, commit, decide, end_export
    5,
    10,
    6,
    4,
    1,
};
static_assert(std::size(kWeights) == kHistoryStepKinds);

class Generator {
 public:
  explicit Generator(uint64_t seed) : random_(seed) {}

  History Generate(uint64_t seed, int steps) {
    History history;
    history.seed = seed;
    records_ = Chance(30) ? 5 : Chance(50) ? 20 : 40;
    timed_ = Chance(50) ? 0 : Chance(50) ? 50 : 100;
    std::array<int, kHistoryStepKinds> weights;
    for (int i = 0; i < kHistoryStepKinds; ++i) {
      weights[i] = kWeights[i];
      const Kind kind = static_cast<Kind>(i);
      if (kind == Kind::kCommit || kind == Kind::kRun ||
          kind == Kind::kAdvance) {
        continue;
      }
      // A third of the kinds is left out, a third comes twice as often.
      const int luck = Pick(3);
      weights[i] *= luck == 0 ? 0 : luck;
    }
    // The configuration at the start.
    for (int d = 0; d < kHistoryDestinations; ++d) {
      Add(history, Kind::kRequestRecords, d, {1 + Pick(10)});
      Add(history, Kind::kMaxDelay, d, {1 + Pick(40)});
    }
    Add(history, Kind::kListingDelay, 0, {Pick(120)});
    if (Chance(30)) Add(history, Kind::kRate, 0, {2 + Pick(20)});
    if (Chance(5)) MakeTrial(history);
    if (Chance(30)) history.steps.push_back(MakeStep(Kind::kForeignList));
    std::discrete_distribution<int> kinds(weights.begin(), weights.end());
    for (int i = 0; i < steps; ++i) {
      history.steps.push_back(MakeStep(static_cast<Kind>(kinds(random_))));
    }
    return history;
  }

 private:
  // Trial access, and so many calls that it matters.
  void MakeTrial(History& history) {
    Add(history, Kind::kTrial, 0, {1});
    Add(history, Kind::kRequestRecords, 0, {1});
    for (int i = 0; i < 12; ++i) {
      HistoryStep& step = history.steps.emplace_back();
      step.kind = Kind::kCommit;
      for (int record = 0; record < 40; ++record) {
        step.events.push_back({PickSegment(0), record,
                               i % 2 == 0 ? Change::kAdd : Change::kRemove});
      }
      Add(history, Kind::kAdvance, 0, {60});
      Add(history, Kind::kRun, 0, {60 + Pick(40)});
      if (Chance(40)) Add(history, Kind::kKill, 0, {PickKept()});
    }
  }

  int Pick(int size) { return static_cast<int>(random_() % size); }
  bool Chance(int percent) { return Pick(100) < percent; }

  static void Add(History& history, Kind kind, int destination,
                  std::array<int, 3> numbers) {
    HistoryStep& step = history.steps.emplace_back();
    step.kind = kind;
    step.destination = destination;
    step.numbers = numbers;
  }

  // 0 gets the most.
  int PickDestination() { return Chance(60) ? 0 : Pick(kHistoryDestinations); }
  std::string PickSegment(int destination) {
    const auto& segments = kSegments[destination];
    return segments[Pick(static_cast<int>(segments.size()))];
  }
  Scope PickScope() {
    return Chance(60) ? Scope::kWrite : Chance(50) ? Scope::kList : Scope::kAny;
  }
  int PickKept() { return Chance(25) ? -1 : Pick(3); }

  // What is common comes often; what stops a list for minutes comes seldom.
  Fault PickFault() {
    static constexpr Fault kOften[] = {
        Fault::kNotSent,     Fault::kLostBefore,  Fault::kLostAfter,
        Fault::kLostAfter,   Fault::kAppliedLate, Fault::kAppliedLate,
        Fault::kServerError, Fault::kRateLimited, Fault::kBadRequest,
        Fault::kExceptions,  Fault::kUnauthorized};
    if (Chance(70)) return kOften[Pick(std::size(kOften))];
    return static_cast<Fault>(1 + Pick(FakePinterest::kFaults - 1));
  }

  HistoryStep MakeStep(Kind kind) {
    HistoryStep step;
    step.kind = kind;
    step.destination = PickDestination();
    step.segment = PickSegment(step.destination);
    switch (kind) {
      case Kind::kCommit:
        AddEvents(step);
        break;
      case Kind::kRequestRecords:
        step.numbers = {1 + Pick(10)};
        break;
      case Kind::kMaxDelay:
        step.numbers = {1 + Pick(60)};
        break;
      case Kind::kRate:
        step.numbers = {2 + Pick(20)};
        break;
      case Kind::kAdvance:
        step.numbers = {Chance(80) ? Pick(90) : Pick(900)};
        now_ += step.numbers[0];
        break;
      case Kind::kRun:
        step.numbers = {1 + Pick(Chance(80) ? 4 : 40)};
        break;
      case Kind::kKill:
        step.numbers = {PickKept()};
        break;
      case Kind::kKillAtWrite:
        step.numbers = {1 + Pick(6), Pick(2), PickKept()};
        break;
      case Kind::kKillInCall:
        step.numbers = {Pick(2), PickKept()};
        break;
      case Kind::kFault:
        step.fault = PickFault();
        step.scope = PickScope();
        step.numbers = {Pick(4), 1 + Pick(Chance(80) ? 2 : 8)};
        break;
      case Kind::kWindow:
        step.fault = PickFault();
        step.scope = PickScope();
        step.numbers = {10 + Pick(Chance(80) ? 300 : 4'000)};
        break;
      case Kind::kBadRecord:
        step.numbers = {Pick(records_), Pick(2)};
        break;
      case Kind::kMaxRecords:
        step.numbers = {Chance(30) ? 0 : 1 + Pick(6)};
        break;
      case Kind::kListingDelay:
        step.numbers = {Pick(120)};
        break;
      case Kind::kLateDelay:
        // Below the time after which a change is repeated; with the delay of
        // the listing, below the creation window.
        step.numbers = {10 + Pick(160)};
        break;
      case Kind::kForeignList:
      case Kind::kMeddle:
        step.numbers = {Pick(records_)};
        break;
      case Kind::kBeginFullSync:
        step.numbers = {PickExport(), Chance(70) ? 3'600 : 1 + Pick(300)};
        break;
      case Kind::kDeclare:
        step.numbers = {PickExport()};
        AddDeclared(step);
        break;
      case Kind::kCommitFullSync:
      case Kind::kEndExport:
        step.numbers = {PickExport()};
        break;
      case Kind::kDecideFullSync:
        step.numbers = {Pick(2)};
        break;
      default:
        break;
    }
    return step;
  }

  int PickExport() { return Chance(80) ? 0 : 1; }

  // Mostly members, in one segment or two.
  void AddDeclared(HistoryStep& step) {
    const int size = 1 + Pick(20);
    for (int i = 0; i < size; ++i) {
      Event event;
      event.segment = Chance(80) ? step.segment : PickSegment(step.destination);
      event.record = Pick(records_);
      event.change = Chance(92) ? Change::kAdd : Change::kRemove;
      step.events.push_back(event);
    }
  }

  void AddEvents(HistoryStep& step) {
    const int size = 1 + Pick(Chance(70) ? 12 : 3);
    // Some batches are mostly exits, some mostly entries.
    const int adds = Chance(30) ? 10 : Chance(50) ? 90 : 60;
    // Through the edge or, with exits that are remembered, over gRPC.
    const bool timed = Chance(timed_);
    const bool edge = Chance(70);
    for (int i = 0; i < size; ++i) {
      Event event;
      event.segment = PickSegment(step.destination);
      event.record = Pick(records_);
      event.change = Chance(adds) ? Change::kAdd : Change::kRemove;
      if (timed && event.change == Change::kRemove) {
        event.time = Chance(80) ? PickTime() : Event::kAtCommit;
      } else if (timed && edge && Chance(90)) {
        event.time = PickTime();
      }
      step.events.push_back(event);
      if (!Chance(10)) continue;
      // With an exit its time goes, too; with an addition it is no exit.
      if (event.change == Change::kAdd) event.time = Event::kNoTime;
      // The identity has another form, which goes out with an exit and which a
      // former mapping may have added.
      event.change = Change::kRemove;
      event.record = (event.record + records_ / 2) % records_;
      event.counted = false;
      step.events.push_back(event);
    }
  }

  // Mostly about now, and the same more than once.
  int PickTime() {
    const int back = Chance(70) ? Pick(4) * 30 : Pick(1'000);
    return std::max(now_ / 30 * 30 + 30 - back, 0);
  }

  std::mt19937_64 random_;
  // In percent: how many commits have times.
  int timed_ = 0;
  // Seconds since the beginning, nearly.
  int now_ = 0;
  int records_ = 40;
};

}  // namespace

History GenerateHistory(uint64_t seed, int steps) {
  return Generator(seed).Generate(seed, steps);
}

}  // namespace connector::delivery
