#ifndef CONNECTOR_CLI_TABLE_H_
#define CONNECTOR_CLI_TABLE_H_

#include <cstddef>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"

namespace connector::cli {

// A table of text with columns as wide as their widest cell. Not thread-safe.
class Table {
 public:
  struct Column {
    std::string title;
    // Numbers stand at the right.
    bool right = false;
  };

  explicit Table(std::vector<Column> columns);

  // Missing cells are empty; cells beyond the columns are left out. Control
  // characters are replaced.
  void AddRow(const std::vector<std::string>& cells);

  // Title, rule and rows, each ended by a line feed; no blank at a line's end.
  std::string Render() const;

 private:
  std::vector<Column> columns_;
  std::vector<std::vector<std::string>> rows_;
};

// The text without what could move a terminal's cursor or break a line: control
// characters (C0, DEL, C1) and malformed UTF-8 become "?".
std::string Printable(absl::string_view text);

// Columns the text takes on a terminal, as a count of code points.
size_t DisplayWidth(absl::string_view text);

}  // namespace connector::cli

#endif  // CONNECTOR_CLI_TABLE_H_
