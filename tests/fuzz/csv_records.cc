// A file of comma-separated values through audiencectl's reader, and its
// records through what makes profiles of them. The first bytes choose the
// delimiter, the pieces in which the file comes, and the columns.

#include <string>
#include <vector>

#include "connector/cli/chunk_source.h"
#include "connector/cli/csv_reader.h"
#include "connector/cli/import_format.h"
#include "connector/cli/table_reader.h"
#include "tests/fuzz/fuzz.h"

namespace {

using connector::cli::ChunkSource;
using connector::cli::CsvReader;
using connector::cli::ImportFormat;
using connector::cli::TableReader;

constexpr size_t kMaxRecord = 200;

// All that is read, as a text of its own.
std::string ReadAll(ChunkSource source, char delimiter) {
  CsvReader reader(&source, delimiter, kMaxRecord);
  std::string seen;
  int64_t line = 0;
  while (true) {
    const auto more = reader.Next();
    if (!more.ok() && !absl::IsInvalidArgument(more.status())) {
      FUZZ_CHECK(absl::IsUnknown(more.status()));
      return seen + "!";
    }
    if (more.ok() && !*more) return seen;
    // Records do not go back; a bad one tells its line, too.
    FUZZ_CHECK(reader.line_number() > line);
    line = reader.line_number();
    seen += std::to_string(line);
    if (!more.ok()) {
      seen += "?";
      continue;
    }
    FUZZ_CHECK(!reader.fields().empty());
    for (absl::string_view field : reader.fields()) {
      FUZZ_CHECK(field.size() <= kMaxRecord);
      seen.push_back('\0');
      seen.append(field.data(), field.size());
    }
  }
}

void ReadTable(const std::string& text, char delimiter, uint8_t columns) {
  ImportFormat format;
  format.segment_namespace = "ups";
  format.segment_id = "gold";
  const bool list = columns % 4 == 0;
  if (list || columns % 4 == 1) {
    format.source_namespace = "Email";
  } else {
    format.columns = {{columns % 4 == 2 ? "1" : "mail", "Email"}};
    if (columns & 4) format.status_column = "2";
    if (columns & 8) format.time_column = "3";
  }
  ChunkSource source(text);
  CsvReader reader(&source, delimiter, kMaxRecord);
  TableReader table(format, list);
  bool begun = false;
  while (true) {
    const auto more = reader.Next();
    if (absl::IsUnknown(more.status())) return;
    if (!more.ok()) continue;
    if (!*more) return;
    if (!begun) {
      begun = true;
      const auto header = table.Begin(reader.fields());
      if (!header.ok()) {
        FUZZ_CHECK(absl::IsFailedPrecondition(header.status()));
        return;
      }
      if (*header) continue;
    }
    const auto profiles = table.Read(reader.fields());
    if (!profiles.ok()) {
      FUZZ_CHECK(absl::IsInvalidArgument(profiles.status()));
      continue;
    }
    FUZZ_CHECK(list || profiles->size() == 1);
    for (const auto& profile : *profiles) {
      FUZZ_CHECK(!profile.identities.empty());
      FUZZ_CHECK(profile.memberships.size() == 1);
      FUZZ_CHECK(profile.memberships[0].status !=
                 audience_sync::v1::MEMBERSHIP_STATUS_UNSPECIFIED);
    }
  }
}

}  // namespace

int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  fuzz::Input input(data, size);
  const char delimiter = ",;\t|"[input.Byte() % 4];
  const size_t piece = 1 + input.Byte() % 16;
  const uint8_t columns = input.Byte();
  const absl::string_view rest = input.Rest();
  const std::string text(rest.data(), rest.size());
  const std::string whole = ReadAll(ChunkSource(text), delimiter);
  FUZZ_CHECK(ReadAll(ChunkSource(text, [piece] { return piece; }), delimiter) ==
             whole);
  ReadTable(text, delimiter, columns);
  return 0;
}
