#ifndef TESTS_BENCHMARK_BENCH_H_
#define TESTS_BENCHMARK_BENCH_H_

#include <cstdint>
#include <string>
#include <vector>

#include "nlohmann/json.hpp"
#include "tests/e2e/system.h"

namespace benchmark_export {

// What a process has used since it began.
struct Usage {
  double cpu_seconds = 0;
  // Bytes it caused to be written to the disk.
  int64_t written = 0;
};

Usage UsageOf(pid_t pid);

// The built programs on this machine: simulator without rate limits, connector
// with its own defaults, and load from a process of its own. Stops the
// benchmark with a message when anything fails.
class Bench {
 public:
  Bench();

  // Sends load with these flags of //tests/benchmark:export_load; its result.
  nlohmann::json Load(const std::vector<std::string>& flags);

  void Pause();
  void Resume();
  // Waits until all that was accepted is on the lists.
  void Drain();
  // Stops the connector in an orderly way and starts it; seconds until it
  // serves.
  double Restart();

  // Of the connector that runs.
  Usage Used();
  double PeakMemoryMb();
  // Of the state directory, when it has come to rest.
  int64_t DiskAtRest();

  // All lists of the simulator together.
  int64_t Members();
  // Calls that change a list, since the last time this was asked.
  int64_t Writes();

 private:
  void Ctl(const std::vector<std::string>& arguments);

  e2e::System system_;
  int64_t writes_ = 0;
};

// Prints the message and ends the program with 1.
[[noreturn]] void Fail(const std::string& message);

}  // namespace benchmark_export

#endif  // TESTS_BENCHMARK_BENCH_H_
