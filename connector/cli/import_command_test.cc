// `audiencectl import` from its files to what the connector received.
#include <algorithm>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "connector/base/error.h"
#include "connector/cli/command_test_base.h"
#include "connector/cli/exit_code.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace connector::cli {
namespace {

using audience_sync::v1::GetDestinationResponse;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

class ImportCommandTest : public CommandTestBase {
 protected:
  Result Import(const std::vector<std::string>& more) {
    std::vector<std::string> arguments = {
        "import", "--ad_account_id=549755885175", "--state_dir", StateDir(),
        "--segment=ups/gold"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return Run(arguments);
  }

  // Everything that was sent, a line a profile:
  // "namespace=value … segment status time".
  std::vector<std::string> Sent() const {
    std::vector<std::string> lines;
    for (const auto& [id, stored] : fake_.exports()) {
      for (const auto& [number, batch] : stored.batches) {
        for (const auto& profile : batch.profile_exports()) {
          std::string line;
          for (const auto& identity : profile.identities()) {
            absl::StrAppend(
                &line,
                batch.source_namespaces(identity.source_namespace_index()), "=",
                identity.value(), " ");
          }
          for (const auto& membership : profile.segment_memberships()) {
            const auto& segment = batch.segments(membership.segment_index());
            absl::StrAppend(&line, segment.segment_namespace(), "/",
                            segment.segment_id(), " ", membership.status());
            if (segment.has_display_name()) {
              absl::StrAppend(&line, " ", segment.display_name());
            }
            if (membership.has_last_qualification_time()) {
              absl::StrAppend(&line, " at ",
                              membership.last_qualification_time().seconds());
            }
          }
          lines.push_back(line);
        }
      }
    }
    return lines;
  }
};

TEST_F(ImportCommandTest, OneColumnOfOneNamespace) {
  const std::string file = WriteFile(
      "a.csv", "\xEF\xBB\xBFone@example.com\r\n\r\n\"two@example.com\"\r\n");
  const Result result = Import({"--namespace=Email", file});
  EXPECT_EQ(result.exit_code, kExitOk) << result.err;
  EXPECT_THAT(Sent(), ElementsAre("Email=one@example.com ups/gold 1",
                                  "Email=two@example.com ups/gold 1"));
  EXPECT_EQ(StateFiles(), 0);
}

TEST_F(ImportCommandTest, NamedColumns) {
  const std::string file =
      WriteFile("a.csv",
                "Name;GAID;mail;what;when\n"
                "A;g-1;a@example.com;add;2024-03-02T10:00:00Z\n"
                "\"B;b\";;b@example.com;Remove;\n"
                "C;g-3;;existing;yesterday\n");
  const Result result =
      Import({"--columns=mail:Email,gaid:GAID", "--status_column=what",
              "--time_column=when", "--delimiter=;",
              "--segment_name=Gold members", "--json", file});
  EXPECT_EQ(result.exit_code, kExitOk) << result.err;
  EXPECT_THAT(
      Sent(),
      ElementsAre("Email=a@example.com GAID=g-1 ups/gold 1 Gold members at "
                  "1709373600",
                  "Email=b@example.com ups/gold 3 Gold members",
                  "GAID=g-3 ups/gold 2 Gold members"));
  EXPECT_EQ(result.json().at("unreadableTimes"), 1);
}

TEST_F(ImportCommandTest, ColumnsByNumberNeedNoHeader) {
  const std::string file =
      WriteFile("a.csv", "x\ta@example.com\ny\tb@example.com");
  EXPECT_EQ(
      Import({"--columns=2:Email", "--delimiter=tab", "--status=remove", file})
          .exit_code,
      kExitOk);
  EXPECT_THAT(Sent(), ElementsAre("Email=a@example.com ups/gold 3",
                                  "Email=b@example.com ups/gold 3"));
}

TEST_F(ImportCommandTest, AHeaderCanBePassedOver) {
  const std::string file = WriteFile("a.csv", "email\na@example.com\n");
  EXPECT_EQ(Import({"--namespace=Email", "--header=yes", file}).exit_code,
            kExitOk);
  EXPECT_THAT(Sent(), ElementsAre("Email=a@example.com ups/gold 1"));
}

TEST_F(ImportCommandTest, AListOfIdentifiers) {
  const std::string file = WriteFile(
      "a.txt", "a@example.com,b@example.com, ,c@example.com\nd@example.com,");
  EXPECT_EQ(Import({"--namespace=Email", "--format=list", file}).exit_code,
            kExitOk);
  EXPECT_THAT(Sent(), ElementsAre("Email=a@example.com ups/gold 1",
                                  "Email=b@example.com ups/gold 1",
                                  "Email=c@example.com ups/gold 1",
                                  "Email=d@example.com ups/gold 1"));
}

TEST_F(ImportCommandTest, JsonLinesAreTold) {
  const std::string file = WriteFile(
      "a", Lines(1) + "{\"identityMap\":{\"GAID\":[{\"id\":\"g-1\"}]}}\n");
  EXPECT_EQ(Import({file}).exit_code, kExitOk);
  EXPECT_THAT(Sent(), ElementsAre("Email=person0@example.com ups/s-1 1",
                                  "GAID=g-1 ups/gold 1"));
  // A device id in braces is no object.
  const std::string csv = WriteFile("b", "{0F0E0D0C}\n");
  EXPECT_EQ(Import({"--namespace=IDFA", csv}).exit_code, kExitOk);
  EXPECT_EQ(Sent().size(), 3u);
}

TEST_F(ImportCommandTest, BadLinesAreNamedCountedAndLimited) {
  std::string content = "mail,what\n";
  for (int i = 0; i < 5; ++i) absl::StrAppend(&content, "secret@x.org,maybe\n");
  absl::StrAppend(&content, "a@example.com,add\n,add\nsecret,a,dd\n\"secret\n");
  const std::string file = WriteFile("a.csv", content);
  const std::vector<std::string> flags = {
      "--columns=mail:Email", "--status_column=what", "--json", file};
  std::vector<std::string> few = flags;
  few.push_back("--max_errors=4");
  const Result stopped = Import(few);
  EXPECT_EQ(stopped.exit_code, kExitBadInput);
  EXPECT_THAT(stopped.err, HasSubstr("a.csv:2: its status"));
  EXPECT_THAT(stopped.err, HasSubstr("5 bad lines"));
  EXPECT_TRUE(Sent().empty());

  const Result passed = Import(flags);
  EXPECT_EQ(passed.exit_code, kExitOk) << passed.err;
  EXPECT_THAT(Sent(), ElementsAre("Email=a@example.com ups/gold 1"));
  EXPECT_EQ(passed.json().at("badLines"), 8);
  EXPECT_THAT(passed.err, HasSubstr("a.csv:8: has no identifier"));
  EXPECT_THAT(passed.err, HasSubstr("a.csv:9: has 3 columns"));
  EXPECT_THAT(passed.err, HasSubstr("a.csv:10: a quoted field"));
  for (const Result& result : {stopped, passed}) {
    EXPECT_THAT(result.err, Not(HasSubstr("secret")));
    EXPECT_THAT(result.out, Not(HasSubstr("secret")));
  }
}

TEST_F(ImportCommandTest, WhatIsMissingIsSaid) {
  const std::string file = WriteFile("a.csv", "secret@example.com,x\n");
  const auto fails = [&](const std::vector<std::string>& flags, int exit_code,
                         const std::string& says) {
    std::vector<std::string> all = flags;
    all.push_back(file);
    const Result result = Import(all);
    EXPECT_EQ(result.exit_code, exit_code) << says;
    EXPECT_THAT(result.err, HasSubstr(says));
    EXPECT_THAT(result.err, Not(HasSubstr("secret")));
  };
  fails({"--columns=mail:Email"}, kExitBadInput, "has no column mail");
  fails({"--columns=3:Email"}, kExitBadInput, "has no column 3");
  fails({"--namespace=Email"}, kExitBadInput, "has 2 columns");
  fails({}, kExitBadInput, "--namespace or --columns");
  fails({"--namespace=Email", "--segment="}, kExitBadInput, "--segment must");
  fails({"--columns=1:Email", "--namespace=Email"}, kExitUsage, "exclude");
  fails({"--columns=Email"}, kExitUsage, "COLUMN:NAMESPACE");
  fails({"--namespace=Email", "--delimiter=ab"}, kExitUsage, "--delimiter");
  fails({"--namespace=Email", "--status=perhaps"}, kExitUsage, "--status");
  fails({"--namespace=Email", "--format=xls"}, kExitUsage, "--format");
  fails({"--namespace=Email", "--header=perhaps"}, kExitUsage, "--header");
  fails({"--namespace=Email", "--segment=gold"}, kExitUsage, "--segment");
  fails({"--namespace=Email", "--offline"}, kExitUsage, "--dry_run");
  EXPECT_TRUE(Sent().empty());
}

TEST_F(ImportCommandTest, ACutOffRunIsTakenUpAgain) {
  std::string content;
  for (int i = 0; i < 40; ++i) {
    absl::StrAppend(&content, "person", i, "@example.com\n");
  }
  const std::string file = WriteFile("a.csv", content);
  const std::vector<std::string> flags = {"--namespace=Email",
                                          "--batch_profiles=10", file};
  fake_.Change([](FakeBehavior& b) { b.break_at_batch = {3}; });
  on_sleep_ = [this] { fake_.Change([](FakeBehavior& b) { b.away = true; }); };
  EXPECT_NE(Import(flags).exit_code, kExitOk);
  EXPECT_EQ(StateFiles(), 1);
  on_sleep_ = nullptr;
  fake_.Change([](FakeBehavior& b) { b.away = false; });

  // Another mapping of the same content is another export.
  const Result again = Import(flags);
  EXPECT_EQ(again.exit_code, kExitOk) << again.err;
  EXPECT_THAT(again.err, HasSubstr("taking up the unfinished export"));
  EXPECT_EQ(Received().size(), 40u);
  EXPECT_EQ(fake_.exports().size(), 1u);
  EXPECT_EQ(StateFiles(), 0);
}

TEST_F(ImportCommandTest, AFullSyncToleratesNoBadLine) {
  const std::string file =
      WriteFile("a.csv", "a@example.com\n\"secret\nb@example.com\n");
  const std::vector<std::string> flags = {"--namespace=Email",
                                          "--full_sync=ups/gold", file};
  const Result result = Import(flags);
  EXPECT_EQ(result.exit_code, kExitBadInput) << result.err;
  EXPECT_THAT(result.err, HasSubstr("a.csv:2: a quoted field"));
  EXPECT_TRUE(Sent().empty());
}

TEST_F(ImportCommandTest, AFullSyncIsOfTheSegmentOfTheFile) {
  const std::string file = WriteFile("a.csv", "a@example.com\n");
  EXPECT_EQ(
      Import({"--namespace=Email", "--full_sync=ups/golf", file}).exit_code,
      kExitUsage);
  EXPECT_EQ(Import({"--namespace=Email", "--full_sync=ups/gold",
                    "--status=remove", file})
                .exit_code,
            kExitUsage);
  EXPECT_TRUE(Sent().empty());
}

TEST_F(ImportCommandTest, ADryRunCountsAndSendsNothing) {
  GetDestinationResponse destination;
  destination.mutable_destination()->set_ad_account_id("549755885175");
  destination.mutable_destination()->set_credential_id("main");
  auto& row = *destination.mutable_destination()
                   ->mutable_identity_mapping()
                   ->add_rows();
  row.set_source_namespace("CRM_Mail");
  row.set_kind(audience_sync::v1::IDENTITY_KIND_EMAIL);
  fake_.Answer("GetDestination", destination);
  const std::string file =
      WriteFile("a.csv",
                "mail,gaid,what\na@example.com,g-1,add\nsecret,,remove\n"
                "b@example.com,,remove\nnull,,add\n,,add\n");
  const std::vector<std::string> flags = {"--columns=mail:CRM_Mail,gaid:GAID",
                                          "--status_column=what", "--dry-run",
                                          file};
  std::vector<std::string> json_flags = flags;
  json_flags.push_back("--json");
  const Result result = Import(json_flags);
  EXPECT_EQ(result.exit_code, kExitOk) << result.err;
  const auto json = result.json();
  EXPECT_EQ(json.at("profiles"), 4);
  EXPECT_EQ(json.at("badLines"), 1);
  const auto& mail = json.at("namespaces").at(0);
  EXPECT_EQ(mail.at("namespace"), "CRM_Mail");
  EXPECT_EQ(mail.at("kind"), "EMAIL");
  EXPECT_EQ(mail.at("sent"), 2);
  EXPECT_EQ(mail.at("rejected"), 2);
  EXPECT_EQ(mail.at("byReason").at("EMAIL_MALFORMED"), 1);
  EXPECT_EQ(mail.at("byReason").at("PLACEHOLDER"), 1);
  EXPECT_EQ(json.at("namespaces").at(1).at("excluded"), 1);
  EXPECT_EQ(json.at("segments").at(0).at("additions"), 1);
  EXPECT_EQ(json.at("segments").at(0).at("removals"), 1);
  EXPECT_EQ(fake_.opens(), 0);

  const Result text = Import(flags);
  EXPECT_THAT(text.out, HasSubstr("nothing is sent"));
  EXPECT_THAT(text.out, HasSubstr("EMAIL_MALFORMED"));
  EXPECT_THAT(text.out + text.err, Not(HasSubstr("secret")));
  EXPECT_THAT(text.out, Not(HasSubstr("example.com")));
}

TEST_F(ImportCommandTest, ADryRunOfflineNeedsNoServer) {
  fake_.Change([](FakeBehavior& b) { b.away = true; });
  const std::string file = WriteFile("a.csv", "a@example.com\nb\n");
  const Result result =
      Run({"import", "--dry_run", "--offline", "--segment=ups/gold",
           "--namespace=Email", "--json", file});
  EXPECT_EQ(result.exit_code, kExitOk) << result.err;
  EXPECT_EQ(result.json().at("namespaces").at(0).at("sent"), 1);
  EXPECT_EQ(result.json().at("namespaces").at(0).at("rejected"), 1);
}

}  // namespace
}  // namespace connector::cli
