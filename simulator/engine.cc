#include "simulator/engine.h"

#include <algorithm>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/strip.h"
#include "simulator/consent.h"
#include "simulator/digest.h"
#include "simulator/fault_answer.h"
#include "simulator/record_set.h"

namespace simulator {
namespace {

using nlohmann::json;

json ParseJson(absl::string_view text) {
  return json::parse(text.begin(), text.end(), nullptr,
                     /*allow_exceptions=*/false);
}

json AdAccount(const std::string& id) {
  return {{"id", id},
          {"name", "Simulated ad account " + id},
          {"owner", {{"username", "simulated_user"}, {"id", "1"}}},
          {"country", "US"},
          {"currency", "USD"},
          {"permissions", {"OWNER"}},
          {"created_time", 1'700'000'000},
          {"updated_time", 1'700'000'000}};
}

}  // namespace

Engine::Engine(Options options, connector::Clock& clock)
    : options_(std::move(options)),
      clock_(clock, options_.time_scale),
      state_(NewState()) {}

std::unique_ptr<State> Engine::NewState() const {
  return std::make_unique<State>(options_.switches, options_.tokens,
                                 options_.limits, options_.seed);
}

void Engine::Reset() {
  absl::MutexLock lock(&mutex_);
  state_ = NewState();
}

void Engine::Cancel() {
  if (!cancelled_.HasBeenNotified()) cancelled_.Notify();
}

bool Engine::Sleep(absl::Duration delay) {
  return delay <= absl::ZeroDuration() ||
         !cancelled_.WaitForNotificationWithTimeout(delay);
}

bool Engine::WaitForRequest(int64_t number, absl::Duration timeout) {
  absl::MutexLock lock(&mutex_);
  auto arrived = [this, number]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    return state_->log.last_number() >= number;
  };
  return mutex_.AwaitWithTimeout(absl::Condition(&arrived), timeout);
}

absl::Time Engine::RunLate() {
  absl::Time now = clock_.Now();
  auto& late = state_->late;
  while (!late.empty() && late.begin()->first <= now) {
    auto effect = late.extract(late.begin());
    effect.mapped()(effect.key());
  }
  return now;
}

bool Engine::IsKnownAccount(absl::string_view id) const {
  const auto& known = options_.ad_accounts;
  return known.empty() ||
         std::find(known.begin(), known.end(), id) != known.end();
}

Answer Engine::GetAdAccount(absl::string_view id) {
  return {200, AdAccount(std::string(id))};
}

Answer Engine::ListAdAccounts(const Query& query) {
  Page page;
  if (auto wrong = Page::Parse(query, &page)) return *wrong;
  std::map<int64_t, std::string> accounts = state_->seen_accounts;
  for (const std::string& id : options_.ad_accounts) {
    int64_t number = 0;
    if (absl::SimpleAtoi(id, &number)) accounts[number] = id;
  }
  return MakePage(accounts, page,
                  [](const std::string& id) -> std::optional<json> {
                    return AdAccount(id);
                  });
}

Answer Engine::Execute(const Call& call, absl::Time now) {
  State& state = *state_;
  const Route& route = call.route;
  const std::string& account = route.ad_account;
  const Query& query = call.http->query;
  absl::string_view name = route.operation->name;
  if (name == "ad_accounts/list") return ListAdAccounts(query);
  if (name == "user_account/get") {
    return {200,
            {{"account_type", "BUSINESS"},
             {"id", "1"},
             {"username", "simulated_user"},
             {"business_name", "Simulated business"},
             {"profile_image", ""},
             {"website_url", ""}}};
  }

  if (!IsId(account)) {
    return Invalid("ad_account_id must be a string of at most 18 digits.");
  }
  if (!IsKnownAccount(account)) return NotFound("AdAccount");
  int64_t number = 0;
  if (absl::SimpleAtoi(account, &number)) state.seen_accounts[number] = account;
  if (name == "ad_accounts/get") return GetAdAccount(account);

  const Switches& switches = state.switches;
  if (name == "customer_lists/list") {
    return state.lists.List(account, query, switches, now);
  }
  if (name == "customer_lists/create") {
    return state.lists.Create(account, call.list, switches, now);
  }
  if (absl::StartsWith(name, "customer_lists/")) {
    const std::string& id = route.customer_list;
    if (!IsId(id)) {
      return Invalid("customer_list_id must be a string of at most 18 digits.");
    }
    if (name == "customer_lists/get") {
      return state.lists.Get(account, id, switches, now);
    }
    return state.lists.Update(account, id, call.list, switches, now);
  }

  if (name == "audiences/list") {
    return state.audiences.List(account, query, switches, now);
  }
  if (name == "audiences/create") {
    return state.audiences.Create(account, ParseJson(call.http->body), switches,
                                  now);
  }
  if (name == "audiences/create_custom") {
    return state.audiences.CreateCustom(account, ParseJson(call.http->body),
                                        switches, now);
  }
  const std::string& id = route.audience;
  if (!IsId(id)) {
    return Invalid("audience_id must be a string of at most 18 digits.");
  }
  if (name == "audiences/get") {
    return state.audiences.Get(account, id, switches, now);
  }
  return state.audiences.Update(account, id, ParseJson(call.http->body),
                                switches, now);
}

Answer Engine::Work(const Call& call, absl::Time now, Headers* headers,
                    bool* applied) {
  const Operation& operation = *call.route.operation;
  const HttpRequest& http = *call.http;
  bool is_grant = absl::string_view(operation.name) == "oauth/token";
  Tokens::Check token;
  if (!is_grant) {
    token = state_->tokens.CheckBearer(http.authorization, now);
    if (!token.good) return PlainError(401);
  }
  RateLimiter::Decision decision =
      state_->limiter.Take(call.caller, operation.category, now);
  *headers = std::move(decision.headers);
  if (!decision.allowed) return PlainError(429);
  if (is_grant) {
    Answer answer = state_->tokens.Grant(
        http.authorization, ParseForm(http.body), state_->switches, now);
    *applied = answer.status == 200;
    return answer;
  }
  if (token.client_only && operation.user_only) return PlainError(403);
  if (operation.scope[0] != '\0' && !token.scopes.empty() &&
      token.scopes.count(operation.scope) == 0) {
    return Error(
        401, kCodeMissingScope,
        absl::StrCat("The token lacks the scope ", operation.scope, "."));
  }
  Answer answer = Execute(call, now);
  *applied = answer.status == 200 && http.method != "GET";
  return answer;
}

void Engine::ApplyLate(const Call& call, absl::Duration delay) {
  // Everything the call looks at, kept until then.
  struct Kept {
    HttpRequest http;
    std::string body;
    ListRequestParser parser;
    Call call;
  };
  auto kept = std::make_shared<Kept>();
  kept->http = *call.http;
  kept->body = std::string(call.http->body);
  kept->http.body = kept->body;
  kept->call.route = call.route;
  kept->call.http = &kept->http;
  kept->call.number = call.number;
  if (RequestEntry* entry = state_->log.Find(call.number)) entry->late = true;
  state_->late.emplace(
      clock_.Now() + delay,
      [this, kept](absl::Time due) ABSL_NO_THREAD_SAFETY_ANALYSIS {
        if (TakesRecords(*kept->call.route.operation)) {
          kept->call.list = kept->parser.Parse(kept->body);
        }
        Answer answer = Execute(kept->call, due);
        RequestEntry* entry = state_->log.Find(kept->call.number);
        if (entry != nullptr) entry->applied = answer.status == 200;
      });
}

std::optional<Faults::Hit> Engine::Begin(Call* call) {
  const HttpRequest& http = *call->http;
  call->rid =
      absl::StrFormat("%016d", state_->random() % 10'000'000'000'000'000u);
  // Callers are told apart by their token, apps at the token endpoint by
  // theirs.
  call->caller = http.authorization.empty()
                     ? ""
                     : Sha256Hex(http.authorization).substr(0, 8);
  RequestEntry entry;
  entry.time = clock_.Now();
  entry.method = http.method;
  entry.path = http.path;
  size_t query = http.target.find('?');
  if (query != std::string::npos) entry.query = http.target.substr(query + 1);
  entry.ad_account_id = call->route.ad_account;
  entry.customer_list_id = call->route.customer_list;
  if (call->route.operation != nullptr) {
    entry.operation = call->route.operation->name;
  }
  entry.operation_type = std::string(call->list.operation_type.text);
  entry.record_count = static_cast<int64_t>(call->list.record_count);
  entry.unhashed_records = static_cast<int64_t>(call->list.unhashed_count);
  entry.body_bytes = static_cast<int64_t>(http.body.size());
  entry.credential = call->caller;
  entry.rid = call->rid;

  FaultRequest fault_request{http.method,
                             http.path,
                             entry.operation,
                             entry.ad_account_id,
                             entry.customer_list_id,
                             entry.operation_type,
                             call->list.records.text};
  std::optional<Faults::Hit> hit = state_->faults.Check(fault_request);
  if (hit.has_value()) entry.fault = hit->id;
  call->number = state_->log.Add(std::move(entry));
  return hit;
}

void Engine::HandleApi(const HttpRequest& http, HttpResponse* response) {
  if (absl::StripSuffix(http.path, "/") == "/oauth") {
    HandleConsent(http, response, [this](absl::string_view redirect_uri) {
      return WithState([&](State& state, absl::Time) {
        return state.tokens.MakeCode(redirect_uri);
      });
    });
    return;
  }
  Call call;
  call.http = &http;
  std::string body_sha256 = Sha256Hex(http.body);
  std::optional<Faults::Hit> hit;
  {
    absl::MutexLock lock(&mutex_);
    RunLate();
    call.route = FindRoute(http.method, http.path,
                           state_->switches.legacy_audiences_custom);
  }
  if (call.route.operation != nullptr && TakesRecords(*call.route.operation)) {
    // One for each connection, so that its memory is used again.
    thread_local ListRequestParser parser;
    call.list = parser.Parse(http.body);
  }
  {
    absl::MutexLock lock(&mutex_);
    hit = Begin(&call);
    state_->log.Find(call.number)->body_sha256 = std::move(body_sha256);
  }
  const Fault::Action action = hit.has_value() ? hit->action : Fault::Action();
  if (!Sleep(action.delay_before)) {
    response->drop = true;
    return;
  }

  Answer answer;
  Headers headers;
  bool applied = false;
  bool drop = action.drop_before || action.drop_after;
  {
    absl::MutexLock lock(&mutex_);
    absl::Time now = RunLate();
    const Route& route = call.route;
    bool faulty_answer = action.status != 0 || !action.redirect.empty();
    if (route.operation == nullptr) {
      answer = route.closed_beta   ? PlainError(403)
               : route.path_exists ? PlainError(405)
                                   : PlainError(404);
    } else if (action.apply_late.has_value()) {
      ApplyLate(call, *action.apply_late);
      drop = drop || !faulty_answer;
    } else if (action.drop_before || (faulty_answer && !action.applied)) {
      if (!drop && !call.caller.empty()) {
        headers =
            state_->limiter.Take(call.caller, route.operation->category, now)
                .headers;
      }
    } else {
      answer = Work(call, now, &headers, &applied);
      Distort(action, &answer.body);
    }
    if (faulty_answer) {
      answer = PlainError(action.status != 0 ? action.status : 302);
    }
    if (RequestEntry* entry = state_->log.Find(call.number)) {
      entry->applied = applied;
      if (entry->customer_list_id.empty() && applied &&
          entry->operation == "customer_lists/create") {
        entry->customer_list_id = answer.body.value("id", "");
      }
    }
  }
  if (!Sleep(action.delay_after)) drop = true;

  {
    absl::MutexLock lock(&mutex_);
    if (RequestEntry* entry = state_->log.Find(call.number)) {
      entry->status = drop ? 0 : answer.status;
      entry->dropped = drop;
    }
  }
  SetHeader("x-pinterest-rid", call.rid, &headers);
  FillResponse(action, drop, answer, std::move(headers), response);
}

}  // namespace simulator
