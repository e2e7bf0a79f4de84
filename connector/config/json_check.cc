#include "connector/config/json_check.h"

#include <cstdint>
#include <string>
#include <vector>

#include "absl/container/flat_hash_set.h"
#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/strip.h"
#include "connector/base/error.h"
#include "connector/config/text_path.h"

namespace connector::config {
namespace {

using google::protobuf::Descriptor;
using google::protobuf::EnumDescriptor;
using google::protobuf::FieldDescriptor;

// Digits of "1.5s" and the like.
bool IsDuration(absl::string_view text) {
  if (!absl::ConsumeSuffix(&text, "s")) return false;
  absl::ConsumePrefix(&text, "-");
  const size_t point = text.find('.');
  const absl::string_view whole = text.substr(0, point);
  if (whole.empty() || whole.size() > 12) return false;
  if (point != absl::string_view::npos) {
    const absl::string_view part = text.substr(point + 1);
    if (part.empty() || part.size() > 9) return false;
    for (char c : part) {
      if (!absl::ascii_isdigit(c)) return false;
    }
  }
  for (char c : whole) {
    if (!absl::ascii_isdigit(c)) return false;
  }
  return true;
}

// Walks the text along the type. As an unknown field is an error, the type
// bounds how deep it goes.
class Walker {
 public:
  explicit Walker(absl::string_view text) : text_(text) {}

  absl::Status Walk(const Descriptor* type) {
    SkipBlanks();
    if (!Message(type)) return error_;
    SkipBlanks();
    if (at_ != text_.size()) {
      Fail(at_, "must end after the closing brace");
      return error_;
    }
    return absl::OkStatus();
  }

 private:
  bool Fail(size_t at, absl::string_view rule) {
    int line = 1;
    int column = 1;
    for (char c : text_.substr(0, at)) {
      // A column is a character: bytes that continue one do not count.
      if ((c & 0xC0) != 0x80) ++column;
      if (c == '\n') {
        ++line;
        column = 1;
      }
    }
    error_ = MakeError(absl::StatusCode::kInvalidArgument, "FILE_INVALID",
                       absl::StrCat("line ", line, ", column ", column, ": ",
                                    absl::StrJoin(path_, "."),
                                    path_.empty() ? "" : ": ", rule));
    return false;
  }

  void SkipBlanks() {
    while (at_ < text_.size() && (text_[at_] == ' ' || text_[at_] == '\t' ||
                                  text_[at_] == '\n' || text_[at_] == '\r')) {
      ++at_;
    }
  }

  bool Peek(char c) const { return at_ < text_.size() && text_[at_] == c; }

  bool Expect(char c) {
    SkipBlanks();
    if (!Peek(c))
      return Fail(at_, absl::StrCat("expected '", std::string(1, c), "'"));
    ++at_;
    return true;
  }

  bool Word(absl::string_view word) {
    if (!absl::StartsWith(text_.substr(at_), word)) return false;
    at_ += word.size();
    return true;
  }

  // Reads a string; `*out` is what stands between the quotes, escapes and all.
  bool String(absl::string_view* out) {
    SkipBlanks();
    if (!Peek('"')) return Fail(at_, "expected a string");
    const size_t begin = ++at_;
    while (at_ < text_.size() && text_[at_] != '"') {
      if (static_cast<unsigned char>(text_[at_]) < 0x20) {
        return Fail(at_, "a string must not have a control character in it");
      }
      if (text_[at_] == '\\' && !Escape()) return false;
      ++at_;
    }
    if (at_ >= text_.size()) return Fail(begin - 1, "the string has no end");
    *out = text_.substr(begin, at_ - begin);
    ++at_;
    return true;
  }

  // At a backslash; leaves at the last character of the escape.
  bool Escape() {
    const size_t begin = at_++;
    if (at_ >= text_.size()) return Fail(begin, "the string has no end");
    if (text_[at_] == 'u') {
      for (int i = 0; i < 4; ++i) {
        if (++at_ >= text_.size() || !absl::ascii_isxdigit(text_[at_])) {
          return Fail(begin, "an escape \\u takes four hex digits");
        }
      }
      return true;
    }
    if (!absl::StrContains("\"\\/bfnrt", text_.substr(at_, 1))) {
      return Fail(begin, "unknown escape");
    }
    return true;
  }

