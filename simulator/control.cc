#include "simulator/control.h"

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "simulator/answer.h"

namespace simulator {
namespace {

using nlohmann::json;

Answer FromStatus(const absl::Status& status) {
  if (status.ok()) return {200, json::object()};
  return Invalid(std::string(status.message()));
}

std::string QueryValue(const HttpRequest& request, const char* name) {
  auto it = request.query.find(name);
  return it == request.query.end() ? "" : it->second;
}

// {"customer_lists": [...]} as text: the records are written without building a
// JSON tree of them.
std::string ShowLists(State& state, absl::Time now, absl::string_view account,
                      const std::string& name, const std::string& id,
                      bool with_records) {
  std::string out = "{\"customer_lists\":[";
  bool first = true;
  for (const auto& [number, list] : state.lists.InAccount(account)) {
    if (!name.empty() && list.name != name) continue;
    if (!id.empty() && id != absl::StrCat(number)) continue;
    json head = {{"id", absl::StrCat(number)},
                 {"ad_account_id", list.ad_account_id},
                 {"name", list.name},
                 {"list_type", list.list_type},
                 {"is_nca", list.is_nca},
                 {"status", list.Status(state.switches, now)},
                 {"created_time", absl::ToUnixSeconds(list.created)},
                 {"updated_time", absl::ToUnixSeconds(list.updated)},
                 {"num_batches", list.num_batches},
                 {"num_uploaded_user_records", list.num_uploaded},
                 {"num_removed_user_records", list.num_removed},
                 {"matched", list.Matched(state.switches)},
                 {"unhashed_records", list.records.unhashed()},
                 {"record_count", list.records.size()}};
    if (!first) out += ',';
    first = false;
    out += Dump(head);
    if (!with_records) continue;
    out.back() = ',';
    out += "\"records\":[";
    list.records.VisitSorted([&](absl::string_view record) {
      // Quoting costs a JSON value; digests need none.
      if (IsHexDigest(record)) {
        absl::StrAppend(&out, "\"", record, "\",");
      } else {
        absl::StrAppend(&out, Dump(std::string(record)), ",");
      }
    });
    if (out.back() == ',') out.pop_back();
    out += "]}";
  }
  out += "]}";
  return out;
}

Answer AddFaults(State& state, const json& body) {
  if (!body.is_object() || !body.contains("faults") ||
      !body["faults"].is_array()) {
    return Invalid("{\"faults\": [...]} is wanted.");
  }
  std::vector<Fault> faults;
  for (const json& item : body["faults"]) {
    absl::StatusOr<Fault> fault = ParseFault(item);
    if (!fault.ok()) return FromStatus(fault.status());
    faults.push_back(*std::move(fault));
  }
  json ids = json::array();
  for (const Fault& fault : faults) {
    absl::StatusOr<int64_t> id = state.faults.Add(fault);
    if (!id.ok()) return FromStatus(id.status());
    ids.push_back(*id);
  }
  return {200, {{"ids", ids}}};
}

Answer ShowClock(absl::Time now) {
  return {200, {{"now", absl::ToDoubleSeconds(now - absl::UnixEpoch())}}};
}

Answer AdvanceClock(Engine& engine, const json& body) {
  if (!body.is_object() || body.size() != 1 ||
      !body.contains("advance_seconds") ||
      !body["advance_seconds"].is_number() ||
      body["advance_seconds"].get<double>() < 0) {
    return Invalid("{\"advance_seconds\": number} is wanted.");
  }
  engine.clock().Advance(absl::Seconds(body["advance_seconds"].get<double>()));
  // Late effects that are due now take place.
  return engine.WithState(
      [](State&, absl::Time now) { return ShowClock(now); });
}

// {"ad_account_id", "id", "status": text or null, "size": number or null}
Answer ForceAudience(State& state, const json& body) {
  if (!body.is_object() || !body.value("ad_account_id", json()).is_string() ||
      !body.value("id", json()).is_string()) {
    return Invalid("ad_account_id and id are required.");
  }
  std::optional<std::string> status;
  std::optional<int64_t> size;
  json wanted_status = body.value("status", json());
  json wanted_size = body.value("size", json());
  if (wanted_status.is_string()) status = wanted_status.get<std::string>();
  if (wanted_size.is_number_integer()) size = wanted_size.get<int64_t>();
  if ((!status.has_value() && !wanted_status.is_null()) ||
      (!size.has_value() && !wanted_size.is_null())) {
    return Invalid("status is text or null, size an integer or null.");
  }
  if (!state.audiences.Force(body["ad_account_id"].get<std::string>(),
                             body["id"].get<std::string>(), status, size)) {
    return NotFound("Audience");
  }
  return {200, json::object()};
}

Answer ShowAccounts(Engine& engine, State& state) {
  json accounts = json::array();
  for (const auto& [number, id] : state.seen_accounts) {
    accounts.push_back(
        {{"id", id}, {"customer_lists", state.lists.InAccount(id).size()}});
  }
  return {200,
          {{"known", engine.ad_accounts()}, {"seen", std::move(accounts)}}};
}

// The call for a method and path, or null.
using Work = std::function<Answer(State&, absl::Time)>;

Work FindState(Engine& engine, const HttpRequest& request,
               absl::string_view path, const json& body) {
  const std::string& method = request.method;
  auto is = [&](const char* wanted_method, const char* wanted_path) {
    return method == wanted_method && path == wanted_path;
  };
  if (is("GET", "requests")) {
    int64_t since = 0;
    (void)absl::SimpleAtoi(QueryValue(request, "since"), &since);
    return [since](State& state, absl::Time) {
      return Answer{200, state.log.Inspect(since)};
    };
  }
  if (is("DELETE", "requests")) {
    return [](State& state, absl::Time) {
      state.log.Clear();
      return Answer{200, json::object()};
    };
  }
  if (is("GET", "faults")) {
    return [](State& state, absl::Time) {
      return Answer{200, {{"faults", state.faults.Inspect()}}};
    };
  }
  if (is("POST", "faults")) {
    return [&body](State& state, absl::Time) { return AddFaults(state, body); };
  }
  if (is("DELETE", "faults")) {
    return [](State& state, absl::Time) {
      state.faults.Clear();
      return Answer{200, json::object()};
    };
  }
  if (is("GET", "switches")) {
    return [](State& state, absl::Time) {
      return Answer{200, ToJson(state.switches)};
    };
  }
  if (is("POST", "switches")) {
    return [&body](State& state, absl::Time) {
      absl::Status status = Update(body, &state.switches);
      return status.ok() ? Answer{200, ToJson(state.switches)}
                         : FromStatus(status);
    };
  }
  if (is("GET", "tokens")) {
    return [](State& state, absl::Time now) {
      return Answer{200, state.tokens.Inspect(now)};
    };
  }
  if (is("POST", "tokens")) {
    return [&body](State& state, absl::Time now) {
      absl::Status status = state.tokens.Set(body, now);
      return status.ok() ? Answer{200, state.tokens.Inspect(now)}
                         : FromStatus(status);
    };
  }
  if (is("POST", "audiences")) {
    return [&body](State& state, absl::Time) {
      return ForceAudience(state, body);
    };
  }
  if (is("GET", "clock")) {
    return [](State&, absl::Time now) { return ShowClock(now); };
  }
  if (is("GET", "ad_accounts")) {
    return [&engine](State& state, absl::Time) {
      return ShowAccounts(engine, state);
    };
  }
  return nullptr;
}

void Send(const Answer& answer, HttpResponse* response) {
  response->status = answer.status;
  response->body = Dump(answer.body);
}

}  // namespace

void HandleControl(Engine& engine, const HttpRequest& request,
                   HttpResponse* response) {
  absl::string_view path = request.path;
  absl::ConsumePrefix(&path, "/_simulator");
  absl::ConsumePrefix(&path, "/");
  absl::ConsumeSuffix(&path, "/");
  std::vector<std::string> parts = absl::StrSplit(path, '/');
  const std::string& method = request.method;

  json body;
  if (method == "POST" && path != "reset") {
    body = json::parse(request.body.begin(), request.body.end(), nullptr,
                       /*allow_exceptions=*/false);
    if (body.is_discarded()) {
      return Send(Invalid("The body is not JSON."), response);
    }
  }

  if (method == "GET" && parts.size() >= 3 && parts.size() <= 4 &&
      parts[0] == "ad_accounts" && parts[2] == "customer_lists") {
    std::string id = parts.size() == 4 ? parts[3] : "";
    bool with_records = QueryValue(request, "records") != "false";
    response->body = engine.WithState([&](State& state, absl::Time now) {
      return ShowLists(state, now, parts[1], QueryValue(request, "name"), id,
                       with_records);
    });
    return;
  }
  if (method == "GET" && parts.size() == 3 && parts[0] == "ad_accounts" &&
      parts[2] == "audiences") {
    return Send(engine.WithState([&](State& state, absl::Time now) {
      return Answer{200,
                    {{"audiences",
                      state.audiences.Inspect(parts[1], state.switches, now)}}};
    }),
                response);
  }
  if (method == "POST" && path == "clock") {
    return Send(AdvanceClock(engine, body), response);
  }
  if (method == "POST" && path == "reset") {
    engine.Reset();
    return Send({200, json::object()}, response);
  }
  Work work = FindState(engine, request, path, body);
  if (work == nullptr) {
    return Send(Error(404, 404, "No such call; see simulator/README.md."),
                response);
  }
  Send(engine.WithState(work), response);
}

}  // namespace simulator
