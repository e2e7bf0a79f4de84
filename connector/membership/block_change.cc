#include "connector/membership/block_change.h"

#include <algorithm>

namespace connector::membership {
namespace {

std::strong_ordering CompareEntries(const BlockEntry& a, const BlockEntry& b) {
  if (a.kind != b.kind) return a.kind <=> b.kind;
  return a.payload.compare(b.payload) <=> 0;
}

// The entries of `older` with those of `newer` over them. False if one of them
// cannot be read.
bool Merge(BlockReader older, BlockReader newer, bool keep_gone,
           EntryBytes& merged) {
  const bool outdated = older.epoch() < newer.epoch();
  BlockEntry old_entry;
  BlockEntry new_entry;
  bool has_old = older.Next(&old_entry);
  bool has_new = newer.Next(&new_entry);
  while (has_old || has_new) {
    std::strong_ordering order = std::strong_ordering::less;
    if (!has_old) {
      order = std::strong_ordering::greater;
    } else if (has_new) {
      order = CompareEntries(old_entry, new_entry);
    }
    if (order < 0) {
      if (outdated && !old_entry.unconfirmed && !old_entry.gone) {
        merged.AppendUnconfirmed(old_entry);
      } else {
        merged.AppendStored(old_entry);
      }
      has_old = older.Next(&old_entry);
      continue;
    }
    if (keep_gone || !new_entry.gone) merged.AppendStored(new_entry);
    has_new = newer.Next(&new_entry);
    if (order == 0) has_old = older.Next(&old_entry);
  }
  return older.status().ok() && newer.status().ok();
}

BlockReader ChangeReader(absl::string_view change) {
  return BlockReader(change, BlockReader::Form::kChange);
}

}  // namespace

std::optional<std::string> JoinBlockChanges(
    absl::Span<const absl::string_view> changes) {
  std::string joined(changes.front());
  for (absl::string_view change : changes.subspan(1)) {
    const BlockReader older = ChangeReader(joined);
    const BlockReader newer = ChangeReader(change);
    EntryBytes merged;
    if (!Merge(older, newer, /*keep_gone=*/true, merged)) return std::nullopt;
    joined = merged.Change(std::max(older.epoch(), newer.epoch()));
  }
  return joined;
}

std::optional<std::string> ApplyBlockChanges(
    absl::string_view block, absl::Span<const absl::string_view> changes) {
  const std::optional<std::string> change = JoinBlockChanges(changes);
  if (!change.has_value()) return std::nullopt;
  const BlockReader older(block);
  const BlockReader newer = ChangeReader(*change);
  EntryBytes merged;
  if (!Merge(older, newer, /*keep_gone=*/false, merged)) return std::nullopt;
  return merged.Block(std::max(older.epoch(), newer.epoch()), 0,
                      merged.entries());
}

}  // namespace connector::membership
