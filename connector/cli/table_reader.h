#ifndef CONNECTOR_CLI_TABLE_READER_H_
#define CONNECTOR_CLI_TABLE_READER_H_

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "connector/cli/import_format.h"
#include "connector/profile_json/parsed_profile.h"

namespace connector::cli {

using profile_json::ParsedMembership;
using profile_json::ParsedProfile;

// Makes profiles of the records of one table. Not thread-safe.
class TableReader {
 public:
  // `format` must outlive the reader and has the kind kCsv or kList.
  explicit TableReader(const ImportFormat& format, bool list)
      : format_(format), list_(list) {}

  // Takes in the first record; true if it is the header, and no profile.
  // Errors: FAILED_PRECONDITION when a column that is asked for is not there;
  // names what was asked for, never what the file has.
  absl::StatusOr<bool> Begin(absl::Span<const absl::string_view> fields);

  // The profiles of a record: one, or for a list one for each field that is not
  // blank. Views point into `fields` and the format; valid until the next call.
  // Errors: INVALID_ARGUMENT with the rule that is broken, never a value.
  absl::StatusOr<absl::Span<const ParsedProfile>> Read(
      absl::Span<const absl::string_view> fields);

 private:
  struct Column {
    size_t index;
    absl::string_view source_namespace;
  };

  absl::StatusOr<size_t> Find(const std::string& column, const char* flag,
                              absl::Span<const absl::string_view> fields) const;
  // The k-th profile, with its membership.
  ParsedProfile& Profile(size_t k);

  const ImportFormat& format_;
  const bool list_;
  bool has_header_ = false;
  std::vector<Column> columns_;
  std::optional<size_t> status_column_;
  std::optional<size_t> time_column_;
  std::optional<size_t> key_column_;
  size_t width_ = 0;
  std::vector<ParsedProfile> profiles_;
};

}  // namespace connector::cli

#endif  // CONNECTOR_CLI_TABLE_READER_H_
