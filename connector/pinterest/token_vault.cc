#include "connector/pinterest/token_vault.h"

#include <cstdint>

#include "absl/strings/str_cat.h"
#include "connector/pinterest/seal.h"
#include "nlohmann/json.hpp"

namespace connector::pinterest {
namespace {

using nlohmann::json;

constexpr int kVersion = 1;
// Two tokens of 4 KiB and what else there is.
constexpr size_t kReserve = 12 << 10;

std::string Context(absl::string_view credential_id, const OAuthApp& app) {
  return absl::StrCat(credential_id, "\n", app.app_id);
}

std::string Text(const json& object, const char* key) {
  const auto found = object.find(key);
  return found != object.end() && found->is_string() ? found->get<std::string>()
                                                     : "";
}

std::optional<absl::Time> Time(const json& object, const char* key) {
  const auto found = object.find(key);
  if (found == object.end() || !found->is_number_integer()) {
    return std::nullopt;
  }
  return absl::FromUnixSeconds(found->get<int64_t>());
}

}  // namespace

absl::StatusOr<StoredTokens> TokenVault::Load(absl::string_view credential_id,
                                              const OAuthApp& app) const {
  const std::string path = absl::StrCat(directory_, "/", credential_id);
  const auto sealed = files_->Read(path);
  if (!sealed.ok()) return sealed.status();
  // A process that died while it stored them may have left them seen but not
  // durable.
  if (absl::Status s = files_->Sync(path); !s.ok()) return s;
  if (absl::Status s = files_->SyncDirectory(directory_); !s.ok()) return s;
  const auto text =
      Unseal(app.app_secret, Context(credential_id, app), *sealed);
  if (!text.ok()) return text.status();
  const json object = json::parse(*text, nullptr, /*allow_exceptions=*/false);
  if (!object.is_object() || object.value("version", 0) != kVersion) {
    return absl::DataLossError("is of a form that is not known");
  }
  StoredTokens tokens;
  tokens.access_token = Text(object, "access_token");
  tokens.access_token_expire_time =
      Time(object, "access_token_expires").value_or(absl::UnixEpoch());
  tokens.refresh_token = Text(object, "refresh_token");
  tokens.refresh_token_expire_time = Time(object, "refresh_token_expires");
  tokens.refresh_time =
      Time(object, "refresh_time").value_or(absl::UnixEpoch());
  tokens.operator_digest = Text(object, "operator_digest");
  return tokens;
}

absl::Status TokenVault::Reserve(absl::string_view credential_id) const {
  const std::string path =
      TemporaryPath(directory_, std::string(credential_id));
  if (absl::Status s = files_->Write(path, std::string(kReserve, '\0'));
      !s.ok()) {
    return s;
  }
  return files_->Sync(path);
}

absl::Status TokenVault::Store(absl::string_view credential_id,
                               const OAuthApp& app,
                               const StoredTokens& tokens) const {
  json object = {{"version", kVersion},
                 {"access_token", tokens.access_token},
                 {"access_token_expires",
                  absl::ToUnixSeconds(tokens.access_token_expire_time)},
                 {"refresh_token", tokens.refresh_token},
                 {"refresh_time", absl::ToUnixSeconds(tokens.refresh_time)},
                 {"operator_digest", tokens.operator_digest}};
  if (tokens.refresh_token_expire_time.has_value()) {
    object["refresh_token_expires"] =
        absl::ToUnixSeconds(*tokens.refresh_token_expire_time);
  }
  return ReplaceFile(
      *files_, directory_, std::string(credential_id),
      Seal(app.app_secret, Context(credential_id, app), object.dump()));
}

absl::Status TokenVault::Remove(absl::string_view credential_id) const {
  const std::string name(credential_id);
  if (absl::Status s = files_->Remove(absl::StrCat(directory_, "/", name));
      !s.ok()) {
    return s;
  }
  if (absl::Status s = files_->Remove(TemporaryPath(directory_, name));
      !s.ok()) {
    return s;
  }
  return files_->SyncDirectory(directory_);
}

}  // namespace connector::pinterest
