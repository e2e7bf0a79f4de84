#include "tests/benchmark/bench.h"

#include <signal.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"

namespace benchmark_export {
namespace {

using nlohmann::json;

e2e::System::Options SystemOptions() {
  e2e::System::Options options;
  // Nothing is set: the defaults.
  options.delivery_policies[e2e::System::kAdAccount] = "";
  return options;
}

int64_t DirectoryBytes(const std::string& directory) {
  int64_t bytes = 0;
  std::error_code error;
  for (const auto& entry :
       std::filesystem::recursive_directory_iterator(directory, error)) {
    // Files come and go.
    const auto size = entry.file_size(error);
    if (!error) bytes += static_cast<int64_t>(size);
  }
  return bytes;
}

}  // namespace

void Fail(const std::string& message) {
  std::fprintf(stderr, "export_benchmark: %s\n", message.c_str());
  std::exit(1);
}

Usage UsageOf(pid_t pid) {
  Usage usage;
  const std::string stat = e2e::ReadFile(absl::StrCat("/proc/", pid, "/stat"));
  // The name in parentheses may hold anything; 11 fields on is the user time
  // (proc(5)).
  const std::vector<absl::string_view> fields =
      absl::StrSplit(stat.substr(stat.rfind(')') + 1), ' ');
  int64_t user = 0;
  int64_t system = 0;
  if (fields.size() < 15 || !absl::SimpleAtoi(fields[12], &user) ||
      !absl::SimpleAtoi(fields[13], &system)) {
    Fail(absl::StrCat("/proc/", pid, "/stat is not understood"));
  }
  usage.cpu_seconds = static_cast<double>(user + system) / sysconf(_SC_CLK_TCK);
  const std::string io = e2e::ReadFile(absl::StrCat("/proc/", pid, "/io"));
  for (absl::string_view line : absl::StrSplit(io, '\n')) {
    if (absl::ConsumePrefix(&line, "write_bytes: ")) {
      (void)absl::SimpleAtoi(line, &usage.written);
    }
  }
  return usage;
}

Bench::Bench() : system_(SystemOptions()) {
  if (!system_.connector().Running()) Fail("the connector does not start");
}

void Bench::Ctl(const std::vector<std::string>& arguments) {
  const e2e::Output output = system_.Ctl(arguments);
  if (output.exit_code != 0) {
    Fail(absl::StrCat("audiencectl ", arguments[0], ": ", output.text));
  }
}

json Bench::Load(const std::vector<std::string>& flags) {
  std::vector<std::string> command = {
      e2e::Runfile("tests/benchmark/export_load"),
      "--address=" + system_.address(),
      absl::StrCat("--ad_account_id=", e2e::System::kAdAccount),
      // A name that was never used: an export is done once.
      absl::StrCat("--export_id=load-", absl::GetCurrentTimeNanos())};
  command.insert(command.end(), flags.begin(), flags.end());
  const e2e::Output output = e2e::RunProgram(command);
  json result = json::parse(output.text, nullptr, false);
  if (output.exit_code != 0 || !result.is_object()) {
    Fail(absl::StrCat("load: ", output.text));
  }
  return result;
}

void Bench::Pause() { Ctl({"pause", e2e::System::kAdAccount}); }
void Bench::Resume() { Ctl({"resume", e2e::System::kAdAccount}); }
void Bench::Drain() {
  Ctl({"drain", e2e::System::kAdAccount, "--timeout=3600s"});
}

double Bench::Restart() {
  system_.connector().Signal(SIGTERM);
  if (system_.connector().Wait() != 0) Fail("the connector did not stop well");
  const absl::Time start = absl::Now();
  system_.StartConnector();
  if (!system_.connector().Running()) Fail("the connector does not start");
  return absl::ToDoubleSeconds(absl::Now() - start);
}

Usage Bench::Used() { return UsageOf(system_.connector().pid()); }

double Bench::PeakMemoryMb() {
  return static_cast<double>(system_.connector().PeakMemory()) / 1e6;
}

int64_t Bench::DiskAtRest() {
  int64_t bytes = DirectoryBytes(system_.state_directory());
  double cpu = Used().cpu_seconds;
  // At most two minutes.
  for (int quiet = 0, i = 0; quiet < 4 && i < 400; ++i) {
    absl::SleepFor(absl::Milliseconds(300));
    const int64_t now = DirectoryBytes(system_.state_directory());
    const double used = Used().cpu_seconds;
    quiet = now == bytes && used - cpu < 0.1 ? quiet + 1 : 0;
    bytes = now;
    cpu = used;
  }
  return bytes;
}

int64_t Bench::Members() {
  int64_t members = 0;
  const json body =
      system_.Inspect(absl::StrCat("ad_accounts/", e2e::System::kAdAccount,
                                   "/customer_lists?records=false"));
  for (const json& list : body.at("customer_lists")) {
    members += list.at("record_count").get<int64_t>();
  }
  return members;
}

int64_t Bench::Writes() {
  int64_t writes = 0;
  const json requests = system_.Inspect("requests?since=1000000000");
  for (const auto& [operation, count] : requests.at("counts").items()) {
    if (operation == "customer_lists/create" ||
        operation == "customer_lists/update") {
      writes += count.get<int64_t>();
    }
  }
  const int64_t since = writes - writes_;
  writes_ = writes;
  return since;
}

}  // namespace benchmark_export
