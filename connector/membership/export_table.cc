#include "connector/membership/export_table.h"

namespace connector::membership {

namespace {

// How long an export is remembered that was opened and never had a batch.
constexpr absl::Duration kUnusedExpiry = absl::Minutes(10);

}  // namespace

bool ExportState::Forgettable(absl::Time now, absl::Duration expiry) const {
  if (in_group || !listener.expired()) return false;
  if (durable != delivered || durable != released) return false;
  return now - last_activity > (stored ? expiry : kUnusedExpiry);
}

void ExportState::StartAnew() {
  ExportState state;
  state.destination = destination;
  state.id = std::move(id);
  state.stored = stored;
  *this = std::move(state);
}

ExportState* ExportTable::Find(DestinationNumber destination,
                               absl::string_view id) {
  const auto exports = exports_.find(destination);
  if (exports == exports_.end()) return nullptr;
  const auto found = exports->second.find(std::string(id));
  return found == exports->second.end() ? nullptr : found->second.get();
}

ExportState* ExportTable::Create(DestinationNumber destination,
                                 absl::string_view id) {
  auto state = std::make_unique<ExportState>();
  state->destination = destination;
  state->id = std::string(id);
  std::unique_ptr<ExportState>& slot = exports_[destination][std::string(id)];
  slot = std::move(state);
  return slot.get();
}

void ExportTable::Erase(const ExportState* state) {
  const auto exports = exports_.find(state->destination);
  if (exports == exports_.end()) return;
  // The key must not be the erased state's own.
  const std::string id = state->id;
  exports->second.erase(id);
}

void ExportTable::EraseDestination(DestinationNumber destination,
                                   const std::vector<ListNumber>& lists) {
  for (ListNumber list : lists) waiting_.erase(list);
  exports_.erase(destination);
}

std::vector<ExportState*> ExportTable::OfDestination(
    DestinationNumber destination) {
  std::vector<ExportState*> states;
  const auto exports = exports_.find(destination);
  if (exports == exports_.end()) return states;
  for (const auto& [id, state] : exports->second) states.push_back(state.get());
  return states;
}

std::vector<ExportState*> ExportTable::All() {
  std::vector<ExportState*> states;
  for (const auto& [destination, exports] : exports_) {
    for (const auto& [id, state] : exports) states.push_back(state.get());
  }
  return states;
}

size_t ExportTable::Count(DestinationNumber destination) const {
  const auto exports = exports_.find(destination);
  return exports == exports_.end() ? 0 : exports->second.size();
}

void ExportTable::Wait(ListNumber list, CommitNumber commit,
                       ExportState* state) {
  waiting_[list].emplace(commit, state);
}

std::vector<ExportState*> ExportTable::TakeWaiting(ListNumber list,
                                                   CommitNumber through) {
  std::vector<ExportState*> taken;
  const auto found = waiting_.find(list);
  if (found == waiting_.end()) return taken;
  auto& by_commit = found->second;
  const auto end = by_commit.upper_bound(through);
  for (auto it = by_commit.begin(); it != end; ++it) {
    taken.push_back(it->second);
  }
  by_commit.erase(by_commit.begin(), end);
  if (by_commit.empty()) waiting_.erase(found);
  return taken;
}

}  // namespace connector::membership
