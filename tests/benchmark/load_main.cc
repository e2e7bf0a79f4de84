// Sends load to a connector and prints what it took, as JSON; see load.h.
#include <cstdio>
#include <string>

#include "absl/flags/flag.h"
#include "absl/flags/parse.h"
#include "absl/flags/usage.h"
#include "tests/benchmark/load.h"

ABSL_FLAG(std::string, address, "", "Where the connector listens");
ABSL_FLAG(std::string, ad_account_id, "", "The destination");
ABSL_FLAG(std::string, export_id, "load", "Start of the export ids");
ABSL_FLAG(int, streams, 2, "Streams, each with a connection");
ABSL_FLAG(int64_t, profiles, 1'000'000, "People, of two identities each");
ABSL_FLAG(int, batch_profiles, 1'000, "People in a batch");
ABSL_FLAG(int, window, 16, "Unacknowledged batches of a stream");
ABSL_FLAG(int64_t, first_person, 0, "The first person");
ABSL_FLAG(int64_t, stride, 1, "From person to person");
ABSL_FLAG(int, segments, 1, "Segments; everyone is in one");
ABSL_FLAG(bool, exited, false, "They leave instead of entering");
ABSL_FLAG(bool, complete, false, "Profiles have keys and all their identities");
ABSL_FLAG(bool, full_sync, false,
          "One stream declares the complete membership of the one segment");
ABSL_FLAG(double, rate, 0, "Identities a second; 0: as fast as it goes");

int main(int argc, char** argv) {
  absl::SetProgramUsageMessage("Sends load to a connector.");
  absl::ParseCommandLine(argc, argv);
  benchmark_load::LoadOptions options;
  options.address = absl::GetFlag(FLAGS_address);
  options.ad_account_id = absl::GetFlag(FLAGS_ad_account_id);
  options.export_id = absl::GetFlag(FLAGS_export_id);
  options.streams = absl::GetFlag(FLAGS_streams);
  options.profiles = absl::GetFlag(FLAGS_profiles);
  options.batch_profiles = absl::GetFlag(FLAGS_batch_profiles);
  options.window = absl::GetFlag(FLAGS_window);
  options.first_person = absl::GetFlag(FLAGS_first_person);
  options.stride = absl::GetFlag(FLAGS_stride);
  options.segments = absl::GetFlag(FLAGS_segments);
  options.exited = absl::GetFlag(FLAGS_exited);
  options.complete = absl::GetFlag(FLAGS_complete);
  options.full_sync = absl::GetFlag(FLAGS_full_sync);
  options.rate = absl::GetFlag(FLAGS_rate);
  const auto result = benchmark_load::SendLoad(options);
  if (!result.ok()) {
    std::fprintf(stderr, "export_load: %s\n",
                 result.status().ToString().c_str());
    return 1;
  }
  std::printf("%s\n", result->dump().c_str());
  return 0;
}
