#include "connector/pinterest/request_body.h"

#include <cstring>

#include "nlohmann/json.hpp"

namespace connector::pinterest {
namespace {

using identity_mapping::RecordView;

constexpr absl::string_view kAddPrefix =
    "{\"operation_type\":\"ADD\",\"records\":\"";
constexpr absl::string_view kRemovePrefix =
    "{\"operation_type\":\"REMOVE\",\"records\":\"";
constexpr absl::string_view kUpdateSuffix = "\"}";

// Bytes of "a,b,c".
size_t RecordsSize(absl::Span<const RecordView> records) {
  size_t size = records.empty() ? 0 : records.size() - 1;
  for (const RecordView& record : records) size += record.WireSize();
  return size;
}

char* Write(absl::string_view text, char* to) {
  std::memcpy(to, text.data(), text.size());
  return to + text.size();
}

// The wire text of a record needs no escaping in JSON (record.h).
std::string Build(absl::string_view prefix,
                  absl::Span<const RecordView> records,
                  absl::string_view suffix) {
  std::string body(prefix.size() + RecordsSize(records) + suffix.size(), '\0');
  char* to = Write(prefix, body.data());
  for (size_t i = 0; i < records.size(); ++i) {
    if (i > 0) *to++ = ',';
    to = records[i].WriteWireText(to);
  }
  Write(suffix, to);
  return body;
}

std::string JsonString(absl::string_view text) {
  return nlohmann::json(std::string(text))
      .dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

}  // namespace

const size_t kUpdateBodyOverhead = kRemovePrefix.size() + kUpdateSuffix.size();

std::string BuildCreateBody(absl::string_view name, absl::string_view list_type,
                            absl::Span<const RecordView> records) {
  std::string prefix = "{\"name\":";
  prefix.append(JsonString(name)).append(",\"records\":\"");
  std::string suffix = "\",\"list_type\":";
  suffix.append(JsonString(list_type)).append("}");
  return Build(prefix, records, suffix);
}

std::string BuildUpdateBody(Operation operation,
                            absl::Span<const RecordView> records) {
  return Build(operation == Operation::kAdd ? kAddPrefix : kRemovePrefix,
               records, kUpdateSuffix);
}

size_t UpdateBodySize(absl::Span<const RecordView> records) {
  return kUpdateBodyOverhead + RecordsSize(records);
}

size_t RecordSizeInBody(const RecordView& record) {
  return record.WireSize() + 1;
}

}  // namespace connector::pinterest
