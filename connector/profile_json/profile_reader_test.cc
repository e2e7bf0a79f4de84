#include "connector/profile_json/profile_reader.h"

#include <random>
#include <string>

#include "gtest/gtest.h"

namespace connector::profile_json {
namespace {

using audience_sync::v1::MEMBERSHIP_STATUS_EXISTING;
using audience_sync::v1::MEMBERSHIP_STATUS_EXITED;
using audience_sync::v1::MEMBERSHIP_STATUS_REALIZED;
using audience_sync::v1::MEMBERSHIP_STATUS_UNSPECIFIED;

// Keeps a line with the padding that the reader wants.
class Reading {
 public:
  explicit Reading(const std::string& key_field = "") : reader_(key_field) {}

  absl::StatusOr<const ParsedProfile*> Read(const std::string& line) {
    buffer_ = line + std::string(kJsonPadding, '\n');
    return reader_.Read(absl::string_view(buffer_).substr(0, line.size()));
  }

  std::string Error(const std::string& line) {
    return std::string(Read(line).status().message());
  }

 private:
  ProfileReader reader_;
  std::string buffer_;
};

TEST(ProfileReaderTest, ReadsAProfileKeyedBySourceNamespaces) {
  Reading reading;
  const auto profile = reading.Read(R"({
    "personalEmail": {"address": "Ada.Test@example.com"},
    "segmentMembership": {"ups": {
      "s-1": {"lastQualificationTime": "2024-03-02T10:00:00Z",
              "status": "realized", "name": "Spring", "version": "1"},
      "s-2": {"lastQualificationTime": "2024-02-01T08:30:00Z",
              "status": "exited"}}},
    "identityMap": {
      "Email": [{"id": "ada@example.com", "primary": true},
                {"id": "ada.second@example.com"}],
      "gaid": [{"id": "0f0e0d0c-1111-4222-8333-444455556666",
                "authenticatedState": "ambiguous"}]}
  })");
  ASSERT_TRUE(profile.ok()) << profile.status();
  const ParsedProfile& p = **profile;
  ASSERT_EQ(p.identities.size(), 3u);
  EXPECT_EQ(p.identities[0].source_namespace, "Email");
  EXPECT_EQ(p.identities[0].value, "ada@example.com");
  EXPECT_EQ(p.identities[1].value, "ada.second@example.com");
  EXPECT_EQ(p.identities[2].source_namespace, "gaid");
  ASSERT_EQ(p.memberships.size(), 2u);
  EXPECT_EQ(p.memberships[0].segment_namespace, "ups");
  EXPECT_EQ(p.memberships[0].segment_id, "s-1");
  EXPECT_EQ(p.memberships[0].segment_name, "Spring");
  EXPECT_EQ(p.memberships[0].status, MEMBERSHIP_STATUS_REALIZED);
  EXPECT_EQ(p.memberships[0].last_qualification_time->seconds, 1709373600);
  EXPECT_EQ(p.memberships[1].status, MEMBERSHIP_STATUS_EXITED);
  EXPECT_FALSE(p.profile_key.has_value());
}

TEST(ProfileReaderTest, ReadsAProfileKeyedByTheTargetIdentity) {
  Reading reading;
  const auto profile = reading.Read(
      R"({"identityMap":{"pinterest_audience":[{"id":"a@example.com"},{"id":"b"}]},)"
      R"("attributes":{"x":{"value":1}},"segmentMembership":{"ups":{"s":{"status":"existing"}}}})");
  ASSERT_TRUE(profile.ok());
  ASSERT_EQ((*profile)->identities.size(), 2u);
  EXPECT_EQ((*profile)->identities[1].source_namespace, "pinterest_audience");
  EXPECT_EQ((*profile)->memberships[0].status, MEMBERSHIP_STATUS_EXISTING);
}

TEST(ProfileReaderTest, StatusesCompareWithoutRegardToCase) {
  Reading reading;
  const auto profile = reading.Read(
      R"({"segmentMembership":{"ups":{"1":{"status":"Realized"},"2":{"status":"EXITED"},
      "3":{"status":"exiting"},"4":{},"5":{"status":null}}}})");
  ASSERT_TRUE(profile.ok()) << profile.status();
  const auto& memberships = (*profile)->memberships;
  ASSERT_EQ(memberships.size(), 5u);
  EXPECT_EQ(memberships[0].status, MEMBERSHIP_STATUS_REALIZED);
  EXPECT_EQ(memberships[1].status, MEMBERSHIP_STATUS_EXITED);
  // The server rejects and counts these; nothing is dropped on the way.
  EXPECT_EQ(memberships[2].status, MEMBERSHIP_STATUS_UNSPECIFIED);
  EXPECT_EQ(memberships[3].status, MEMBERSHIP_STATUS_UNSPECIFIED);
  EXPECT_EQ(memberships[4].status, MEMBERSHIP_STATUS_UNSPECIFIED);
}

