#include "connector/server/log.h"

#include <spdlog/pattern_formatter.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <memory>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "connector/base/error.h"
#include "connector/pinterest/safe_text.h"

namespace connector::server {
namespace {

constexpr size_t kMaxValueBytes = 1'000;

spdlog::logger& Logger() {
  // Never destroyed: threads may log until the process ends.
  static spdlog::logger& logger = *[] {
    auto* made = new spdlog::logger(
        "connector", std::make_shared<spdlog::sinks::stderr_sink_mt>());
    made->set_formatter(std::make_unique<spdlog::pattern_formatter>(
        "time=%Y-%m-%dT%H:%M:%S.%eZ level=%l %v",
        spdlog::pattern_time_type::utc));
    made->set_level(spdlog::level::info);
    made->flush_on(spdlog::level::trace);
    return made;
  }();
  return logger;
}

spdlog::level::level_enum ToSpdlog(LogLevel level) {
  switch (level) {
    case LogLevel::kDebug:
      return spdlog::level::debug;
    case LogLevel::kInfo:
      return spdlog::level::info;
    case LogLevel::kWarning:
      return spdlog::level::warn;
    case LogLevel::kError:
      return spdlog::level::err;
  }
  return spdlog::level::err;
}

bool IsPlain(absl::string_view value) {
  return !value.empty() && std::all_of(value.begin(), value.end(), [](char c) {
    return absl::ascii_isalnum(c) || absl::StrContains("._:/+-", c);
  });
}

}  // namespace

absl::StatusOr<LogLevel> ParseLogLevel(absl::string_view text) {
  if (text == "debug") return LogLevel::kDebug;
  if (text == "info") return LogLevel::kInfo;
  if (text == "warning") return LogLevel::kWarning;
  if (text == "error") return LogLevel::kError;
  return FieldError("--log_level", "must be debug, info, warning or error");
}

void SetLogLevel(LogLevel level) { Logger().set_level(ToSpdlog(level)); }

std::string LogLine(absl::string_view event, LogFields fields) {
  std::string line = absl::StrCat("event=", event);
  for (const auto& [key, raw] : fields) {
    const std::string value = pinterest::SafeText(raw, kMaxValueBytes);
    absl::StrAppend(&line, " ", key, "=");
    if (IsPlain(value)) {
      line += value;
      continue;
    }
    line += '"';
    for (const char c : value) {
      if (c == '"' || c == '\\') line += '\\';
      line += c;
    }
    line += '"';
  }
  return line;
}

void Log(LogLevel level, absl::string_view event, LogFields fields) {
  spdlog::logger& logger = Logger();
  if (!logger.should_log(ToSpdlog(level))) return;
  // As an argument, so that braces in it are not taken for a format.
  logger.log(ToSpdlog(level), "{}", LogLine(event, fields));
}

}  // namespace connector::server
