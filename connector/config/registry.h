#ifndef CONNECTOR_CONFIG_REGISTRY_H_
#define CONNECTOR_CONFIG_REGISTRY_H_

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/container/btree_map.h"
#include "absl/container/flat_hash_map.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/synchronization/mutex.h"
#include "audience_sync/v1/destination.pb.h"
#include "connector/config/credential_config.h"
#include "connector/config/destination_config.h"
#include "connector/membership/catalog.h"
#include "connector/membership/types.h"

namespace connector::config {

// The configuration in force, kept in the store. Thread-safe; reading takes a
// short lock and no I/O.
//
// Stored form (DestinationRow.config, CredentialRow.config): the serialized
// GetDestinationResponse or CredentialStatus of the API, that is, the
// configuration and who owns it.
class Registry {
 public:
  // Loads what is stored, then brings in the file's configuration (an empty one
  // if there is no file): what it names belongs to it, what it named before and
  // no longer does is paused. The whole file is checked before anything is
  // stored. `catalog` must outlive the registry.
  static absl::StatusOr<std::unique_ptr<Registry>> Load(
      membership::Catalog* catalog,
      const audience_sync::v1::ConnectorConfig& file);

  // nullptr if there is none.
  std::shared_ptr<const DestinationState> FindDestination(
      absl::string_view ad_account_id) const;
  std::shared_ptr<const DestinationState> FindDestination(
      membership::DestinationNumber number) const;
  std::shared_ptr<const CredentialState> FindCredential(
      absl::string_view credential_id) const;
  // Ordered by id.
  std::vector<std::shared_ptr<const DestinationState>> Destinations() const;
  std::vector<std::shared_ptr<const CredentialState>> Credentials() const;

  // Errors as the API's (destination_service.proto), and RESOURCE_EXHAUSTED
  // TOO_MANY_DESTINATIONS, TOO_MANY_CREDENTIALS.
  //
  // A destination's former mappings are kept even if `destination` does not
  // name them: the mapping it replaces always, the others unless its etag shows
  // that the caller has seen them. An apply that would change nothing succeeds
  // whatever its etag, so that one whose answer was lost can be sent again.
  absl::StatusOr<std::shared_ptr<const DestinationState>> ApplyDestination(
      const audience_sync::v1::Destination& destination, bool validate_only);
  absl::StatusOr<std::shared_ptr<const CredentialState>> ApplyCredential(
      const audience_sync::v1::Credential& credential, bool validate_only);
  // Whether changes wait is the caller's to check.
  absl::Status DeleteDestination(absl::string_view ad_account_id,
                                 absl::string_view etag);
  absl::Status DeleteCredential(absl::string_view credential_id,
                                absl::string_view etag);
  absl::Status SetDestinationPaused(absl::string_view ad_account_id,
                                    bool paused);

  // Called after every change, with no lock held. Set before the first change.
  void SetListener(std::function<void()> listener);

 private:
  explicit Registry(membership::Catalog* catalog) : catalog_(catalog) {}

  absl::Status LoadStored() ABSL_EXCLUSIVE_LOCKS_REQUIRED(change_mutex_);
  absl::Status BringIn(const audience_sync::v1::ConnectorConfig& file)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(change_mutex_);
  // What the file named before and no longer does.
  absl::Status MarkAbsent(const audience_sync::v1::ConnectorConfig& file)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(change_mutex_);
  // Store, unless nothing changes, and put in force.
  absl::StatusOr<std::shared_ptr<const DestinationState>> Put(
      DestinationState state) ABSL_EXCLUSIVE_LOCKS_REQUIRED(change_mutex_);
  absl::StatusOr<std::shared_ptr<const CredentialState>> Put(
      CredentialState state) ABSL_EXCLUSIVE_LOCKS_REQUIRED(change_mutex_);
  // Takes the facts that only the stored row has and puts the state in force.
  std::shared_ptr<const DestinationState> Enforce(
      const membership::DestinationRow& row, DestinationState state)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(change_mutex_);

  void Notify();

  membership::Catalog* const catalog_;
  std::function<void()> listener_;
  // Held over a whole change, so that changes are stored one after another.
  absl::Mutex change_mutex_ ABSL_ACQUIRED_BEFORE(mutex_);
  mutable absl::Mutex mutex_;
  absl::btree_map<std::string, std::shared_ptr<const DestinationState>>
      destinations_ ABSL_GUARDED_BY(mutex_);
  absl::flat_hash_map<membership::DestinationNumber,
                      std::shared_ptr<const DestinationState>>
      destinations_by_number_ ABSL_GUARDED_BY(mutex_);
  absl::btree_map<std::string, std::shared_ptr<const CredentialState>>
      credentials_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace connector::config

#endif  // CONNECTOR_CONFIG_REGISTRY_H_
