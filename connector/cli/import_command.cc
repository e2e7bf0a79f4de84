#include <limits>
#include <utility>

#include "absl/flags/flag.h"
#include "absl/strings/str_cat.h"
#include "connector/cli/commands.h"
#include "connector/cli/exit_code.h"
#include "connector/cli/export_run.h"
#include "connector/cli/flags.h"
#include "connector/cli/import_input.h"
#include "connector/cli/import_preview.h"
#include "connector/cli/mapping_source.h"
#include "connector/cli/segment_argument.h"
#include "connector/cli/table.h"
#include "nlohmann/json.hpp"

namespace connector::cli {
namespace {

// Bad lines that a dry run names one by one.
constexpr int64_t kMaxNamedLines = 10;

constexpr int64_t kDefaultBadLines = 100;

// The format that the flags ask for; INVALID_ARGUMENT names the flag.
absl::StatusOr<ImportFormat> FormatOfFlags() {
  ImportFormat format;
  absl::StatusOr<FileFormat> file =
      ParseFileFormat(absl::GetFlag(FLAGS_format));
  if (!file.ok()) return file.status();
  format.file = *file;
  absl::StatusOr<char> delimiter =
      ParseDelimiter(absl::GetFlag(FLAGS_delimiter));
  if (!delimiter.ok()) return delimiter.status();
  format.delimiter = *delimiter;
  const std::string header = absl::GetFlag(FLAGS_header);
  if (header == "yes" || header == "true") {
    format.header = true;
  } else if (header == "no" || header == "false") {
    format.header = false;
  } else if (header != "auto") {
    return absl::InvalidArgumentError("--header must be auto, yes or no");
  }
  absl::StatusOr<std::vector<ImportColumn>> columns =
      ParseColumns(absl::GetFlag(FLAGS_columns));
  if (!columns.ok()) return columns.status();
  format.columns = *std::move(columns);
  format.source_namespace = absl::GetFlag(FLAGS_namespace);
  if (!format.columns.empty() && !format.source_namespace.empty()) {
    return absl::InvalidArgumentError(
        "--columns and --namespace exclude each other");
  }
  if (const std::string segment = absl::GetFlag(FLAGS_segment);
      !segment.empty()) {
    audience_sync::v1::SegmentName name;
    if (!ParseSegmentName(segment, &name)) {
      return absl::InvalidArgumentError(
          absl::StrCat("--segment: ", kSegmentNameRule));
    }
    format.segment_namespace = name.segment_namespace();
    format.segment_id = name.segment_id();
  }
  format.segment_name = absl::GetFlag(FLAGS_segment_name);
  format.status = ParseStatus(absl::GetFlag(FLAGS_status));
  if (format.status == audience_sync::v1::MEMBERSHIP_STATUS_UNSPECIFIED) {
    return absl::InvalidArgumentError("--status must be add or remove");
  }
  format.status_column = absl::GetFlag(FLAGS_status_column);
  format.time_column = absl::GetFlag(FLAGS_time_column);
  if (format.file == FileFormat::kList &&
      (!format.columns.empty() || !format.status_column.empty() ||
       !format.time_column.empty())) {
    return absl::InvalidArgumentError("--format=list has no columns");
  }
  return format;
}

int DryRun(CommandContext& context, const ExportInput& input,
           const ImportReading& reading) {
  MappingSource source = DefaultMapping();
  if (!absl::GetFlag(FLAGS_offline)) {
    absl::StatusOr<MappingSource> fetched =
        FetchMapping(context, absl::GetFlag(FLAGS_ad_account_id));
    if (!fetched.ok()) return context.FailCall(fetched.status());
    source = *std::move(fetched);
  }
  ImportPreview preview(source);
  ReadingTally tally;
  bool is_input_error = false;
  const absl::Status status = ReadImport(
      input, reading,
      [&preview](const ParsedProfile& profile, SourceLine, int64_t) {
        preview.Add(profile);
        return absl::OkStatus();
      },
      [&](const absl::Status& bad_line) {
        if (tally.bad_lines <= kMaxNamedLines) {
          context.Warn(absl::StrCat("passed over: ", bad_line.message()));
        }
      },
      tally, is_input_error);
  if (!status.ok()) return context.Fail(kExitBadInput, status);
  if (context.json()) {
    context.PrintJson(preview.Json(tally));
  } else {
    context.Print(preview.Text(tally));
  }
  return kExitOk;
}

int Run(CommandContext& context) {
  const bool dry_run = absl::GetFlag(FLAGS_dry_run);
  ProgressMode mode = ProgressMode::kNone;
  std::vector<audience_sync::v1::SegmentName> full_syncs;
  if (absl::GetFlag(FLAGS_offline) && !dry_run) {
    return context.FailUsage("--offline needs --dry_run");
  }
  if (!absl::GetFlag(FLAGS_offline)) {
    if (std::optional<int> bad =
            CheckExportFlags(context, &mode, &full_syncs)) {
      return *bad;
    }
  }
  absl::StatusOr<ImportFormat> format = FormatOfFlags();
  if (!format.ok()) return context.FailUsage(format.status().message());
  // A table has one segment: any other one would be declared empty.
  if (!full_syncs.empty() && !format->segment_id.empty() &&
      (full_syncs.size() != 1 ||
       full_syncs[0].segment_namespace() != format->segment_namespace ||
       full_syncs[0].segment_id() != format->segment_id)) {
    return context.FailUsage(
        "--full_sync must name the segment that --segment names");
  }
  if (!full_syncs.empty() &&
      format->status != audience_sync::v1::MEMBERSHIP_STATUS_REALIZED) {
    return context.FailUsage("--full_sync needs --status=add");
  }
  ImportReading reading;
  reading.format = *std::move(format);
  reading.max_bad_lines = absl::GetFlag(FLAGS_max_errors);
  if (reading.max_bad_lines < 0) {
    // Whoever stands on a bad line would be removed.
    reading.max_bad_lines = full_syncs.empty() ? kDefaultBadLines : 0;
  }
  absl::StatusOr<ExportInput> input = ExportInput::Open(context.arguments());
  if (!input.ok()) return context.Fail(kExitBadInput, input.status());
  if (dry_run) return DryRun(context, *input, reading);

  std::vector<std::string> key = {"import 1",
                                  absl::StrCat(reading.max_bad_lines)};
  for (std::string& part : reading.format.Key()) key.push_back(std::move(part));
  ExportReader read = [reading](const ExportInput& files,
                                const ExportReading& limits, const auto& send,
                                const auto& bad_line, ReadingTally& tally,
                                bool& is_input_error) {
    return ReadImportBatches(files, reading, limits, send, bad_line, tally,
                             is_input_error);
  };
  return RunExport(context, {*std::move(input), mode, std::move(key),
                             std::move(read), std::move(full_syncs)});
}

}  // namespace

Command ImportCommand() {
  return {
      "import",
      "--ad_account_id=ID --segment=NAMESPACE/SEGMENT_ID FILE…",
      "Imports CSV, lists of identifiers or JSON Lines, plain or gzip (- is "
      "standard input); --dry_run only counts.",
      {"ad_account_id",
       "segment",
       "segment_name",
       "status",
       "status_column",
       "columns",
       "namespace",
       "time_column",
       "format",
       "delimiter",
       "header",
       "max_errors",
       "dry_run",
       "offline",
       "wait",
       "timeout",
       "fail_on_rejection",
       "show_rejections",
       "batch_profiles",
       "batch_bytes",
       "max_unacknowledged_bytes",
       "retry_for",
       "resume",
       "state_dir",
       "progress",
       "full_sync",
       "full_sync_expire_after",
       "allow_empty"},
      1,
      std::numeric_limits<size_t>::max(),
      Run};
}

}  // namespace connector::cli
