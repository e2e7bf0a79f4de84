#include "connector/delivery/history.h"

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"

namespace connector::delivery {
namespace {

using membership::Change;
using Event = DeliveryWorld::Event;
using Fault = FakePinterest::Fault;
using Kind = HistoryStep::Kind;

// The words of a step after its name: d destination, s segment, f fault,
// c scope, n a number, e events.
struct Form {
  absl::string_view name;
  absl::string_view words;
};

Form FormOf(Kind kind) {
  switch (kind) {
    case Kind::kCommit:
      return {"commit", "de"};
    case Kind::kFlush:
      return {"flush", "d"};
    case Kind::kRetry:
      return {"retry", "d"};
    case Kind::kPause:
      return {"pause", "d"};
    case Kind::kResume:
      return {"resume", "d"};
    case Kind::kPauseSegment:
      return {"pause_segment", "ds"};
    case Kind::kResumeSegment:
      return {"resume_segment", "ds"};
    case Kind::kUnmapKeep:
      return {"unmap_keep", "ds"};
    case Kind::kUnmapEmpty:
      return {"unmap_empty", "ds"};
    case Kind::kMap:
      return {"map", "ds"};
    case Kind::kResync:
      return {"resync", "ds"};
    case Kind::kReplace:
      return {"replace", "ds"};
    case Kind::kMeddle:
      return {"meddle", "dsn"};
    case Kind::kDelete:
      return {"delete", ""};
    case Kind::kCreate:
      return {"create", ""};
    case Kind::kRequestRecords:
      return {"request_records", "dn"};
    case Kind::kMaxDelay:
      return {"max_delay", "dn"};
    case Kind::kRate:
      return {"rate", "n"};
    case Kind::kTrial:
      return {"trial", "n"};
    case Kind::kAdvance:
      return {"advance", "n"};
    case Kind::kRun:
      return {"run", "n"};
    case Kind::kKill:
      return {"kill", "n"};
    case Kind::kKillAtWrite:
      return {"kill_at_write", "nnn"};
    case Kind::kKillInCall:
      return {"kill_in_call", "nn"};
    case Kind::kFault:
      return {"fault", "fcnn"};
    case Kind::kWindow:
      return {"window", "fcn"};
    case Kind::kBadRecord:
      return {"bad_record", "nn"};
    case Kind::kHeal:
      return {"heal", ""};
    case Kind::kMaxRecords:
      return {"max_records", "n"};
    case Kind::kListingDelay:
      return {"listing_delay", "n"};
    case Kind::kLateDelay:
      return {"late_delay", "n"};
    case Kind::kForeignList:
      return {"foreign_list", "dsn"};
    case Kind::kBeginFullSync:
      return {"begin_full_sync", "dsnn"};
    case Kind::kDeclare:
      return {"declare", "dne"};
    case Kind::kCommitFullSync:
      return {"commit_full_sync", "dsn"};
    case Kind::kDecideFullSync:
      return {"decide_full_sync", "dsn"};
    case Kind::kEndExport:
      return {"end_export", "dn"};
  }
  return {};
}

constexpr absl::string_view kScopes[] = {"ANY", "WRITE", "LIST"};

char Sign(const Event& event) {
  if (event.change == Change::kAdd) return event.counted ? '+' : '*';
  return event.counted ? '-' : '~';
}

bool ParseEvent(absl::string_view word, Event* event) {
  const size_t at = word.find_first_of("+-*~");
  if (at == 0 || at == absl::string_view::npos) return false;
  event->segment = std::string(word.substr(0, at));
  event->change =
      word[at] == '+' || word[at] == '*' ? Change::kAdd : Change::kRemove;
  event->counted = word[at] == '+' || word[at] == '-';
  const std::pair<absl::string_view, absl::string_view> rest =
      absl::StrSplit(word.substr(at + 1), absl::MaxSplits('@', 1));
  if (rest.second == "commit") {
    event->time = Event::kAtCommit;
  } else if (!rest.second.empty() &&
             (!absl::SimpleAtoi(rest.second, &event->time) ||
              event->time < 0)) {
    return false;
  }
  return absl::SimpleAtoi(rest.first, &event->record);
}

bool ParseStep(const std::vector<absl::string_view>& words, HistoryStep* step) {
  size_t next = 1;
  size_t numbers = 0;
  for (char field : FormOf(step->kind).words) {
    if (field == 'e') {
      for (; next < words.size(); ++next) {
        if (!ParseEvent(words[next], &step->events.emplace_back())) {
          return false;
        }
      }
      continue;
    }
    if (next >= words.size()) return false;
    const absl::string_view word = words[next++];
    bool good = false;
    switch (field) {
      case 'd':
        good = absl::SimpleAtoi(word, &step->destination) &&
               step->destination >= 0 &&
               step->destination < kHistoryDestinations;
        break;
      case 's':
        step->segment = std::string(word);
        good = true;
        break;
      case 'n':
        good = absl::SimpleAtoi(word, &step->numbers[numbers++]);
        break;
      case 'f':
        for (int i = 0; i < FakePinterest::kFaults && !good; ++i) {
          step->fault = static_cast<Fault>(i);
          good = word == FakePinterest::FaultName(step->fault);
        }
        break;
      case 'c':
        for (int i = 0; i < 3 && !good; ++i) {
          step->scope = static_cast<HistoryStep::Scope>(i);
          good = word == kScopes[i];
        }
        break;
    }
    if (!good) return false;
  }
  return next == words.size();
}

}  // namespace

int NumbersOf(Kind kind) {
  int numbers = 0;
  for (char field : FormOf(kind).words) numbers += field == 'n';
  return numbers;
}

absl::string_view HistoryStepName(Kind kind) { return FormOf(kind).name; }

std::string FormatStep(const HistoryStep& step) {
  const Form form = FormOf(step.kind);
  std::string text(form.name);
  size_t numbers = 0;
  for (char field : form.words) {
    switch (field) {
      case 'd':
        absl::StrAppend(&text, " ", step.destination);
        break;
      case 's':
        absl::StrAppend(&text, " ", step.segment);
        break;
      case 'n':
        absl::StrAppend(&text, " ", step.numbers[numbers++]);
        break;
      case 'f':
        absl::StrAppend(&text, " ", FakePinterest::FaultName(step.fault));
        break;
      case 'c':
        absl::StrAppend(&text, " ", kScopes[static_cast<int>(step.scope)]);
        break;
      case 'e':
        for (const Event& event : step.events) {
          absl::StrAppend(&text, " ", event.segment,
                          std::string(1, Sign(event)), event.record);
          if (event.time >= 0) absl::StrAppend(&text, "@", event.time);
          if (event.time == Event::kAtCommit) absl::StrAppend(&text, "@commit");
        }
        break;
    }
  }
  return text;
}

std::string FormatHistory(const History& history) {
  std::string text = absl::StrCat("seed ", history.seed, "\n");
  for (const HistoryStep& step : history.steps) {
    absl::StrAppend(&text, FormatStep(step), "\n");
  }
  return text;
}

absl::StatusOr<History> ParseHistory(absl::string_view text) {
  History history;
  for (absl::string_view line : absl::StrSplit(text, '\n')) {
    line = line.substr(0, line.find('#'));
    const std::vector<absl::string_view> words =
        absl::StrSplit(line, absl::ByAnyChar(" \t\r"), absl::SkipEmpty());
    if (words.empty()) continue;
    if (words[0] == "seed" && words.size() == 2 &&
        absl::SimpleAtoi(words[1], &history.seed)) {
      continue;
    }
    HistoryStep step;
    bool good = false;
    for (int i = 0; i < kHistoryStepKinds && !good; ++i) {
      step.kind = static_cast<Kind>(i);
      good = FormOf(step.kind).name == words[0];
    }
    if (!good || !ParseStep(words, &step)) {
      return absl::InvalidArgumentError(
          absl::StrCat("not a step of a history: ", line));
    }
    history.steps.push_back(std::move(step));
  }
  return history;
}

}  // namespace connector::delivery
