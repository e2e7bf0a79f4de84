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
// The file holds the token on one line, blanks around it are ignored; at most
// 4 KiB of printable ASCII. It must be a regular file (also through a symbolic
// link, as secret managers mount them) that neither group nor others may read
// or write. Anything else is FAILED_PRECONDITION, with a message that names
// the file and the cure and shows nothing of the content; a missing file too.
//
// Thread-safe.
class FileTokenSource final : public TokenSource {
 public:
  // `file_name` is the name of a file directly in `credentials_dir`: letters,
  // digits, '.', '_' and '-', not starting with a dot, 1 to 100 characters.
  // INVALID_ARGUMENT otherwise. The file itself need not exist yet.
  static absl::StatusOr<std::unique_ptr<FileTokenSource>> Create(
      absl::string_view credentials_dir, absl::string_view file_name);

  absl::StatusOr<std::string> AccessToken() override;

 private:
  FileTokenSource(std::string path, std::string file_name)
      : path_(std::move(path)), file_name_(std::move(file_name)) {}

  const std::string path_;
  const std::string file_name_;
};

}  // namespace connector::pinterest

#endif  // CONNECTOR_PINTEREST_TOKEN_FILE_H_
