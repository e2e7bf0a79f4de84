#include "connector/profile_json/export_body.h"

#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "gtest/gtest.h"

namespace connector::profile_json {
namespace {

using Texts = std::vector<std::string>;

std::string Show(const ParsedProfile& profile) {
  Texts parts;
  for (const ParsedIdentity& identity : profile.identities) {
    parts.push_back(
        absl::StrCat(identity.source_namespace, "=", identity.value));
  }
  for (const ParsedMembership& membership : profile.memberships) {
    std::string text = absl::StrCat(
        membership.segment_namespace, "/", membership.segment_id,
        membership.status == audience_sync::v1::MEMBERSHIP_STATUS_EXITED ? "-"
        : membership.status == audience_sync::v1::MEMBERSHIP_STATUS_UNSPECIFIED
            ? "?"
            : "+");
    if (membership.last_qualification_time.has_value()) {
      const Instant time = *membership.last_qualification_time;
      absl::StrAppend(&text, "@", time.seconds);
      if (time.nanos != 0) absl::StrAppend(&text, ".", time.nanos);
    }
    if (!membership.segment_name.empty()) {
      absl::StrAppend(&text, "(", membership.segment_name, ")");
    }
    parts.push_back(std::move(text));
  }
  return absl::StrJoin(parts, " ");
}

class ExportBodyTest : public testing::Test {
 protected:
  absl::Status Read(const std::string& body) {
    shown_.clear();
    const std::string padded = body + std::string(kJsonPadding, '}');
    return reader_.Read({padded.data(), body.size()}, defaults_,
                        [this](const ParsedProfile& profile) {
                          shown_.push_back(Show(profile));
                        });
  }
  Texts Shown(const std::string& body) {
    const absl::Status status = Read(body);
    EXPECT_TRUE(status.ok()) << status << " " << body;
    return shown_;
  }
  std::string Refused(const std::string& body) {
    const absl::Status status = Read(body);
    EXPECT_TRUE(absl::IsInvalidArgument(status)) << status << " " << body;
    return std::string(status.message());
  }

  ExportBodyReader reader_;
  BodyDefaults defaults_;
  Texts shown_;
};

TEST_F(ExportBodyTest, ReadsOneProfileOfTheSourceSchema) {
  EXPECT_EQ(
      Shown(R"({"personalEmail": {"address": "ada@example.com"},
        "segmentMembership": {"ups": {
          "s1": {"lastQualificationTime": "1970-01-01T00:00:10Z",
                 "status": "realized", "validUntil": "x", "name": "Gold"},
          "s2": {"lastQualificationTime": "1970-01-01T00:00:20Z",
                 "status": "exited"}}},
        "identityMap": {
          "Email": [{"id": "a@x.io", "primary": true}, {"id": "b@x.io"}],
          "GAID": [{"id": "g"}]}})"),
      Texts({"Email=a@x.io Email=b@x.io GAID=g ups/s1+@10(Gold) ups/s2-@20"}));
}

TEST_F(ExportBodyTest, ReadsTheTargetIdentityAsKey) {
  EXPECT_EQ(Shown(R"({"segmentMembership": {"ups": {"s": {"status":
        "realized"}}}, "identityMap": {"pinterest_audience": [{"id": "a"},
        {"id": "b"}]}, "attributes": {"x": {"value": 1}, "y": {}}})"),
            Texts({"pinterest_audience=a pinterest_audience=b ups/s+"}));
}

TEST_F(ExportBodyTest, ReadsProfilesInTheirOrder) {
  EXPECT_EQ(Shown(R"({"profiles": [
        {"identityMap": {"Email": [{"id": "a"}]},
         "segmentMembership": {"ups": {"s": {"status": "realized"}}}},
        {"segmentMembership": {"ups": {"s": {"status": "exited"}}}},
        {}]})"),
            Texts({"Email=a ups/s+", "ups/s-", ""}));
  EXPECT_EQ(Shown(R"({"profiles": []})"), Texts());
  EXPECT_EQ(Shown(R"({"profiles": null})"), Texts());
  EXPECT_EQ(Shown("[]"), Texts());
}

