#include "identity_mapping/case_file.h"

#include <unicode/utf8.h>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"

namespace identity_mapping {
namespace {

// Reads escapes up to the end of `text`, or up to a '}' if `in_braces`, which
// is taken too. Takes what it read off `text`; nullopt on an error.
std::optional<std::string> Unescape(absl::string_view* text, bool in_braces);

std::optional<uint32_t> ReadHexNumber(absl::string_view digits) {
  uint32_t number = 0;
  if (digits.empty() || digits.size() > 6) return std::nullopt;
  for (char c : digits) {
    if (!absl::ascii_isxdigit(c)) return std::nullopt;
    number =
        number * 16 +
        (absl::ascii_isdigit(c) ? c - '0' : absl::ascii_tolower(c) - 'a' + 10);
  }
  return number;
}

// The text up to `end`, which is taken off too.
std::optional<absl::string_view> TakeUntil(char end, absl::string_view* text) {
  const size_t at = text->find(end);
  if (at == absl::string_view::npos) return std::nullopt;
  const absl::string_view before = text->substr(0, at);
  text->remove_prefix(at + 1);
  return before;
}

// What stands after a backslash.
std::optional<std::string> UnescapeOne(absl::string_view* text) {
  if (text->empty()) return std::nullopt;
  const char c = text->front();
  text->remove_prefix(1);
  switch (c) {
    case '\\':
    case '"':
      return std::string(1, c);
    case 'n':
      return "\n";
    case 'r':
      return "\r";
    case 't':
      return "\t";
    case 'x': {
      const std::optional<uint32_t> byte = ReadHexNumber(text->substr(0, 2));
      if (!byte.has_value() || text->size() < 2) return std::nullopt;
      text->remove_prefix(2);
      return std::string(1, static_cast<char>(*byte));
    }
    case 'u': {
      if (!absl::ConsumePrefix(text, "{")) return std::nullopt;
      const std::optional<absl::string_view> digits = TakeUntil('}', text);
      if (!digits.has_value()) return std::nullopt;
      const std::optional<uint32_t> code_point = ReadHexNumber(*digits);
      if (!code_point.has_value()) return std::nullopt;
      char utf8[U8_MAX_LENGTH];
      int32_t size = 0;
      UBool error = false;
      U8_APPEND(utf8, size, U8_MAX_LENGTH, *code_point, error);
      if (error) return std::nullopt;
      return std::string(utf8, size);
    }
    case '{': {
      const std::optional<absl::string_view> count = TakeUntil(':', text);
      size_t times;
      if (!count.has_value() || !absl::SimpleAtoi(*count, &times) ||
          times > 2'000'000) {
        return std::nullopt;
      }
      const std::optional<std::string> repeated = Unescape(text, true);
      if (!repeated.has_value()) return std::nullopt;
      std::string all;
      for (size_t i = 0; i < times; ++i) all += *repeated;
      return all;
    }
    default:
      return std::nullopt;
  }
}

std::optional<std::string> Unescape(absl::string_view* text, bool in_braces) {
  std::string out;
  while (!text->empty()) {
    const char c = text->front();
    text->remove_prefix(1);
    if (in_braces && c == '}') return out;
    if (c != '\\') {
      out += c;
      continue;
    }
    const std::optional<std::string> one = UnescapeOne(text);
    if (!one.has_value()) return std::nullopt;
    out += *one;
  }
  if (in_braces) return std::nullopt;
  return out;
}

// A text in double quotes, with escapes.
std::optional<std::string> ReadQuoted(absl::string_view text) {
  if (text.size() < 2 || !absl::ConsumePrefix(&text, "\"") ||
      !absl::ConsumeSuffix(&text, "\"")) {
    return std::nullopt;
  }
  return Unescape(&text, false);
}

std::optional<std::string> ReadWordOrQuoted(absl::string_view text) {
  if (!text.empty() && text.front() == '"') return ReadQuoted(text);
  return std::string(text);
}

std::optional<IdentityKind> ReadKind(absl::string_view name) {
  for (IdentityKind kind :
       {IdentityKind::kEmail, IdentityKind::kEmailLcSha256, IdentityKind::kGaid,
        IdentityKind::kIdfa, IdentityKind::kPinterestAudience,
        IdentityKind::kLrId, IdentityKind::kDlxId,
        IdentityKind::kHashedPinnerId}) {
    if (IdentityKindName(kind) == name) return kind;
  }
  return std::nullopt;
}

// "default", or settings such as "gaid=upper".
bool ReadRules(absl::string_view text, MappingRules* rules) {
  *rules = MappingRules();
  for (absl::string_view word : absl::StrSplit(text, ' ', absl::SkipEmpty())) {
    if (word == "default") {
      *rules = DefaultMappingRules();
    } else if (word == "gaid=lower") {
      rules->gaid_case = DeviceIdCase::kLower;
    } else if (word == "gaid=upper") {
      rules->gaid_case = DeviceIdCase::kUpper;
    } else if (word == "idfa=lower") {
      rules->idfa_case = DeviceIdCase::kLower;
    } else if (word == "idfa=upper") {
      rules->idfa_case = DeviceIdCase::kUpper;
    } else {
      return false;
    }
  }
  return true;
}

// NAMESPACE KIND [md5]
bool ReadRow(absl::string_view text, MappingRules* rules) {
  MappingRow row;
  if (absl::ConsumeSuffix(&text, " md5")) row.accept_md5 = true;
  const size_t blank = text.rfind(' ');
  if (blank == absl::string_view::npos) return false;
  const std::optional<IdentityKind> kind = ReadKind(text.substr(blank + 1));
  const std::optional<std::string> name =
      ReadWordOrQuoted(text.substr(0, blank));
  if (!kind.has_value() || !name.has_value()) return false;
  row.kind = *kind;
  row.source_namespace = *name;
  rules->rows.push_back(std::move(row));
  return true;
}

class Parser {
 public:
  // False: the line has an error.
  bool Line(const std::string& where, absl::string_view line) {
    const std::pair<absl::string_view, absl::string_view> parts =
        absl::StrSplit(line, absl::MaxSplits(' ', 1));
    const auto& [word, rest] = parts;
    if (word == "mapping" || word == "former" || word == "row") {
      return Mapping(word, rest);
    }
    if (word == "case") {
      if (!CaseIsWhole() || rest.empty()) return false;
      cases_.emplace_back();
      cases_.back().where = where;
      cases_.back().name = std::string(rest);
      cases_.back().current = current_;
      cases_.back().former = former_;
      has_value_ = has_namespace_ = false;
      return true;
    }
    if (cases_.empty()) return false;
    MappingCase& c = cases_.back();
    if (word == "namespace") {
      const std::optional<std::string> name = ReadWordOrQuoted(rest);
      if (!name.has_value() || has_namespace_) return false;
      c.source_namespace = *name;
      has_namespace_ = true;
    } else if (word == "value") {
      const std::optional<std::string> value = ReadQuoted(rest);
      if (!value.has_value() || has_value_) return false;
      c.value = *value;
      has_value_ = true;
    } else if (word == "wire" && Undecided(c) && !rest.empty()) {
      c.wire = std::string(rest);
    } else if (word == "refused" && Undecided(c) && !rest.empty()) {
      c.refused = std::string(rest);
    } else if (line == "excluded" && Undecided(c)) {
      c.excluded = true;
    } else if (word == "former_form" && !rest.empty()) {
      c.former_forms.push_back(std::string(rest));
    } else if (word == "twin_form" && !rest.empty()) {
      c.twin_forms.push_back(std::string(rest));
    } else {
      return false;
    }
    return true;
  }

