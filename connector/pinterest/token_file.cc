#include "connector/pinterest/token_file.h"

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "connector/base/error.h"
#include "connector/pinterest/secret_file.h"

namespace connector::pinterest {

absl::StatusOr<std::unique_ptr<FileTokenSource>> FileTokenSource::Create(
    absl::string_view credentials_dir, absl::string_view file_name) {
  if (credentials_dir.empty()) {
    return FieldError("credentials_dir", "must not be empty");
  }
  if (!IsSecretFileName(file_name)) {
    return FieldError("token_file",
                      "must be a file name of letters, digits, '.', '_' and "
                      "'-', at most 255, not starting with a dot");
  }
  return std::unique_ptr<FileTokenSource>(new FileTokenSource(
      std::string(credentials_dir), std::string(file_name)));
}

absl::StatusOr<std::string> FileTokenSource::AccessToken() {
  return ReadSecretFile(credentials_dir_, file_name_, "token file",
                        "put the access token into it and run chmod 600 on it");
}

absl::StatusOr<std::string> FileTokenSource::AnotherToken(
    absl::string_view refused) {
  absl::StatusOr<std::string> token = AccessToken();
  if (token.ok() && *token == refused) {
    return MakeError(
        absl::StatusCode::kFailedPrecondition, "TOKEN_REFUSED",
        absl::StrCat("token file \"", file_name_, "\" still holds that token"));
  }
  return token;
}

}  // namespace connector::pinterest
