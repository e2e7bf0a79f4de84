#ifndef CONNECTOR_SERVER_SERVER_H_
#define CONNECTOR_SERVER_SERVER_H_

#include <functional>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "connector/base/clock.h"
#include "connector/base/limits.h"
#include "connector/base/random.h"
#include "connector/pinterest/http_transport.h"
#include "connector/server/credentials.h"

namespace connector::server {

// What main() reads from flags. Where one is wrong the error names its flag.
struct ServerOptions {
  // As ParseListenAddress takes it.
  std::string listen;
  TlsFiles tls;

  // A ConnectorConfig file; empty: configured over the API alone.
  std::string config_file;
  // Everything that lasts; made if it is not there.
  std::string state_dir;
  // The token files. Need not exist: then every credential is blocked.
  std::string credentials_dir;

  std::string pinterest_base_url;
  // Where the HTTP edge listens, as HttpEdge takes it; empty: there is none.
  std::string http_listen;
  // Its token file, in the credentials directory.
  std::string http_token_file;

  // PEM file of the authorities to trust for Pinterest instead of the system's;
  // empty: the system's.
  std::string ca_file;

  int delivery_workers = 8;
  // Bytes.
  int64_t store_memory = 64 << 20;
  int64_t sort_memory = 32 << 20;

  // Where backups go; made if it is not there. Empty: none are made.
  std::string backup_dir;
  // Intake stops while less than this is free on the disk of the state (see
  // membership::StoreOptions); 0: never. `free_space` is replaced by tests.
  int64_t disk_reserve = 0;
  std::function<absl::StatusOr<int64_t>(const std::string&)> free_space;

  // Must outlive the server.
  Clock* clock = &Clock::Real();
  Random* random = &Random::Real();
  // nullptr: libcurl.
  pinterest::HttpTransport* transport = nullptr;

  // As in DelivererOptions.
  absl::Duration longest_sleep = absl::Seconds(10);

  // Without it nothing is delivered: for tests.
  bool deliver = true;
  // How often health is looked at.
  absl::Duration health_interval = absl::Seconds(1);
  // How often it is looked whether a login has to be refreshed.
  absl::Duration token_interval = absl::Seconds(1);
  // How often exits that no late addition can meet any more are forgotten.
  absl::Duration exits_interval = absl::Minutes(1);
  // How long a stop waits for exports under way before it cuts them off.
  absl::Duration stop_grace = absl::Seconds(10);
  absl::Duration handshake_timeout = limits::kHandshakeTimeout;
};

// The whole connector in one object: store, configuration, delivery, the gRPC
// services. Thread-safe.
class Server {
 public:
  // Opens, checks and wires everything, and serves. Any error means that
  // nothing runs: INVALID_ARGUMENT names a flag or fields of the configuration
  // file; FAILED_PRECONDITION another process on the state directory or a
  // socket that others can reach; ALREADY_EXISTS an address that is in use.
  static absl::StatusOr<std::unique_ptr<Server>> Create(ServerOptions options);

  // Shuts down if nobody did.
  ~Server();

  // Where it listens, with the port in use.
  std::string address() const;
  // The same of the HTTP edge; empty if there is none.
  std::string http_address() const;

  // Returns once a stop is asked for (OK) or something failed that the process
  // cannot go on after: a write of the store.
  absl::Status Wait();

  // Lets Wait() return. From any thread.
  void RequestStop();

  // Stops in order: health says so, intake acknowledges what is durable and
  // ends its streams, other calls end, delivery finishes its requests under
  // way, the store is closed. Blocks. Idempotent.
  void Shutdown();

 private:
  struct Parts;
  explicit Server(std::unique_ptr<Parts> parts);

  const std::unique_ptr<Parts> parts_;
};

}  // namespace connector::server

#endif  // CONNECTOR_SERVER_SERVER_H_
