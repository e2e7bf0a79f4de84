#include "simulator/request_log.h"

#include <utility>

namespace simulator {

using nlohmann::json;

json ToJson(const RequestEntry& entry) {
  return {{"number", entry.number},
          {"time", absl::ToDoubleSeconds(entry.time - absl::UnixEpoch())},
          {"method", entry.method},
          {"path", entry.path},
          {"query", entry.query},
          {"operation", entry.operation},
          {"ad_account_id", entry.ad_account_id},
          {"customer_list_id", entry.customer_list_id},
          {"operation_type", entry.operation_type},
          {"record_count", entry.record_count},
          {"unhashed_records", entry.unhashed_records},
          {"body_bytes", entry.body_bytes},
          {"body_sha256", entry.body_sha256},
          {"credential", entry.credential},
          {"rid", entry.rid},
          {"status", entry.status},
          {"applied", entry.applied},
          {"late", entry.late},
          {"dropped", entry.dropped},
          {"fault", entry.fault}};
}

int64_t RequestLog::Add(RequestEntry entry) {
  entry.number = next_number_++;
  ++counts_[entry.operation.empty() ? "unknown" : entry.operation];
  entries_.push_back(std::move(entry));
  if (entries_.size() > kKept) entries_.pop_front();
  return next_number_ - 1;
}

RequestEntry* RequestLog::Find(int64_t number) {
  if (entries_.empty() || number < entries_.front().number ||
      number > entries_.back().number) {
    return nullptr;
  }
  return &entries_[number - entries_.front().number];
}

void RequestLog::Clear() {
  entries_.clear();
  counts_.clear();
}

std::vector<RequestEntry> RequestLog::Since(int64_t number) const {
  std::vector<RequestEntry> found;
  for (const RequestEntry& entry : entries_) {
    if (entry.number > number) found.push_back(entry);
  }
  return found;
}

json RequestLog::Inspect(int64_t since) const {
  json requests = json::array();
  for (const RequestEntry& entry : Since(since)) {
    requests.push_back(ToJson(entry));
  }
  return {{"requests", std::move(requests)},
          {"last", last_number()},
          {"counts", counts_}};
}

}  // namespace simulator
