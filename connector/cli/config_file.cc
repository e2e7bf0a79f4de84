#include "connector/cli/config_file.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include <memory>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "connector/cli/line_reader.h"
#include "google/protobuf/io/tokenizer.h"
#include "google/protobuf/text_format.h"
#include "google/protobuf/util/json_util.h"

namespace connector::cli {
namespace {

using audience_sync::v1::ConnectorConfig;
using audience_sync::v1::Destination;

constexpr size_t kMaxBytes = 64 << 20;

// Keeps the first error.
class FirstError : public google::protobuf::io::ErrorCollector {
 public:
  void AddError(int line, google::protobuf::io::ColumnNumber column,
                const std::string& message) override {
    if (!text_.empty()) return;
    text_ = absl::StrCat(line + 1, ":", column + 1, ": ", message);
  }
  void AddWarning(int, google::protobuf::io::ColumnNumber,
                  const std::string&) override {}
  const std::string& text() const { return text_; }

 private:
  std::string text_;
};

absl::StatusOr<std::string> ReadAll(const std::string& path) {
  absl::StatusOr<std::unique_ptr<InputFile>> file = InputFile::Open(path);
  if (!file.ok()) return file.status();
  std::string content;
  char buffer[64 << 10];
  while (true) {
    const ssize_t got = ::read((*file)->fd(), buffer, sizeof(buffer));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) {
      return absl::InvalidArgumentError(
          absl::StrCat((*file)->name(), ": cannot be read: ", strerror(errno)));
    }
    if (got == 0) return content;
    content.append(buffer, got);
    if (content.size() > kMaxBytes) {
      return absl::InvalidArgumentError(
          absl::StrCat((*file)->name(), ": is no configuration file"));
    }
  }
}

absl::Status Parse(const std::string& path, const std::string& content,
                   google::protobuf::Message& message) {
  const size_t first = content.find_first_not_of(" \t\r\n");
  if (first != std::string::npos && content[first] == '{') {
    const auto status =
        google::protobuf::util::JsonStringToMessage(content, &message);
    if (status.ok()) return absl::OkStatus();
    return absl::InvalidArgumentError(absl::StrCat(
        path, ": not a ", message.GetDescriptor()->name(), " as JSON: ",
        absl::string_view(status.message().data(), status.message().size())));
  }
  FirstError error;
  google::protobuf::TextFormat::Parser parser;
  parser.RecordErrorsTo(&error);
  if (parser.ParseFromString(content, &message)) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat(path, ":", error.text(), " (reading a ",
                   message.GetDescriptor()->name(), " as protobuf text)"));
}

}  // namespace

absl::StatusOr<ConnectorConfig> ReadConfigFile(const std::string& path) {
  absl::StatusOr<std::string> content = ReadAll(path);
  if (!content.ok()) return content.status();
  ConnectorConfig config;
  if (absl::Status s = Parse(path, *content, config); !s.ok()) return s;
  return config;
}

absl::StatusOr<std::vector<Destination>> ReadDestinationsFile(
    const std::string& path) {
  absl::StatusOr<std::string> content = ReadAll(path);
  if (!content.ok()) return content.status();
  Destination destination;
  const absl::Status single = Parse(path, *content, destination);
  if (single.ok()) return std::vector<Destination>{destination};
  ConnectorConfig config;
  const absl::Status whole = Parse(path, *content, config);
  if (whole.ok()) {
    return std::vector<Destination>(config.destinations().begin(),
                                    config.destinations().end());
  }
  // The error of the form the file seems to have.
  return absl::StrContains(*content, "destinations") ||
                 absl::StrContains(*content, "credentials")
             ? whole
             : single;
}

}  // namespace connector::cli
