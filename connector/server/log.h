#ifndef CONNECTOR_SERVER_LOG_H_
#define CONNECTOR_SERVER_LOG_H_

#include <initializer_list>
#include <string>
#include <utility>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace connector::server {

// The log of the process: one line an event on standard error, as
// key=value pairs, times in UTC:
//
//   time=2026-03-01T12:00:00.000Z level=info event=started version=0.1.0
//
// It tells what the connector does and never what it handles: every value is
// masked as SafeText does, whatever the caller put there. Thread-safe.
enum class LogLevel { kDebug, kInfo, kWarning, kError };

// "debug", "info", "warning", "error"; INVALID_ARGUMENT otherwise.
absl::StatusOr<LogLevel> ParseLogLevel(absl::string_view text);

// Lower levels are not logged. kInfo until it is called.
void SetLogLevel(LogLevel level);

using LogFields =
    std::initializer_list<std::pair<absl::string_view, absl::string_view>>;

// `event` is lower-kebab-case and, as the keys are, a constant of the program.
void Log(LogLevel level, absl::string_view event, LogFields fields = {});

// What Log() writes behind time and level.
std::string LogLine(absl::string_view event, LogFields fields);

}  // namespace connector::server

#endif  // CONNECTOR_SERVER_LOG_H_