TEST_F(ExportBodyTest, AGroupGivesItsSegmentToProfilesWithoutOne) {
  EXPECT_EQ(Shown(R"({"profiles": [
          {"identityMap": {"email": [{"id": "a"}]}, "attributes": {}},
          {"identityMap": {"email": [{"id": "b"}]}, "segmentMembership": {}},
          {"identityMap": {"email": [{"id": "c"}]}, "segmentMembership":
            {"ups": {"other": {"status": "realized"}}}}],
        "aggregationKey": {"destinationInstanceId": "d",
          "segmentId": "s", "segmentNamespace": "CustomerAudienceUpload",
          "segmentAlias": "alias", "segmentStatus": "exited",
          "identityNamespaces": ["email", "gaid"]}})"),
            Texts({"email=a CustomerAudienceUpload/s-",
                   "email=b CustomerAudienceUpload/s-", "email=c ups/other+"}));
}

TEST_F(ExportBodyTest, AGroupOfAStatusThatNobodyKnowsIsRejectedNotGuessed) {
  EXPECT_EQ(Shown(R"({"aggregationKey": {"segmentId": "s", "segmentNamespace":
        "ups", "segmentStatus": "paused"}, "profiles": [{}]})"),
            Texts({"ups/s?"}));
  EXPECT_EQ(Shown(R"({"aggregationKey": {"segmentId": "s", "segmentNamespace":
        "ups"}, "profiles": [{}]})"),
            Texts({"ups/s?"}));
}

TEST_F(ExportBodyTest, TheAliasStandsForAMissingSegmentId) {
  EXPECT_EQ(Shown(R"({"aggregationKey": {"segmentAlias": "al",
        "segmentStatus": "realized"}, "profiles": [{}]})"),
            Texts({"/al+"}));
}

TEST_F(ExportBodyTest, IdentityNamespacesMayBeFlatOrNested) {
  for (const char* namespaces : {R"(["email"])", R"([["email"]])"}) {
    EXPECT_EQ(
        Shown(absl::StrCat(R"({"aggregationKey": {"identityNamespaces": )",
                           namespaces, R"(}, "profiles": [{"identities":
            [{"id": "a"}, {"type": "gaid", "id": "b"}]}]})")),
        Texts({"email=a gaid=b"}))
        << namespaces;
  }
  for (const char* namespaces :
       {R"(["email", "gaid"])", R"([["email", "gaid"]])",
        R"([["email"], ["gaid"]])", "[]", "[[]]", "null"}) {
    EXPECT_EQ(Shown(absl::StrCat(
                  R"({"aggregationKey": {"identityNamespaces": )", namespaces,
                  R"(}, "profiles": [{"identities":
            [{"id": "a"}]}]})")),
              Texts({"=a"}))
        << namespaces;
  }
}

TEST_F(ExportBodyTest, ReadsWhatTheCommonTemplateRenders) {
  defaults_.segment_namespace = "ups";
  EXPECT_EQ(Shown(R"({"profiles": [{
        "identities": [{"type": "email", "id": "a"}, {"namespace": "gaid",
          "id": "g"}],
        "AdobeExperiencePlatformSegments":
          {"remove": ["s3"], "add": ["s1", "s2"]}}]})"),
            Texts({"email=a gaid=g ups/s1+ ups/s2+ ups/s3-"}));
  EXPECT_EQ(Shown(R"({"identities": [{"type": "email", "id": "a"}],
        "lastQualificationTime": "1970-01-01T00:00:05Z",
        "AdobeExperiencePlatformSegments": {
          "add": [{"id": "s1", "namespace": "CAU", "name": "N",
                   "lastQualificationTime": "1970-01-01T00:00:07Z"}],
          "remove": [{"segmentId": "s2", "segmentNamespace": null}]}})"),
            Texts({"email=a CAU/s1+@7(N) ups/s2-@5"}));
}

TEST_F(ExportBodyTest, TheRequestMayNameTheSegment) {
  defaults_.segment_namespace = "ups";
  defaults_.segment_id = "of-url";
  defaults_.segment_status = audience_sync::v1::MEMBERSHIP_STATUS_REALIZED;
  EXPECT_EQ(Shown(R"({"identityMap": {"Email": [{"id": "a"}]}})"),
            Texts({"Email=a ups/of-url+"}));
  // What the body says is nearer.
  EXPECT_EQ(Shown(R"({"aggregationKey": {"segmentStatus": "exited"},
        "profiles": [{}]})"),
            Texts({"ups/of-url-"}));
  EXPECT_EQ(Shown(R"({"aggregationKey": {"segmentId": "g"},
        "profiles": [{}]})"),
            Texts({"ups/g+"}));
}

