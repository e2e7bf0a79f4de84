// The process that crash_test kills: commits, delivers and settles without end
// in the store at argv[1], and prints the number of each batch that was
// acknowledged.

#include <cstdint>
#include <cstdio>

#include "connector/membership/crash_workload.h"

int main(int argc, char** argv) {
  using namespace connector::membership;  // NOLINT(build/namespaces)
  if (argc != 2) return 2;
  StoreOptions options;
  options.path = argv[1];
  options.memory_budget = 8 << 20;
  CrashWorkload workload(options);
  if (!workload.ok()) return 1;
  for (;;) {
    const int64_t number = workload.CommitNext();
    if (number < 0) return 1;
    std::printf("%lld\n", static_cast<long long>(number));
    std::fflush(stdout);
    if (number % 7 == 0 && !workload.Pass()) return 1;
  }
}
