#include "connector/cli/import_input.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "connector/cli/csv_reader.h"
#include "connector/cli/decoded_input.h"
#include "connector/cli/humanize.h"
#include "connector/cli/table.h"
#include "connector/cli/table_reader.h"
#include "connector/profile_json/profile_reader.h"

namespace connector::cli {
namespace {

// One reading of all files.
class Reading {
 public:
  Reading(const ExportInput& input, const ImportReading& reading,
          const ProfileSink& sink,
          const std::function<void(const absl::Status&)>& bad_line,
          ReadingTally& tally, bool& is_input_error)
      : input_(input),
        reading_(reading),
        sink_(sink),
        bad_line_(bad_line),
        tally_(tally),
        is_input_error_(is_input_error) {}

  absl::Status Run() {
    is_input_error_ = false;
    for (size_t i = 0; i < input_.files().size(); ++i) {
      const InputFile& file = *input_.files()[i];
      file_ = static_cast<int32_t>(i);
      DecodedInput decoded(file.fd());
      decoded_ = &decoded;
      FileFormat format = reading_.format.file;
      if (format == FileFormat::kAuto) {
        absl::StatusOr<absl::string_view> start = decoded.Peek();
        if (!start.ok()) return Unreadable(0, start.status());
        format = FormatOf(*start);
      }
      if (format != FileFormat::kJsonLines) {
        // What the command line leaves open depends on the files.
        const absl::Status lacking = CheckTable(format == FileFormat::kList);
        if (!lacking.ok()) return InputError(lacking);
      }
      absl::Status status = format == FileFormat::kJsonLines
                                ? ReadLines(file)
                                : ReadTable(format == FileFormat::kList);
      if (!status.ok()) return status;
      bytes_before_ += decoded.raw_position();
    }
    return absl::OkStatus();
  }

 private:
  absl::Status CheckTable(bool list) const {
    const ImportFormat& format = reading_.format;
    absl::string_view lack;
    if (format.segment_id.empty()) {
      lack = "is a table: --segment must say which segment it is for";
    } else if (format.source_namespace.empty() && format.columns.empty()) {
      lack =
          "is a table: --namespace or --columns must say what its values are";
    } else if (list && format.source_namespace.empty()) {
      lack = "is a list: --namespace must say what its values are";
    } else {
      return absl::OkStatus();
    }
    return absl::InvalidArgumentError(
        absl::StrCat(Printable(input_.files()[file_]->name()), ": ", lack));
  }

  absl::Status InputError(absl::Status status) {
    is_input_error_ = true;
    return status;
  }

  // Trouble with the file itself behind a line.
  absl::Status Unreadable(int64_t line, const absl::Status& why) {
    return InputError(absl::InvalidArgumentError(
        absl::StrCat(Printable(input_.files()[file_]->name()), ", behind line ",
                     line, ": ", why.message())));
  }

  // Counts a bad line; an error if it was one too many.
  absl::Status Bad(int64_t line, const absl::Status& why) {
    ++tally_.bad_lines;
    absl::Status named = absl::InvalidArgumentError(
        absl::StrCat(input_.Place({file_, line}), ": ", why.message()));
    if (tally_.bad_lines <= reading_.max_bad_lines) {
      bad_line_(named);
      return absl::OkStatus();
    }
    if (reading_.max_bad_lines == 0) return InputError(named);
    return InputError(absl::InvalidArgumentError(
        absl::StrCat(Counted(tally_.bad_lines, "bad line"),
                     ", more than --max_errors; the last: ", named.message())));
  }

  // Hands a profile on.
  absl::Status Take(const ParsedProfile& profile, int64_t line) {
    const absl::Status status =
        sink_(profile, {file_, line}, bytes_before_ + decoded_->raw_position());
    if (status.ok()) {
      tally_.unreadable_times += profile.unreadable_times;
      return status;
    }
    return absl::IsInvalidArgument(status) ? Bad(line, status) : status;
  }