TEST_F(ExportBodyTest, ReadsSeveralGroups) {
  EXPECT_EQ(Shown(R"([
        {"aggregationKey": {"segmentId": "s", "segmentNamespace": "ups",
          "segmentStatus": "realized"},
         "profiles": [{"identityMap": {"email": [{"id": "a"}]}}]},
        {"aggregationKey": {"segmentId": "s", "segmentNamespace": "ups",
          "segmentStatus": "exited"},
         "profiles": [{"identityMap": {"email": [{"id": "b"}]}}]},
        {"identityMap": {"email": [{"id": "c"}]}}])"),
            Texts({"email=a ups/s+", "email=b ups/s-", "email=c"}));
}

TEST_F(ExportBodyTest, TakesEveryStatusAndEverySpellingOfATime) {
  for (const auto& [status, sign] :
       std::vector<std::pair<std::string, std::string>>{{"realized", "+"},
                                                        {"existing", "+"},
                                                        {"exited", "-"},
                                                        {"Exited", "-"},
                                                        {"exiting", "?"},
                                                        {"", "?"}}) {
    EXPECT_EQ(Shown(absl::StrCat(
                  R"({"segmentMembership": {"ups": {"s": {"status": ")", status,
                  R"("}}}})")),
              Texts({"ups/s" + sign}));
  }
  for (const auto& [spelling, shown] :
       std::vector<std::pair<std::string, std::string>>{
           {"2024-03-02T10:00:49Z", "@1709373649"},
           {"2024-03-02T10:00:49.000+0000", "@1709373649"},
           {"2024-03-02T10:00:49+0000", "@1709373649"},
           {"2024-03-02T10:00:49+00:00", "@1709373649"},
           {"2024-03-02T10:00:49.591378Z", "@1709373649.591378000"},
           {"2024-03-02T10:00:49.947+0000", "@1709373649.947000000"},
           {"yesterday", ""}}) {
    EXPECT_EQ(Shown(absl::StrCat(
                  R"({"segmentMembership": {"ups": {"s": {"status": "exited",
            "lastQualificationTime": ")",
                  spelling, R"("}}}})")),
              Texts({"ups/s-" + shown}));
  }
}

TEST_F(ExportBodyTest, SaysWhereABodyIsNotUnderstood) {
  EXPECT_EQ(Refused(""), "byte 1: the body is empty");
  EXPECT_EQ(Refused(R"({"profiles": [)"), "byte 15: is not JSON");
  EXPECT_EQ(Refused(R"({"identityMap": {"Email": secret@x.io}})"),
            "byte 27: is not JSON");
  EXPECT_EQ(Refused("\"secret\""), "/: must be an object");
  EXPECT_EQ(Refused("[{\"profiles\": []}, 7]"), "/1: must be an object");
  EXPECT_TRUE(absl::StartsWith(Refused("{\"secret\": 1}"), "/: has neither"));
  EXPECT_EQ(Refused(R"({"profiles": {"a": 1}})"),
            "/profiles: must be an array");
  EXPECT_EQ(Refused(R"({"profiles": [{}, "secret"]})"),
            "/profiles/1: must be an object");
  EXPECT_EQ(Refused(R"({"profiles": [{}, {"identityMap": {"secret": "x"}}]})"),
            "/profiles/1/identityMap: each namespace must hold an array");
  EXPECT_EQ(Refused(R"([{"segmentMembership": {"ups": ["s"]}}])"),
            "/0/segmentMembership: each namespace must hold an object");
  EXPECT_EQ(Refused(R"({"identities": {}})"), "/identities: must be an array");
  EXPECT_EQ(Refused(R"({"aggregationKey": {"segmentId": 7},
        "profiles": []})"),
            "/aggregationKey/segmentId: must be a string");
  EXPECT_EQ(Refused(R"({"AdobeExperiencePlatformSegments": {"add": 7}})"),
            "/AdobeExperiencePlatformSegments: add and remove must be arrays");
}

