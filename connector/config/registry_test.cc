#include "connector/config/registry.h"

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "connector/base/error.h"
#include "connector/config/fake_catalog.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace connector::config {
namespace {

namespace v1 = audience_sync::v1;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

constexpr char kAccount[] = "549755885175";

v1::Credential MakeCredential(const std::string& id = "main") {
  v1::Credential credential;
  credential.set_credential_id(id);
  credential.set_access_token_file(id + ".token");
  return credential;
}

v1::Destination MakeDestination(const std::string& account = kAccount,
                                const std::string& credential = "main") {
  v1::Destination destination;
  destination.set_ad_account_id(account);
  destination.set_credential_id(credential);
  return destination;
}

v1::IdentityMapping OneRow(const std::string& name) {
  v1::IdentityMapping mapping;
  v1::MappingRow* row = mapping.add_rows();
  row->set_source_namespace(name);
  row->set_kind(v1::IDENTITY_KIND_EMAIL);
  return mapping;
}

v1::Destination Mapped(const std::string& name) {
  v1::Destination destination = MakeDestination();
  *destination.mutable_identity_mapping() = OneRow(name);
  return destination;
}

v1::ConnectorConfig File(std::vector<v1::Credential> credentials,
                         std::vector<v1::Destination> destinations) {
  v1::ConnectorConfig file;
  for (auto& c : credentials) *file.add_credentials() = c;
  for (auto& d : destinations) *file.add_destinations() = d;
  return file;
}

std::string Reason(const absl::Status& status) {
  return GetErrorDetail(status).reason;
}

std::vector<std::string> FormerNames(const DestinationState& state) {
  std::vector<std::string> names;
  for (const auto& mapping : state.config.former_identity_mappings()) {
    names.push_back(mapping.rows(0).source_namespace());
  }
  return names;
}

class RegistryTest : public ::testing::Test {
 protected:
  void Load(const v1::ConnectorConfig& file = {}) {
    auto loaded = Registry::Load(&catalog_, file);
    ASSERT_TRUE(loaded.ok()) << loaded.status();
    registry_ = *std::move(loaded);
  }

  void LoadWithCredential() {
    Load();
    ASSERT_TRUE(registry_->ApplyCredential(MakeCredential(), false).ok());
  }

  std::shared_ptr<const DestinationState> Apply(
      const v1::Destination& destination) {
    auto applied = registry_->ApplyDestination(destination, false);
    EXPECT_TRUE(applied.ok()) << applied.status();
    return applied.ok() ? *applied : nullptr;
  }