  bool Message(const Descriptor* type) {
    if (!Expect('{')) return false;
    absl::flat_hash_set<const FieldDescriptor*> seen;
    SkipBlanks();
    if (Peek('}')) {
      ++at_;
      return true;
    }
    for (;;) {
      SkipBlanks();
      const size_t begin = at_;
      absl::string_view key;
      if (!String(&key)) return false;
      const FieldDescriptor* field = FindField(type, key);
      if (field == nullptr) {
        if (LooksLikeFieldName(key)) path_.emplace_back(key);
        return Fail(begin, absl::StrCat("unknown field of ", type->name()));
      }
      path_.push_back(field->name());
      if (!seen.insert(field).second) {
        return Fail(begin, "the field is given twice");
      }
      if (!Expect(':') || !Field(field)) return false;
      path_.pop_back();
      SkipBlanks();
      if (Peek(',')) {
        ++at_;
        continue;
      }
      if (!Peek('}')) return Fail(at_, "expected ',' or '}'");
      ++at_;
      return true;
    }
  }

  static const FieldDescriptor* FindField(const Descriptor* type,
                                          absl::string_view key) {
    for (int i = 0; i < type->field_count(); ++i) {
      if (key == type->field(i)->name() || key == type->field(i)->json_name()) {
        return type->field(i);
      }
    }
    return nullptr;
  }

  bool Field(const FieldDescriptor* field) {
    SkipBlanks();
    if (Word("null")) return true;
    if (!field->is_repeated()) return Value(field);
    if (!Peek('[')) return Fail(at_, "must be a list");
    ++at_;
    SkipBlanks();
    if (Peek(']')) {
      ++at_;
      return true;
    }
    for (int index = 0;; ++index) {
      SkipBlanks();
      path_.back() = absl::StrCat(field->name(), "[", index, "]");
      if (!Value(field)) return false;
      SkipBlanks();
      path_.back() = field->name();
      if (Peek(',')) {
        ++at_;
        continue;
      }
      if (!Peek(']')) return Fail(at_, "expected ',' or ']'");
      ++at_;
      return true;
    }
  }

  bool Value(const FieldDescriptor* field) {
    const size_t begin = at_;
    const auto wrong = [&](absl::string_view rule) {
      return Fail(begin, rule);
    };
    absl::string_view text;
    switch (field->cpp_type()) {
      case FieldDescriptor::CPPTYPE_STRING:
        if (!Peek('"')) return wrong("must be a string");
        return String(&text);
      case FieldDescriptor::CPPTYPE_BOOL:
        return Word("true") || Word("false") || wrong("must be true or false");
      case FieldDescriptor::CPPTYPE_INT32: {
        int32_t number;
        return (Number(&text) && absl::SimpleAtoi(text, &number)) ||
               wrong("must be a whole number of 32 bits");
      }
      case FieldDescriptor::CPPTYPE_INT64: {
        int64_t number;
        return (Number(&text) && absl::SimpleAtoi(text, &number)) ||
               wrong("must be a whole number of 64 bits");
      }
      case FieldDescriptor::CPPTYPE_ENUM:
        if (!Peek('"')) return wrong("must be the name of a value");
        if (!String(&text)) return false;
        return field->enum_type()->FindValueByName(std::string(text)) !=
                   nullptr ||
               wrong(absl::StrCat("must be the name of a ",
                                  field->enum_type()->name()));
      case FieldDescriptor::CPPTYPE_MESSAGE:
        if (field->message_type()->full_name() == "google.protobuf.Duration") {
          if (!Peek('"')) return wrong("must be a duration such as \"30s\"");
          if (!String(&text)) return false;
          return IsDuration(text) ||
                 wrong("must be a duration such as \"30s\"");
        }
        if (!Peek('{')) return wrong("must be an object");
        return Message(field->message_type());
      default:
        return wrong("cannot be given in JSON");
    }
  }

  // A number, in quotes or not.
  bool Number(absl::string_view* out) {
    if (Peek('"')) return String(out);
    const size_t begin = at_;
    while (at_ < text_.size() &&
           (absl::ascii_isalnum(text_[at_]) || text_[at_] == '-' ||
            text_[at_] == '+' || text_[at_] == '.')) {
      ++at_;
    }
    *out = text_.substr(begin, at_ - begin);
    return !out->empty();
  }

  const absl::string_view text_;
  size_t at_ = 0;
  // Of the value at hand: "destinations[0]", "display_name".
  std::vector<std::string> path_;
  absl::Status error_;
};

}  // namespace

absl::Status CheckJson(absl::string_view text, const Descriptor* type) {
  return Walker(text).Walk(type);
}

}  // namespace connector::config
