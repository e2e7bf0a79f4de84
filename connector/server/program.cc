#include "connector/server/program.h"

#include <grpc/support/log.h>

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include "absl/flags/flag.h"
#include "absl/flags/parse.h"
#include "absl/flags/usage.h"
#include "absl/flags/usage_config.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/types/span.h"
#include "connector/base/default_address.h"
#include "connector/base/error.h"
#include "connector/base/version.h"
#include "connector/server/flag_check.h"
#include "connector/server/log.h"
#include "connector/server/process.h"
#include "connector/server/server.h"

namespace {

// A directory of the XDG base directory specification: $`variable`, or
// `fallback` below the home directory, and "audience-connector" in it.
std::string XdgDirectory(const char* variable, const char* fallback) {
  const char* set = std::getenv(variable);
  if (set != nullptr && set[0] == '/') {
    return absl::StrCat(set, "/audience-connector");
  }
  const char* home = std::getenv("HOME");
  if (home == nullptr || home[0] != '/') return "";
  return absl::StrCat(home, "/", fallback, "/audience-connector");
}

}  // namespace

ABSL_FLAG(
    std::string, config, "",
    "File with a ConnectorConfig, as protobuf text or JSON. What it names "
    "cannot be changed over the API. Without it, destinations are applied "
    "over the API.");
ABSL_FLAG(std::string, listen, connector::DefaultAddress(),
          "Where to serve the API: unix:PATH, or HOST:PORT (port 0: any free "
          "one). Without TLS only loopback.");
ABSL_FLAG(std::string, state_dir,
          XdgDirectory("XDG_STATE_HOME", ".local/state"),
          "Directory of everything that lasts.");
ABSL_FLAG(std::string, credentials_dir,
          absl::StrCat(XdgDirectory("XDG_CONFIG_HOME", ".config"),
                       "/credentials"),
          "Directory of the token files that credentials name.");
ABSL_FLAG(std::string, pinterest_base_url, "https://api.pinterest.com/v5",
          "Pinterest's API, with its path. http:// only for loopback.");
ABSL_FLAG(std::string, ca_file, "",
          "PEM file of the certificate authorities to trust for Pinterest, "
          "instead of the system's.");
ABSL_FLAG(std::string, tls_certificate_file, "",
          "PEM file of the certificate to serve the API with.");
ABSL_FLAG(std::string, tls_key_file, "",
          "PEM file of the certificate's private key.");
ABSL_FLAG(std::string, tls_client_ca_file, "",
          "PEM file of the authorities whose client certificates are let in; "
          "others are then refused.");
ABSL_FLAG(std::string, http_listen, "",
          "Where to take profiles over HTTP (docs/adobe.md): 127.0.0.1:PORT or "
          "[::1]:PORT (port 0: any free one), behind a proxy that terminates "
          "TLS. Without it HTTP is not served.");
ABSL_FLAG(std::string, http_token_file, "http-token",
          "File in --credentials_dir with the bearer token that HTTP callers "
          "have to show.");
ABSL_FLAG(int32_t, delivery_workers, 8,
          "Threads that call Pinterest, 1 to 64: each makes one request at a "
          "time.");
ABSL_FLAG(int32_t, store_memory_mb, 64,
          "Memory of the store's buffers and caches, 16 to 4096 MiB.");
ABSL_FLAG(int32_t, sort_memory_mb, 32,
          "Memory that passes sort in before they spill, 4 to 4096 MiB.");
ABSL_FLAG(std::string, backup_dir, "",
          "Directory that `audiencectl backup` makes backups in; best on the "
          "disk of the state, where they share its large files. Without it "
          "none are made.");
ABSL_FLAG(int32_t, disk_reserve_mb, 1024,
          "Exports are refused while less than this, and once more what waits "
          "for delivery, is free on the disk of the state; 0 to 1048576 MiB, "
          "0: never.");
ABSL_FLAG(std::string, log_level, "info", "debug, info, warning or error.");
ABSL_FLAG(bool, allow_core_dumps, false,
          "Let a crash write a core and a debugger attach. The memory holds "
          "access tokens.");