  FakeCatalog catalog_;
  std::unique_ptr<Registry> registry_;
};

TEST_F(RegistryTest, AppliedDestinationIsInForceAndSurvivesARestart) {
  LoadWithCredential();
  auto applied = Apply(MakeDestination());
  ASSERT_NE(applied, nullptr);
  EXPECT_NE(applied->number, 0u);
  EXPECT_EQ(applied->owner, v1::CONFIGURATION_OWNER_API);
  EXPECT_FALSE(applied->paused);
  EXPECT_EQ(registry_->FindDestination(kAccount), applied);
  EXPECT_EQ(registry_->FindDestination(applied->number), applied);

  Load();
  auto again = registry_->FindDestination(kAccount);
  ASSERT_NE(again, nullptr);
  EXPECT_EQ(again->number, applied->number);
  EXPECT_EQ(again->history_id, applied->history_id);
  EXPECT_EQ(again->config.etag(), applied->config.etag());
  EXPECT_EQ(again->owner, v1::CONFIGURATION_OWNER_API);
  ASSERT_NE(registry_->FindCredential("main"), nullptr);
  EXPECT_EQ(registry_->FindCredential("main")->token_name, "main.token");
}

TEST_F(RegistryTest, ARefreshTokenFileBelongsToOneCredential) {
  Load();
  v1::Credential first;
  first.set_credential_id("first");
  first.mutable_oauth()->set_app_id("1");
  first.mutable_oauth()->set_app_secret_file("app-secret");
  first.mutable_oauth()->set_refresh_token_file("token");
  ASSERT_TRUE(registry_->ApplyCredential(first, false).ok());
  EXPECT_EQ(registry_->FindCredential("first")->token_name, "login:first");
  EXPECT_TRUE(registry_->ApplyCredential(first, false).ok());
  v1::Credential second = first;
  second.set_credential_id("second");
  EXPECT_EQ(registry_->ApplyCredential(second, false).status().code(),
            absl::StatusCode::kInvalidArgument);
  second.mutable_oauth()->set_refresh_token_file("other-token");
  EXPECT_TRUE(registry_->ApplyCredential(second, false).ok());
  // So in a file.
  second.mutable_oauth()->set_refresh_token_file("token");
  EXPECT_FALSE(Registry::Load(&catalog_, File({first, second}, {})).ok());
}

TEST_F(RegistryTest, UnknownNamesAreNull) {
  Load();
  EXPECT_EQ(registry_->FindDestination("1"), nullptr);
  EXPECT_EQ(registry_->FindDestination(membership::DestinationNumber{1}),
            nullptr);
  EXPECT_EQ(registry_->FindCredential("x"), nullptr);
}

TEST_F(RegistryTest, ApplyingTheSameAgainWritesNothing) {
  LoadWithCredential();
  auto first = Apply(MakeDestination());
  const int writes = catalog_.writes();
  auto second = Apply(MakeDestination());
  EXPECT_EQ(first->config.etag(), second->config.etag());
  EXPECT_EQ(catalog_.writes(), writes);
  ASSERT_TRUE(registry_->ApplyCredential(MakeCredential(), false).ok());
  EXPECT_EQ(catalog_.writes(), writes);
}

TEST_F(RegistryTest, ValidateOnlyStoresNothing) {
  LoadWithCredential();
  const int writes = catalog_.writes();
  auto checked = registry_->ApplyDestination(MakeDestination(), true);
  ASSERT_TRUE(checked.ok());
  EXPECT_FALSE((*checked)->config.etag().empty());
  EXPECT_EQ(registry_->FindDestination(kAccount), nullptr);
  ASSERT_TRUE(registry_->ApplyCredential(MakeCredential("b"), true).ok());
  EXPECT_EQ(registry_->FindCredential("b"), nullptr);
  EXPECT_EQ(catalog_.writes(), writes);
}

TEST_F(RegistryTest, LostUpdateIsDetected) {
  LoadWithCredential();
  v1::Destination mine = Apply(MakeDestination())->config;
  v1::Destination theirs = mine;
  theirs.set_description("theirs");
  ASSERT_TRUE(registry_->ApplyDestination(theirs, false).ok());
  // The same change again, after a lost answer, is no conflict.
  EXPECT_TRUE(registry_->ApplyDestination(theirs, false).ok());
  mine.set_description("mine");
  auto refused = registry_->ApplyDestination(mine, false);
  EXPECT_EQ(refused.status().code(), absl::StatusCode::kAborted);
  EXPECT_EQ(Reason(refused.status()), "ETAG_MISMATCH");
  EXPECT_EQ(Reason(registry_->DeleteDestination(kAccount, mine.etag())),
            "ETAG_MISMATCH");

  v1::Credential credential = MakeCredential();
  credential.set_display_name("x");
  credential.set_etag("0123456789abcdef");
  EXPECT_EQ(Reason(registry_->ApplyCredential(credential, false).status()),
            "ETAG_MISMATCH");
}

TEST_F(RegistryTest, CredentialMustExistAndStayWhileInUse) {
  Load();
  auto refused = registry_->ApplyDestination(MakeDestination(), false);
  EXPECT_EQ(refused.status().code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(Reason(refused.status()), "CREDENTIAL_NOT_FOUND");
  EXPECT_THAT(std::string(refused.status().message()),
              HasSubstr("destination.credential_id"));

  ASSERT_TRUE(registry_->ApplyCredential(MakeCredential(), false).ok());
  Apply(MakeDestination());
  EXPECT_EQ(Reason(registry_->DeleteCredential("main", "")),
            "CREDENTIAL_IN_USE");
  ASSERT_TRUE(registry_->DeleteDestination(kAccount, "").ok());
  EXPECT_TRUE(registry_->DeleteCredential("main", "").ok());
  EXPECT_EQ(Reason(registry_->DeleteCredential("main", "")),
            "CREDENTIAL_NOT_FOUND");
  EXPECT_EQ(Reason(registry_->DeleteDestination(kAccount, "")),
            "DESTINATION_NOT_FOUND");
}

TEST_F(RegistryTest, ADeletedDestinationComesBackAsANewOne) {
  LoadWithCredential();
  auto first = Apply(MakeDestination());
  ASSERT_TRUE(registry_->DeleteDestination(kAccount, "").ok());
  EXPECT_EQ(registry_->FindDestination(first->number), nullptr);
  auto second = Apply(MakeDestination());
  EXPECT_NE(second->number, first->number);
  EXPECT_NE(second->history_id, first->history_id);
}

TEST_F(RegistryTest, ListNamePrefixCannotChange) {
  LoadWithCredential();
  Apply(MakeDestination());
  v1::Destination changed = MakeDestination();
  changed.mutable_segment_policy()->set_list_name_prefix("other");
  auto refused = registry_->ApplyDestination(changed, false);
  EXPECT_EQ(refused.status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(refused.status().message()),
              HasSubstr("destination.segment_policy.list_name_prefix"));
  changed.mutable_segment_policy()->set_list_name_prefix("cdp");
  EXPECT_TRUE(registry_->ApplyDestination(changed, false).ok());
}

TEST_F(RegistryTest, ReplacedMappingIsCarriedOn) {
  LoadWithCredential();
  Apply(Mapped("a"));
  auto state = Apply(Mapped("b"));
  EXPECT_THAT(FormerNames(*state), ElementsAre("a"));
  EXPECT_EQ(state->mapping->FindRow("a"), -1);
  EXPECT_GE(state->mapping->FindRetiredRow("a"), 0);
  state = Apply(Mapped("c"));
  EXPECT_THAT(FormerNames(*state), ElementsAre("b", "a"));
  // Applied again as it is in the file or in a script: nothing is lost.
  EXPECT_THAT(FormerNames(*Apply(Mapped("c"))), ElementsAre("b", "a"));
  // Back to an old one: it is no former one any more.
  EXPECT_THAT(FormerNames(*Apply(Mapped("a"))), ElementsAre("c", "b"));
  Load();
  EXPECT_THAT(FormerNames(*registry_->FindDestination(kAccount)),
              ElementsAre("c", "b"));
}

TEST_F(RegistryTest, ANamedFormerMappingDoesNotPushOutAStoredOne) {
  LoadWithCredential();
  Apply(Mapped("a"));
  v1::Destination change = Mapped("b");
  *change.add_former_identity_mappings() = OneRow("older");
  EXPECT_THAT(FormerNames(*Apply(change)), ElementsAre("a", "older"));
}

TEST_F(RegistryTest, TheSameMappingInOtherWordsIsNoChange) {
  LoadWithCredential();
  Apply(MakeDestination());
  v1::Destination spelled_out = registry_->FindDestination(kAccount)->config;
  spelled_out.clear_etag();
  auto* rows = spelled_out.mutable_identity_mapping()->mutable_rows();
  rows->SwapElements(0, 4);
  rows->at(1).set_source_namespace("EMAIL_lc_SHA256");
  EXPECT_THAT(FormerNames(*Apply(spelled_out)), ElementsAre());
}

TEST_F(RegistryTest, MoreFormerMappingsThanFitAreRefusedNotDropped) {
  LoadWithCredential();
  for (int i = 0; i <= 8; ++i) Apply(Mapped(absl::StrCat("n", i)));
  EXPECT_EQ(FormerNames(*registry_->FindDestination(kAccount)).size(), 8u);
  auto refused = registry_->ApplyDestination(Mapped("n9"), false);
  EXPECT_EQ(refused.status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(refused.status().message()),
              HasSubstr("destination.former_identity_mappings"));

  // With the etag the caller shows what it has seen, and may leave one out.
  v1::Destination change = registry_->FindDestination(kAccount)->config;
  *change.mutable_identity_mapping() = OneRow("n9");
  change.mutable_former_identity_mappings()->RemoveLast();
  EXPECT_THAT(FormerNames(*Apply(change)),
              ElementsAre("n8", "n7", "n6", "n5", "n4", "n3", "n2", "n1"));
}

TEST_F(RegistryTest, FileOwnsWhatItNames) {
  Load(File({MakeCredential()}, {MakeDestination()}));
  auto state = registry_->FindDestination(kAccount);
  ASSERT_NE(state, nullptr);
  EXPECT_EQ(state->owner, v1::CONFIGURATION_OWNER_FILE);
  EXPECT_EQ(registry_->FindCredential("main")->owner,
            v1::CONFIGURATION_OWNER_FILE);
  for (const absl::Status& status :
       {registry_->ApplyDestination(MakeDestination(), false).status(),
        registry_->DeleteDestination(kAccount, ""),
        registry_->ApplyCredential(MakeCredential(), false).status(),
        registry_->DeleteCredential("main", "")}) {
    EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
    EXPECT_EQ(Reason(status), "OWNED_BY_FILE");
  }
  const int writes = catalog_.writes();
  Load(File({MakeCredential()}, {MakeDestination()}));
  EXPECT_EQ(catalog_.writes(), writes);
}

TEST_F(RegistryTest, WhatLeftTheFileIsPausedAndComesBack) {
  Load(File({MakeCredential()}, {MakeDestination(), MakeDestination("2")}));
  const auto number = registry_->FindDestination(kAccount)->number;
  Load(File({MakeCredential()}, {MakeDestination("2")}));
  auto state = registry_->FindDestination(kAccount);
  ASSERT_NE(state, nullptr);
  EXPECT_EQ(state->owner, v1::CONFIGURATION_OWNER_FILE_ABSENT);
  EXPECT_TRUE(state->paused);
  EXPECT_FALSE(registry_->FindDestination("2")->paused);

  Load(File({MakeCredential()}, {MakeDestination(), MakeDestination("2")}));
  state = registry_->FindDestination(kAccount);
  EXPECT_EQ(state->owner, v1::CONFIGURATION_OWNER_FILE);
  EXPECT_FALSE(state->paused);
  EXPECT_EQ(state->number, number);

  // Without a file, the API may take both over.
  Load();
  EXPECT_EQ(registry_->FindCredential("main")->owner,
            v1::CONFIGURATION_OWNER_FILE_ABSENT);
  EXPECT_EQ(Apply(MakeDestination())->owner, v1::CONFIGURATION_OWNER_API);
  EXPECT_FALSE(registry_->FindDestination(kAccount)->paused);
}

TEST_F(RegistryTest, FileIsCheckedWholeBeforeAnythingIsStored) {
  v1::Destination bad = MakeDestination("2");
  bad.mutable_delivery_policy()->set_max_request_records(-1);
  auto loaded =
      Registry::Load(&catalog_, File({MakeCredential(), MakeCredential()},
                                     {MakeDestination(), bad, MakeDestination(),
                                      MakeDestination("3", "unknown")}));
  ASSERT_FALSE(loaded.ok());
  std::vector<std::string> fields;
  for (const auto& [field, rule] :
       GetErrorDetail(loaded.status()).field_violations) {
    fields.push_back(field);
  }
  EXPECT_THAT(fields,
              ElementsAre("credentials[1].credential_id",
                          "destinations[2].ad_account_id",
                          "destinations[1].delivery_policy.max_request_records",
                          "destinations[3].credential_id"));
  EXPECT_EQ(catalog_.writes(), 0);
}

TEST_F(RegistryTest, FileDestinationMayUseAStoredCredential) {
  LoadWithCredential();
  Load(File({}, {MakeDestination()}));
  EXPECT_NE(registry_->FindDestination(kAccount), nullptr);
}

TEST_F(RegistryTest, FileMustNotUseACredentialThatItDroppedItself) {
  Load(File({MakeCredential()}, {MakeDestination()}));
  auto loaded = Registry::Load(&catalog_, File({}, {MakeDestination()}));
  EXPECT_THAT(std::string(loaded.status().message()),
              HasSubstr("destinations[0].credential_id: names no credential"));
}

TEST_F(RegistryTest, FileMustNotChangeAPrefixOrCarryAnEtag) {
  Load(File({MakeCredential()}, {MakeDestination()}));
  v1::Destination changed = MakeDestination();
  changed.mutable_segment_policy()->set_list_name_prefix("other");
  changed.set_etag("x");
  auto loaded = Registry::Load(&catalog_, File({MakeCredential()}, {changed}));
  EXPECT_THAT(
      std::string(loaded.status().message()),
      ::testing::AllOf(
          HasSubstr("destinations[0].etag"),
          HasSubstr("destinations[0].segment_policy.list_name_prefix")));
}

TEST_F(RegistryTest, FileKeepsFormerMappingsOverRestarts) {
  Load(File({MakeCredential()}, {Mapped("a")}));
  Load(File({MakeCredential()}, {Mapped("b")}));
  Load(File({MakeCredential()}, {Mapped("b")}));
  EXPECT_THAT(FormerNames(*registry_->FindDestination(kAccount)),
              ElementsAre("a"));
}

TEST_F(RegistryTest, OperatorsPauseIsKept) {
  Load(File({MakeCredential()}, {MakeDestination()}));
  ASSERT_TRUE(registry_->SetDestinationPaused(kAccount, true).ok());
  EXPECT_TRUE(registry_->FindDestination(kAccount)->paused);
  Load(File({MakeCredential()}, {}));
  Load(File({MakeCredential()}, {MakeDestination()}));
  EXPECT_TRUE(registry_->FindDestination(kAccount)->paused);
  ASSERT_TRUE(registry_->SetDestinationPaused(kAccount, false).ok());
  EXPECT_FALSE(registry_->FindDestination(kAccount)->paused);
  EXPECT_EQ(Reason(registry_->SetDestinationPaused("1", true)),
            "DESTINATION_NOT_FOUND");
}

TEST_F(RegistryTest, ListenerMayReadTheRegistry) {
  Load();
  int calls = 0;
  registry_->SetListener([&] {
    ++calls;
    registry_->Destinations();
    registry_->Credentials();
  });
  ASSERT_TRUE(registry_->ApplyCredential(MakeCredential(), false).ok());
  Apply(MakeDestination());
  ASSERT_TRUE(registry_->SetDestinationPaused(kAccount, true).ok());
  ASSERT_TRUE(registry_->DeleteDestination(kAccount, "").ok());
  ASSERT_TRUE(registry_->DeleteCredential("main", "").ok());
  EXPECT_EQ(calls, 5);
}

TEST_F(RegistryTest, AFailedWriteChangesNothing) {
  LoadWithCredential();
  Apply(MakeDestination());
  catalog_.FailWith(absl::UnavailableError("disk"));
  v1::Destination changed = MakeDestination();
  changed.set_description("new");
  EXPECT_EQ(registry_->ApplyDestination(changed, false).status().code(),
            absl::StatusCode::kUnavailable);
  EXPECT_EQ(registry_->FindDestination(kAccount)->config.description(), "");
}

TEST_F(RegistryTest, UnreadableStoredConfigurationIsDataLoss) {
  ASSERT_TRUE(catalog_.PutDestination("1", "\xFF\xFF").ok());
  auto loaded = Registry::Load(&catalog_, {});
  EXPECT_EQ(loaded.status().code(), absl::StatusCode::kDataLoss);
}

TEST_F(RegistryTest, ListsAreOrderedById) {
  Load(File({MakeCredential("b"), MakeCredential("a")},
            {MakeDestination("2", "a"), MakeDestination("1", "b")}));
  EXPECT_EQ(registry_->Destinations()[0]->ad_account_id, "1");
  EXPECT_EQ(registry_->Credentials()[0]->credential_id, "a");
}

}  // namespace
}  // namespace connector::config
