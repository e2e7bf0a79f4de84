#include "connector/config/config_check.h"

#include <string>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/str_cat.h"
#include "connector/base/limits.h"
#include "connector/config/credential_config.h"
#include "connector/config/destination_config.h"

namespace connector::config {
namespace {

constexpr char kNoEtag[] = "must not be set in a configuration file";

// Finds names given twice in one list of the file.
class Names {
 public:
  Names(std::string list, std::string leaf, FieldCheck* check)
      : list_(std::move(list)), leaf_(std::move(leaf)), check_(check) {}

  void Add(const std::string& name, int index) {
    auto [first, is_new] = first_.try_emplace(name, index);
    if (is_new || name.empty()) return;
    check_->Add(
        absl::StrCat(list_, "[", index, "].", leaf_),
        absl::StrCat("is already named by ", list_, "[", first->second, "]"));
  }

 private:
  const std::string list_;
  const std::string leaf_;
  FieldCheck* const check_;
  absl::flat_hash_map<std::string, int> first_;
};

void CheckCount(absl::string_view list, int count, int most,
                FieldCheck* check) {
  if (count <= most) return;
  check->Add(list, absl::StrCat("must be at most ", WithCommas(most)));
}

}  // namespace

FieldCheck CheckNames(const audience_sync::v1::ConnectorConfig& config) {
  FieldCheck check;
  CheckCount("credentials", config.credentials_size(), limits::kMaxCredentials,
             &check);
  CheckCount("destinations", config.destinations_size(),
             limits::kMaxDestinations, &check);
  Names credentials("credentials", "credential_id", &check);
  for (int i = 0; i < config.credentials_size(); ++i) {
    credentials.Add(config.credentials(i).credential_id(), i);
    if (!config.credentials(i).etag().empty()) {
      check.Add(absl::StrCat("credentials[", i, "].etag"), kNoEtag);
    }
  }
  // A refresh may end the life of the token it used.
  Names logins("credentials", "oauth.refresh_token_file", &check);
  for (int i = 0; i < config.credentials_size(); ++i) {
    logins.Add(config.credentials(i).oauth().refresh_token_file(), i);
  }
  Names destinations("destinations", "ad_account_id", &check);
  for (int i = 0; i < config.destinations_size(); ++i) {
    destinations.Add(config.destinations(i).ad_account_id(), i);
    if (!config.destinations(i).etag().empty()) {
      check.Add(absl::StrCat("destinations[", i, "].etag"), kNoEtag);
    }
  }
  return check;
}

absl::Status CheckConfig(const audience_sync::v1::ConnectorConfig& config) {
  FieldCheck check = CheckNames(config);
  for (int i = 0; i < config.credentials_size(); ++i) {
    ResolveCredential(config.credentials(i),
                      absl::StrCat("credentials[", i, "]"), &check);
  }
  for (int i = 0; i < config.destinations_size(); ++i) {
    FieldCheck own;
    ResolveChange(config.destinations(i), nullptr,
                  /*drop_unnamed_mappings=*/true,
                  absl::StrCat("destinations[", i, "]"), &own);
    check.Append(own);
  }
  return check.ToStatus();
}

}  // namespace connector::config
