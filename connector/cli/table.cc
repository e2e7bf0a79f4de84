#include "connector/cli/table.h"

#include <algorithm>
#include <cstdint>
#include <utility>

namespace connector::cli {
namespace {

// Length in bytes of the well-formed UTF-8 code point at the front of `text`,
// 0 when there is none. Overlong forms and surrogates are not told apart: they
// cannot do harm on a terminal.
size_t CodePointSize(absl::string_view text) {
  const auto byte = [&](size_t i) { return static_cast<uint8_t>(text[i]); };
  const uint8_t first = byte(0);
  size_t size = 0;
  if (first < 0x80) return 1;
  if (first >= 0xC2 && first < 0xE0) size = 2;
  if (first >= 0xE0 && first < 0xF0) size = 3;
  if (first >= 0xF0 && first < 0xF5) size = 4;
  if (size == 0 || text.size() < size) return 0;
  for (size_t i = 1; i < size; ++i) {
    if ((byte(i) & 0xC0) != 0x80) return 0;
  }
  return size;
}

bool IsControl(absl::string_view code_point) {
  const uint8_t first = static_cast<uint8_t>(code_point[0]);
  if (code_point.size() == 1) return first < 0x20 || first == 0x7F;
  return code_point.size() == 2 && first == 0xC2 &&
         static_cast<uint8_t>(code_point[1]) < 0xA0;
}

}  // namespace

std::string Printable(absl::string_view text) {
  std::string result;
  result.reserve(text.size());
  while (!text.empty()) {
    const size_t size = CodePointSize(text);
    if (size == 0 || IsControl(text.substr(0, size))) {
      result.push_back('?');
    } else {
      result.append(text.data(), size);
    }
    text.remove_prefix(std::max<size_t>(size, 1));
  }
  return result;
}

size_t DisplayWidth(absl::string_view text) {
  size_t width = 0;
  for (char c : text) {
    if ((static_cast<uint8_t>(c) & 0xC0) != 0x80) ++width;
  }
  return width;
}

Table::Table(std::vector<Column> columns) : columns_(std::move(columns)) {}

void Table::AddRow(const std::vector<std::string>& cells) {
  std::vector<std::string>& row = rows_.emplace_back(columns_.size());
  for (size_t i = 0; i < std::min(cells.size(), columns_.size()); ++i) {
    row[i] = Printable(cells[i]);
  }
}

std::string Table::Render() const {
  std::vector<size_t> widths;
  for (size_t i = 0; i < columns_.size(); ++i) {
    size_t width = DisplayWidth(columns_[i].title);
    for (const auto& row : rows_) {
      width = std::max(width, DisplayWidth(row[i]));
    }
    widths.push_back(width);
  }
  std::string text;
  const auto add_line = [&](const auto& cell) {
    std::string line;
    for (size_t i = 0; i < columns_.size(); ++i) {
      const std::string content = cell(i);
      const std::string blanks(widths[i] - DisplayWidth(content), ' ');
      if (i > 0) line += "  ";
      line += columns_[i].right ? blanks + content : content + blanks;
    }
    line.erase(line.find_last_not_of(' ') + 1);
    text += line + "\n";
  };
  add_line([&](size_t i) { return columns_[i].title; });
  add_line([&](size_t i) { return std::string(widths[i], '-'); });
  for (const auto& row : rows_) {
    add_line([&](size_t i) { return row[i]; });
  }
  return text;
}

}  // namespace connector::cli
