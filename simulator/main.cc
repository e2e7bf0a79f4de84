// The simulator as a program: see README.md, or --help.

#include <signal.h>

#include <cstdint>
#include <cstdio>
#include <string>
#include <vector>

#include "absl/flags/flag.h"
#include "absl/flags/parse.h"
#include "absl/flags/usage.h"
#include "absl/time/time.h"
#include "nlohmann/json.hpp"
#include "simulator/simulator.h"

ABSL_FLAG(int, port, 0, "Port on 127.0.0.1; 0 takes any free one");
ABSL_FLAG(std::vector<std::string>, ad_accounts, {},
          "Ids of the ad accounts there are; none: every id of digits");
ABSL_FLAG(std::string, token, "",
          "The only access token that is good; none: every one");
ABSL_FLAG(std::string, refresh_token, "",
          "The only refresh token that is good; none: every one");
ABSL_FLAG(std::string, app_id, "", "The only app id that is good; none: all");
ABSL_FLAG(std::string, app_secret, "", "The secret of --app_id");
ABSL_FLAG(absl::Duration, access_token_lifetime, absl::Hours(30 * 24),
          "How long access tokens given out here are good");
ABSL_FLAG(absl::Duration, refresh_token_lifetime, absl::Hours(60 * 24),
          "How long refresh tokens given out here are good");
ABSL_FLAG(std::string, rate_limits, "standard", "standard, trial or off");
ABSL_FLAG(double, time_scale, 1.0, "Simulated seconds per second");
ABSL_FLAG(double, match_rate, 1.0,
          "Share of records that belong to a Pinterest account");
ABSL_FLAG(absl::Duration, list_processing, absl::Seconds(10),
          "A list is PROCESSING for so long after a change");
ABSL_FLAG(absl::Duration, audience_initializing, absl::Seconds(5),
          "A new audience is INITIALIZING for so long");
ABSL_FLAG(absl::Duration, audience_processing, absl::Seconds(10),
          "then PROCESSING for so long");
ABSL_FLAG(absl::Duration, audience_updating, absl::Seconds(5),
          "An audience is UPDATING for so long after a change");
ABSL_FLAG(std::string, switches, "{}",
          "Further switches as a JSON object, as in POST /_simulator/switches");
ABSL_FLAG(uint64_t, seed, 1, "Of request ids, tokens and random faults");
ABSL_FLAG(std::string, tls_cert, "", "PEM certificate: serve HTTPS");
ABSL_FLAG(std::string, tls_key, "", "PEM key of --tls_cert");

namespace {

int Fail(const std::string& message) {
  std::fprintf(stderr, "pinterest_simulator: %s\n", message.c_str());
  return 2;
}

}  // namespace

int main(int argc, char** argv) {
  absl::SetProgramUsageMessage(
      "Pinterest API v5 for customer lists and audiences, in memory, on "
      "loopback. simulator/README.md tells how to use it.");
  absl::ParseCommandLine(argc, argv);

  simulator::Simulator::Options options;
  options.port = absl::GetFlag(FLAGS_port);
  options.ad_accounts = absl::GetFlag(FLAGS_ad_accounts);
  options.tokens.access_token = absl::GetFlag(FLAGS_token);
  options.tokens.refresh_token = absl::GetFlag(FLAGS_refresh_token);
  options.tokens.app_id = absl::GetFlag(FLAGS_app_id);
  options.tokens.app_secret = absl::GetFlag(FLAGS_app_secret);
  options.tokens.access_lifetime = absl::GetFlag(FLAGS_access_token_lifetime);
  options.tokens.refresh_lifetime = absl::GetFlag(FLAGS_refresh_token_lifetime);
  std::string limits = absl::GetFlag(FLAGS_rate_limits);
  if (limits == "trial") {
    options.limits = simulator::RateLimits::kTrial;
  } else if (limits == "off") {
    options.limits = simulator::RateLimits::kOff;
  } else if (limits != "standard") {
    return Fail("--rate_limits: standard, trial or off");
  }
  options.time_scale = absl::GetFlag(FLAGS_time_scale);
  options.seed = absl::GetFlag(FLAGS_seed);
  options.tls_certificate = absl::GetFlag(FLAGS_tls_cert);
  options.tls_key = absl::GetFlag(FLAGS_tls_key);
  // Flags of their own go through the same checks as the JSON.
  nlohmann::json timing = {
      {"match_rate", absl::GetFlag(FLAGS_match_rate)},
      {"list_processing_s",
       absl::ToDoubleSeconds(absl::GetFlag(FLAGS_list_processing))},
      {"audience_initializing_s",
       absl::ToDoubleSeconds(absl::GetFlag(FLAGS_audience_initializing))},
      {"audience_processing_s",
       absl::ToDoubleSeconds(absl::GetFlag(FLAGS_audience_processing))},
      {"audience_updating_s",
       absl::ToDoubleSeconds(absl::GetFlag(FLAGS_audience_updating))}};
  nlohmann::json further = nlohmann::json::parse(
      absl::GetFlag(FLAGS_switches), nullptr, /*allow_exceptions=*/false);
  for (const nlohmann::json& json : {timing, further}) {
    absl::Status status = simulator::Update(json, &options.switches);
    if (!status.ok()) {
      return Fail("--switches: " + std::string(status.message()));
    }
  }

  // Blocked before any thread starts, so that they come to sigwait alone.
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGINT);
  sigaddset(&signals, SIGTERM);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);

  auto simulator = simulator::Simulator::Start(options);
  if (!simulator.ok()) {
    return Fail(std::string(simulator.status().message()));
  }
  std::printf("listening on 127.0.0.1:%d\n", (*simulator)->port());
  std::fflush(stdout);

  int received = 0;
  sigwait(&signals, &received);
  (*simulator)->Stop();
  return 0;
}