TEST(ProfileReaderTest, AnExitIsNotLostOverAnOddTime) {
  Reading reading;
  const auto profile = reading.Read(
      R"({"segmentMembership":{"ups":{"1":{"status":"exited","lastQualificationTime":"yesterday"},
      "2":{"status":"exited","lastQualificationTime":1709373600000},
      "3":{"status":"exited","lastQualificationTime":null}}}})");
  ASSERT_TRUE(profile.ok());
  EXPECT_EQ((*profile)->unreadable_times, 2);
  for (const auto& membership : (*profile)->memberships) {
    EXPECT_EQ(membership.status, MEMBERSHIP_STATUS_EXITED);
    EXPECT_FALSE(membership.last_qualification_time.has_value());
  }
}

TEST(ProfileReaderTest, AnIdentityWithoutIdIsKeptForTheServerToReject) {
  Reading reading;
  const auto profile = reading.Read(
      R"({"identityMap":{"Email":[{},{"id":null},{"id":""},{"id":"a@example.com"}],"GAID":null}})");
  ASSERT_TRUE(profile.ok());
  ASSERT_EQ((*profile)->identities.size(), 4u);
  EXPECT_EQ((*profile)->identities[1].value, "");
  EXPECT_EQ((*profile)->identities[3].value, "a@example.com");
}

TEST(ProfileReaderTest, WhatIsWrongWithOneIsKeptForTheServerToReject) {
  Reading reading;
  const auto profile = reading.Read(
      R"({"identityMap":{"Email":[{"id":17},"x",null,{"id":"a@example.com"}]},
      "segmentMembership":{"ups":{"1":{"status":17},"2":null,"3":"realized",
      "4":{"status":"exited"}}}})");
  ASSERT_TRUE(profile.ok()) << profile.status();
  ASSERT_EQ((*profile)->identities.size(), 4u);
  for (int i = 0; i < 3; ++i) EXPECT_EQ((*profile)->identities[i].value, "");
  EXPECT_EQ((*profile)->identities[3].value, "a@example.com");
  ASSERT_EQ((*profile)->memberships.size(), 4u);
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ((*profile)->memberships[i].status, MEMBERSHIP_STATUS_UNSPECIFIED);
  }
  EXPECT_EQ((*profile)->memberships[3].status, MEMBERSHIP_STATUS_EXITED);
}

TEST(ProfileReaderTest, EscapedAndZeroBytesSurvive) {
  Reading reading;
  const auto profile = reading.Read(
      "{\"identityMap\":{\"Em\\u0061il\":[{\"id\":\"\\u00fc\\u0000b\\\"\"}]}}");
  ASSERT_TRUE(profile.ok());
  EXPECT_EQ((*profile)->identities[0].source_namespace, "Email");
  EXPECT_EQ((*profile)->identities[0].value,
            absl::string_view("\xC3\xBC\0b\"", 5));
}

