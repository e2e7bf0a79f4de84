#ifndef CONNECTOR_PINTEREST_TOKEN_FILE_H_
#define CONNECTOR_PINTEREST_TOKEN_FILE_H_

#include <memory>
#include <string>
#include <utility>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "connector/pinterest/token_source.h"

namespace connector::pinterest {

// Reads the access token from a file that the operator, or a secret manager,
// may replace at any time.
//
// The file is read anew for every request: it is tiny, that costs some
// microseconds against a call over the network, and nothing has to guess from
// time stamps whether it changed. A file replaced by rename is seen whole,
// before or after.
//
// What the file must be like: secret_file.h.
//
// Thread-safe.
class FileTokenSource final : public TokenSource {
 public:
  // `file_name` is the name of a file directly in `credentials_dir`: letters,
  // digits, '.', '_' and '-', not starting with a dot, 1 to 255 characters.
  // INVALID_ARGUMENT otherwise. The file itself need not exist yet.
  static absl::StatusOr<std::unique_ptr<FileTokenSource>> Create(
      absl::string_view credentials_dir, absl::string_view file_name);

  absl::StatusOr<std::string> AccessToken() override;
  absl::StatusOr<std::string> AnotherToken(absl::string_view refused) override;

 private:
  FileTokenSource(std::string credentials_dir, std::string file_name)
      : credentials_dir_(std::move(credentials_dir)),
        file_name_(std::move(file_name)) {}

  const std::string credentials_dir_;
  const std::string file_name_;
};

}  // namespace connector::pinterest

#endif  // CONNECTOR_PINTEREST_TOKEN_FILE_H_