// What is wrong with one identity or membership is passed on without a value,
// a segment or a status: it is rejected by itself.
TEST_F(ExportBodyTest, OneThatIsWrongIsNoReasonToRefuseTheOthers) {
  for (const char* wrong : {"7", "null", "true", "{}", "[]", "1e3"}) {
    const auto with = [&](const std::string& text) {
      return absl::StrReplaceAll(text, {{"%", wrong}});
    };
    EXPECT_EQ(Shown(with(R"({"identityMap": {"Email":
          [{"id": "a"}, {"id": %}, %, {"id": "b"}]},
          "segmentMembership": {"ups": {"s": {"status": %}, "t": %,
          "u": {"status": "exited"}}}})")),
              Texts({"Email=a Email= Email= Email=b ups/s? ups/t? ups/u-"}));
    EXPECT_EQ(Shown(with(R"({"identities": [{"type": "email", "id": %}, %,
          {"type": "email", "id": "a"}], "segmentMembership": {}})")),
              Texts({"email= = email=a"}));
    EXPECT_EQ(Shown(with(R"({"AdobeExperiencePlatformSegments":
          {"add": [%, {"id": %, "namespace": "n"}, "s"]}})")),
              Texts({"/+ n/+ /s+"}));
    EXPECT_EQ(Shown(with(R"({"aggregationKey": {"segmentId": "s",
          "segmentNamespace": "ups", "segmentStatus": %},
          "profiles": [{}, {}]})")),
              Texts({"ups/s?", "ups/s?"}));
  }
  // Never in the place of something else.
  EXPECT_EQ(Shown(R"({"aggregationKey": {"identityNamespaces": ["email"]},
        "profiles": [{"identities": [{"type": 7, "id": "a"}]}]})"),
            Texts({"=a"}));
  defaults_.segment_namespace = "ups";
  defaults_.segment_status = audience_sync::v1::MEMBERSHIP_STATUS_REALIZED;
  EXPECT_EQ(Shown(R"({"AdobeExperiencePlatformSegments":
        {"add": [{"id": "s", "namespace": 7}]}})"),
            Texts({"ups/+"}));
  EXPECT_EQ(Shown(R"({"aggregationKey": {"segmentId": "s",
        "segmentStatus": 7}, "profiles": [{}]})"),
            Texts({"ups/s?"}));
}

// Whatever breaks, the message never shows what stands there.
TEST_F(ExportBodyTest, NoMessageShowsAValue) {
  const std::string body = R"({"aggregationKey": {"segmentId": "CANARY",
    "identityNamespaces": ["CANARY"], "segmentStatus": "CANARY"},
    "profiles": [{"identityMap": {"CANARY": [{"id": "CANARY"}]},
    "segmentMembership": {"CANARY": {"CANARY": {"status": "CANARY"}}},
    "identities": [{"type": "CANARY", "id": "CANARY"}],
    "AdobeExperiencePlatformSegments": {"add": [{"id": "CANARY"}]}}]})";
  ASSERT_TRUE(Read(body).ok());
  int refused = 0;
  for (size_t i = 0; i < body.size(); ++i) {
    for (const char* put : {"7", "\"", "[", "}", "\xff", "{\"CANARY\":1}"}) {
      std::string broken = body;
      broken.replace(i, 1, put);
      const absl::Status status = Read(broken);
      refused += !status.ok();
      ASSERT_FALSE(absl::StrContains(status.message(), "CANARY")) << status;
    }
  }
  EXPECT_GT(refused, 1000);
}

TEST_F(ExportBodyTest, DepthIsBounded) {
  const auto nested = [](int depth) {
    return absl::StrCat("{\"profiles\":[],\"x\":", std::string(depth, '['),
                        std::string(depth, ']'), "}");
  };
  EXPECT_TRUE(Read(nested(ExportBodyReader::kMaxDepth - 4)).ok());
  EXPECT_EQ(Refused(nested(ExportBodyReader::kMaxDepth + 1)),
            "/: is nested too deeply");
  EXPECT_EQ(Refused(nested(1'000'000)), "/: is nested too deeply");
}

TEST_F(ExportBodyTest, AReaderIsUsedAgainAfterABadAndALargeBody) {
  EXPECT_FALSE(Read("{").ok());
  std::string body = "{\"profiles\":[";
  for (int i = 0; i < 50'000; ++i) {
    absl::StrAppend(&body, i == 0 ? "" : ",",
                    R"({"identityMap":{"Email":[{"id":"p)", i, R"("}]}})");
  }
  EXPECT_EQ(Shown(body + "]}").size(), 50'000u);
  EXPECT_EQ(Shown(R"({"identityMap": {"Email": [{"id": "a"}]}})"),
            Texts({"Email=a"}));
}

}  // namespace
}  // namespace connector::profile_json
