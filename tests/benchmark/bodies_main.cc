// Reads an export, a profile in JSON a line, and writes the bodies of the
// requests that add its members, one a line: what bodies.js does, with the
// connector's parts. Prints {"records", "cpu_seconds", "seconds"}.
// usage: bodies EXPORT BODIES
#include <sys/resource.h>

#include <cstdio>
#include <fstream>
#include <sstream>
#include <string>

#include "absl/strings/string_view.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "connector/cli/batcher.h"
#include "connector/profile_json/profile_reader.h"
#include "nlohmann/json.hpp"
#include "tests/benchmark/pipeline.h"

namespace {

double CpuSeconds() {
  rusage usage;
  getrusage(RUSAGE_SELF, &usage);
  return usage.ru_utime.tv_sec + usage.ru_stime.tv_sec +
         1e-6 * (usage.ru_utime.tv_usec + usage.ru_stime.tv_usec);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) {
    std::fprintf(stderr, "usage: bodies EXPORT BODIES\n");
    return 2;
  }
  std::ifstream in(argv[1], std::ios::binary);
  std::ofstream out(argv[2], std::ios::binary);
  std::ostringstream content;
  content << in.rdbuf();
  std::string text = content.str();
  if (!in || !out || text.empty()) {
    std::fprintf(stderr, "bodies: cannot read or write\n");
    return 1;
  }
  const size_t size = text.size();
  text.append(connector::profile_json::kJsonPadding, ' ');

  const double cpu = CpuSeconds();
  const absl::Time start = absl::Now();
  benchmark_pipeline::Pipeline pipeline(
      [&](const std::string& body) { out << body << '\n'; });
  connector::profile_json::ProfileReader profiles;
  connector::cli::Batcher batcher(connector::cli::BatchBounds{});
  int64_t number = 0;
  for (size_t at = 0; at < size;) {
    size_t end = text.find('\n', at);
    if (end == std::string::npos || end > size) end = size;
    const absl::string_view line(text.data() + at, end - at);
    at = end + 1;
    if (connector::profile_json::IsBlankLine(line)) continue;
    const auto profile = profiles.Read(line);
    if (!profile.ok()) {
      std::fprintf(stderr, "bodies: line %lld is not understood\n",
                   static_cast<long long>(number + 1));
      return 1;
    }
    auto batch =
        batcher.Add(**profile, {0, ++number}, static_cast<int64_t>(at));
    if (!batch.ok()) return 1;
    if (*batch != nullptr) pipeline.Add((*batch)->frame->batch());
  }
  if (auto batch = batcher.Finish(); batch != nullptr) {
    pipeline.Add(batch->frame->batch());
  }
  pipeline.Finish();
  out.flush();
  std::printf(
      "%s\n",
      nlohmann::json({{"records", pipeline.records()},
                      {"cpu_seconds", CpuSeconds() - cpu},
                      {"seconds", absl::ToDoubleSeconds(absl::Now() - start)}})
          .dump()
          .c_str());
  return out.good() ? 0 : 1;
}
