#ifndef CONNECTOR_CLI_CSV_READER_H_
#define CONNECTOR_CLI_CSV_READER_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "connector/cli/byte_source.h"

namespace connector::cli {

// Reads records of comma-separated values (RFC 4180) in memory that does not
// grow with the file. Lines end with CRLF or LF; a field in double quotes may
// hold delimiters, line ends and doubled quotes. Lines with nothing on them and
// a byte-order mark at the start are passed over. Not thread-safe.
//
// A bad record costs the line it begins on, and reading goes on with the next
// line: a stray quote does not swallow the rest of the file.
class CsvReader {
 public:
  // Most bytes of a record.
  static constexpr size_t kDefaultMaxRecord = 1 << 20;

  // Neither a quote nor the end of a line can be a delimiter.
  static bool IsDelimiter(char c) { return c != '"' && c != '\r' && c != '\n'; }

  // `source` must outlive the reader.
  CsvReader(ByteSource* source, char delimiter,
            size_t max_record = kDefaultMaxRecord);

  // Reads the next record; false at the end. Errors: INVALID_ARGUMENT for a bad
  // record, whose message is the rule that it breaks, never its content: call
  // again for the next one; UNKNOWN, which is final, when reading fails or the
  // file is not in a readable encoding.
  absl::StatusOr<bool> Next();

  // The fields of the record, unquoted; valid until the next call.
  absl::Span<const absl::string_view> fields() const { return fields_; }

  // The line on which the record that Next spoke of begins, from 1.
  int64_t line_number() const { return line_number_; }

 private:
  struct Field {
    size_t offset;
    size_t size;
    bool unescaped;  // in unescaped_, not in buffer_
  };
  enum class Scan { kDone, kMore, kBad };

  // Reads more behind end_; false at the end of the file.
  absl::StatusOr<bool> Fill();
  absl::Status Start();
  // Takes a record apart that has no quote.
  void Split(size_t size);
  // Takes the record at begin_ apart; `size` is what it takes, its line end
  // included. kMore: it goes on behind end_.
  Scan ScanQuoted(size_t* size, const char** rule);
  void Consume(size_t size);

  ByteSource* const source_;
  const char delimiter_;
  const size_t max_record_;
  std::vector<char> buffer_;
  size_t begin_ = 0;
  size_t end_ = 0;
  bool started_ = false;
  bool at_end_ = false;
  int64_t line_number_ = 0;
  int64_t next_line_ = 1;
  std::vector<Field> found_;
  std::string unescaped_;
  std::vector<absl::string_view> fields_;
};

}  // namespace connector::cli

#endif  // CONNECTOR_CLI_CSV_READER_H_