TEST(ProfileReaderTest, BrokenLinesNameTheRuleAndNeverTheContent) {
  Reading reading("key");
  struct Case {
    const char* line;
    const char* rule;
  };
  for (const Case& c : {
           Case{"canary@example.com", "is not JSON"},
           Case{R"({"identityMap":{"Email":[{"id":"canary@example.com"}]})",
                "is not JSON"},
           Case{R"({"identityMap":{}} canary)", "is not JSON"},
           Case{"{\"identityMap\":{\"canary\xFF\":[]}}", "is not UTF-8"},
           Case{R"(["canary"])", "is not a JSON object"},
           Case{R"("canary")", "is not a JSON object"},
           Case{R"({"canary":1})",
                "has neither identityMap nor segmentMembership"},
           Case{R"({"identityMap":"canary"})",
                "identityMap: must be an object"},
           Case{R"({"identityMap":{"Email":"canary"}})",
                "identityMap: each namespace must hold an array"},
           Case{R"({"segmentMembership":["canary"]})",
                "segmentMembership: must be an object"},
           Case{R"({"segmentMembership":{"ups":"canary"}})",
                "segmentMembership: each namespace must hold an object"},
           Case{R"({"identityMap":{},"key":17})",
                "the profile key must be a string"},
       }) {
    EXPECT_EQ(reading.Error(c.line), c.rule) << c.line;
  }
  EXPECT_EQ(reading.Error(R"({"identityMap":{},"key":")" +
                          std::string(1025, 'k') + "\"}"),
            "the profile key is longer than 1024 bytes");
  EXPECT_EQ(reading.Error(std::string(5000, '[') + std::string(5000, ']')),
            "is nested too deeply");
  // The reader is as good as new afterwards.
  EXPECT_TRUE(reading.Read(R"({"identityMap":{}})").ok());
}

TEST(ProfileReaderTest, TakesTheProfileKeyFromTheNamedField) {
  Reading reading("_id");
  const auto profile = reading.Read(R"({"_id":"p-1","identityMap":{}})");
  ASSERT_TRUE(profile.ok());
  EXPECT_EQ((*profile)->profile_key, "p-1");
  const auto without = reading.Read(R"({"identityMap":{},"_id":null})");
  ASSERT_TRUE(without.ok());
  EXPECT_FALSE((*without)->profile_key.has_value());
}

TEST(ProfileReaderTest, BlankLinesAreNoProfiles) {
  EXPECT_TRUE(IsBlankLine(""));
  EXPECT_TRUE(IsBlankLine(" \t\r"));
  EXPECT_FALSE(IsBlankLine(" {"));
}

// Random bytes, and a good line with bytes changed, cut or doubled: whatever
// comes, the reader answers, and takes the good line afterwards.
TEST(ProfileReaderTest, NoBytesBreakTheReader) {
  const std::string good =
      R"({"identityMap":{"Email":[{"id":"a\u00e9@example.com"}],"IDFA":[{"id":"A1B2"}]},)"
      R"("segmentMembership":{"ups":{"s":{"status":"realized","lastQualificationTime":"2024-03-02T10:00:00.5+0100"}}}})";
  std::mt19937_64 random(20240302);
  Reading reading("key");
  int accepted = 0;
  for (int round = 0; round < 20'000; ++round) {
    std::string line;
    if (round % 4 == 0) {
      line.resize(random() % 300);
      for (char& c : line) c = static_cast<char>(random());
    } else {
      line = good;
      for (int changes = random() % 4; changes >= 0; --changes) {
        if (line.empty()) break;
        const size_t at = random() % line.size();
        switch (random() % 4) {
          case 0:
            line[at] = static_cast<char>(random());
            break;
          case 1:
            line.erase(at, random() % 20);
            break;
          case 2:
            line.insert(at, line.substr(random() % line.size(), 15));
            break;
          default:
            line[at] = "{}[]\",:0\\"[random() % 9];
        }
      }
    }
    if (IsBlankLine(line)) continue;
    accepted += reading.Read(line).ok() ? 1 : 0;
  }
  EXPECT_GT(accepted, 0);
  EXPECT_TRUE(reading.Read(good).ok());
}

}  // namespace
}  // namespace connector::profile_json
