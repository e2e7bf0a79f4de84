#ifndef CONNECTOR_CLI_IMPORT_INPUT_H_
#define CONNECTOR_CLI_IMPORT_INPUT_H_

#include <cstdint>
#include <functional>
#include <map>
#include <string>

#include "absl/status/status.h"
#include "connector/cli/export_input.h"
#include "connector/cli/import_format.h"

namespace connector::cli {

// Told of each profile, where it came from, and how many bytes of all files
// were read by then. An INVALID_ARGUMENT is about the profile: its line is bad.
// Any other error ends the reading.
using ProfileSink = std::function<absl::Status(const ParsedProfile&, SourceLine,
                                               int64_t input_position)>;

// How an import is read.
struct ImportReading {
  ImportFormat format;
  // Bad lines beyond which it stops.
  int64_t max_bad_lines = 0;
};

// Reads the files to their end, each plain or gzip. A bad line, or record of a
// table, is counted and told to `bad_line`, by place and rule; one more than
// `max_bad_lines` ends it with INVALID_ARGUMENT. A file that cannot be read to
// its end, or that lacks a column, ends it, too; the message names the place.
// `is_input_error` tells such errors from those of `sink`.
absl::Status ReadImport(
    const ExportInput& input, const ImportReading& reading,
    const ProfileSink& sink,
    const std::function<void(const absl::Status&)>& bad_line,
    ReadingTally& tally, bool& is_input_error);

// The same in batches, as ReadExport hands them on.
absl::Status ReadImportBatches(
    const ExportInput& input, const ImportReading& reading,
    const ExportReading& batching,
    const std::function<absl::Status(std::unique_ptr<Batch>)>& send,
    const std::function<void(const absl::Status&)>& bad_line,
    ReadingTally& tally, bool& is_input_error);

}  // namespace connector::cli

#endif  // CONNECTOR_CLI_IMPORT_INPUT_H_
