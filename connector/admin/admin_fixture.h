#ifndef CONNECTOR_ADMIN_ADMIN_FIXTURE_H_
#define CONNECTOR_ADMIN_ADMIN_FIXTURE_H_

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "connector/admin/context.h"
#include "connector/admin/fake_store.h"
#include "connector/base/fake_clock.h"
#include "connector/config/registry.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace connector::admin {

// Delivery whose conditions a test sets, and that counts what it was asked for.
class FakeDelivery final : public delivery::DeliveryControl {
 public:
  using Condition = delivery::DeliveryCondition;

  Condition ListCondition(membership::ListNumber list) override {
    return lists[list];
  }
  Condition DestinationCondition(
      membership::DestinationNumber destination) override {
    return destinations[destination];
  }
  Condition CredentialCondition(absl::string_view credential_id) override {
    return credentials[std::string(credential_id)];
  }
  void Flush(membership::DestinationNumber destination) override {
    flushed.push_back(destination);
  }
  void Retry(membership::DestinationNumber destination) override {
    retried.push_back(destination);
  }
  absl::StatusOr<delivery::ListPreview> Preview(
      membership::ListNumber list) override {
    return previews[list];
  }

  static Condition Blocked(absl::string_view why) {
    Condition condition;
    condition.state = Condition::State::kBlocked;
    condition.reason = MakeError(absl::StatusCode::kFailedPrecondition,
                                 "PINTEREST_FORBIDDEN", why);
    return condition;
  }
  static Condition Retrying(absl::string_view why) {
    Condition condition;
    condition.state = Condition::State::kRetrying;
    condition.reason =
        MakeError(absl::StatusCode::kUnavailable, "PINTEREST_RETRYABLE", why);
    return condition;
  }

  std::map<membership::ListNumber, Condition> lists;
  std::map<membership::ListNumber, delivery::ListPreview> previews;
  std::map<membership::DestinationNumber, Condition> destinations;
  std::map<std::string, Condition> credentials;
  std::vector<membership::DestinationNumber> flushed;
  std::vector<membership::DestinationNumber> retried;
};

// A Pinterest that answers what a test sets.
class FakeClient final : public pinterest::CustomerListClient {
 public:
  pinterest::ApiResult<pinterest::CustomerList> Create(
      absl::string_view, absl::string_view, absl::string_view,
      absl::Span<const identity_mapping::RecordView>) override {
    return pinterest::ApiError();
  }
  pinterest::ApiResult<pinterest::CustomerList> Update(
      absl::string_view, absl::string_view, pinterest::Operation,
      absl::Span<const identity_mapping::RecordView>) override {
    return pinterest::ApiError();
  }
  pinterest::ApiResult<pinterest::CustomerList> Get(
      absl::string_view, absl::string_view) override {
    return pinterest::ApiError();
  }
  pinterest::ApiResult<pinterest::CustomerListPage> List(
      absl::string_view ad_account_id, absl::string_view, int page_size,
      bool) override {
    calls.push_back(
        absl::StrCat("lists of ", ad_account_id, " by ", page_size));
    if (lists_error.has_value()) return *lists_error;
    return pinterest::CustomerListPage();
  }
  pinterest::ApiResult<pinterest::AdAccount> GetAdAccount(
      absl::string_view ad_account_id) override {
    calls.push_back(absl::StrCat("account ", ad_account_id));
    if (account_error.has_value()) return *account_error;
    return pinterest::AdAccount();
  }

  std::vector<std::string> calls;
  std::optional<pinterest::ApiError> account_error;
  std::optional<pinterest::ApiError> lists_error;
};

class FakeClients final : public pinterest::ClientProvider {
 public:
  absl::StatusOr<std::shared_ptr<pinterest::CustomerListClient>> ClientFor(
      absl::string_view access_token_file) override {
    files.push_back(std::string(access_token_file));
    return client;
  }

  std::shared_ptr<FakeClient> client = std::make_shared<FakeClient>();
  std::vector<std::string> files;
};

inline constexpr char kAdAccount[] = "549755885175";

// One credential, one destination, fakes all around.
class AdminFixture : public testing::Test {
 protected:
  AdminFixture() {
    auto registry = config::Registry::Load(&store_, {});
    EXPECT_TRUE(registry.ok()) << registry.status();
    registry_ = *std::move(registry);

    audience_sync::v1::Credential credential;
    credential.set_credential_id("main");
    credential.set_access_token_file("main.token");
    EXPECT_TRUE(registry_->ApplyCredential(credential, false).ok());
    destination_ = Apply(kAdAccount);

    context_.registry = registry_.get();
    context_.catalog = &store_;
    context_.intake = &store_;
    context_.ledger = &store_;
    context_.journal = &store_;
    context_.audiences = &store_;
    context_.counters = &store_;
    context_.delivery = &delivery_;
    context_.clients = &clients_;
    context_.clock = &clock_;
    context_.check_token = [this](absl::string_view file) {
      return file == "main.token" ? token_status_
                                  : absl::NotFoundError("no such file");
    };
    context_.login_state = [this](absl::string_view credential_id) {
      return credential_id == "main" ? login_state_ : std::nullopt;
    };
    context_.on_segment_changed = [this] { ++segment_changes_; };
  }

  static audience_sync::v1::Destination Config(
      const std::string& ad_account_id) {
    audience_sync::v1::Destination destination;
    destination.set_ad_account_id(ad_account_id);
    destination.set_display_name("Shop");
    destination.set_credential_id("main");
    return destination;
  }

  std::shared_ptr<const config::DestinationState> Apply(
      const std::string& ad_account_id) {
    auto applied = registry_->ApplyDestination(Config(ad_account_id), false);
    EXPECT_TRUE(applied.ok()) << applied.status();
    return *applied;
  }

  membership::SegmentRow AddSegment(const std::string& id) {
    return *store_.EnsureSegment(destination_->number, "ups", id, "", 250);
  }

  // As configured now.
  std::shared_ptr<const config::DestinationState> Destination() {
    return registry_->FindDestination(absl::string_view(kAdAccount));
  }

  FakeClock clock_;
  FakeStore store_;
  FakeDelivery delivery_;
  FakeClients clients_;
  std::unique_ptr<config::Registry> registry_;
  std::shared_ptr<const config::DestinationState> destination_;
  absl::Status token_status_;
  std::optional<pinterest::OAuthState> login_state_;
  int segment_changes_ = 0;
  AdminContext context_;
};

}  // namespace connector::admin

#endif  // CONNECTOR_ADMIN_ADMIN_FIXTURE_H_
