#include "connector/config/registry.h"

#include <utility>

#include "absl/container/flat_hash_set.h"
#include "absl/strings/str_cat.h"
#include "connector/base/crash_point.h"
#include "connector/base/error.h"
#include "connector/base/limits.h"
#include "connector/config/config_check.h"
#include "connector/config/etag.h"
#include "connector/config/field_check.h"

namespace connector::config {
namespace {

namespace v1 = audience_sync::v1;
using DestinationPtr = std::shared_ptr<const DestinationState>;
using CredentialPtr = std::shared_ptr<const CredentialState>;

constexpr char kCredentialNotFound[] = "CREDENTIAL_NOT_FOUND";
constexpr char kCredentialUnknown[] = "names no credential";

std::string Encode(const DestinationState& state) {
  v1::GetDestinationResponse stored;
  *stored.mutable_destination() = state.config;
  stored.mutable_destination()->clear_etag();
  stored.set_owner(state.owner);
  return SerializeStably(stored);
}

std::string Encode(const CredentialState& state) {
  v1::CredentialStatus stored;
  *stored.mutable_credential() = state.config;
  stored.mutable_credential()->clear_etag();
  stored.set_owner(state.owner);
  return SerializeStably(stored);
}

absl::Status DestinationNotFound() {
  return MakeError(absl::StatusCode::kNotFound, "DESTINATION_NOT_FOUND",
                   "there is no destination for this ad account");
}

absl::Status FailedPrecondition(absl::string_view reason,
                                absl::string_view subject,
                                absl::string_view message) {
  ErrorDetail detail;
  detail.reason = std::string(reason);
  detail.preconditions.push_back(
      {std::string(reason), std::string(subject), std::string(message)});
  return MakeError(absl::StatusCode::kFailedPrecondition, message, detail);
}

absl::Status OwnedByFile(absl::string_view subject) {
  return FailedPrecondition(
      "OWNED_BY_FILE", subject,
      "belongs to the configuration file: change it there");
}

absl::Status EtagMismatch() {
  return MakeError(absl::StatusCode::kAborted, "ETAG_MISMATCH",
                   "changed since the etag was read: read it again");
}

absl::Status TooMany(absl::string_view reason, absl::string_view what,
                     int most) {
  return MakeError(
      absl::StatusCode::kResourceExhausted, reason,
      absl::StrCat("there are already ", WithCommas(most), " ", what));
}

bool IsFilesOwn(v1::ConfigurationOwner owner) {
  return owner == v1::CONFIGURATION_OWNER_FILE;
}

}  // namespace

absl::StatusOr<std::unique_ptr<Registry>> Registry::Load(
    membership::Catalog* catalog, const v1::ConnectorConfig& file) {
  std::unique_ptr<Registry> registry(new Registry(catalog));
  absl::MutexLock lock(&registry->change_mutex_);
  if (absl::Status s = registry->LoadStored(); !s.ok()) return s;
  if (absl::Status s = registry->BringIn(file); !s.ok()) return s;
  if (absl::Status s = registry->MarkAbsent(file); !s.ok()) return s;
  return registry;
}

absl::Status Registry::LoadStored() {
  for (const membership::CredentialRow& row : catalog_->Credentials()) {
    v1::CredentialStatus stored;
    const std::string subject =
        absl::StrCat("stored credential ", row.credential_id);
    if (!stored.ParseFromString(row.config)) {
      return absl::DataLossError(absl::StrCat(subject, " cannot be read"));
    }
    FieldCheck check;
    CredentialState state =
        ResolveCredential(stored.credential(), "credential", &check);
    if (!check.ok()) {
      return absl::FailedPreconditionError(
          absl::StrCat(subject, " is not valid: ", check.ToStatus().message()));
    }
    state.owner = stored.owner();
    absl::MutexLock lock(&mutex_);
    credentials_[row.credential_id] =
        std::make_shared<const CredentialState>(std::move(state));
  }
  for (const membership::DestinationRow& row : catalog_->Destinations()) {
    v1::GetDestinationResponse stored;
    const std::string subject =
        absl::StrCat("stored destination ", row.ad_account_id);
    if (!stored.ParseFromString(row.config)) {
      return absl::DataLossError(absl::StrCat(subject, " cannot be read"));
    }
    absl::StatusOr<DestinationState> state =
        ResolveDestination(stored.destination());
    if (!state.ok()) {
      return absl::FailedPreconditionError(
          absl::StrCat(subject, " is not valid: ", state.status().message()));
    }
    state->owner = stored.owner();
    Enforce(row, *std::move(state));
  }
  return absl::OkStatus();
}

absl::Status Registry::BringIn(const v1::ConnectorConfig& file) {
  FieldCheck check;
  check.Append(CheckNames(file));

  std::vector<CredentialState> credentials;
  absl::flat_hash_set<std::string> known_credentials;
  for (int i = 0; i < file.credentials_size(); ++i) {
    CredentialState state = ResolveCredential(
        file.credentials(i), absl::StrCat("credentials[", i, "]"), &check);
    state.owner = v1::CONFIGURATION_OWNER_FILE;
    known_credentials.insert(state.credential_id);
    credentials.push_back(std::move(state));
  }
  for (const CredentialPtr& credential : Credentials()) {
    if (credential->owner == v1::CONFIGURATION_OWNER_API) {
      known_credentials.insert(credential->credential_id);
    }
  }

  std::vector<DestinationState> destinations;
  for (int i = 0; i < file.destinations_size(); ++i) {
    const v1::Destination& destination = file.destinations(i);
    const std::string field = absl::StrCat("destinations[", i, "]");
    const DestinationPtr stored = FindDestination(destination.ad_account_id());
    FieldCheck own;
    DestinationState state =
        ResolveChange(destination, stored ? &stored->config : nullptr,
                      /*drop_unnamed_mappings=*/false, field, &own);
    if (!known_credentials.contains(destination.credential_id())) {
      own.Add(absl::StrCat(field, ".credential_id"), kCredentialUnknown);
    }
    check.Append(own);
    state.owner = v1::CONFIGURATION_OWNER_FILE;
    destinations.push_back(std::move(state));
  }
  if (!check.ok()) return check.ToStatus();

  for (CredentialState& state : credentials) {
    if (auto put = Put(std::move(state)); !put.ok()) return put.status();
  }
  for (DestinationState& state : destinations) {
    if (auto put = Put(std::move(state)); !put.ok()) return put.status();
  }
  return absl::OkStatus();
}

absl::Status Registry::MarkAbsent(const v1::ConnectorConfig& file) {
  absl::flat_hash_set<absl::string_view> named;
  for (const v1::Destination& destination : file.destinations()) {
    named.insert(destination.ad_account_id());
  }
  for (const DestinationPtr& destination : Destinations()) {
    if (!IsFilesOwn(destination->owner) ||
        named.contains(destination->ad_account_id)) {
      continue;
    }
    DestinationState state = *destination;
    state.owner = v1::CONFIGURATION_OWNER_FILE_ABSENT;
    if (auto put = Put(std::move(state)); !put.ok()) return put.status();
  }
  named.clear();
  for (const v1::Credential& credential : file.credentials()) {
    named.insert(credential.credential_id());
  }
  for (const CredentialPtr& credential : Credentials()) {
    if (!IsFilesOwn(credential->owner) ||
        named.contains(credential->credential_id)) {
      continue;
    }
    CredentialState state = *credential;
    state.owner = v1::CONFIGURATION_OWNER_FILE_ABSENT;
    if (auto put = Put(std::move(state)); !put.ok()) return put.status();
  }
  return absl::OkStatus();
}

DestinationPtr Registry::Enforce(const membership::DestinationRow& row,
                                 DestinationState state) {
  state.number = row.number;
  state.history_id = row.history_id;
  state.paused =
      row.paused || state.owner == v1::CONFIGURATION_OWNER_FILE_ABSENT;
  auto shared = std::make_shared<const DestinationState>(std::move(state));
  absl::MutexLock lock(&mutex_);
  destinations_[shared->ad_account_id] = shared;
  destinations_by_number_[shared->number] = shared;
  return shared;
}

absl::StatusOr<DestinationPtr> Registry::Put(DestinationState state) {
  std::string config = Encode(state);
  const DestinationPtr stored = FindDestination(state.ad_account_id);
  if (stored != nullptr && Encode(*stored) == config) return stored;
  absl::StatusOr<membership::DestinationRow> row =
      catalog_->PutDestination(state.ad_account_id, config);
  if (!row.ok()) return row.status();
  ReachCrashPoint(CrashPoint::kConfigurationStored);
  return Enforce(*row, std::move(state));
}

absl::StatusOr<CredentialPtr> Registry::Put(CredentialState state) {
  std::string config = Encode(state);
  const CredentialPtr stored = FindCredential(state.credential_id);
  if (stored != nullptr && Encode(*stored) == config) return stored;
  if (absl::Status s = catalog_->PutCredential(state.credential_id, config);
      !s.ok()) {
    return s;
  }
  auto shared = std::make_shared<const CredentialState>(std::move(state));
  absl::MutexLock lock(&mutex_);
  credentials_[shared->credential_id] = shared;
  return shared;
}

DestinationPtr Registry::FindDestination(
    absl::string_view ad_account_id) const {
  absl::MutexLock lock(&mutex_);
  auto found = destinations_.find(ad_account_id);
  return found == destinations_.end() ? nullptr : found->second;
}

DestinationPtr Registry::FindDestination(
    membership::DestinationNumber number) const {
  absl::MutexLock lock(&mutex_);
  auto found = destinations_by_number_.find(number);
  return found == destinations_by_number_.end() ? nullptr : found->second;
}

CredentialPtr Registry::FindCredential(absl::string_view credential_id) const {
  absl::MutexLock lock(&mutex_);
  auto found = credentials_.find(credential_id);
  return found == credentials_.end() ? nullptr : found->second;
}

std::vector<DestinationPtr> Registry::Destinations() const {
  absl::MutexLock lock(&mutex_);
  std::vector<DestinationPtr> all;
  all.reserve(destinations_.size());
  for (const auto& [id, state] : destinations_) all.push_back(state);
  return all;
}

std::vector<CredentialPtr> Registry::Credentials() const {
  absl::MutexLock lock(&mutex_);
  std::vector<CredentialPtr> all;
  all.reserve(credentials_.size());
  for (const auto& [id, state] : credentials_) all.push_back(state);
  return all;
}

absl::StatusOr<DestinationPtr> Registry::ApplyDestination(
    const v1::Destination& destination, bool validate_only) {
  DestinationPtr result;
  {
    absl::MutexLock lock(&change_mutex_);
    const DestinationPtr stored = FindDestination(destination.ad_account_id());
    if (stored != nullptr && IsFilesOwn(stored->owner)) {
      return OwnedByFile(absl::StrCat("destinations/", stored->ad_account_id));
    }
    const std::string stored_etag = stored ? stored->config.etag() : "";
    const bool current_etag =
        !destination.etag().empty() && destination.etag() == stored_etag;
    FieldCheck check;
    DestinationState state = ResolveChange(
        destination, stored ? &stored->config : nullptr,
        /*drop_unnamed_mappings=*/current_etag, "destination", &check);
    if (!check.ok()) return check.ToStatus();
    state.owner = v1::CONFIGURATION_OWNER_API;
    if (!destination.etag().empty() && !current_etag &&
        state.config.etag() != stored_etag) {
      return EtagMismatch();
    }
    if (FindCredential(destination.credential_id()) == nullptr) {
      return FailedPrecondition(
          kCredentialNotFound, "destination.credential_id",
          absl::StrCat("destination.credential_id: ", kCredentialUnknown));
    }
    if (stored == nullptr &&
        Destinations().size() >=
            static_cast<size_t>(limits::kMaxDestinations)) {
      return TooMany("TOO_MANY_DESTINATIONS", "destinations",
                     limits::kMaxDestinations);
    }
    if (validate_only) {
      if (stored != nullptr) {
        state.number = stored->number;
        state.history_id = stored->history_id;
        state.paused = stored->paused;
      }
      return std::make_shared<const DestinationState>(std::move(state));
    }
    absl::StatusOr<DestinationPtr> put = Put(std::move(state));
    if (!put.ok()) return put.status();
    result = *std::move(put);
  }
  Notify();
  return result;
}

absl::StatusOr<CredentialPtr> Registry::ApplyCredential(
    const v1::Credential& credential, bool validate_only) {
  CredentialPtr result;
  {
    absl::MutexLock lock(&change_mutex_);
    const CredentialPtr stored = FindCredential(credential.credential_id());
    if (stored != nullptr && IsFilesOwn(stored->owner)) {
      return OwnedByFile(absl::StrCat("credentials/", stored->credential_id));
    }
    FieldCheck check;
    CredentialState state = ResolveCredential(credential, "credential", &check);
    for (const CredentialPtr& other : Credentials()) {
      // A refresh may end the life of the token it used.
      if (other->credential_id != state.credential_id &&
          credential.has_oauth() && other->config.has_oauth() &&
          other->config.oauth().refresh_token_file() ==
              credential.oauth().refresh_token_file()) {
        check.Add("credential.oauth.refresh_token_file",
                  "is already the file of another credential");
      }
    }
    if (!check.ok()) return check.ToStatus();
    const std::string stored_etag = stored ? stored->config.etag() : "";
    if (!credential.etag().empty() && credential.etag() != stored_etag &&
        state.config.etag() != stored_etag) {
      return EtagMismatch();
    }
    if (stored == nullptr &&
        Credentials().size() >= static_cast<size_t>(limits::kMaxCredentials)) {
      return TooMany("TOO_MANY_CREDENTIALS", "credentials",
                     limits::kMaxCredentials);
    }
    if (validate_only) {
      return std::make_shared<const CredentialState>(std::move(state));
    }
    absl::StatusOr<CredentialPtr> put = Put(std::move(state));
    if (!put.ok()) return put.status();
    result = *std::move(put);
  }
  Notify();
  return result;
}

absl::Status Registry::DeleteDestination(absl::string_view ad_account_id,
                                         absl::string_view etag) {
  {
    absl::MutexLock lock(&change_mutex_);
    const DestinationPtr stored = FindDestination(ad_account_id);
    if (stored == nullptr) return DestinationNotFound();
    if (IsFilesOwn(stored->owner)) {
      return OwnedByFile(absl::StrCat("destinations/", stored->ad_account_id));
    }
    if (!etag.empty() && etag != stored->config.etag()) return EtagMismatch();
    if (absl::Status s = catalog_->DeleteDestination(stored->number); !s.ok()) {
      return s;
    }
    absl::MutexLock map_lock(&mutex_);
    destinations_.erase(stored->ad_account_id);
    destinations_by_number_.erase(stored->number);
  }
  Notify();
  return absl::OkStatus();
}

absl::Status Registry::DeleteCredential(absl::string_view credential_id,
                                        absl::string_view etag) {
  {
    absl::MutexLock lock(&change_mutex_);
    const CredentialPtr stored = FindCredential(credential_id);
    if (stored == nullptr) {
      return MakeError(absl::StatusCode::kNotFound, kCredentialNotFound,
                       "there is no credential of this id");
    }
    if (IsFilesOwn(stored->owner)) {
      return OwnedByFile(absl::StrCat("credentials/", stored->credential_id));
    }
    if (!etag.empty() && etag != stored->config.etag()) return EtagMismatch();
    for (const DestinationPtr& destination : Destinations()) {
      if (destination->credential_id != stored->credential_id) continue;
      return FailedPrecondition(
          "CREDENTIAL_IN_USE",
          absl::StrCat("destinations/", destination->ad_account_id),
          "a destination is reached with this credential");
    }
    if (absl::Status s = catalog_->DeleteCredential(stored->credential_id);
        !s.ok()) {
      return s;
    }
    absl::MutexLock map_lock(&mutex_);
    credentials_.erase(stored->credential_id);
  }
  Notify();
  return absl::OkStatus();
}

absl::Status Registry::SetDestinationPaused(absl::string_view ad_account_id,
                                            bool paused) {
  {
    absl::MutexLock lock(&change_mutex_);
    const DestinationPtr stored = FindDestination(ad_account_id);
    if (stored == nullptr) return DestinationNotFound();
    if (absl::Status s = catalog_->SetDestinationPaused(stored->number, paused);
        !s.ok()) {
      return s;
    }
    membership::DestinationRow row;
    row.number = stored->number;
    row.history_id = stored->history_id;
    row.paused = paused;
    Enforce(row, *stored);
  }
  Notify();
  return absl::OkStatus();
}

void Registry::SetListener(std::function<void()> listener) {
  listener_ = std::move(listener);
}

void Registry::Notify() {
  if (listener_) listener_();
}

}  // namespace connector::config
