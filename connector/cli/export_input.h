#ifndef CONNECTOR_CLI_EXPORT_INPUT_H_
#define CONNECTOR_CLI_EXPORT_INPUT_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "connector/cli/batcher.h"
#include "connector/cli/line_reader.h"

namespace connector::cli {

// The files of an export, opened.
class ExportInput {
 public:
  // "-" is standard input, at most once. INVALID_ARGUMENT names the file.
  static absl::StatusOr<ExportInput> Open(
      const std::vector<std::string>& paths);

  const std::vector<std::unique_ptr<InputFile>>& files() const {
    return files_;
  }

  // All bytes; nullopt unless every file is regular.
  std::optional<int64_t> total_bytes() const;

  // SHA-256 over the content of each file, in order; only when total_bytes()
  // is known. Reads everything and goes back to the start.
  absl::StatusOr<std::string> Digest() const;

  // "file:17".
  std::string Place(const SourceLine& line) const;

  // INVALID_ARGUMENT naming a file that was written since it was opened.
  absl::Status CheckUnchanged() const;

 private:
  std::vector<std::unique_ptr<InputFile>> files_;
};

// How lines become batches.
struct ExportReading {
  BatchBounds bounds;
  std::string profile_key_field;
  bool skip_bad_lines = false;
  // Numbered frames that the export sends before its first batch.
  int64_t frames_before = 0;
};

// What was read beside the profiles.
struct ReadingTally {
  int64_t bad_lines = 0;
  int64_t unreadable_times = 0;
};

// Reads the files to their end and hands each batch to `send`, whose error ends
// it. `bad_line` is told of each line that is passed over. Without
// skip_bad_lines the first such line ends it with INVALID_ARGUMENT, which names
// place and rule; the batch it belongs to is not sent. `is_input_error` tells
// that error, and one of reading, from those of `send`.
absl::Status ReadExport(
    const ExportInput& input, const ExportReading& reading,
    const std::function<absl::Status(std::unique_ptr<Batch>)>& send,
    const std::function<void(const absl::Status&)>& bad_line,
    ReadingTally& tally, bool& is_input_error);

}  // namespace connector::cli

#endif  // CONNECTOR_CLI_EXPORT_INPUT_H_