namespace connector::server {
namespace {

constexpr int kExitFailed = 1;
constexpr int kExitUnusable = 2;

// Every flag that is wrong by itself.
std::vector<std::string> CheckFlags() {
  std::vector<std::string> wrong;
  const auto between = [&](absl::string_view flag, int value, int least,
                           int most) {
    if (value < least || value > most) {
      wrong.push_back(
          absl::StrCat(flag, ": must be from ", least, " to ", most));
    }
  };
  between("--delivery_workers", absl::GetFlag(FLAGS_delivery_workers), 1, 64);
  between("--store_memory_mb", absl::GetFlag(FLAGS_store_memory_mb), 16, 4096);
  between("--disk_reserve_mb", absl::GetFlag(FLAGS_disk_reserve_mb), 0,
          1 << 20);
  between("--sort_memory_mb", absl::GetFlag(FLAGS_sort_memory_mb), 4, 4096);
  if (auto level = ParseLogLevel(absl::GetFlag(FLAGS_log_level)); !level.ok()) {
    wrong.emplace_back(level.status().message());
  }
  if (absl::GetFlag(FLAGS_state_dir).empty()) {
    wrong.push_back("--state_dir: must be given where HOME is not set");
  }
  if (absl::GetFlag(FLAGS_credentials_dir).empty()) {
    wrong.push_back("--credentials_dir: must be given where HOME is not set");
  }
  return wrong;
}

ServerOptions OptionsFromFlags() {
  ServerOptions options;
  options.listen = absl::GetFlag(FLAGS_listen);
  options.tls.certificate_file = absl::GetFlag(FLAGS_tls_certificate_file);
  options.tls.key_file = absl::GetFlag(FLAGS_tls_key_file);
  options.tls.client_ca_file = absl::GetFlag(FLAGS_tls_client_ca_file);
  options.config_file = absl::GetFlag(FLAGS_config);
  options.state_dir = std::filesystem::absolute(absl::GetFlag(FLAGS_state_dir));
  options.credentials_dir =
      std::filesystem::absolute(absl::GetFlag(FLAGS_credentials_dir));
  options.pinterest_base_url = absl::GetFlag(FLAGS_pinterest_base_url);
  options.ca_file = absl::GetFlag(FLAGS_ca_file);
  options.http_listen = absl::GetFlag(FLAGS_http_listen);
  options.http_token_file = absl::GetFlag(FLAGS_http_token_file);
  options.delivery_workers = absl::GetFlag(FLAGS_delivery_workers);
  options.store_memory = int64_t{absl::GetFlag(FLAGS_store_memory_mb)} << 20;
  options.sort_memory = int64_t{absl::GetFlag(FLAGS_sort_memory_mb)} << 20;
  options.disk_reserve = int64_t{absl::GetFlag(FLAGS_disk_reserve_mb)} << 20;
  if (!absl::GetFlag(FLAGS_backup_dir).empty()) {
    options.backup_dir =
        std::filesystem::absolute(absl::GetFlag(FLAGS_backup_dir));
  }
  return options;
}

void Complain(absl::string_view message) {
  std::fprintf(stderr, "audience_connector: %.*s\n",
               static_cast<int>(message.size()), message.data());
}

// One line for the error, and one for each field that it names besides.
void Complain(const absl::Status& status) {
  const ErrorDetail detail = GetErrorDetail(status);
  if (detail.field_violations.size() > 1) {
    for (const auto& [field, rule] : detail.field_violations) {
      Complain(absl::StrCat(field, ": ", rule));
    }
    return;
  }
  Complain(status.message());
}

// What gRPC has to say goes the way of everything else: masked, one line each.
void LogOfGrpc(gpr_log_func_args* entry) {
  const bool error = entry->severity == GPR_LOG_SEVERITY_ERROR;
  Log(error ? LogLevel::kError : LogLevel::kInfo, "grpc",
      {{"message", entry->message}});
}

int Run(void (*adjust)(ServerOptions*)) {
  const std::vector<std::string> wrong = CheckFlags();
  for (const std::string& message : wrong) Complain(message);
  if (!wrong.empty()) return kExitUnusable;
  SetLogLevel(*ParseLogLevel(absl::GetFlag(FLAGS_log_level)));
  gpr_set_log_function(LogOfGrpc);
  BoundAllocator();
  if (absl::Status s = HardenProcess(absl::GetFlag(FLAGS_allow_core_dumps));
      !s.ok()) {
    Complain(s);
    return kExitUnusable;
  }

  StopSignals signals;
  ServerOptions options = OptionsFromFlags();
  if (adjust != nullptr) adjust(&options);
  auto server = Server::Create(std::move(options));
  if (!server.ok()) {
    Complain(server.status());
    return kExitUnusable;
  }
  signals.Watch([&] { (*server)->RequestStop(); });
  std::printf("listening on %s\n", (*server)->address().c_str());
  if (!(*server)->http_address().empty()) {
    std::printf("http listening on %s\n", (*server)->http_address().c_str());
  }
  std::fflush(stdout);

  const absl::Status end = (*server)->Wait();
  if (!end.ok()) {
    Log(LogLevel::kError, "failed", {{"why", end.ToString()}});
    Complain(end);
  }
  (*server)->Shutdown();
  signals.EndWatch();
  return end.ok() ? EXIT_SUCCESS : kExitFailed;
}

}  // namespace

int RunProgram(int argc, char** argv, void (*adjust)(ServerOptions*)) {
  absl::FlagsUsageConfig usage;
  usage.contains_help_flags = [](absl::string_view file) {
    return absl::EndsWith(file, "connector/server/program.cc");
  };
  usage.contains_helpshort_flags = usage.contains_help_flags;
  usage.version_string = [] {
    return absl::StrCat(kConnectorName, " ", kConnectorVersion, "\n");
  };
  absl::SetFlagsUsageConfig(usage);
  absl::SetProgramUsageMessage(
      "keeps Pinterest customer lists in step with a customer data platform's "
      "segments.\n"
      "Prints \"listening on ADDRESS\" once it serves; SIGTERM stops it.");
  const std::vector<std::string> wrong = CheckCommandLine(
      absl::MakeConstSpan(argv + 1, static_cast<size_t>(argc - 1)));
  for (const std::string& message : wrong) Complain(message);
  if (!wrong.empty()) return kExitUnusable;
  const std::vector<char*> rest = absl::ParseCommandLine(argc, argv);
  if (rest.size() > 1) {
    std::fprintf(stderr, "audience_connector: takes flags only\n");
    return 2;
  }
  return Run(adjust);
}

}  // namespace connector::server
