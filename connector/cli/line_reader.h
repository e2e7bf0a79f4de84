#ifndef CONNECTOR_CLI_LINE_READER_H_
#define CONNECTOR_CLI_LINE_READER_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "connector/cli/byte_source.h"

namespace connector::cli {

// Reads a file or a pipe line by line in memory that does not grow with it.
// Not thread-safe.
class LineReader {
 public:
  // Longest line in bytes.
  static constexpr size_t kDefaultMaxLine = 16 << 20;

  // Readable bytes behind every line that Next returns, as simdjson wants them.
  static constexpr size_t kPadding = 64;

  // `fd` stays open and must outlive the reader. `name` is for messages.
  LineReader(int fd, absl::string_view name, size_t max_line = kDefaultMaxLine);

  // The same of any bytes. `source` must outlive the reader.
  LineReader(ByteSource* source, absl::string_view name,
             size_t max_line = kDefaultMaxLine);

  // The next line without its line feed, valid until the next call; nullopt at
  // the end. A byte-order mark at the start of the file is passed over.
  // Errors: INVALID_ARGUMENT when a line is too long, and then the reader can
  // go on with the line behind it; UNKNOWN when reading fails, which is final.
  absl::StatusOr<std::optional<absl::string_view>> Next();

  // The number of the line that Next returned last, from 1.
  int64_t line_number() const { return line_number_; }

  // Bytes up to the end of that line.
  int64_t bytes_consumed() const { return consumed_; }

  const std::string& name() const { return name_; }

 private:
  // Reads more behind end_; false at the end of the file.
  absl::StatusOr<bool> Fill();

  // The line [begin_, begin_ + size) is taken; `feed` tells whether a line feed
  // follows it.
  absl::string_view Take(size_t size, bool feed);

  const std::unique_ptr<ByteSource> own_source_;
  ByteSource* const source_;
  const std::string name_;
  const size_t max_line_;
  std::vector<char> buffer_;
  size_t begin_ = 0;
  size_t end_ = 0;
  int64_t line_number_ = 0;
  int64_t consumed_ = 0;
  bool at_end_ = false;
};

// A file opened for reading, closed with the object.
class InputFile {
 public:
  // "-" is standard input. NOT_FOUND and the like with the system's reason.
  static absl::StatusOr<std::unique_ptr<InputFile>> Open(
      const std::string& path);
  ~InputFile();
  InputFile(const InputFile&) = delete;
  InputFile& operator=(const InputFile&) = delete;

  int fd() const { return fd_; }
  // The path, or "standard input".
  const std::string& name() const { return name_; }
  // A file whose content can be read twice and whose size is known.
  bool regular() const { return regular_; }
  // Bytes; only of a regular file.
  int64_t size() const { return size_; }
  // Whether the file was written since it was opened; only of a regular file.
  bool Changed() const;
  // Back to the start; only of a regular file.
  absl::Status Rewind();

 private:
  InputFile(int fd, std::string name) : fd_(fd), name_(std::move(name)) {}
  const int fd_;
  const std::string name_;
  bool regular_ = false;
  int64_t size_ = 0;
  int64_t changed_seconds_ = 0;
  int64_t changed_nanos_ = 0;
};

}  // namespace connector::cli

#endif  // CONNECTOR_CLI_LINE_READER_H_
