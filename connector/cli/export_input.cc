#include "connector/cli/export_input.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "connector/cli/content_digest.h"
#include "connector/cli/table.h"
#include "connector/profile_json/profile_reader.h"

namespace connector::cli {

static_assert(LineReader::kPadding >= profile_json::kJsonPadding);

absl::StatusOr<ExportInput> ExportInput::Open(
    const std::vector<std::string>& paths) {
  if (std::count(paths.begin(), paths.end(), "-") > 1) {
    return absl::InvalidArgumentError("standard input can be read only once");
  }
  ExportInput input;
  for (const std::string& path : paths) {
    absl::StatusOr<std::unique_ptr<InputFile>> file = InputFile::Open(path);
    if (!file.ok()) return file.status();
    input.files_.push_back(*std::move(file));
  }
  return input;
}

std::optional<int64_t> ExportInput::total_bytes() const {
  int64_t total = 0;
  for (const auto& file : files_) {
    if (!file->regular()) return std::nullopt;
    total += file->size();
  }
  return total;
}

absl::StatusOr<std::string> ExportInput::Digest() const {
  ContentDigest digest;
  for (const auto& file : files_) {
    absl::StatusOr<std::string> content = DigestOfFile(file->fd());
    if (!content.ok()) {
      return absl::Status(
          content.status().code(),
          absl::StrCat(file->name(), ": ", content.status().message()));
    }
    digest.Add(*content);
    if (absl::Status s = file->Rewind(); !s.ok()) return s;
  }
  return digest.Finish();
}

std::string ExportInput::Place(const SourceLine& line) const {
  return absl::StrCat(Printable(files_[line.file]->name()), ":", line.line);
}

absl::Status ExportInput::CheckUnchanged() const {
  for (const auto& file : files_) {
    if (file->regular() && file->Changed()) {
      return absl::InvalidArgumentError(absl::StrCat(
          Printable(file->name()), ": was written while it was exported"));
    }
  }
  return absl::OkStatus();
}

absl::Status ReadExport(
    const ExportInput& input, const ExportReading& reading,
    const std::function<absl::Status(std::unique_ptr<Batch>)>& send,
    const std::function<void(const absl::Status&)>& bad_line,
    ReadingTally& tally, bool& is_input_error) {
  is_input_error = false;
  profile_json::ProfileReader profiles(reading.profile_key_field);
  Batcher batcher(reading.bounds, reading.frames_before);
  int64_t bytes_before = 0;
  for (size_t i = 0; i < input.files().size(); ++i) {
    const InputFile& file = *input.files()[i];
    LineReader lines(file.fd(), file.name());
    while (true) {
      absl::StatusOr<std::optional<absl::string_view>> line = lines.Next();
      absl::Status status = line.status();
      // A line that is too long is bad; anything else is trouble with the file.
      if (!status.ok() && !absl::IsInvalidArgument(status)) {
        is_input_error = true;
        return status;
      }
      if (status.ok() && !line->has_value()) break;
      if (status.ok() && profile_json::IsBlankLine(**line)) continue;
      const SourceLine place{static_cast<int32_t>(i), lines.line_number()};
      std::unique_ptr<Batch> full;
      if (status.ok()) {
        absl::StatusOr<const ParsedProfile*> profile = profiles.Read(**line);
        status = profile.status();
        if (status.ok()) {
          absl::StatusOr<std::unique_ptr<Batch>> added = batcher.Add(
              **profile, place, bytes_before + lines.bytes_consumed());
          status = added.status();
          if (added.ok()) {
            full = *std::move(added);
            tally.unreadable_times += (*profile)->unreadable_times;
          }
        }
      }
      if (!status.ok()) {
        ++tally.bad_lines;
        const absl::Status named = absl::InvalidArgumentError(
            absl::StrCat(input.Place(place), ": ", status.message()));
        if (!reading.skip_bad_lines) {
          is_input_error = true;
          return named;
        }
        bad_line(named);
        continue;
      }
      if (full == nullptr) continue;
      if (absl::Status s = send(std::move(full)); !s.ok()) return s;
    }
    bytes_before += lines.bytes_consumed();
  }
  std::unique_ptr<Batch> last = batcher.Finish();
  return last == nullptr ? absl::OkStatus() : send(std::move(last));
}

}  // namespace connector::cli
