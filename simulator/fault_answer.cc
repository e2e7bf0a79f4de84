#include "simulator/fault_answer.h"

#include <algorithm>
#include <cstdint>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"

namespace simulator {

using nlohmann::json;

void Distort(const Fault::Action& action, json* body) {
  if (!body->is_object()) return;
  if (body->contains("items")) {
    for (json& item : (*body)["items"]) Distort(action, &item);
  }
  if (!body->contains("num_batches")) return;
  if (!action.exceptions.empty()) {
    (*body)["exceptions"] = json::parse(action.exceptions, nullptr,
                                        /*allow_exceptions=*/false);
  }
  for (const char* counter :
       {"num_uploaded_user_records", "num_removed_user_records"}) {
    (*body)[counter] = (*body)[counter].get<int64_t>() + action.counters_off;
  }
}

void SetHeader(const std::string& name, const std::string& value,
               Headers* headers) {
  for (auto& [present, text] : *headers) {
    if (absl::EqualsIgnoreCase(present, name)) {
      text = value;
      return;
    }
  }
  headers->emplace_back(name, value);
}

Answer PlainError(int status) {
  switch (status) {
    case 401:
      return Error(401, kCodeAuthenticationOrNotFound,
                   "Authentication failed.");
    case 403:
      return Error(403, kCodeNotPermitted,
                   "You are not permitted to access that resource.");
    case 404:
      return NotFound("Resource");
    case 405:
      return Error(405, kCodeMethodNotAllowed, "Method not allowed.");
    case 429:
      return Error(429, kCodeRateLimit,
                   "You have exceeded your rate limit. Try again later.");
    default:
      return Error(status, status, "Simulated failure.");
  }
}

void FillResponse(const Fault::Action& action, bool drop, const Answer& answer,
                  Headers headers, HttpResponse* response) {
  response->drop = drop;
  response->reset = action.reset;
  response->truncate_body = action.truncate_body;
  response->status = answer.status;
  response->body = action.body.has_value() ? *action.body : Dump(answer.body);
  if (action.not_json) {
    response->content_type = "text/html";
    response->body =
        "<html><head><title>Error</title></head><body>Simulated page that is "
        "not JSON.</body></html>";
  }
  if (action.ratelimit == "none") {
    auto is_hint = [](const auto& header) {
      return absl::StartsWith(header.first, "x-ratelimit-");
    };
    headers.erase(std::remove_if(headers.begin(), headers.end(), is_hint),
                  headers.end());
  } else if (action.ratelimit == "exhausted") {
    SetHeader("x-ratelimit-remaining", "0", &headers);
    SetHeader("x-ratelimit-reset",
              absl::StrCat(absl::ToInt64Seconds(action.ratelimit_reset)),
              &headers);
  }
  if (!action.redirect.empty()) {
    SetHeader("Location", action.redirect, &headers);
  }
  for (const auto& [name, value] : action.headers) {
    SetHeader(name, value, &headers);
  }
  response->headers = std::move(headers);
}

}  // namespace simulator
