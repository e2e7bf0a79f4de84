#include "connector/config/config_file.h"

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <memory>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "connector/base/error.h"
#include "connector/config/config_check.h"
#include "connector/config/field_check.h"
#include "connector/config/json_check.h"
#include "connector/config/text_path.h"
#include "google/protobuf/io/tokenizer.h"
#include "google/protobuf/io/zero_copy_stream_impl_lite.h"
#include "google/protobuf/text_format.h"
#include "google/protobuf/util/json_util.h"

namespace connector::config {
namespace {

using audience_sync::v1::ConnectorConfig;

absl::Status FileInvalid(absl::string_view message) {
  return MakeError(absl::StatusCode::kInvalidArgument, "FILE_INVALID", message);
}

// Keeps the first error.
class FirstError : public google::protobuf::io::ErrorCollector {
 public:
  explicit FirstError(absl::string_view file) : file_(file) {}

  // Both count from 0.
  void AddError(int line, int column, const std::string& message) override {
    if (!text_.empty()) return;
    // What stands in the file is not repeated: it could be a token that was
    // pasted where it does not belong.
    absl::string_view rule = message;
    for (absl::string_view echo : {", got: ", "; got: ", " got: ", ", found ",
                                   " named \"", " of \"", ". Value: "}) {
      rule = rule.substr(0, rule.find(echo));
    }
    if (absl::StrContains(message, " has no field named ")) {
      rule = "unknown field";
    }
    const std::string path =
        TextPath(file_, line, column, ConnectorConfig::descriptor());
    text_ =
        absl::StrCat("line ", line + 1, ", column ", column + 1, ": ", path,
                     path.empty() ? "" : ": ", absl::StripSuffix(rule, "."));
  }
  const std::string& text() const { return text_; }

 private:
  const absl::string_view file_;
  std::string text_;
};

absl::Status ParseText(absl::string_view text, ConnectorConfig* config) {
  google::protobuf::io::ArrayInputStream input(text.data(),
                                               static_cast<int>(text.size()));
  google::protobuf::TextFormat::Parser parser;
  FirstError error(text);
  parser.RecordErrorsTo(&error);
  if (parser.Parse(&input, config)) return absl::OkStatus();
  return FileInvalid(error.text().empty() ? "is no protobuf text"
                                          : error.text());
}

absl::Status ParseJson(absl::string_view text, ConnectorConfig* config) {
  if (absl::Status s = CheckJson(text, ConnectorConfig::descriptor());
      !s.ok()) {
    return s;
  }
  if (!google::protobuf::util::JsonStringToMessage(
           google::protobuf::StringPiece(text.data(), text.size()), config)
           .ok()) {
    return FileInvalid("does not fit the configuration's message type");
  }
  return absl::OkStatus();
}

absl::StatusOr<std::string> ReadBounded(const std::string& path) {
  std::unique_ptr<std::FILE, int (*)(std::FILE*)> file(
      std::fopen(path.c_str(), "rb"), &std::fclose);
  if (file == nullptr) {
    const int error = errno;
    return MakeError(error == ENOENT ? absl::StatusCode::kNotFound
                                     : absl::StatusCode::kFailedPrecondition,
                     "FILE_UNREADABLE", std::strerror(error));
  }
  std::string text(kMaxConfigFileBytes + 1, '\0');
  text.resize(std::fread(text.data(), 1, text.size(), file.get()));
  if (std::ferror(file.get()) != 0) {
    return MakeError(absl::StatusCode::kFailedPrecondition, "FILE_UNREADABLE",
                     "cannot be read");
  }
  if (text.size() > kMaxConfigFileBytes) {
    return FileInvalid(absl::StrCat(
        "must be at most ", WithCommas(kMaxConfigFileBytes), " bytes long"));
  }
  return text;
}

}  // namespace

absl::StatusOr<ConnectorConfig> ParseConfig(absl::string_view text) {
  ConnectorConfig config;
  absl::string_view content = text;
  absl::ConsumePrefix(&content, "\xEF\xBB\xBF");  // a byte-order mark
  const absl::string_view start = absl::StripLeadingAsciiWhitespace(content);
  if (absl::Status s = !start.empty() && start[0] == '{'
                           ? ParseJson(content, &config)
                           : ParseText(content, &config);
      !s.ok()) {
    return s;
  }
  if (const std::string path = FindMalformedText(config); !path.empty()) {
    return FieldError(path, "must be UTF-8");
  }
  if (absl::Status s = CheckConfig(config); !s.ok()) return s;
  return config;
}

absl::StatusOr<ConnectorConfig> ReadConfigFile(const std::string& path) {
  absl::StatusOr<std::string> text = ReadBounded(path);
  absl::Status status = text.status();
  if (text.ok()) {
    absl::StatusOr<ConnectorConfig> config = ParseConfig(*text);
    if (config.ok()) return config;
    status = config.status();
  }
  return MakeError(status.code(), absl::StrCat(path, ": ", status.message()),
                   GetErrorDetail(status));
}

}  // namespace connector::config
