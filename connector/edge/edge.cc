#include "connector/edge/edge.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "absl/time/clock.h"
#include "connector/base/error.h"
#include "connector/edge/bearer_token.h"
#include "connector/edge/profile_intake.h"
#include "nlohmann/json.hpp"

namespace connector::edge {
namespace {

namespace v1 = audience_sync::v1;
using nlohmann::json;

// The body of a call about a segment.
constexpr size_t kMaxSegmentBody = 64 << 10;
// When nothing better is known.
constexpr absl::Duration kRetryDelay = absl::Seconds(5);
// While a list is emptied or replaced, which takes calls of Pinterest.
constexpr absl::Duration kOperationRetryDelay = absl::Seconds(30);

std::string Dump(const json& value) {
  return value.dump(-1, ' ', /*ensure_ascii=*/false,
                    json::error_handler_t::replace);
}

HttpResponse Error(int status, absl::string_view reason,
                   absl::string_view message) {
  HttpResponse response;
  response.status = status;
  response.body = Dump(
      {{"message", std::string(message)}, {"reason", std::string(reason)}});
  return response;
}

HttpResponse Later(int status, absl::string_view reason,
                   absl::string_view message, absl::Duration delay) {
  HttpResponse response = Error(status, reason, message);
  response.retry_after =
      std::max(1, static_cast<int>(std::ceil(absl::ToDoubleSeconds(delay))));
  return response;
}

// A text of a JSON object; nullopt if it is something else.
std::optional<std::string> TextOf(const json& object, const char* name) {
  const auto found = object.find(name);
  if (found == object.end() || found->is_null()) return "";
  if (!found->is_string()) return std::nullopt;
  return found->get<std::string>();
}

v1::MembershipStatus StatusOf(const std::string& name) {
  if (absl::EqualsIgnoreCase(name, "realized")) {
    return v1::MEMBERSHIP_STATUS_REALIZED;
  }
  if (absl::EqualsIgnoreCase(name, "existing")) {
    return v1::MEMBERSHIP_STATUS_EXISTING;
  }
  if (absl::EqualsIgnoreCase(name, "exited")) {
    return v1::MEMBERSHIP_STATUS_EXITED;
  }
  return v1::MEMBERSHIP_STATUS_UNSPECIFIED;
}

// "EMPTY" of REJECTION_REASON_EMPTY.
std::string ReasonName(int reason) {
  const std::string& name =
      v1::RejectionReason_Name(static_cast<v1::RejectionReason>(reason));
  return std::string(absl::StripPrefix(name, "REJECTION_REASON_"));
}

HttpResponse TotalsResponse(const ProfileIntake::Totals& totals) {
  json rejections = json::object();
  for (const auto& [reason, count] : totals.rejections) {
    rejections[ReasonName(reason)] = count;
  }
  json body = {{"profiles", totals.profiles},
               {"received", totals.counts.received},
               {"accepted", totals.counts.accepted()},
               {"excluded", totals.counts.excluded},
               {"rejected", totals.counts.rejected},
               {"rejections", std::move(rejections)},
               {"unreadableTimes", totals.unreadable_times}};
  for (const v1::ExportRejection& rejection : totals.named) {
    json item = {{"profile", rejection.profile_index()}};
    if (rejection.has_identity_index()) {
      item["identity"] = rejection.identity_index();
    }
    if (rejection.has_membership_index()) {
      item["membership"] = rejection.membership_index();
    }
    item["reason"] = ReasonName(rejection.reason());
    body["rejectedAt"].push_back(std::move(item));
  }
  HttpResponse response;
  response.body = Dump(body);
  return response;
}

}  // namespace

HttpResponse ErrorResponse(const absl::Status& status) {
  const ErrorDetail detail = GetErrorDetail(status);
  const absl::Duration delay = detail.retry_delay.value_or(kRetryDelay);
  const auto error = [&](int http_status) {
    return Error(http_status, detail.reason, status.message());
  };
  // It ends by itself, and a platform comes again only after these.
  if (detail.reason == "OPERATION_RUNNING") {
    return Later(503, detail.reason, status.message(),
                 detail.retry_delay.value_or(kOperationRetryDelay));
  }
  // Waiting does not help, so nobody is told to come again.
  if (detail.reason == "TOO_MANY_CUSTOMER_LISTS") return error(409);
  switch (status.code()) {
    case absl::StatusCode::kInvalidArgument:
    case absl::StatusCode::kOutOfRange:
      return error(400);
    case absl::StatusCode::kNotFound:
      return error(404);
    case absl::StatusCode::kAlreadyExists:
    case absl::StatusCode::kFailedPrecondition:
    case absl::StatusCode::kAborted:
      return error(409);
    case absl::StatusCode::kUnimplemented:
      return error(501);
    case absl::StatusCode::kResourceExhausted:
      return Later(429, detail.reason, status.message(), delay);
    default:
      // Never 500: after that some platforms do not come again. And whatever it
      // is, its text is not for others.
      return Later(
          503, detail.reason.empty() ? "UNAVAILABLE" : detail.reason,
          detail.reason.empty() ? "not now; send it again" : status.message(),
          delay);
  }
}

Edge::Edge(const Options& options)
    : options_(options), room_(options.max_work_bytes) {}

void Edge::Shutdown() {
  absl::MutexLock lock(&mutex_);
  shutting_down_ = true;
}

HttpResponse Edge::Refuse(int status, absl::string_view rule) {
  if (status == 503) return Later(503, "SERVER_BUSY", rule, absl::Seconds(1));
  return Error(status, "MESSAGE_REFUSED", rule);
}

std::optional<HttpResponse> Edge::FindRoute(const RequestHead& head,
                                            Route* route) {
  const auto parts = SplitPath(head.path);
  const auto none = [] {
    return Error(404, "PATH_UNKNOWN", "there is nothing at this path");
  };
  if (!parts.has_value()) return none();
  const auto only = [&](const char* allow) {
    HttpResponse response =
        Error(405, "METHOD_UNKNOWN", "the path does not take this method");
    response.allow = allow;
    return response;
  };
  if (*parts == std::vector<std::string>{"healthz"}) {
    if (head.method != "GET") return only("GET");
    route->call = Call::kHealth;
    return std::nullopt;
  }
  const size_t size = parts->size();
  if (size < 4 || size > 7 || (*parts)[0] != "v1" ||
      (*parts)[1] != "destinations") {
    return none();
  }
  route->ad_account_id = (*parts)[2];
  if (size == 4 && (*parts)[3] == "profiles") {
    if (head.method != "POST") return only("POST");
    route->call = Call::kProfiles;
    return std::nullopt;
  }
  if ((*parts)[3] != "segments") return none();
  if (size == 4) {
    if (head.method != "POST") return only("POST");
    route->call = Call::kCreate;
    return std::nullopt;
  }
  // …/segments/{id} or …/segments/{namespace}/{id}, and behind it /profiles.
  size_t end = size;
  if (head.method == "POST") {
    if (parts->back() != "profiles") return only("PATCH, PUT, DELETE");
    route->call = Call::kProfiles;
    --end;
  } else if (head.method == "PATCH" || head.method == "PUT") {
    route->call = Call::kUpdate;
  } else if (head.method == "DELETE") {
    route->call = Call::kDelete;
  } else {
    return only("PATCH, PUT, DELETE");
  }
  if (end < 5 || end > 6) return none();
  if (end == 6) route->segment_namespace = (*parts)[4];
  route->segment_id = (*parts)[end - 1];
  if (route->segment_id.empty()) return none();
  return std::nullopt;
}

std::optional<HttpResponse> Edge::CheckToken(const RequestHead& head) const {
  const absl::StatusOr<std::vector<std::string>> tokens = options_.tokens();
  if (!tokens.ok()) {
    // Not the caller's fault, and 401 would end it for good.
    return Later(503, "TOKEN_UNREADABLE",
                 "the server's own token cannot be read", kRetryDelay);
  }
  if (ShowsToken(head.authorization, *tokens)) return std::nullopt;
  return Error(401, "TOKEN_WRONG",
               "the call must show a token of the connector: "
               "\"Authorization: Bearer …\"");
}

std::optional<HttpResponse> Edge::Check(const RequestHead& head) {
  Route route;
  std::optional<HttpResponse> no_route = FindRoute(head, &route);
  if (!no_route.has_value() && route.call == Call::kHealth) {
    // Who shows no token must not take what bodies are read into.
    if (head.chunked || head.content_length.value_or(0) > 0) {
      return Error(413, "MESSAGE_REFUSED", "this call takes no body");
    }
    return std::nullopt;
  }
  if (auto refused = CheckToken(head); refused.has_value()) return refused;
  if (no_route.has_value()) return no_route;
  {
    absl::MutexLock lock(&mutex_);
    if (shutting_down_) {
      return Later(503, "SHUTTING_DOWN", "the server is shutting down",
                   kRetryDelay);
    }
  }
  if (!head.content_encoding.empty()) {
    return Error(415, "ENCODING_UNKNOWN",
                 "the body must be sent as it is, without Content-Encoding");
  }
  const auto destination =
      options_.intake->FindDestination(absl::string_view(route.ad_account_id));
  if (!destination.ok()) return ErrorResponse(destination.status());
  if (route.call != Call::kProfiles &&
      head.content_length.value_or(0) > static_cast<int64_t>(kMaxSegmentBody)) {
    return Error(413, "MESSAGE_REFUSED", "the body is too large");
  }
  return std::nullopt;
}

HttpResponse Edge::Handle(const RequestHead& head, std::string body) {
  Route route;
  if (auto none = FindRoute(head, &route); none.has_value()) return *none;
  if (route.call == Call::kHealth) {
    const absl::Status healthy = options_.healthy();
    if (!healthy.ok()) return ErrorResponse(healthy);
    HttpResponse response;
    response.body = R"({"status":"SERVING"})";
    return response;
  }
  // Looked up anew: it may have been deleted while the body came.
  const auto destination =
      options_.intake->FindDestination(absl::string_view(route.ad_account_id));
  if (!destination.ok()) return ErrorResponse(destination.status());
  if (route.call != Call::kProfiles) {
    return HandleSegment(route, head, **destination, body);
  }
  profile_json::BodyDefaults defaults;
  defaults.segment_namespace = route.segment_namespace;
  if (defaults.segment_namespace.empty()) {
    defaults.segment_namespace = QueryValue(head.query, "segment_namespace");
  }
  if (defaults.segment_namespace.empty()) {
    defaults.segment_namespace =
        QueryValue(head.query, "default_segment_namespace");
  }
  defaults.segment_id = route.segment_id.empty()
                            ? QueryValue(head.query, "segment_id")
                            : route.segment_id;
  defaults.segment_name = QueryValue(head.query, "segment_name");
  defaults.segment_status = StatusOf(QueryValue(head.query, "segment_status"));
  return HandleProfiles(**destination, defaults, std::move(body));
}

HttpResponse Edge::HandleProfiles(const config::DestinationState& destination,
                                  const profile_json::BodyDefaults& defaults,
                                  std::string body) {
  const absl::Time deadline = absl::Now() + options_.commit_timeout;
  ProfileIntake intake;
  WorkRoom::Share share(&room_, static_cast<int64_t>(body.size()), deadline);
  if (!share.ok()) {
    return Later(503, "SERVER_BUSY", "too much is being worked on",
                 absl::Seconds(1));
  }
  const size_t size = body.size();
  body.append(profile_json::kJsonPadding, ' ');
  {
    profile_json::ExportBodyReader reader;
    if (absl::Status s =
            reader.Read({body.data(), size}, defaults,
                        [&](const profile_json::ParsedProfile& profile) {
                          intake.Add(profile);
                        });
        !s.ok()) {
      return Error(400, "BODY_NOT_UNDERSTOOD", s.message());
    }
  }
  // Nothing raw is kept longer than it is needed.
  body = std::string();
  const absl::StatusOr<ProfileIntake::Totals> totals =
      intake.Commit(*options_.intake, destination, deadline);
  if (!totals.ok()) return ErrorResponse(totals.status());
  return TotalsResponse(*totals);
}

HttpResponse Edge::HandleSegment(const Route& route, const RequestHead& head,
                                 const config::DestinationState& destination,
                                 const std::string& body) {
  SegmentNames names;
  names.segment_namespace = route.segment_namespace;
  names.segment_id = route.segment_id;
  if (body.size() > kMaxSegmentBody) {
    return Error(413, "MESSAGE_REFUSED", "the body is too large");
  }
  if (route.call != Call::kDelete) {
    const json parsed = json::parse(body, nullptr, /*allow_exceptions=*/false);
    if (!parsed.is_object()) {
      return Error(400, "BODY_NOT_UNDERSTOOD",
                   "/: must be a JSON object with segmentId, segmentNamespace, "
                   "name and description");
    }
    const auto read = [&parsed](const char* name, std::string* to) {
      const std::optional<std::string> text = TextOf(parsed, name);
      if (text.has_value() && !text->empty() && to->empty()) *to = *text;
      return text.has_value();
    };
    for (const auto& [name, to] :
         {std::pair<const char*, std::string*>("segmentNamespace",
                                               &names.segment_namespace),
          std::pair<const char*, std::string*>("segmentId", &names.segment_id),
          std::pair<const char*, std::string*>("name", &names.display_name),
          std::pair<const char*, std::string*>("description",
                                               &names.description)}) {
      if (!read(name, to)) {
        return Error(400, "BODY_NOT_UNDERSTOOD",
                     absl::StrCat("/", name, ": must be a string"));
      }
    }
  }
  if (names.segment_namespace.empty()) {
    names.segment_namespace = QueryValue(head.query, "segment_namespace");
  }
  if (names.segment_namespace.empty()) {
    names.segment_namespace = destination.policy.default_segment_namespace;
  }
  if (names.segment_id.empty() || names.segment_namespace.empty()) {
    return Error(400, "BODY_NOT_UNDERSTOOD",
                 names.segment_id.empty()
                     ? "/segmentId: must not be empty"
                     : "/segmentNamespace: must not be empty, unless the "
                       "destination has a default_segment_namespace");
  }
  HttpResponse response;
  if (route.call == Call::kDelete) {
    const std::string members = QueryValue(head.query, "members");
    if (!members.empty() && members != "keep" && members != "remove") {
      return Error(400, "BODY_NOT_UNDERSTOOD",
                   "members: must be keep or remove");
    }
    if (absl::Status s =
            options_.segments->Delete(destination, names, members == "keep");
        !s.ok()) {
      return ErrorResponse(s);
    }
    response.body = "{}";
    return response;
  }
  const absl::StatusOr<SegmentState> state =
      route.call == Call::kCreate
          ? options_.segments->Create(destination, names)
          : options_.segments->Update(destination, names);
  if (!state.ok()) return ErrorResponse(state.status());
  response.body = Dump({{"externalAudienceId", state->segment_id},
                        {"segmentNamespace", state->segment_namespace},
                        {"segmentId", state->segment_id},
                        {"customerListName", state->customer_list_name},
                        {"customerListId", state->customer_list_id}});
  return response;
}

}  // namespace connector::edge