  absl::Status ReadLines(const InputFile& file) {
    const ImportFormat& format = reading_.format;
    profile_json::ProfileReader profiles(reading_.format.profile_key_column);
    LineReader lines(decoded_, file.name());
    // A copy with the import's own membership.
    ParsedProfile with_segment;
    while (true) {
      absl::StatusOr<std::optional<absl::string_view>> line = lines.Next();
      if (!line.ok()) {
        if (!absl::IsInvalidArgument(line.status())) {
          return InputError(absl::InvalidArgumentError(
              absl::StrCat(line.status().message(), ", behind line ",
                           lines.line_number() - 1)));
        }
        if (absl::Status s = Bad(lines.line_number(), line.status()); !s.ok()) {
          return s;
        }
        continue;
      }
      if (!line->has_value()) return absl::OkStatus();
      if (profile_json::IsBlankLine(**line)) continue;
      absl::StatusOr<const ParsedProfile*> read = profiles.Read(**line);
      absl::Status status;
      if (!read.ok()) {
        status = Bad(lines.line_number(), read.status());
      } else if ((*read)->memberships.empty() && !format.segment_id.empty()) {
        with_segment = **read;
        with_segment.memberships.push_back(
            {format.segment_namespace, format.segment_id, format.segment_name,
             format.status, std::nullopt});
        status = Take(with_segment, lines.line_number());
      } else {
        status = Take(**read, lines.line_number());
      }
      if (!status.ok()) return status;
    }
  }

  absl::Status ReadTable(bool list) {
    CsvReader records(decoded_, reading_.format.delimiter);
    TableReader table(reading_.format, list);
    bool begun = false;
    while (true) {
      absl::StatusOr<bool> more = records.Next();
      if (!more.ok()) {
        if (!absl::IsInvalidArgument(more.status())) {
          return Unreadable(records.line_number(), more.status());
        }
        if (absl::Status s = Bad(records.line_number(), more.status());
            !s.ok()) {
          return s;
        }
        continue;
      }
      if (!*more) return absl::OkStatus();
      if (!begun) {
        begun = true;
        absl::StatusOr<bool> header = table.Begin(records.fields());
        if (!header.ok()) {
          return InputError(absl::InvalidArgumentError(
              absl::StrCat(Printable(input_.files()[file_]->name()), ": ",
                           header.status().message())));
        }
        if (*header) continue;
      }
      absl::StatusOr<absl::Span<const ParsedProfile>> profiles =
          table.Read(records.fields());
      if (!profiles.ok()) {
        if (absl::Status s = Bad(records.line_number(), profiles.status());
            !s.ok()) {
          return s;
        }
        continue;
      }
      for (const ParsedProfile& profile : *profiles) {
        if (absl::Status s = Take(profile, records.line_number()); !s.ok()) {
          return s;
        }
      }
    }
  }

  const ExportInput& input_;
  const ImportReading& reading_;
  const ProfileSink& sink_;
  const std::function<void(const absl::Status&)>& bad_line_;
  ReadingTally& tally_;
  bool& is_input_error_;
  int32_t file_ = 0;
  DecodedInput* decoded_ = nullptr;
  int64_t bytes_before_ = 0;
};

}  // namespace

absl::Status ReadImport(
    const ExportInput& input, const ImportReading& reading,
    const ProfileSink& sink,
    const std::function<void(const absl::Status&)>& bad_line,
    ReadingTally& tally, bool& is_input_error) {
  return Reading(input, reading, sink, bad_line, tally, is_input_error).Run();
}

absl::Status ReadImportBatches(
    const ExportInput& input, const ImportReading& reading,
    const ExportReading& batching,
    const std::function<absl::Status(std::unique_ptr<Batch>)>& send,
    const std::function<void(const absl::Status&)>& bad_line,
    ReadingTally& tally, bool& is_input_error) {
  Batcher batcher(batching.bounds, batching.frames_before);
  // An error of `send` may have any code; it must not be taken for a bad line.
  absl::Status sending;
  const absl::Status read = ReadImport(
      input, reading,
      [&](const ParsedProfile& profile, SourceLine line, int64_t position) {
        absl::StatusOr<std::unique_ptr<Batch>> full =
            batcher.Add(profile, line, position);
        if (!full.ok()) return full.status();
        if (*full == nullptr) return absl::OkStatus();
        sending = send(*std::move(full));
        return sending.ok() ? absl::OkStatus() : absl::AbortedError("sending");
      },
      bad_line, tally, is_input_error);
  if (!sending.ok()) return sending;
  if (!read.ok()) return read;
  std::unique_ptr<Batch> last = batcher.Finish();
  return last == nullptr ? absl::OkStatus() : send(std::move(last));
}

}  // namespace connector::cli
