#include "connector/cli/csv_reader.h"

#include <algorithm>
#include <cstring>

#include "absl/strings/match.h"

namespace connector::cli {
namespace {

constexpr size_t kChunk = 1 << 20;
constexpr absl::string_view kByteOrderMark = "\xEF\xBB\xBF";

// The rules of a bad record.
constexpr char kTooLong[] = "the record is longer than a record may be";
constexpr char kUnterminated[] =
    "a quoted field has no closing quote, or none within the longest record";
constexpr char kBehindQuote[] =
    "something other than a delimiter follows a closing quote";
constexpr char kStrayQuote[] = "a quote stands inside a field without quotes";

}  // namespace

CsvReader::CsvReader(ByteSource* source, char delimiter, size_t max_record)
    : source_(source),
      delimiter_(delimiter),
      max_record_(max_record),
      buffer_(std::min(kChunk, 2 * max_record + kByteOrderMark.size())) {}

absl::StatusOr<bool> CsvReader::Fill() {
  if (at_end_) return false;
  if (begin_ > 0) {
    std::memmove(buffer_.data(), buffer_.data() + begin_, end_ - begin_);
    end_ -= begin_;
    begin_ = 0;
  }
  if (end_ == buffer_.size()) buffer_.resize(2 * buffer_.size());
  absl::StatusOr<size_t> got =
      source_->Read(buffer_.data() + end_, buffer_.size() - end_);
  if (!got.ok()) return got.status();
  at_end_ = *got == 0;
  end_ += *got;
  return !at_end_;
}

absl::Status CsvReader::Start() {
  started_ = true;
  while (end_ < kByteOrderMark.size()) {
    absl::StatusOr<bool> more = Fill();
    if (!more.ok()) return more.status();
    if (!*more) break;
  }
  const absl::string_view start(buffer_.data(), end_);
  if (absl::StartsWith(start, kByteOrderMark)) begin_ = kByteOrderMark.size();
  if (absl::StartsWith(start, "\xFF\xFE") ||
      absl::StartsWith(start, "\xFE\xFF")) {
    return absl::UnknownError("is UTF-16; it must be UTF-8");
  }
  return absl::OkStatus();
}

void CsvReader::Consume(size_t size) {
  const char* from = buffer_.data() + begin_;
  next_line_ += std::count(from, from + size, '\n');
  begin_ += size;
}

void CsvReader::Split(size_t size) {
  const char* at = buffer_.data() + begin_;
  const char* const end = at + size;
  while (true) {
    const void* found = std::memchr(at, delimiter_, end - at);
    if (found == nullptr) break;
    const char* const delimiter = static_cast<const char*>(found);
    fields_.emplace_back(at, delimiter - at);
    at = delimiter + 1;
  }
  fields_.emplace_back(at, end - at);
}

CsvReader::Scan CsvReader::ScanQuoted(size_t* size, const char** rule) {
  found_.clear();
  unescaped_.clear();
  const char* const data = buffer_.data();
  const auto find = [&](size_t from, char c) {
    const void* at =
        from < end_ ? std::memchr(data + from, c, end_ - from) : nullptr;
    return at == nullptr
               ? end_
               : static_cast<size_t>(static_cast<const char*>(at) - data);
  };
  const auto bad = [rule](const char* why) {
    *rule = why;
    return Scan::kBad;
  };
  const bool full = end_ - begin_ > max_record_;
  size_t at = begin_;
  while (true) {
    size_t next;  // behind the field
    if (at < end_ && data[at] == '"') {
      size_t from = at + 1;
      size_t kept = unescaped_.size();
      bool doubled = false;
      while (true) {
        const size_t quote = find(from, '"');
        if (quote == end_ || (quote + 1 == end_ && !at_end_)) {
          // It closes further on, or is the first half of a doubled one.
          if (at_end_ || full) return bad(kUnterminated);
          return Scan::kMore;
        }
        if (quote + 1 < end_ && data[quote + 1] == '"') {
          unescaped_.append(data + from, quote + 1 - from);
          doubled = true;
          from = quote + 2;
          continue;
        }
        if (doubled) {
          unescaped_.append(data + from, quote - from);
          found_.push_back({kept, unescaped_.size() - kept, true});
        } else {
          found_.push_back({from, quote - from, false});
        }
        next = quote + 1;
        break;
      }
      // A carriage return counts with the line feed behind it.
      if (next < end_ && data[next] == '\r') {
        if (next + 1 == end_ && !at_end_) return Scan::kMore;
        if (next + 1 == end_ || data[next + 1] == '\n') ++next;
      }
    } else {
      size_t stop = at;
      while (stop < end_ && data[stop] != delimiter_ && data[stop] != '\n') {
        if (data[stop] == '"') return bad(kStrayQuote);
        ++stop;
      }
      if (stop == end_ && !at_end_) {
        return full ? bad(kTooLong) : Scan::kMore;
      }
      size_t length = stop - at;
      const bool line_end = stop == end_ || data[stop] == '\n';
      if (line_end && length > 0 && data[stop - 1] == '\r') --length;
      found_.push_back({at, length, false});
      next = stop;
    }
    if (next == end_) {
      if (!at_end_) return full ? bad(kTooLong) : Scan::kMore;
      *size = next - begin_;
      break;
    }
    if (data[next] == '\n') {
      *size = next + 1 - begin_;
      break;
    }
    if (data[next] != delimiter_) return bad(kBehindQuote);
    at = next + 1;
  }
  if (*size > max_record_) return bad(kTooLong);
  for (const Field& field : found_) {
    fields_.emplace_back(
        (field.unescaped ? unescaped_.data() : data) + field.offset,
        field.size);
  }
  return Scan::kDone;
}

absl::StatusOr<bool> CsvReader::Next() {
  fields_.clear();
  if (!started_) {
    if (absl::Status s = Start(); !s.ok()) return s;
  }
  size_t searched = 0;
  while (true) {
    const char* const start = buffer_.data() + begin_;
    const size_t there = end_ - begin_;
    const void* feed =
        there > searched ? std::memchr(start + searched, '\n', there - searched)
                         : nullptr;
    // One byte more than a record: it may be the carriage return behind it.
    if (feed == nullptr && !at_end_ && there <= max_record_ + 1) {
      searched = there;
      absl::StatusOr<bool> more = Fill();
      if (!more.ok()) return more.status();
      continue;
    }
    if (there == 0) return false;
    line_number_ = next_line_;
    if (feed == nullptr && !at_end_) {
      // A line without end: forget it piece by piece.
      while (true) {
        const void* end =
            std::memchr(buffer_.data() + begin_, '\n', end_ - begin_);
        if (end != nullptr) {
          Consume(static_cast<const char*>(end) + 1 -
                  (buffer_.data() + begin_));
          break;
        }
        begin_ = end_;
        absl::StatusOr<bool> more = Fill();
        if (!more.ok()) return more.status();
        if (!*more) break;
      }
      return absl::InvalidArgumentError(kTooLong);
    }
    const size_t line =
        feed != nullptr ? static_cast<const char*>(feed) - start : there;
    const size_t whole = line + (feed != nullptr ? 1 : 0);
    if (std::memchr(start, '"', line) == nullptr) {
      const size_t text = line > 0 && start[line - 1] == '\r' ? line - 1 : line;
      if (text > max_record_) {
        Consume(whole);
        return absl::InvalidArgumentError(kTooLong);
      }
      if (text > 0) Split(text);
      begin_ += whole;
      next_line_ += feed != nullptr ? 1 : 0;
      if (text > 0) return true;
      searched = 0;
      continue;
    }
    const char* rule = nullptr;
    size_t size = 0;
    switch (ScanQuoted(&size, &rule)) {
      case Scan::kDone:
        Consume(size);
        return true;
      case Scan::kBad:
        fields_.clear();
        Consume(whole);
        return absl::InvalidArgumentError(rule);
      case Scan::kMore: {
        absl::StatusOr<bool> more = Fill();
        if (!more.ok()) return more.status();
        // Read again from the record's start, with more behind it.
        searched = 0;
        break;
      }
    }
  }
}

}  // namespace connector::cli
