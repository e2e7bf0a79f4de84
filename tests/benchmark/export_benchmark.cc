// The figures of docs/performance.md that need the whole system: starts the
// built connector and a simulated Pinterest, sends load from another process,
// and prints one table; --json writes it as a file, too. Build with -c opt.
//
//   bazel run -c opt //tests/benchmark:export_benchmark -- --runs=5
//
// --scale makes everything smaller; figures then mean nothing, but all of it is
// done and checked.
#include <sys/utsname.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <functional>
#include <map>
#include <string>
#include <thread>
#include <vector>

#include "absl/flags/flag.h"
#include "absl/flags/parse.h"
#include "absl/flags/usage.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "gtest/gtest.h"
#include "nlohmann/json.hpp"
#include "tests/benchmark/bench.h"
#include "tests/benchmark/figures.h"

ABSL_FLAG(std::vector<std::string>, scenarios,
          std::vector<std::string>({"stream", "people", "acks", "large",
                                    "trickle", "full_sync", "growth"}),
          "Which of stream, people, acks, large, trickle, full_sync, growth");
ABSL_FLAG(int, runs, 5,
          "Runs of stream, people and acks, and trickles on one state");
ABSL_FLAG(int, large_runs, 1,
          "Runs of large, trickle's state, full_sync, growth");
ABSL_FLAG(double, scale, 1, "Share of the sizes, from 0.0001 to 1");
ABSL_FLAG(std::string, json, "", "A file for the figures; none: no file");

