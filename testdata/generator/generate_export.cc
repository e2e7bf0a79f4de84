// Writes a made-up export and, if asked, what the lists must hold after it.
#include <cstdio>
#include <memory>
#include <string>

#include "absl/flags/flag.h"
#include "absl/flags/parse.h"
#include "absl/flags/usage.h"
#include "absl/strings/str_cat.h"
#include "testdata/generator/oracle.h"
#include "testdata/generator/population.h"

ABSL_FLAG(uint64_t, seed, 1, "the same seed gives the same export");
ABSL_FLAG(int64_t, profiles, 20'000, "people in the first export");
ABSL_FLAG(int32_t, segments, 5, "segments");
ABSL_FLAG(std::string, phase, "initial",
          "initial: everybody enters; changes: what happens after it");
ABSL_FLAG(std::string, keying, "mixed",
          "source, pinterest_audience or mixed: what identityMap is keyed by");
ABSL_FLAG(double, exit_share, 0.10,
          "share of profiles that leave segments later in the first export");
ABSL_FLAG(double, reentry_share, 0.30, "share of these that come back");
ABSL_FLAG(double, repeat_share, 0.05, "share of lines that come again");
ABSL_FLAG(double, shared_share, 0.05,
          "share of profiles with an identity of somebody else");
ABSL_FLAG(double, malformed_share, 0.02, "share of malformed identities");
ABSL_FLAG(double, change_share, 0.20, "share of profiles that change");
ABSL_FLAG(double, new_share, 0.05, "new profiles as a share of the first");
ABSL_FLAG(std::string, out, "-", "the export, JSON Lines; -: standard output");
ABSL_FLAG(std::string, expected, "",
          "what each list must hold after the phase, and counts, as JSON; "
          "needs about 50 bytes of memory for each record");

namespace {

using generator::Keying;

// Buffered output that remembers a failure.
class Output {
 public:
  explicit Output(const std::string& path)
      : file_(path == "-" ? stdout : fopen(path.c_str(), "wb")),
        ok_(file_ != nullptr) {}

  void Write(const std::string& text) {
    if (ok_ && fwrite(text.data(), 1, text.size(), file_) != text.size()) {
      ok_ = false;
    }
  }

  bool Close() {
    if (file_ == nullptr) return false;
    const bool closed =
        file_ == stdout ? fflush(file_) == 0 : fclose(file_) == 0;
    return ok_ && closed;
  }

 private:
  FILE* const file_;
  bool ok_;
};

bool WriteExpected(const std::string& path, const generator::Oracle& oracle,
                   int segments) {
  Output out(path);
  const generator::OracleCounts& c = oracle.counts();
  out.Write(absl::StrCat(
      "{\n\"seed\": ", absl::GetFlag(FLAGS_seed), ",\n\"phase\": \"",
      absl::GetFlag(FLAGS_phase), "\",\n\"profiles\": ", c.profiles,
      ",\n\"memberships\": ", c.memberships,
      ",\n\"identities\": ", c.identities, ",\n\"units\": ", c.units,
      ",\n\"rejectedIdentities\": ", c.rejected_identities,
      ",\n\"rejectedUnits\": ", c.rejected_units,
      ",\n\"excludedIdentities\": ", c.excluded_identities,
      ",\n\"excludedUnits\": ", c.excluded_units, ",\n\"segments\": ["));
  for (int i = 0; i < segments; ++i) {
    const generator::SegmentKey key = generator::SegmentOf(i);
    out.Write(absl::StrCat(i > 0 ? "," : "", "\n{\"namespace\": \"",
                           key.segment_namespace, "\", \"id\": \"", key.id,
                           "\", \"name\": \"", key.name, "\", \"records\": ["));
    bool first = true;
    for (const std::string& record : oracle.Records(i)) {
      out.Write(absl::StrCat(first ? "\n\"" : ",\n\"", record, "\""));
      first = false;
    }
    out.Write("]}");
  }
  out.Write("]\n}\n");
  return out.Close();
}

int Fail(const std::string& message) {
  fprintf(stderr, "generate_export: %s\n", message.c_str());
  return 1;
}

}  // namespace

int main(int argc, char** argv) {
  absl::SetProgramUsageMessage("writes a made-up export, always the same one");
  absl::ParseCommandLine(argc, argv);

  generator::Options options;
  options.seed = absl::GetFlag(FLAGS_seed);
  options.profiles = absl::GetFlag(FLAGS_profiles);
  options.segments = absl::GetFlag(FLAGS_segments);
  options.exit_share = absl::GetFlag(FLAGS_exit_share);
  options.reentry_share = absl::GetFlag(FLAGS_reentry_share);
  options.repeat_share = absl::GetFlag(FLAGS_repeat_share);
  options.shared_share = absl::GetFlag(FLAGS_shared_share);
  options.malformed_share = absl::GetFlag(FLAGS_malformed_share);
  options.change_share = absl::GetFlag(FLAGS_change_share);
  options.new_share = absl::GetFlag(FLAGS_new_share);
  const std::string keying = absl::GetFlag(FLAGS_keying);
  if (keying == "source") {
    options.keying = Keying::kSource;
  } else if (keying == "pinterest_audience") {
    options.keying = Keying::kPinterestAudience;
  } else if (keying != "mixed") {
    return Fail("--keying must be source, pinterest_audience or mixed");
  }
  if (options.profiles < 0 || options.segments < 1) {
    return Fail("--profiles must not be negative, --segments at least 1");
  }
  for (double share :
       {options.exit_share, options.reentry_share, options.repeat_share,
        options.shared_share, options.malformed_share, options.change_share,
        options.new_share}) {
    if (!(share >= 0 && share <= 1)) return Fail("a share is from 0 to 1");
  }
  const std::string phase = absl::GetFlag(FLAGS_phase);
  if (phase != "initial" && phase != "changes") {
    return Fail("--phase must be initial or changes");
  }

  const generator::Population population(options);
  const std::string expected = absl::GetFlag(FLAGS_expected);
  std::unique_ptr<generator::Oracle> oracle;
  if (!expected.empty()) {
    oracle = std::make_unique<generator::Oracle>(options.segments);
    if (phase == "changes") {
      population.Initial(
          [&](const generator::ProfileLine& line) { oracle->Take(line); });
      oracle->ResetCounts();
    }
  }
  Output out(absl::GetFlag(FLAGS_out));
  std::string text;
  const auto sink = [&](const generator::ProfileLine& line) {
    text.clear();
    generator::AppendJson(line, text);
    out.Write(text);
    if (oracle != nullptr) oracle->Take(line);
  };
  if (phase == "initial") {
    population.Initial(sink);
  } else {
    population.Changes(sink);
  }
  if (!out.Close()) return Fail("the export cannot be written");
  if (oracle != nullptr &&
      !WriteExpected(expected, *oracle, options.segments)) {
    return Fail("what is expected cannot be written");
  }
  return 0;
}
