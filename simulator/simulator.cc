#include "simulator/simulator.h"

#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "simulator/control.h"
#include "simulator/engine.h"
#include "simulator/http_server.h"

namespace simulator {
namespace {

using nlohmann::json;

json Parse(absl::string_view text) {
  return json::parse(text.begin(), text.end(), nullptr,
                     /*allow_exceptions=*/false);
}

// A message that is no valid request: only the shape of the answer is ours.
void HandleBadMessage(HttpResponse* response) {
  response->body = Dump(
      Error(response->status, response->status, "Not a valid HTTP request.")
          .body);
  response->headers.emplace_back("x-pinterest-rid", "0000000000000000");
}

}  // namespace

Simulator::Simulator() = default;

absl::StatusOr<std::unique_ptr<Simulator>> Simulator::Start(Options options) {
  if (!(options.time_scale > 0)) {
    return absl::InvalidArgumentError("time_scale must be above 0");
  }
  for (const std::string& id : options.ad_accounts) {
    if (!IsId(id)) {
      return absl::InvalidArgumentError(
          "ad_accounts: an ad account id is 1 to 18 digits");
    }
  }
  std::unique_ptr<Simulator> simulator(new Simulator());
  Engine::Options engine_options;
  engine_options.ad_accounts = options.ad_accounts;
  engine_options.switches = options.switches;
  engine_options.tokens = options.tokens;
  engine_options.tokens.seed = options.seed;
  engine_options.limits = options.limits;
  engine_options.seed = options.seed;
  engine_options.time_scale = options.time_scale;
  simulator->engine_ =
      std::make_unique<Engine>(std::move(engine_options), *options.clock);
  simulator->scheme_ = options.tls_certificate.empty() ? "http" : "https";

  HttpServer::Options server_options;
  server_options.port = options.port;
  server_options.tls_certificate = options.tls_certificate;
  server_options.tls_key = options.tls_key;
  Engine* engine = simulator->engine_.get();
  auto server = HttpServer::Start(
      server_options,
      [engine](const HttpRequest& request, HttpResponse* response) {
        if (request.method.empty()) {
          HandleBadMessage(response);
        } else if (request.path == "/_simulator" ||
                   absl::StartsWith(request.path, "/_simulator/")) {
          HandleControl(*engine, request, response);
        } else {
          engine->HandleApi(request, response);
        }
      });
  if (!server.ok()) return server.status();
  simulator->server_ = *std::move(server);
  return simulator;
}

Simulator::~Simulator() { Stop(); }

int Simulator::port() const { return server_->port(); }

std::string Simulator::origin() const {
  return absl::StrCat(scheme_, "://127.0.0.1:", port());
}

std::string Simulator::base_url() const {
  return absl::StrCat(origin(), "/v5");
}

void Simulator::Stop() {
  if (server_ == nullptr) return;
  engine_->Cancel();
  server_->Stop();
}

std::vector<ListView> Simulator::Lists(absl::string_view ad_account) {
  return engine_->WithState([&](State& state, absl::Time now) {
    std::vector<ListView> views;
    for (const auto& [id, list] : state.lists.InAccount(ad_account)) {
      ListView& view = views.emplace_back();
      view.id = absl::StrCat(id);
      view.name = list.name;
      view.list_type = list.list_type;
      view.status = list.Status(state.switches, now);
      view.num_batches = list.num_batches;
      view.num_uploaded = list.num_uploaded;
      view.num_removed = list.num_removed;
      view.record_count = static_cast<int64_t>(list.records.size());
      view.unhashed_records = static_cast<int64_t>(list.records.unhashed());
    }
    return views;
  });
}

std::vector<std::string> Simulator::ListRecords(absl::string_view ad_account,
                                                absl::string_view name) {
  return engine_->WithState([&](State& state, absl::Time) {
    const auto& lists = state.lists.InAccount(ad_account);
    for (auto it = lists.rbegin(); it != lists.rend(); ++it) {
      if (it->second.name == name) return it->second.records.Sorted();
    }
    return std::vector<std::string>();
  });
}

std::vector<std::string> Simulator::ListRecordsById(
    absl::string_view ad_account, absl::string_view id) {
  return engine_->WithState([&](State& state, absl::Time) {
    const CustomerList* list = state.lists.Find(ad_account, id);
    return list == nullptr ? std::vector<std::string>()
                           : list->records.Sorted();
  });
}

std::vector<RequestEntry> Simulator::Requests(int64_t since) {
  return engine_->WithState(
      [&](State& state, absl::Time) { return state.log.Since(since); });
}

void Simulator::ClearRequests() {
  engine_->WithState([](State& state, absl::Time) { state.log.Clear(); });
}

bool Simulator::WaitForRequest(int64_t number, absl::Duration timeout) {
  return engine_->WaitForRequest(number, timeout);
}

absl::StatusOr<int64_t> Simulator::AddFault(const Fault& fault) {
  return engine_->WithState(
      [&](State& state, absl::Time) { return state.faults.Add(fault); });
}

absl::StatusOr<int64_t> Simulator::AddFaultJson(absl::string_view text) {
  absl::StatusOr<Fault> fault = ParseFault(Parse(text));
  if (!fault.ok()) return fault.status();
  return AddFault(*fault);
}

int64_t Simulator::FaultHits(int64_t id) {
  return engine_->WithState([&](State& state, absl::Time) -> int64_t {
    for (const json& fault : state.faults.Inspect()) {
      if (fault["id"] == id) return fault["hits"].get<int64_t>();
    }
    return -1;
  });
}

void Simulator::ClearFaults() {
  engine_->WithState([](State& state, absl::Time) { state.faults.Clear(); });
}

Switches Simulator::switches() {
  return engine_->WithState(
      [](State& state, absl::Time) { return state.switches; });
}

void Simulator::SetSwitches(const Switches& switches) {
  engine_->WithState(
      [&](State& state, absl::Time) { state.switches = switches; });
}

absl::Status Simulator::SetTokensJson(absl::string_view text) {
  return engine_->WithState([&](State& state, absl::Time now) {
    return state.tokens.Set(Parse(text), now);
  });
}

void Simulator::AdvanceClock(absl::Duration by) {
  engine_->clock().Advance(by);
  engine_->WithState([](State&, absl::Time) {});
}

absl::Time Simulator::Now() { return engine_->clock().Now(); }

void Simulator::Reset() { engine_->Reset(); }

}  // namespace simulator
