// bazel run -c opt //identity_mapping:mapping_benchmark

#include <cstddef>
#include <random>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "benchmark/benchmark.h"
#include "identity_mapping/mapping.h"

namespace identity_mapping {
namespace {

constexpr size_t kValues = 4096;

std::vector<std::string> Emails() {
  std::mt19937_64 random(1);
  std::vector<std::string> values;
  for (size_t i = 0; i < kValues; ++i) {
    values.push_back(
        absl::StrCat("Firstname.Lastname", random() % 1000, "@Example.com"));
  }
  return values;
}

std::vector<std::string> UnicodeEmails() {
  std::vector<std::string> values;
  for (size_t i = 0; i < kValues; ++i) {
    values.push_back(absl::StrCat("Jürgen.Müller", i, "@Bücher.example"));
  }
  return values;
}

std::vector<std::string> DeviceIds() {
  std::mt19937_64 random(2);
  std::vector<std::string> values;
  for (size_t i = 0; i < kValues; ++i) {
    values.push_back(absl::StrFormat(
        "%08x-%04x-4%03x-8%03x-%012x", random() & 0xFFFFFFFF, random() & 0xFFFF,
        random() & 0xFFF, random() & 0xFFF, random() & 0xFFFFFFFFFFFF));
  }
  return values;
}

std::vector<std::string> Hashes() {
  std::mt19937_64 random(3);
  std::vector<std::string> values;
  for (size_t i = 0; i < kValues; ++i) {
    values.push_back(absl::StrFormat("%016X%016x%016x%016x", random(), random(),
                                     random(), random()));
  }
  return values;
}

IdentityMapping Default() {
  return *IdentityMapping::Create(DefaultMappingRules());
}

void Map(benchmark::State& state, const char* source_namespace,
         const std::vector<std::string>& values, FormsFor forms_for) {
  const IdentityMapping mapping = Default();
  MappedIdentity identity;
  RejectionReason reason;
  size_t i = 0;
  for (auto _ : state) {
    const int row = mapping.FindRow(source_namespace);
    if (!mapping.Map(row, values[i], &identity, &reason, forms_for)) {
      state.SkipWithError("refused");
      break;
    }
    benchmark::DoNotOptimize(identity);
    i = (i + 1) % kValues;
  }
  state.SetItemsProcessed(state.iterations());
}

BENCHMARK_CAPTURE(Map, email, "email", Emails(), FormsFor::kMember);
BENCHMARK_CAPTURE(Map, email_unicode, "email", UnicodeEmails(),
                  FormsFor::kMember);
BENCHMARK_CAPTURE(Map, email_hashed, "email", Hashes(), FormsFor::kMember);
BENCHMARK_CAPTURE(Map, gaid, "gaid", DeviceIds(), FormsFor::kMember);
BENCHMARK_CAPTURE(Map, lost_kind_email, "pinterest_audience", Emails(),
                  FormsFor::kMember);
BENCHMARK_CAPTURE(Map, lost_kind_device_id, "pinterest_audience", DeviceIds(),
                  FormsFor::kMember);

BENCHMARK_CAPTURE(Map, exit_gaid, "gaid", DeviceIds(), FormsFor::kExit);

// A request body's list of records, as delivery writes it.
void WireText(benchmark::State& state) {
  const IdentityMapping mapping = Default();
  std::vector<Record> records;
  for (const std::string& email : Emails()) {
    MappedIdentity identity;
    RejectionReason reason;
    if (mapping.Map(0, email, &identity, &reason)) {
      records.push_back(identity.primary);
    }
  }
  std::string body;
  size_t bytes = 0;
  for (auto _ : state) {
    body.clear();
    for (const Record& record : records) {
      if (!body.empty()) body += ',';
      record.AppendWireText(&body);
    }
    benchmark::DoNotOptimize(body.data());
    bytes += body.size();
  }
  state.SetBytesProcessed(static_cast<int64_t>(bytes));
}
BENCHMARK(WireText);

}  // namespace
}  // namespace identity_mapping
