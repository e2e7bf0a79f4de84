#include "connector/cli/table_reader.h"

#include <algorithm>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"

namespace connector::cli {
namespace {

// Bytes (ProfileExport.profile_key).
constexpr size_t kMaxProfileKey = 1024;

bool IsBlank(absl::string_view text) {
  return std::all_of(text.begin(), text.end(), absl::ascii_isspace);
}

bool IsNumber(absl::string_view text) {
  return !text.empty() && text.size() < 7 &&
         std::all_of(text.begin(), text.end(), absl::ascii_isdigit);
}

absl::Status Missing(const std::string& column, const char* flag) {
  return absl::FailedPreconditionError(absl::StrCat(
      "has no column ", column, ", which ", flag, " asks for",
      IsNumber(column) ? "" : " (a column's name needs a header)"));
}

}  // namespace

absl::StatusOr<size_t> TableReader::Find(
    const std::string& column, const char* flag,
    absl::Span<const absl::string_view> fields) const {
  if (has_header_) {
    for (size_t i = 0; i < fields.size(); ++i) {
      if (absl::EqualsIgnoreCase(absl::StripAsciiWhitespace(fields[i]),
                                 column)) {
        return i;
      }
    }
  }
  int number = 0;
  if (!IsNumber(column) || !absl::SimpleAtoi(column, &number) || number < 1 ||
      static_cast<size_t>(number) > fields.size()) {
    return Missing(column, flag);
  }
  return static_cast<size_t>(number - 1);
}

absl::StatusOr<bool> TableReader::Begin(
    absl::Span<const absl::string_view> fields) {
  const auto is_name = [](const std::string& column) {
    return !column.empty() && !IsNumber(column);
  };
  has_header_ = format_.header.value_or(
      is_name(format_.status_column) || is_name(format_.time_column) ||
      is_name(format_.profile_key_column) ||
      std::any_of(format_.columns.begin(), format_.columns.end(),
                  [&](const ImportColumn& c) { return is_name(c.column); }));
  columns_.clear();
  width_ = fields.size();
  if (list_) return has_header_;
  for (const ImportColumn& column : format_.columns) {
    absl::StatusOr<size_t> index = Find(column.column, "--columns", fields);
    if (!index.ok()) return index.status();
    columns_.push_back({*index, column.source_namespace});
  }
  const auto find = [&](const std::string& column, const char* flag,
                        std::optional<size_t>* to) -> absl::Status {
    if (column.empty()) return absl::OkStatus();
    absl::StatusOr<size_t> index = Find(column, flag, fields);
    if (index.ok()) *to = *index;
    return index.status();
  };
  if (absl::Status s =
          find(format_.status_column, "--status_column", &status_column_);
      !s.ok()) {
    return s;
  }
  if (absl::Status s =
          find(format_.time_column, "--time_column", &time_column_);
      !s.ok()) {
    return s;
  }
  if (absl::Status s = find(format_.profile_key_column, "--profile_key_column",
                            &key_column_);
      !s.ok()) {
    return s;
  }
  if (columns_.empty()) {
    // One namespace for the one column that is left.
    size_t others = status_column_.has_value() ? 1 : 0;
    others += time_column_.has_value() ? 1 : 0;
    others += key_column_.has_value() ? 1 : 0;
    if (width_ != others + 1) {
      return absl::FailedPreconditionError(absl::StrCat(
          "has ", width_,
          " columns: --columns must say which of them are identifiers "
          "(--format=list if every field is one)"));
    }
    for (size_t i = 0; i < width_; ++i) {
      if (status_column_ != i && time_column_ != i && key_column_ != i) {
        columns_.push_back({i, format_.source_namespace});
      }
    }
  }
  return has_header_;
}

ParsedProfile& TableReader::Profile(size_t k) {
  if (profiles_.size() <= k) {
    ParsedProfile& fresh = profiles_.emplace_back();
    ParsedMembership& membership = fresh.memberships.emplace_back();
    membership.segment_namespace = format_.segment_namespace;
    membership.segment_id = format_.segment_id;
    membership.segment_name = format_.segment_name;
    membership.status = format_.status;
  }
  ParsedProfile& profile = profiles_[k];
  profile.identities.clear();
  profile.unreadable_times = 0;
  return profile;
}

absl::StatusOr<absl::Span<const ParsedProfile>> TableReader::Read(
    absl::Span<const absl::string_view> fields) {
  if (list_) {
    size_t count = 0;
    for (absl::string_view field : fields) {
      if (IsBlank(field)) continue;
      Profile(count).identities.push_back({format_.source_namespace, field});
      ++count;
    }
    if (count == 0) return absl::InvalidArgumentError("has no identifier");
    return absl::MakeConstSpan(profiles_.data(), count);
  }
  if (fields.size() != width_) {
    return absl::InvalidArgumentError(absl::StrCat(
        "has ", fields.size(), " columns, and the first record ", width_));
  }
  ParsedProfile& profile = Profile(0);
  for (const Column& column : columns_) {
    if (IsBlank(fields[column.index])) continue;
    profile.identities.push_back(
        {column.source_namespace, fields[column.index]});
  }
  profile.profile_key.reset();
  if (key_column_.has_value() && !IsBlank(fields[*key_column_])) {
    profile.profile_key = absl::StripAsciiWhitespace(fields[*key_column_]);
    if (profile.profile_key->size() > kMaxProfileKey) {
      return absl::InvalidArgumentError(absl::StrCat(
          "its profile key is longer than ", kMaxProfileKey, " bytes"));
    }
  }
  // With a key, to have none says something, too.
  if (profile.identities.empty() && !profile.profile_key.has_value()) {
    return absl::InvalidArgumentError("has no identifier");
  }
  ParsedMembership& membership = profile.memberships[0];
  if (status_column_.has_value()) {
    membership.status = ParseStatus(fields[*status_column_]);
    if (membership.status == audience_sync::v1::MEMBERSHIP_STATUS_UNSPECIFIED) {
      return absl::InvalidArgumentError(
          "its status is neither add nor remove, nor another word for them");
    }
  }
  if (time_column_.has_value()) {
    const absl::string_view time =
        absl::StripAsciiWhitespace(fields[*time_column_]);
    membership.last_qualification_time = profile_json::ParseTimestamp(time);
    if (!membership.last_qualification_time.has_value() && !time.empty()) {
      ++profile.unreadable_times;
    }
  }
  return absl::MakeConstSpan(profiles_.data(), 1);
}

}  // namespace connector::cli