  // The case being read lacks nothing, or none is being read.
  bool CaseIsWhole() const {
    return cases_.empty() ||
           (has_value_ && has_namespace_ && !Undecided(cases_.back()));
  }

  std::vector<MappingCase> Take() { return std::move(cases_); }

 private:
  bool Mapping(absl::string_view word, absl::string_view rest) {
    if (!CaseIsWhole()) return false;
    if (word == "mapping") {
      former_.clear();
      return ReadRules(rest, &current_);
    }
    if (word == "former") {
      former_.emplace_back();
      return ReadRules(rest, &former_.back());
    }
    return ReadRow(rest, former_.empty() ? &current_ : &former_.back());
  }

  static bool Undecided(const MappingCase& c) {
    return c.wire.empty() && c.refused.empty() && !c.excluded;
  }

  MappingRules current_;
  std::vector<MappingRules> former_;
  std::vector<MappingCase> cases_;
  bool has_value_ = false;
  bool has_namespace_ = false;
};

}  // namespace

absl::StatusOr<std::vector<MappingCase>> ParseCaseFile(
    absl::string_view file_name, absl::string_view text) {
  Parser parser;
  int number = 0;
  std::string where;
  for (absl::string_view line : absl::StrSplit(text, '\n')) {
    where = absl::StrCat(file_name, ":", ++number);
    if (line.empty() || line.front() == '#') continue;
    if (!parser.Line(where, line)) {
      return absl::InvalidArgumentError(
          absl::StrCat(where, ": cannot be read: ", line));
    }
  }
  if (!parser.CaseIsWhole()) {
    return absl::InvalidArgumentError(
        absl::StrCat(where, ": the last case is not whole"));
  }
  return parser.Take();
}

}  // namespace identity_mapping
