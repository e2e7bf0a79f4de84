#include "connector/server/flag_check.h"

#include <cstdint>
#include <optional>

#include "absl/flags/commandlineflag.h"
#include "absl/flags/reflection.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"

namespace connector::server {
namespace {

// A flag's name is at most so long in a message: what is no flag may be
// anything.
constexpr size_t kMaxShownName = 40;

// Abseil's own that it knows without registering them.
bool AsksForHelp(absl::string_view name) {
  return name == "version" || name == "only_check_args" ||
         absl::StartsWith(name, "help");
}

absl::string_view Rule(const absl::CommandLineFlag& flag) {
  if (flag.IsOfType<bool>()) return "must be true or false";
  if (flag.IsOfType<int32_t>()) return "must be a whole number";
  return "does not fit";
}

}  // namespace

std::vector<std::string> CheckCommandLine(absl::Span<char* const> words) {
  std::vector<std::string> wrong;
  for (size_t i = 0; i < words.size(); ++i) {
    absl::string_view word = words[i];
    if (word == "--") break;
    if (word.size() < 2 || !absl::ConsumePrefix(&word, "-")) continue;
    absl::ConsumePrefix(&word, "-");
    const size_t equals = word.find('=');
    const absl::string_view name = word.substr(0, equals);
    if (AsksForHelp(name)) continue;
    std::optional<absl::string_view> value;
    if (equals != absl::string_view::npos) value = word.substr(equals + 1);

    absl::CommandLineFlag* flag = absl::FindCommandLineFlag(name);
    if (flag == nullptr) {
      // "--noallow_core_dumps"
      absl::string_view positive = name;
      absl::CommandLineFlag* negated = absl::ConsumePrefix(&positive, "no")
                                           ? absl::FindCommandLineFlag(positive)
                                           : nullptr;
      if (negated == nullptr || !negated->IsOfType<bool>()) {
        wrong.push_back(absl::StrCat("--", name.substr(0, kMaxShownName),
                                     ": is no flag of this program"));
      } else if (value.has_value()) {
        wrong.push_back(absl::StrCat("--", name, ": takes no value"));
      }
      continue;
    }
    if (!value.has_value()) {
      if (flag->IsOfType<bool>()) continue;
      if (++i == words.size()) {
        wrong.push_back(absl::StrCat("--", name, ": needs a value"));
        break;
      }
      value = words[i];
    }
    // Not those that Abseil brings, such as --flagfile.
    std::string ignored;
    if (absl::StartsWith(flag->Filename(), "connector/") &&
        !flag->ParseFrom(*value, &ignored)) {
      wrong.push_back(absl::StrCat("--", name, ": ", Rule(*flag)));
    }
  }
  return wrong;
}

}  // namespace connector::server