namespace benchmark_export {
namespace {

using nlohmann::json;

// An identity count of a scenario, made smaller and even.
int64_t Identities(double full) {
  return std::max<int64_t>(
             100, static_cast<int64_t>(full * absl::GetFlag(FLAGS_scale) / 2)) *
         2;
}

std::string Flag(const std::string& name, int64_t value) {
  return absl::StrCat("--", name, "=", value);
}

double Seconds(absl::Time since) {
  return absl::ToDoubleSeconds(absl::Now() - since);
}

void Expect(bool holds, const std::string& what) {
  if (!holds) Fail(what);
}

// New people through to the lists, seconds.
double Deliver(Bench* bench, std::vector<std::string> flags) {
  const absl::Time start = absl::Now();
  bench->Load(flags);
  bench->Drain();
  return Seconds(start);
}

// Export to acknowledgement, to the lists, and again what is there already.
void Stream(Figures* figures) {
  const int64_t count = Identities(4e6);
  const std::vector<std::string> people = {Flag("profiles", count / 2),
                                           "--streams=2"};
  Bench bench;
  {
    const absl::Time start = absl::Now();
    const Usage before = bench.Used();
    bench.Load(people);
    bench.Drain();
    const double taken = Seconds(start);
    const Usage after = bench.Used();
    Expect(bench.Members() == count, "members are missing");
    figures->AtLeast("accepted",
                     "export → accepted by the simulator, new members",
                     "identities/s", 600e3, count / taken);
    figures->Report("accepted_server_cpu",
                    "the same, processor time of the server", "ns/identity",
                    1e9 * (after.cpu_seconds - before.cpu_seconds) / count);
  }
  bench.Writes();
  const double again = Deliver(&bench, people);
  figures->AtLeast("repeat", "an export of what is on the list already",
                   "identities/s", 1.0e6, count / again);
  figures->AtMost("repeat_calls", "the same, calls that change a list", "", 0,
                  static_cast<double>(bench.Writes()));
  Expect(bench.Members() == count, "members are missing");

  bench.Pause();
  const Usage before = bench.Used();
  const json load = bench.Load({Flag("profiles", count / 2), "--streams=2",
                                Flag("first_person", count / 2)});
  const Usage after = bench.Used();
  const double seconds = load.at("seconds");
  figures->AtLeast("durable", "export → DurableAck, client included",
                   "identities/s", 1.0e6, count / seconds);
  figures->Report("durable_server_cpu",
                  "the same, processor time of the server", "ns/identity",
                  1e9 * (after.cpu_seconds - before.cpu_seconds) / count);
  figures->Report("durable_client_cpu",
                  "the same, processor time of the client", "ns/identity",
                  1e9 * load.at("cpu_seconds").get<double>() / count);

  // At half of that, for as long as the full load takes twice over.
  const json half =
      bench.Load({Flag("profiles", count / 2), Flag("first_person", count),
                  absl::StrCat("--rate=", count / seconds / 2), "--streams=2"});
  figures->AtMost("latency_p50",
                  "DurableAck latency at half of that load, 1,000 profiles a "
                  "batch, p50",
                  "ms", 3, half.at("latency_ms").at("p50"));
  figures->AtMost("latency_p99", "the same, p99", "ms", 10,
                  half.at("latency_ms").at("p99"));
  bench.Resume();
  bench.Drain();
  Expect(bench.Members() == 3 * count, "members are missing");

  const absl::Time start = absl::Now();
  const Usage before_more = bench.Used();
  Deliver(&bench, {Flag("profiles", count / 2), "--streams=2",
                   Flag("first_person", 3 * count / 2)});
  Expect(bench.Members() == 4 * count, "members are missing");
  figures->Report("accepted_more",
                  "export → accepted, new members of a list that has three "
                  "times as many",
                  "identities/s", count / Seconds(start));
  figures->Report(
      "accepted_more_cpu", "the same, processor time of the server",
      "ns/identity",
      1e9 * (bench.Used().cpu_seconds - before_more.cpu_seconds) / count);
}

// The same with keys: profiles hold their identities.
void People(Figures* figures) {
  const int64_t count = Identities(4e6);
  const std::vector<std::string> people = {Flag("profiles", count / 2),
                                           "--streams=2"};
  double plain = 0;
  double plain_taken = 0;
  {
    Bench bench;
    const absl::Time start = absl::Now();
    plain = bench.Load(people).at("seconds");
    bench.Drain();
    plain_taken = Seconds(start);
  }
  Bench bench;
  std::vector<std::string> keyed = people;
  keyed.push_back("--complete");
  const Usage before = bench.Used();
  const absl::Time start = absl::Now();
  const double seconds = bench.Load(keyed).at("seconds");
  bench.Drain();
  const double taken = Seconds(start);
  Expect(bench.Members() == count, "members are missing");
  figures->Report("people_durable", "with profile_key: export → DurableAck",
                  "identities/s", count / seconds);
  figures->Report("people_accepted",
                  "with profile_key: export → accepted by the simulator",
                  "identities/s", count / taken);
  figures->Report(
      "people_cpu", "the same, processor time of the server", "ns/identity",
      1e9 * (bench.Used().cpu_seconds - before.cpu_seconds) / count);
  figures->AtLeast("people_durable_share",
                   "export → DurableAck, rate with profile_key / without", "",
                   0.5, plain / seconds);
  figures->AtLeast("people_accepted_share",
                   "export → accepted, rate with profile_key / without", "",
                   0.5, plain_taken / taken);
}

// One profile a batch.
void Acks(Figures* figures) {
  Bench bench;
  bench.Pause();
  const int64_t profiles = Identities(400e3) / 2;
  const json load = bench.Load({Flag("profiles", profiles), "--streams=64",
                                "--batch_profiles=1", "--window=4"});
  figures->AtLeast("acks", "one profile a batch, 64 streams", "acks/s", 20e3,
                   profiles / load.at("seconds").get<double>());
  figures->AtMost("acks_p99", "the same, p99 of DurableAck", "ms", 20,
                  load.at("latency_ms").at("p99"));
}

// 50 million into 20 lists, then 1 % of them out.
void Large(Figures* figures) {
  const int64_t count = Identities(50e6);
  Bench bench;
  const double taken = Deliver(
      &bench, {Flag("profiles", count / 2), "--streams=2", "--segments=20"});
  Expect(bench.Members() == count, "members are missing");
  figures->Report("large_rate", "50 M identities into 20 lists", "identities/s",
                  count / taken);
  figures->AtMost("large_memory", "the same, most memory of the server", "MB",
                  300, bench.PeakMemoryMb());
  figures->AtMost("large_disk", "the same, disk at rest", "bytes/member", 45,
                  static_cast<double>(bench.DiskAtRest()) / count);

  // 101 is prime to 20, so that all lists are met.
  const int64_t exits = std::max<int64_t>(1, count / 2 / 101);
  const Usage before = bench.Used();
  const double exits_taken =
      Deliver(&bench, {Flag("profiles", exits), Flag("stride", 101),
                       "--streams=2", "--segments=20", "--exited"});
  const Usage after = bench.Used();
  // The other form of each device id finds nobody.
  Expect(bench.Members() == count - 2 * exits, "exits are missing");
  figures->Report("large_exits", "then 1 % exits", "s", exits_taken);
  figures->Report("large_exits_cpu", "the same, processor time of the server",
                  "s", after.cpu_seconds - before.cpu_seconds);
  figures->Report("large_exits_written", "the same, written", "MB",
                  static_cast<double>(after.written - before.written) / 1e6);
  figures->AtMost("large_exits_memory", "the same, most memory so far", "MB",
                  300, bench.PeakMemoryMb());
}

// Random changes to one list of 50 million, and starts on it.
void Trickle(Figures* figures) {
  const int64_t count = Identities(50e6);
  const int64_t people = count / 2;
  Bench bench;
  Deliver(&bench, {Flag("profiles", people), "--streams=2"});
  Expect(bench.Members() == count, "members are missing");
  bench.DiskAtRest();
  const int64_t changes = std::min<int64_t>(10'000, count / 20);
  int64_t members = count;
  for (int run = 0; run < absl::GetFlag(FLAGS_runs); ++run) {
    const Usage before = bench.Used();
    const double taken =
        Deliver(&bench, {Flag("profiles", changes / 2),
                         Flag("stride", people / (changes / 2)),
                         Flag("first_person", run), "--exited"});
    // What compaction writes afterwards belongs to it.
    bench.DiskAtRest();
    const Usage after = bench.Used();
    members -= changes / 2 * 2;
    Expect(bench.Members() == members, "exits are missing");
    figures->Report("trickle", "10,000 random changes to that list", "s",
                    taken);
    figures->AtMost("trickle_written", "the same, written", "MB", 150,
                    static_cast<double>(after.written - before.written) / 1e6);
    figures->AtMost("trickle_cpu", "the same, processor time of the server",
                    "s", 1, after.cpu_seconds - before.cpu_seconds);
    figures->AtMost("trickle_memory", "the same, most memory of the server",
                    "MB", 300, bench.PeakMemoryMb());
  }
  for (int run = 0; run < absl::GetFlag(FLAGS_runs); ++run) {
    figures->AtMost("start", "start on that state", "s", 2, bench.Restart());
  }
}

// 50 million, declared once more but for a hundredth.
void FullSync(Figures* figures) {
  const int64_t count = Identities(50e6);
  const int64_t people = count / 2;
  const int64_t left = people - std::max<int64_t>(1, people / 100);
  Bench bench;
  Deliver(&bench, {Flag("profiles", people), "--streams=2"});
  Expect(bench.Members() == count, "members are missing");
  const Usage before = bench.Used();
  bench.Writes();
  const absl::Time start = absl::Now();
  bench.Load({Flag("profiles", left), "--streams=1", "--full_sync"});
  // It is judged after its acknowledgement.
  while (bench.Members() != 2 * left && Seconds(start) < 1800) {
    absl::SleepFor(absl::Milliseconds(100));
  }
  Expect(bench.Members() == 2 * left, "who was not declared is still there");
  const double taken = Seconds(start);
  bench.Drain();
  const Usage after = bench.Used();
  figures->Report("full_sync", "full sync of 50 M members, 1 % fewer", "s",
                  taken);
  figures->Report("full_sync_cpu", "the same, processor time of the server",
                  "ns/identity",
                  1e9 * (after.cpu_seconds - before.cpu_seconds) / count);
  figures->AtMost("full_sync_memory", "the same, most memory of the server",
                  "MB", 300, bench.PeakMemoryMb());
  figures->Report("full_sync_calls", "the same, calls that change the list", "",
                  static_cast<double>(bench.Writes()));
}

// How cost grows with one size at a time.
json Growth() {
  json rows = json::array();
  const auto measure = [&](const char* by, double identities, int lists,
                           int streams) {
    const int64_t count = Identities(identities);
    Bench bench;
    const absl::Time start = absl::Now();
    const json load =
        bench.Load({Flag("profiles", count / 2), Flag("segments", lists),
                    Flag("streams", streams)});
    bench.Drain();
    const double taken = Seconds(start);
    const double cpu = bench.Used().cpu_seconds;
    Expect(bench.Members() == count, "members are missing");
    rows.push_back({{"by", by},
                    {"identities", count},
                    {"lists", lists},
                    {"streams", streams},
                    {"durable_per_s", count / load.at("seconds").get<double>()},
                    {"accepted_per_s", count / taken},
                    {"server_cpu_ns", 1e9 * cpu / count},
                    {"memory_mb", bench.PeakMemoryMb()},
                    {"disk_bytes_per_member",
                     static_cast<double>(bench.DiskAtRest()) / count}});
    std::fprintf(stderr, "%s\n", rows.back().dump().c_str());
  };
  for (double identities : {1e6, 5e6, 20e6, 50e6}) {
    measure("identities", identities, 20, 2);
  }
  for (int lists : {1, 10, 100}) measure("lists", 5e6, lists, 2);
  for (int streams : {1, 2, 8}) measure("streams", 5e6, 20, streams);
  return rows;
}

json Machine() {
  utsname name;
  uname(&name);
  return {{"processors", std::thread::hardware_concurrency()},
          {"kernel", name.release},
          {"scale", absl::GetFlag(FLAGS_scale)}};
}

int Main() {
  Figures figures;
  json growth = json::array();
  const std::map<std::string, std::function<void(Figures*)>> scenarios = {
      {"stream", Stream}, {"people", People},   {"acks", Acks},
      {"large", Large},   {"trickle", Trickle}, {"full_sync", FullSync}};
  const double scale = absl::GetFlag(FLAGS_scale);
  Expect(scale >= 0.0001 && scale <= 1, "--scale is from 0.0001 to 1");
  for (const std::string& name : absl::GetFlag(FLAGS_scenarios)) {
    if (name == "growth") {
      for (int run = 0; run < absl::GetFlag(FLAGS_large_runs); ++run) {
        for (json& row : Growth()) growth.push_back(std::move(row));
      }
      continue;
    }
    const auto scenario = scenarios.find(name);
    Expect(scenario != scenarios.end(), "there is no scenario " + name);
    const int runs = name == "stream" || name == "people" || name == "acks"
                         ? absl::GetFlag(FLAGS_runs)
                         : absl::GetFlag(FLAGS_large_runs);
    for (int run = 0; run < runs; ++run) {
      std::fprintf(stderr, "%s, run %d of %d\n", name.c_str(), run + 1, runs);
      scenario->second(&figures);
    }
  }
  Expect(!testing::Test::HasFailure(), "a check of the system failed");
  std::printf("%s", figures.Table().c_str());
  if (const std::string path = absl::GetFlag(FLAGS_json); !path.empty()) {
    std::ofstream file(path);
    file << json({{"machine", Machine()},
                  {"figures", figures.Json()},
                  {"growth", growth}})
                .dump(1)
         << "\n";
    file.flush();
    Expect(file.good(), "cannot write " + path);
  }
  return 0;
}

// Where the other programs are: beside this one, as bazel laid them out.
void FindRunfiles(const char* program) {
  if (std::getenv("TEST_SRCDIR") == nullptr) {
    setenv("TEST_SRCDIR", absl::StrCat(program, ".runfiles").c_str(), 1);
    setenv("TEST_WORKSPACE", "audience_connector", 1);
  }
  if (std::getenv("TEST_TMPDIR") == nullptr) setenv("TEST_TMPDIR", "/tmp", 1);
}

}  // namespace
}  // namespace benchmark_export

int main(int argc, char** argv) {
  absl::SetProgramUsageMessage(
      "Measures the connector as a whole against a simulated Pinterest.");
  testing::InitGoogleTest(&argc, argv);
  absl::ParseCommandLine(argc, argv);
  benchmark_export::FindRunfiles(argv[0]);
  return benchmark_export::Main();
}
