#include "connector/config/text_path.h"

#include <map>
#include <utility>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "google/protobuf/io/tokenizer.h"
#include "google/protobuf/io/zero_copy_stream_impl_lite.h"
#include "identity_mapping/text.h"

namespace connector::config {
namespace {

using google::protobuf::Descriptor;
using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using google::protobuf::io::Tokenizer;

constexpr size_t kMaxShownName = 40;

class NoErrors : public google::protobuf::io::ErrorCollector {
  void AddError(int, int, const std::string&) override {}
};

// Follows the nesting of protobuf text, token by token.
class Follower {
 public:
  explicit Follower(const Descriptor* type) : open_(1) {
    open_.back().type = type;
  }

  void Take(const Tokenizer::Token& token) {
    Level& level = open_.back();
    if (token.text == "{" || token.text == "<") {
      Open();
    } else if (token.text == "}" || token.text == ">") {
      if (open_.size() > 1) open_.pop_back();
      if (!open_.back().in_list) open_.back().field.clear();
    } else if (token.text == ":") {
      level.value = true;
    } else if (token.text == "[" || token.text == "]") {
      level.in_list = token.text == "[";
      level.value = false;
    } else if (level.in_list) {
      // Values and commas.
    } else if (level.value) {
      // A minus stands before its number.
      level.value = token.text == "-";
    } else if (token.type == Tokenizer::TYPE_IDENTIFIER) {
      level.field = token.text;
    } else if (token.text == "," || token.text == ";") {
      level.field.clear();
    }
  }

  std::string Path() const {
    std::string path;
    for (const Level& level : open_) Append(&path, level.shown);
    Append(&path, Shown(open_.back(), -1));
    return path;
  }

 private:
  struct Level {
    const Descriptor* type = nullptr;  // nullptr: not known
    std::string shown;
    // Named last in this message.
    std::string field;
    std::map<std::string, int> counts;  // messages of each field so far
    bool value = false;                 // comes next
    bool in_list = false;
  };

  static void Append(std::string* path, absl::string_view part) {
    if (part.empty()) return;
    absl::StrAppend(path, path->empty() ? "" : ".", part);
  }

  static const FieldDescriptor* FieldOf(const Level& level) {
    return level.type == nullptr ? nullptr
                                 : level.type->FindFieldByName(level.field);
  }

  static std::string Shown(const Level& level, int index) {
    const FieldDescriptor* field = FieldOf(level);
    if (field == nullptr && !LooksLikeFieldName(level.field)) return "";
    if (index >= 0 && field != nullptr && field->is_repeated()) {
      return absl::StrCat(level.field, "[", index, "]");
    }
    return level.field;
  }

  void Open() {
    Level& outer = open_.back();
    outer.value = false;
    const FieldDescriptor* field = FieldOf(outer);
    Level inner;
    if (field != nullptr) inner.type = field->message_type();
    inner.shown = Shown(outer, outer.counts[outer.field]++);
    open_.push_back(std::move(inner));
  }

  std::vector<Level> open_;
};

std::string FindMalformed(const Message& message, const std::string& path) {
  std::vector<const FieldDescriptor*> fields;
  const google::protobuf::Reflection& reflection = *message.GetReflection();
  reflection.ListFields(message, &fields);
  for (const FieldDescriptor* field : fields) {
    const int count =
        field->is_repeated() ? reflection.FieldSize(message, field) : 1;
    for (int i = 0; i < count; ++i) {
      const std::string at =
          absl::StrCat(path, path.empty() ? "" : ".", field->name(),
                       field->is_repeated() ? absl::StrCat("[", i, "]") : "");
      if (field->cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE) {
        std::string inside =
            FindMalformed(field->is_repeated()
                              ? reflection.GetRepeatedMessage(message, field, i)
                              : reflection.GetMessage(message, field),
                          at);
        if (!inside.empty()) return inside;
      } else if (field->type() == FieldDescriptor::TYPE_STRING) {
        const std::string text =
            field->is_repeated()
                ? reflection.GetRepeatedString(message, field, i)
                : reflection.GetString(message, field);
        if (!identity_mapping::CountCodePoints(text).has_value()) return at;
      }
    }
  }
  return "";
}

}  // namespace

std::string TextPath(absl::string_view text, int line, int column,
                     const Descriptor* type) {
  google::protobuf::io::ArrayInputStream input(text.data(),
                                               static_cast<int>(text.size()));
  NoErrors errors;
  Tokenizer tokens(&input, &errors);
  tokens.set_comment_style(Tokenizer::SH_COMMENT_STYLE);
  tokens.set_allow_f_after_float(true);
  Follower follower(type);
  while (tokens.Next()) {
    const Tokenizer::Token& token = tokens.current();
    if (std::make_pair(token.line, token.column) >=
        std::make_pair(line, column)) {
      break;
    }
    follower.Take(token);
  }
  return follower.Path();
}

bool LooksLikeFieldName(absl::string_view name) {
  if (name.empty() || name.size() > kMaxShownName) return false;
  for (size_t i = 0; i < name.size(); ++i) {
    if (!absl::ascii_isalpha(name[i]) && name[i] != '_') return false;
    // "pina_" and its like.
    if (name[i] == '_' && i >= 4 &&
        absl::EqualsIgnoreCase(name.substr(i - 4, 3), "pin")) {
      return false;
    }
  }
  return true;
}

std::string FindMalformedText(const Message& message) {
  return FindMalformed(message, "");
}

}  // namespace connector::config
