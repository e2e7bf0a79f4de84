#include "connector/cli/import_format.h"

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "connector/cli/csv_reader.h"

namespace connector::cli {

using audience_sync::v1::MembershipStatus;

std::vector<std::string> ImportFormat::Key() const {
  std::vector<std::string> key = {
      absl::StrCat(static_cast<int>(file)),
      std::string(1, delimiter),
      header.has_value() ? absl::StrCat(*header) : "",
      source_namespace,
      segment_namespace,
      segment_id,
      segment_name,
      absl::StrCat(static_cast<int>(status)),
      status_column,
      time_column,
      profile_key_column};
  for (const ImportColumn& column : columns) {
    key.push_back(column.column);
    key.push_back(column.source_namespace);
  }
  return key;
}

absl::StatusOr<FileFormat> ParseFileFormat(absl::string_view text) {
  if (text == "auto") return FileFormat::kAuto;
  if (text == "csv") return FileFormat::kCsv;
  if (text == "list") return FileFormat::kList;
  if (text == "jsonl") return FileFormat::kJsonLines;
  return absl::InvalidArgumentError(
      "--format must be auto, csv, list or jsonl");
}

absl::StatusOr<std::vector<ImportColumn>> ParseColumns(
    const std::vector<std::string>& parts) {
  std::vector<ImportColumn> columns;
  for (const std::string& part : parts) {
    const size_t colon = part.rfind(':');
    if (colon == std::string::npos || colon == 0 || colon + 1 == part.size()) {
      return absl::InvalidArgumentError(
          "--columns must be COLUMN:NAMESPACE, with commas between");
    }
    columns.push_back({part.substr(0, colon), part.substr(colon + 1)});
  }
  return columns;
}

absl::StatusOr<char> ParseDelimiter(absl::string_view text) {
  if (text == "tab" || text == "\\t") return '\t';
  if (text.size() == 1 && CsvReader::IsDelimiter(text[0])) return text[0];
  return absl::InvalidArgumentError(
      "--delimiter must be one character, no quote, or tab");
}

MembershipStatus ParseStatus(absl::string_view text) {
  const std::string word =
      absl::AsciiStrToLower(absl::StripAsciiWhitespace(text));
  if (word == "add" || word == "added" || word == "member" ||
      word == "realized") {
    return audience_sync::v1::MEMBERSHIP_STATUS_REALIZED;
  }
  if (word == "existing") {
    return audience_sync::v1::MEMBERSHIP_STATUS_EXISTING;
  }
  if (word == "remove" || word == "removed" || word == "exited") {
    return audience_sync::v1::MEMBERSHIP_STATUS_EXITED;
  }
  return audience_sync::v1::MEMBERSHIP_STATUS_UNSPECIFIED;
}

FileFormat FormatOf(absl::string_view start) {
  absl::ConsumePrefix(&start, "\xEF\xBB\xBF");
  start = absl::StripLeadingAsciiWhitespace(start);
  if (!absl::ConsumePrefix(&start, "{")) return FileFormat::kCsv;
  start = absl::StripLeadingAsciiWhitespace(start);
  return absl::StartsWith(start, "\"") || absl::StartsWith(start, "}")
             ? FileFormat::kJsonLines
             : FileFormat::kCsv;
}

}  // namespace connector::cli
