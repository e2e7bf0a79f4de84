#include "connector/server/server.h"

#include <grpcpp/ext/proto_server_reflection_plugin.h>
#include <grpcpp/grpcpp.h>
#include <grpcpp/health_check_service_interface.h>
#include <unistd.h>

#include <chrono>
#include <map>
#include <mutex>
#include <optional>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "absl/synchronization/notification.h"
#include "connector/admin/audience_tasks.h"
#include "connector/admin/destination_service.h"
#include "connector/admin/full_sync_service.h"
#include "connector/admin/maintenance_service.h"
#include "connector/admin/privacy_service.h"
#include "connector/admin/segment_service.h"
#include "connector/audiences/audience_keeper.h"
#include "connector/base/crash_point.h"
#include "connector/base/error.h"
#include "connector/base/limits.h"
#include "connector/base/version.h"
#include "connector/config/config_file.h"
#include "connector/config/registry.h"
#include "connector/delivery/deliverer.h"
#include "connector/delivery/forget_runner.h"
#include "connector/edge/lifecycle_segments.h"
#include "connector/ingest/export_service.h"
#include "connector/membership/store.h"
#include "connector/pinterest/credential_clients.h"
#include "connector/pinterest/curl_transport.h"
#include "connector/pinterest/token_sources.h"
#include "connector/server/audience_log.h"
#include "connector/server/delivery_log.h"
#include "connector/server/health_watch.h"
#include "connector/server/http_edge.h"
#include "connector/server/kept_audiences.h"
#include "connector/server/listen_address.h"
#include "connector/server/log.h"
#include "connector/server/login_log.h"
#include "connector/server/process.h"
#include "connector/server/ticker.h"
#include "connector/server/unix_socket.h"

namespace connector::server {
namespace {

// Of one call of a check: somebody waits for it, and so does a stop.
constexpr absl::Duration kCheckTimeout = absl::Seconds(15);

// What a stop gives calls that are neither exports nor drains: watches of
// health and reflection have no end of their own.
constexpr std::chrono::seconds kOtherCallsGrace(1);

// How soon audiences are told of what became of their segments.
constexpr absl::Duration kAudienceInterval = absl::Milliseconds(250);

constexpr const char* kHealthServices[] = {
    "",
    "audience_sync.v1.ExportService",
    "audience_sync.v1.DestinationService",
    "audience_sync.v1.MaintenanceService",
    "audience_sync.v1.SegmentService",
    "audience_sync.v1.FullSyncService",
    "audience_sync.v1.PrivacyService"};

std::string Join(const std::string& directory, absl::string_view name) {
  return absl::StrCat(directory, "/", name);
}

}  // namespace

// In the order of their making; destroyed the other way round, so that nothing
// outlives what it works on.
struct Server::Parts {
  explicit Parts(ServerOptions o) : options(std::move(o)) {}

  absl::Status Open();
  absl::Status Serve(const ListenAddress& address,
                     std::shared_ptr<grpc::ServerCredentials> credentials);
  void Fail(const absl::Status& status);
  absl::Status ServeHttp();
  void LogConfiguration();
  // Tells the token sources which logins there are.
  absl::Status ConfigureTokens();
  void OnLoginEvent(const pinterest::OAuthEvent& event);
  void TellAudiences();

  const ServerOptions options;

  // What ends Wait().
  absl::Mutex mutex;
  absl::Status failure ABSL_GUARDED_BY(mutex);
  bool stop_requested ABSL_GUARDED_BY(mutex) = false;
  // Only one Shutdown() works.
  absl::Mutex shutdown_mutex;
  bool down ABSL_GUARDED_BY(shutdown_mutex) = false;

