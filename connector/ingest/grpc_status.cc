#include "connector/ingest/grpc_status.h"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/cord.h"
#include "absl/strings/string_view.h"
#include "connector/base/error.h"

namespace connector::ingest {
namespace {

constexpr size_t kMaxFieldBytes = 256;

bool IsContinuation(char c) { return (c & 0xC0) == 0x80; }

// At most `max_bytes`, not cut inside of a character.
std::string Shortened(absl::string_view text, size_t max_bytes) {
  if (text.size() <= max_bytes) return std::string(text);
  size_t size = max_bytes - 3;
  while (size > 0 && IsContinuation(text[size])) --size;
  return std::string(text.substr(0, size)) + "...";
}

// Without what neither a terminal nor a proto3 string takes.
std::string Printable(absl::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (size_t i = 0; i < text.size();) {
    const unsigned char c = text[i];
    const size_t size = c < 0x80   ? 1
                        : c < 0xC2 ? 0
                        : c < 0xE0 ? 2
                        : c < 0xF0 ? 3
                        : c < 0xF5 ? 4
                                   : 0;
    bool sound = size != 0 && i + size <= text.size() &&
                 !(size == 1 && absl::ascii_iscntrl(c));
    for (size_t k = 1; sound && k < size; ++k) {
      sound = IsContinuation(text[i + k]);
    }
    if (!sound) {
      out.push_back(c == '\n' ? ' ' : '?');
      ++i;
      continue;
    }
    out.append(text.data() + i, size);
    i += size;
  }
  return out;
}

void AddDetails(const absl::Status& status, google::rpc::Status* proto) {
  std::vector<std::pair<std::string, std::string>> payloads;
  status.ForEachPayload([&](absl::string_view url, const absl::Cord& payload) {
    payloads.emplace_back(url, std::string(payload));
  });
  // The order of payloads is nobody's promise.
  std::sort(payloads.begin(), payloads.end());
  for (auto& [url, payload] : payloads) {
    auto* any = proto->add_details();
    any->set_type_url(url);
    any->set_value(std::move(payload));
  }
}

}  // namespace

google::rpc::Status ToStatusProto(const absl::Status& status) {
  google::rpc::Status proto;
  if (status.ok()) return proto;
  const std::string message =
      Shortened(Printable(status.message()), kMaxErrorMessageBytes);
  proto.set_code(static_cast<int>(status.code()));
  proto.set_message(message);

  ErrorDetail detail = GetErrorDetail(status);
  if (detail.reason.empty()) {
    detail.reason = absl::StatusCodeToString(status.code());
  }
  for (auto& [name, value] : detail.metadata) {
    value = Shortened(value, kMaxFieldBytes);
  }
  for (auto& [field, rule] : detail.field_violations) {
    field = Shortened(field, kMaxFieldBytes);
    rule = Shortened(rule, kMaxFieldBytes);
  }
  for (ErrorDetail::Violation& violation : detail.preconditions) {
    violation.subject = Shortened(violation.subject, kMaxFieldBytes);
    violation.description = Shortened(violation.description, kMaxFieldBytes);
  }
  for (;;) {
    proto.clear_details();
    AddDetails(MakeError(status.code(), message, detail), &proto);
    if (proto.ByteSizeLong() <= kMaxErrorMessageBytes + kMaxErrorDetailsBytes) {
      return proto;
    }
    if (!detail.field_violations.empty() || !detail.preconditions.empty()) {
      detail.field_violations.resize(detail.field_violations.size() / 2);
      detail.preconditions.resize(detail.preconditions.size() / 2);
    } else if (!detail.metadata.empty()) {
      detail.metadata.clear();
    } else {
      proto.clear_details();
      return proto;
    }
  }
}

grpc::Status ToGrpcStatus(const absl::Status& status) {
  if (status.ok()) return grpc::Status::OK;
  const google::rpc::Status proto = ToStatusProto(status);
  return grpc::Status(static_cast<grpc::StatusCode>(proto.code()),
                      proto.message(), proto.SerializeAsString());
}

absl::Status FromGrpcStatus(const grpc::Status& status) {
  if (status.ok()) return absl::OkStatus();
  absl::Status out(static_cast<absl::StatusCode>(status.error_code()),
                   status.error_message());
  google::rpc::Status proto;
  if (!proto.ParseFromString(status.error_details())) return out;
  for (const auto& any : proto.details()) {
    out.SetPayload(any.type_url(), absl::Cord(any.value()));
  }
  return out;
}

}  // namespace connector::ingest
