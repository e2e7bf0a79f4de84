// What `audiencectl explain` says becomes of a value is what intake makes of
// it.
#include <stdio.h>

#include <random>
#include <set>
#include <string>
#include <vector>

#include "absl/strings/strip.h"
#include "audience_sync/v1/destination_service.pb.h"
#include "connector/cli/command_test_base.h"
#include "connector/cli/exit_code.h"
#include "connector/config/destination_config.h"
#include "connector/config/fake_catalog.h"
#include "connector/ingest/batch_mapper.h"
#include "gtest/gtest.h"

namespace connector::cli {
namespace {

namespace v1 = audience_sync::v1;

constexpr char kAccount[] = "549755885175";

class ExplainAgreementTest : public CommandTestBase {
 protected:
  size_t Pick(size_t n) { return static_cast<size_t>(random() % n); }

  v1::IdentityMapping SomeMapping(const std::vector<std::string>& namespaces) {
    static const std::vector<v1::IdentityKind> kinds = {
        v1::IDENTITY_KIND_EMAIL, v1::IDENTITY_KIND_EMAIL_LC_SHA256,
        v1::IDENTITY_KIND_GAID, v1::IDENTITY_KIND_IDFA,
        v1::IDENTITY_KIND_PINTEREST_AUDIENCE};
    v1::IdentityMapping mapping;
    for (const std::string& name : namespaces) {
      if (Pick(2) == 0) continue;
      auto& row = *mapping.add_rows();
      row.set_source_namespace(name);
      row.set_kind(kinds[Pick(kinds.size())]);
    }
    return mapping;
  }

  // What intake makes of one member event: MAPPED, EXCLUDED or the reason.
  static std::string Intake(const config::DestinationState& destination,
                            const std::string& name, const std::string& value) {
    v1::ExportBatch batch;
    auto& profile = *batch.add_profile_exports();
    auto& identity = *profile.add_identities();
    identity.set_source_namespace(name);
    identity.set_value(value);
    auto& membership = *profile.add_segment_memberships();
    membership.mutable_segment()->set_segment_namespace("ups");
    membership.mutable_segment()->set_segment_id("s");
    membership.set_status(v1::MEMBERSHIP_STATUS_REALIZED);
    config::FakeCatalog catalog;
    const auto mapped =
        ingest::MapBatch(destination, batch, &catalog, ingest::MapOptions());
    if (!mapped.ok()) return std::string(mapped.status().message());
    const auto& counts = mapped->batch.segments.at(0).counts;
    if (counts.excluded > 0) return "EXCLUDED";
    if (counts.rejected == 0) return "MAPPED";
    const std::string& reason =
        v1::RejectionReason_Name(static_cast<v1::RejectionReason>(
            mapped->batch.rejections.at(0).reason));
    return std::string(absl::StripPrefix(reason, "REJECTION_REASON_"));
  }

  std::mt19937_64 random{20'261'122};
};

TEST_F(ExplainAgreementTest, SaysWhatIntakeDoes) {
  const std::vector<std::string> namespaces = {
      "Email", "GAID", "IDFA", "Mail", "CRM", "pinterest_audience"};
  const std::string digest(64, 'a');
  const std::vector<std::string> values = {
      "ada@example.com",
      " Ada@Example.COM ",
      "nobody",
      "null",
      "",
      "a,b@x.io",
      "0f0e0d0c-1111-4222-8333-444455556666",
      "0F0E0D0C-1111-4222-8333-444455556666",
      "00000000-0000-0000-0000-000000000000",
      digest,
      digest.substr(24),
      digest.substr(32),
      std::string(2000, 'x'),
      "\xff\xfe",
      "IDFA-viPAW",
      "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"};
  std::set<std::string> seen;
  int rounds = 0;
  while (rounds < 150) {
    v1::Destination proto;
    proto.set_ad_account_id(kAccount);
    proto.set_credential_id("main");
    if (Pick(5) > 0) {
      *proto.mutable_identity_mapping() = SomeMapping(namespaces);
    }
    for (size_t i = Pick(3); i > 0; --i) {
      *proto.add_former_identity_mappings() = SomeMapping(namespaces);
    }
    auto destination = config::ResolveDestination(proto);
    // A mapping may contradict itself.
    if (!destination.ok()) continue;
    ++rounds;
    destination->number = 1;
    v1::GetDestinationResponse response;
    *response.mutable_destination() = destination->config;
    fake_.Answer("GetDestination", response);
    for (int i = 0; i < 6; ++i) {
      const std::string& name = namespaces[Pick(namespaces.size())];
      std::string value = values[Pick(values.size())];
      const std::string expected = Intake(*destination, name, value);
      seen.insert(expected);
      std::string piped = value + "\n";
      in_ = fmemopen(piped.data(), piped.size(), "r");
      const Result result =
          Run({"explain", "-", "--namespace=" + name,
               std::string("--ad_account_id=") + kAccount, "--json"});
      fclose(in_);
      ASSERT_EQ(result.exit_code, kExitOk) << result.err;
      EXPECT_EQ(result.json().at("outcome"), expected)
          << name << " " << value << "\n"
          << destination->config.DebugString();
    }
  }
  // Each sort of answer came up.
  for (const char* outcome :
       {"MAPPED", "EXCLUDED", "EMAIL_MALFORMED", "EMPTY", "PLACEHOLDER",
        "DEVICE_ID_ZERO", "HASH_OF_NOTHING", "TOO_LONG", "CONTAINS_COMMA"}) {
    EXPECT_EQ(seen.count(outcome), 1u) << outcome;
  }
}

// The namespace that was mapped once is the case that is easy to get wrong.
TEST_F(ExplainAgreementTest, ARetiredNamespaceIsExcludedInBoth) {
  v1::Destination proto;
  proto.set_ad_account_id(kAccount);
  proto.set_credential_id("main");
  auto& row = *proto.mutable_identity_mapping()->add_rows();
  row.set_source_namespace("Email");
  row.set_kind(v1::IDENTITY_KIND_EMAIL);
  auto& former = *proto.add_former_identity_mappings()->add_rows();
  former.set_source_namespace("Mail");
  former.set_kind(v1::IDENTITY_KIND_EMAIL);
  auto destination = config::ResolveDestination(proto);
  ASSERT_TRUE(destination.ok()) << destination.status();
  destination->number = 1;
  v1::GetDestinationResponse response;
  *response.mutable_destination() = destination->config;
  fake_.Answer("GetDestination", response);
  for (const char* value : {"ada@example.com", "nobody"}) {
    EXPECT_EQ(Intake(*destination, "Mail", value), "EXCLUDED");
    const Result result =
        Run({"explain", value, "--namespace=Mail",
             std::string("--ad_account_id=") + kAccount, "--json"});
    EXPECT_EQ(result.json().at("outcome"), "EXCLUDED") << result.err;
  }
}

}  // namespace
}  // namespace connector::cli
