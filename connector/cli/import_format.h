#ifndef CONNECTOR_CLI_IMPORT_FORMAT_H_
#define CONNECTOR_CLI_IMPORT_FORMAT_H_

#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "audience_sync/v1/profile_export.pb.h"

namespace connector::cli {

// What the files of an import are.
enum class FileFormat {
  kAuto,       // JSON Lines if the first line begins like an object, else CSV
  kCsv,        // a profile a record
  kList,       // an identifier a field, as in Pinterest's own upload files
  kJsonLines,  // what `export` reads
};

// A column of a table, and the source namespace of its values.
struct ImportColumn {
  // A name in the header, or a number from 1.
  std::string column;
  std::string source_namespace;
};

// How the records of an import become profiles.
struct ImportFormat {
  FileFormat file = FileFormat::kAuto;
  char delimiter = ',';
  // Whether the first record names the columns; unset: if a column is asked for
  // by a name.
  std::optional<bool> header;
  std::vector<ImportColumn> columns;
  // Of the only column, or of all fields of a list.
  std::string source_namespace;

  // The segment of every profile that has none of its own; empty id: none.
  std::string segment_namespace;
  std::string segment_id;
  std::string segment_name;
  audience_sync::v1::MembershipStatus status =
      audience_sync::v1::MEMBERSHIP_STATUS_REALIZED;
  // Columns, as ImportColumn::column; empty: none.
  std::string status_column;
  std::string time_column;
  // Of JSON Lines: a field at the top.
  std::string profile_key_column;

  // Everything above, for the key of a run that may be taken up again.
  std::vector<std::string> Key() const;
};

// "auto", "csv", "list", "jsonl".
absl::StatusOr<FileFormat> ParseFileFormat(absl::string_view text);

// "email:Email,3:GAID": a column's name may have a colon, a namespace not.
absl::StatusOr<std::vector<ImportColumn>> ParseColumns(
    const std::vector<std::string>& parts);

// One byte, or "tab".
absl::StatusOr<char> ParseDelimiter(absl::string_view text);

// add, added, member, realized, existing; remove, removed, exited: in any case.
// UNSPECIFIED for anything else.
audience_sync::v1::MembershipStatus ParseStatus(absl::string_view text);

// A file's format by its first bytes: kJsonLines or kCsv. A device id in braces
// is no object.
FileFormat FormatOf(absl::string_view start);

}  // namespace connector::cli

#endif  // CONNECTOR_CLI_IMPORT_FORMAT_H_