  std::unique_ptr<membership::MembershipStore> store;
  std::unique_ptr<config::Registry> registry;
  std::unique_ptr<pinterest::CurlTransport> curl;
  std::unique_ptr<pinterest::TokenSources> tokens;
  // What was read of the registry first is configured first.
  absl::Mutex tokens_mutex;
  std::unique_ptr<pinterest::CredentialClients> clients;
  std::unique_ptr<pinterest::CredentialClients> check_clients;
  std::unique_ptr<delivery::Deliverer> deliverer;
  std::unique_ptr<delivery::ForgetRunner> forget_runner;
  std::unique_ptr<audiences::AudienceKeeper> keeper;
  std::unique_ptr<ingest::ExportService> export_service;
  admin::AdminContext admin_context;
  std::unique_ptr<admin::DestinationServiceImpl> destination_service;
  std::unique_ptr<admin::SegmentServiceImpl> segment_service;
  std::unique_ptr<admin::MaintenanceServiceImpl> maintenance_service;
  std::unique_ptr<admin::FullSyncServiceImpl> full_sync_service;
  std::unique_ptr<admin::PrivacyServiceImpl> privacy_service;
  std::unique_ptr<grpc::Server> grpc_server;
  std::string address;
  std::string socket_path;
  std::unique_ptr<HealthWatch> health;
  std::unique_ptr<HttpEdge> http;
  // Keeps the tokens fresh.
  std::unique_ptr<Ticker> token_ticker;
  // Forgets exits that are old enough.
  std::unique_ptr<Ticker> exits_ticker;
  std::unique_ptr<Ticker> audience_ticker;
};

absl::Status Server::Parts::Open() {
  audience_sync::v1::ConnectorConfig file;
  if (!options.config_file.empty()) {
    auto read = config::ReadConfigFile(options.config_file);
    if (!read.ok()) return read.status();
    file = *std::move(read);
  }
  if (options.state_dir.empty()) {
    return FieldError("--state_dir", "must not be empty");
  }
  if (absl::Status s = MakePrivateDirectories("--state_dir", options.state_dir);
      !s.ok()) {
    return s;
  }

  if (!options.backup_dir.empty()) {
    if (absl::Status s =
            MakePrivateDirectories("--backup_dir", options.backup_dir);
        !s.ok()) {
      return s;
    }
  }

  pinterest::HttpTransport* transport = options.transport;
  if (transport == nullptr) {
    pinterest::CurlTransport::Options curl_options;
    curl_options.user_agent =
        absl::StrCat(kConnectorName, "/", kConnectorVersion);
    if (!options.ca_file.empty()) {
      if (access(options.ca_file.c_str(), R_OK) != 0) {
        return FieldError("--ca_file", "the file cannot be read");
      }
      curl_options.ca_file = options.ca_file;
    }
    auto made = pinterest::CurlTransport::Create(curl_options);
    if (!made.ok()) return made.status();
    curl = *std::move(made);
    transport = curl.get();
  }
  pinterest::TokenSources::Options token_options;
  token_options.credentials_dir = options.credentials_dir;
  token_options.tokens_dir = Join(options.state_dir, "tokens");
  token_options.base_url = options.pinterest_base_url;
  token_options.transport = transport;
  token_options.clock = options.clock;
  token_options.random = options.random;
  token_options.observer = [this](const pinterest::OAuthEvent& event) {
    OnLoginEvent(event);
  };
  auto sources = pinterest::TokenSources::Create(token_options);
  if (!sources.ok()) {
    return FieldError("--pinterest_base_url", sources.status().message());
  }
  tokens = *std::move(sources);
  pinterest::CredentialClients::Options client_options;
  client_options.base_url = options.pinterest_base_url;
  client_options.transport = transport;
  client_options.tokens = tokens.get();
  client_options.clock = options.clock;
  auto provider = pinterest::CredentialClients::Create(client_options);
  if (!provider.ok()) {
    return FieldError("--pinterest_base_url", provider.status().message());
  }
  clients = *std::move(provider);
  client_options.timeout = kCheckTimeout;
  provider = pinterest::CredentialClients::Create(client_options);
  if (!provider.ok()) return provider.status();
  check_clients = *std::move(provider);

  membership::StoreOptions store_options;
  store_options.path = Join(options.state_dir, "store");
  store_options.clock = options.clock;
  store_options.random = options.random;
  store_options.memory_budget = options.store_memory;
  store_options.max_rejections = limits::kMaxStoredRejections;
  store_options.disk_reserve_bytes = options.disk_reserve;
  store_options.free_space = options.free_space;
  store_options.on_failure = [this](const absl::Status& s) { Fail(s); };
  auto opened = membership::OpenStore(store_options);
  if (!opened.ok()) return opened.status();
  store = *std::move(opened);
  ReachCrashPoint(CrashPoint::kStoreOpened);

  auto loaded = config::Registry::Load(store.get(), file);
  if (!loaded.ok()) return loaded.status();
  registry = *std::move(loaded);
  if (absl::Status s = ConfigureTokens(); !s.ok()) return s;
  ReachCrashPoint(CrashPoint::kConfigurationLoaded);

  delivery::DelivererOptions delivery_options;
  delivery_options.ledger = store.get();
  delivery_options.operations = store.get();
  delivery_options.counters = store.get();
  delivery_options.registry = registry.get();
  delivery_options.forgets = store.get();
  delivery_options.full_syncs = store.get();
  delivery_options.intake = store.get();
  delivery_options.people = store.get();
  delivery_options.clients = clients.get();
  delivery_options.clock = options.clock;
  delivery_options.random = options.random;
  delivery_options.spill_directory = Join(options.state_dir, "spill");
  delivery_options.sort_memory_bytes = options.sort_memory;
  delivery_options.workers = options.delivery_workers;
  delivery_options.longest_sleep = options.longest_sleep;
  delivery_options.observer = [this](const delivery::DeliveryEvent& event) {
    LogDeliveryEvent(event);
    if (event.kind == delivery::DeliveryEvent::Kind::kListCreated ||
        event.kind == delivery::DeliveryEvent::Kind::kListAdopted) {
      keeper->OnListChanged(event.list);
    }
  };
  auto delivering = delivery::Deliverer::Create(delivery_options);
  if (!delivering.ok()) return delivering.status();
  deliverer = *std::move(delivering);
  delivery::ForgetRunner::Options forget_options;
  forget_options.forgets = store.get();
  forget_options.ledger = store.get();
  forget_options.deliverer = deliverer.get();
  forget_options.registry = registry.get();
  forget_options.clock = options.clock;
  forget_options.observer = LogDeliveryEvent;
  forget_runner =
      std::make_unique<delivery::ForgetRunner>(std::move(forget_options));

  audiences::AudienceKeeperOptions keeper_options;
  keeper_options.environment.catalog = store.get();
  keeper_options.environment.ledger = store.get();
  keeper_options.environment.audiences = store.get();
  keeper_options.environment.counters = store.get();
  keeper_options.environment.router = deliverer.get();
  keeper_options.environment.clients = clients.get();
  keeper_options.environment.clock = options.clock;
  keeper_options.environment.random = options.random;
  keeper_options.environment.observer = LogAudienceEvent;
  keeper_options.registry = registry.get();
  keeper_options.longest_sleep = options.longest_sleep;
  keeper = std::make_unique<audiences::AudienceKeeper>(keeper_options);
  registry->SetListener([this] {
    if (absl::Status s = ConfigureTokens(); !s.ok()) {
      Log(LogLevel::kError, "logins-not-configured", {{"why", s.message()}});
    }
    deliverer->OnConfigurationChanged();
    keeper->OnConfigurationChanged();
  });

  ingest::ExportService::Options export_options;
  export_options.registry = registry.get();
  export_options.catalog = store.get();
  export_options.intake = store.get();
  export_options.remember_exits = !options.http_listen.empty();
  export_service = std::make_unique<ingest::ExportService>(export_options);

  admin_context.registry = registry.get();
  admin_context.catalog = store.get();
  admin_context.intake = store.get();
  admin_context.ledger = store.get();
  admin_context.operations = store.get();
  admin_context.people = store.get();
  admin_context.journal = store.get();
  admin_context.audiences = store.get();
  admin_context.counters = store.get();
  admin_context.audience_control = keeper.get();
  admin_context.delivery = deliverer.get();
  admin_context.clients = check_clients.get();
  admin_context.clock = options.clock;
  admin_context.check_token = [this](absl::string_view token_name) {
    return tokens->Check(token_name);
  };
  admin_context.login_state = [this](absl::string_view credential_id) {
    return tokens->LoginState(credential_id);
  };
  admin_context.on_segment_changed = [this] {
    deliverer->OnConfigurationChanged();
    keeper->OnConfigurationChanged();
  };
  destination_service =
      std::make_unique<admin::DestinationServiceImpl>(admin_context);
  segment_service = std::make_unique<admin::SegmentServiceImpl>(admin_context);
  maintenance_service = std::make_unique<admin::MaintenanceServiceImpl>(
      store.get(), options.backup_dir);
  full_sync_service =
      std::make_unique<admin::FullSyncServiceImpl>(admin_context, store.get());
  privacy_service = std::make_unique<admin::PrivacyServiceImpl>(
      admin_context, store.get(), options.random,
      [this] { forget_runner->Wake(); });
  return absl::OkStatus();
}

absl::Status Server::Parts::Serve(
    const ListenAddress& listen,
    std::shared_ptr<grpc::ServerCredentials> credentials) {
  static std::once_flag plugins;
  std::call_once(plugins, [] {
    grpc::EnableDefaultHealthCheckService(true);
    grpc::reflection::InitProtoReflectionServerBuilderPlugin();
  });
  if (listen.is_unix()) {
    if (absl::Status s = PrepareUnixSocket(listen.socket_path); !s.ok()) {
      return s;
    }
  }
  grpc::ResourceQuota quota("server");
  quota.Resize(limits::kServerMemoryBytes);
  quota.SetMaxThreads(limits::kMaxServerThreads);
  grpc::ServerBuilder builder;
  builder.SetResourceQuota(quota);
  ingest::ExportService::Configure(&builder);
  // Otherwise a second server could take half of this one's connections.
  builder.AddChannelArgument(GRPC_ARG_ALLOW_REUSEPORT, 0);
  const auto set = [&builder](const char* name, int64_t value) {
    builder.AddChannelArgument(name, static_cast<int>(value));
  };
  set(GRPC_ARG_KEEPALIVE_TIME_MS,
      absl::ToInt64Milliseconds(limits::kKeepaliveTime));
  set(GRPC_ARG_KEEPALIVE_TIMEOUT_MS,
      absl::ToInt64Milliseconds(limits::kKeepaliveTimeout));
  set(GRPC_ARG_KEEPALIVE_PERMIT_WITHOUT_CALLS, 1);
  set(GRPC_ARG_HTTP2_MIN_RECV_PING_INTERVAL_WITHOUT_DATA_MS,
      absl::ToInt64Milliseconds(limits::kMinPingInterval));
  set(GRPC_ARG_SERVER_HANDSHAKE_TIMEOUT_MS,
      absl::ToInt64Milliseconds(options.handshake_timeout));
  set(GRPC_ARG_MAX_CONCURRENT_STREAMS, limits::kMaxConnectionCalls);
  set(GRPC_ARG_MAX_METADATA_SIZE, limits::kMaxMetadataBytes);
  int port = 0;
  builder.AddListeningPort(listen.ToString(), std::move(credentials), &port);
  builder.RegisterService(export_service.get());
  builder.RegisterService(destination_service.get());
  builder.RegisterService(segment_service.get());
  builder.RegisterService(maintenance_service.get());
  builder.RegisterService(full_sync_service.get());
  builder.RegisterService(privacy_service.get());
  grpc_server = builder.BuildAndStart();
  if (grpc_server == nullptr || (!listen.is_unix() && port == 0)) {
    return MakeError(
        absl::StatusCode::kAlreadyExists, "ADDRESS_UNUSABLE",
        absl::StrCat("--listen: cannot listen on ", listen.ToString(),
                     ": it is in use or not of this machine, or certificate "
                     "and key do not fit"));
  }
  if (listen.is_unix()) {
    socket_path = listen.socket_path;
    if (absl::Status s = RestrictUnixSocket(socket_path); !s.ok()) return s;
    address = listen.ToString();
  } else {
    ListenAddress bound = listen;
    bound.port = static_cast<uint16_t>(port);
    address = bound.ToString();
  }
  health = std::make_unique<HealthWatch>(
      [this] { return store->Healthy(); },
      [service = grpc_server->GetHealthCheckService()](bool serving) {
        for (const char* name : kHealthServices) {
          service->SetServingStatus(name, serving);
        }
      });
  health->Start(options.health_interval);
  return absl::OkStatus();
}

absl::Status Server::Parts::ServeHttp() {
  if (options.http_listen.empty()) return absl::OkStatus();
  HttpEdge::Options edge_options;
  edge_options.listen = options.http_listen;
  edge_options.credentials_dir = options.credentials_dir;
  edge_options.token_file = options.http_token_file;
  edge_options.intake = &export_service->unary_intake();
  edge_options.store = store.get();
  edge_options.segments =
      std::make_unique<edge::LifecycleSegments>(admin_context);
  auto started = HttpEdge::Start(std::move(edge_options));
  if (!started.ok()) return started.status();
  http = *std::move(started);
  return absl::OkStatus();
}

void Server::Parts::Fail(const absl::Status& status) {
  absl::MutexLock lock(&mutex);
  if (failure.ok()) failure = status;
}

absl::Status Server::Parts::ConfigureTokens() {
  absl::MutexLock lock(&tokens_mutex);
  std::map<std::string, std::optional<pinterest::OAuthSettings>> logins;
  for (const auto& credential : registry->Credentials()) {
    auto& login = logins[credential->credential_id];
    if (!credential->config.has_oauth()) continue;
    const audience_sync::v1::OAuthLogin& oauth = credential->config.oauth();
    login = pinterest::OAuthSettings{oauth.app_id(), oauth.app_secret_file(),
                                     oauth.refresh_token_file()};
  }
  return tokens->Configure(logins);
}

void Server::Parts::TellAudiences() {
  KeptAudiences audiences(keeper.get());
  const absl::Status status = admin::TellAudiences(*store, &audiences);
  if (!status.ok()) {
    Log(LogLevel::kWarning, "audiences-not-told", {{"why", status.message()}});
  }
}

void Server::Parts::OnLoginEvent(const pinterest::OAuthEvent& event) {
  LogLoginEvent(event);
  if (!event.mended) return;
  // What the missing token had stopped goes on at once.
  for (const auto& destination : registry->Destinations()) {
    if (destination->credential_id == event.credential_id) {
      deliverer->Retry(destination->number);
    }
  }
  keeper->OnConfigurationChanged();
}

void Server::Parts::LogConfiguration() {
  for (const auto& credential : registry->Credentials()) {
    const absl::Status token = tokens->Check(credential->token_name);
    if (token.ok()) {
      Log(LogLevel::kInfo, "credential",
          {{"credential", credential->credential_id}});
    } else {
      Log(LogLevel::kWarning, "credential-blocked",
          {{"credential", credential->credential_id},
           {"why", token.message()}});
    }
  }
  for (const auto& destination : registry->Destinations()) {
    Log(LogLevel::kInfo, "destination",
        {{"ad_account", destination->ad_account_id},
         {"credential", destination->credential_id},
         {"paused", destination->paused ? "yes" : "no"}});
  }
}

Server::Server(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}

absl::StatusOr<std::unique_ptr<Server>> Server::Create(ServerOptions options) {
  // What costs nothing is checked before anything is opened.
  auto listen = ParseListenAddress(options.listen);
  if (!listen.ok()) return listen.status();
  auto credentials = MakeServerCredentials(*listen, options.tls);
  if (!credentials.ok()) return credentials.status();
  if (!options.http_listen.empty()) {
    if (absl::Status s =
            HttpEdge::Check(options.http_listen, options.credentials_dir,
                            options.http_token_file);
        !s.ok()) {
      return s;
    }
  }
  std::unique_ptr<Server> server(
      new Server(std::make_unique<Parts>(std::move(options))));
  Parts& parts = *server->parts_;
  if (absl::Status s = parts.Open(); !s.ok()) return s;
  if (absl::Status s = parts.Serve(*listen, *std::move(credentials)); !s.ok()) {
    return s;
  }
  if (absl::Status s = parts.ServeHttp(); !s.ok()) return s;
  parts.exits_ticker =
      std::make_unique<Ticker>(parts.options.exits_interval, [&parts] {
        for (const auto& destination : parts.registry->Destinations()) {
          const absl::Status status = parts.store->ForgetExits(
              destination->number, destination->policy.late_addition_window);
          if (!status.ok() && !absl::IsNotFound(status)) {
            Log(LogLevel::kError, "exits-not-forgotten",
                {{"why", status.message()}});
          }
        }
      });
  parts.token_ticker = std::make_unique<Ticker>(
      parts.options.token_interval, [&parts] { parts.tokens->RefreshDue(); });
  parts.audience_ticker = std::make_unique<Ticker>(
      kAudienceInterval, [&parts] { parts.TellAudiences(); });
  if (parts.options.deliver) {
    parts.deliverer->Start();
    parts.forget_runner->Start();
    parts.keeper->Start();
  }
  ReachCrashPoint(CrashPoint::kServing);
  Log(LogLevel::kInfo, "started",
      {{"version", kConnectorVersion},
       {"destinations", absl::StrCat(parts.registry->Destinations().size())},
       {"credentials", absl::StrCat(parts.registry->Credentials().size())}});
  parts.LogConfiguration();
  return server;
}

Server::~Server() { Shutdown(); }

std::string Server::address() const { return parts_->address; }

std::string Server::http_address() const {
  return parts_->http == nullptr ? "" : parts_->http->address();
}

absl::Status Server::Wait() {
  Parts& parts = *parts_;
  const auto over = [&parts]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(parts.mutex) {
    return parts.stop_requested || !parts.failure.ok();
  };
  absl::MutexLock lock(&parts.mutex, absl::Condition(&over));
  return parts.failure;
}

void Server::RequestStop() {
  absl::MutexLock lock(&parts_->mutex);
  parts_->stop_requested = true;
}

void Server::Shutdown() {
  Parts& parts = *parts_;
  absl::MutexLock only_one(&parts.shutdown_mutex);
  if (parts.down) return;
  parts.down = true;
  if (parts.grpc_server != nullptr) Log(LogLevel::kInfo, "stopping");
  RequestStop();
  ReachCrashPoint(CrashPoint::kShutdownBegun);
  if (parts.health != nullptr) parts.health->Stop();
  parts.token_ticker.reset();
  parts.exits_ticker.reset();
  if (parts.http != nullptr) parts.http->Stop();
  parts.audience_ticker.reset();
  if (parts.export_service != nullptr) parts.export_service->Shutdown();
  if (parts.destination_service != nullptr) parts.destination_service->Stop();
  if (parts.grpc_server != nullptr) {
    if (!parts.export_service->AwaitIdle(parts.options.stop_grace)) {
      Log(LogLevel::kWarning, "export-cut-off");
    }
    parts.grpc_server->Shutdown(std::chrono::system_clock::now() +
                                kOtherCallsGrace);
    parts.grpc_server->Wait();
    // gRPC removes the socket by itself; this is for when it could not.
    if (!parts.socket_path.empty()) unlink(parts.socket_path.c_str());
  }
  if (parts.store != nullptr) {
    // Calls that were cut off may have left batches in the committer's queue,
    // whose answers go to the service and to delivery: wait for the last one. A
    // batch of no destination is refused, in its turn.
    absl::Notification answered;
    parts.store->Commit(membership::Batch(),
                        [&answered](const auto&) { answered.Notify(); });
    answered.WaitForNotification();
  }
  ReachCrashPoint(CrashPoint::kShutdownIntakeEnded);
  if (parts.keeper != nullptr) parts.keeper->Stop();
  if (parts.forget_runner != nullptr) parts.forget_runner->Stop();
  if (parts.deliverer != nullptr) parts.deliverer->Stop();
  ReachCrashPoint(CrashPoint::kShutdownDeliveryEnded);
  const bool served = parts.grpc_server != nullptr;
  parts.health.reset();
  parts.http.reset();
  parts.grpc_server.reset();
  parts.destination_service.reset();
  parts.segment_service.reset();
  parts.maintenance_service.reset();
  parts.privacy_service.reset();
  parts.full_sync_service.reset();
  parts.export_service.reset();
  parts.forget_runner.reset();
  // The deliverer tells the keeper of lists as long as it lives.
  parts.deliverer.reset();
  parts.keeper.reset();
  parts.registry.reset();
  parts.store.reset();
  ReachCrashPoint(CrashPoint::kShutdownStoreClosed);
  if (served) Log(LogLevel::kInfo, "stopped");
}

}  // namespace connector::server
