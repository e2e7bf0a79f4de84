#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "gtest/gtest.h"
#include "nlohmann/json.hpp"
#include "testdata/generator/oracle.h"
#include "testdata/generator/population.h"
#include "testdata/generator/prng.h"
#include "testdata/generator/sha256.h"

namespace generator {
namespace {

std::string ExportOf(const Options& options, bool changes) {
  std::string text;
  const Population population(options);
  const auto sink = [&](const ProfileLine& line) { AppendJson(line, text); };
  changes ? population.Changes(sink) : population.Initial(sink);
  return text;
}

std::vector<ProfileLine> LinesOf(const Options& options) {
  std::vector<ProfileLine> lines;
  Population(options).Initial(
      [&](const ProfileLine& line) { lines.push_back(line); });
  return lines;
}

TEST(PrngTest, GivesTheSameNumbersEverywhere) {
  Prng prng(1);
  const std::vector<uint64_t> first = {prng.Next(), prng.Next(), prng.Next()};
  Prng again(1);
  EXPECT_EQ(first,
            (std::vector<uint64_t>{again.Next(), again.Next(), again.Next()}));
  EXPECT_NE(Prng(1, 2, 3).Next(), Prng(1, 3, 2).Next());
  EXPECT_NE(Prng(1, 2, 3).Next(), Prng(2, 2, 3).Next());
  int64_t below = 0;
  for (int i = 0; i < 100'000; ++i) {
    const uint64_t number = prng.Below(7);
    ASSERT_LT(number, 7u);
    below += number;
  }
  EXPECT_NEAR(static_cast<double>(below) / 100'000, 3.0, 0.05);
}

TEST(Sha256Test, KnownAnswers) {
  EXPECT_EQ(ToHex(Sha256("")),
            "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  EXPECT_EQ(ToHex(Sha256("abc")),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

// A change of this digest changes every generated export: say so in the
// README, as results are compared across versions.
TEST(PopulationTest, TheSameSeedGivesTheSameBytes) {
  Options options;
  options.profiles = 3000;
  const std::string text = ExportOf(options, false);
  EXPECT_EQ(text, ExportOf(options, false));
  EXPECT_EQ(ToHex(Sha256(text)),
            "7607f1277c633d3c1629ae9494af4cc474e685254467f302ffbf0524ba9e82b3");
  EXPECT_EQ(ToHex(Sha256(ExportOf(options, true))),
            "f2fee07455fd0a7abdb380f75b7fac291fa6908e2e4735aecfe164c59680233f");
  options.seed = 2;
  EXPECT_NE(text, ExportOf(options, false));
}

TEST(PopulationTest, EveryLineIsAProfileInThePlatformsShape) {
  Options options;
  options.profiles = 2000;
  const std::string text = ExportOf(options, false) + ExportOf(options, true);
  std::set<std::string> namespaces, statuses, segment_namespaces;
  int64_t lines = 0;
  for (size_t at = 0; at < text.size();) {
    const size_t end = text.find('\n', at);
    const auto profile = nlohmann::json::parse(text.substr(at, end - at));
    at = end + 1;
    ++lines;
    ASSERT_TRUE(profile["identityMap"].is_object());
    for (const auto& [name, identities] : profile["identityMap"].items()) {
      namespaces.insert(name);
      for (const auto& identity : identities) {
        ASSERT_TRUE(identity["id"].is_string());
        const std::string value = identity["id"];
        // Nobody's address: only domains that are reserved for examples.
        if (value.find('@') != std::string::npos &&
            value.find("@b@") == std::string::npos && value != "someone@") {
          std::string lower = value;
          std::transform(lower.begin(), lower.end(), lower.begin(), tolower);
          EXPECT_TRUE(lower.find("example.com") != std::string::npos ||
                      lower.find("example.org") != std::string::npos ||
                      lower.find("example.net") != std::string::npos)
              << value;
        }
      }
    }
    for (const auto& [name, segments] : profile["segmentMembership"].items()) {
      segment_namespaces.insert(name);
      for (const auto& segment : segments) {
        statuses.insert(segment["status"].get<std::string>());
      }
    }
  }
  EXPECT_GT(lines, 2400);
  for (const char* name : {"Email", "EMAIL", "Email_LC_SHA256", "GAID", "IDFA",
                           "ECID", "pinterest_audience"}) {
    EXPECT_EQ(namespaces.count(name), 1u) << name;
  }
  EXPECT_EQ(statuses,
            (std::set<std::string>{"existing", "exited", "realized"}));
  EXPECT_EQ(segment_namespaces,
            (std::set<std::string>{"CustomerAudienceUpload", "ups"}));
}

TEST(PopulationTest, HasWhatIsHardToGetRight) {
  Options options;
  options.profiles = 6000;
  const std::vector<ProfileLine> lines = LinesOf(options);
  // Events of each (record, segment) in order; who brings a record.
  std::map<std::pair<Digest, int>, std::vector<bool>> events;
  std::map<Digest, std::set<std::string>> bringers;
  int multiple = 0;
  for (const ProfileLine& line : lines) {
    EXPECT_GE(line.identities.size(), 1u);
    EXPECT_LE(line.identities.size(), 4u);
    multiple += line.identities.size() > 1 ? 1 : 0;
    std::string whole;
    AppendJson({line.identities, {}}, whole);
    for (const LineIdentity& identity : line.identities) {
      const Mapped mapped =
          MapIdentity(identity.source_namespace, identity.value);
      if (!mapped.record.has_value()) continue;
      bringers[*mapped.record].insert(whole);
      for (const LineMembership& membership : line.memberships) {
        events[{*mapped.record, membership.segment}].push_back(
            membership.status != "exited");
      }
    }
  }
  int left = 0, returned = 0, repeated = 0;
  for (const auto& [key, sequence] : events) {
    for (size_t i = 1; i < sequence.size(); ++i) {
      left += sequence[i - 1] && !sequence[i] ? 1 : 0;
      returned += !sequence[i - 1] && sequence[i] ? 1 : 0;
      repeated += sequence[i - 1] && sequence[i] ? 1 : 0;
    }
  }
  int shared = 0;
  for (const auto& [record, who] : bringers) shared += who.size() > 1 ? 1 : 0;
  EXPECT_GT(multiple, 2000);
  EXPECT_GT(left, 500);
  EXPECT_GT(returned, 150);
  EXPECT_GT(repeated, 300);
  EXPECT_GT(shared, 200);
}

TEST(PopulationTest, SharesAreKept) {
  Options options;
  options.profiles = 5000;
  options.malformed_share = 0.5;
  Oracle half(options.segments);
  for (const ProfileLine& line : LinesOf(options)) half.Take(line);
  const double mapped = static_cast<double>(half.counts().identities -
                                            half.counts().excluded_identities);
  EXPECT_NEAR(static_cast<double>(half.counts().rejected_identities) / mapped,
              0.5, 0.03);
  options.malformed_share = 0;
  options.exit_share = 0;
  options.repeat_share = 0;
  Oracle none(options.segments);
  for (const ProfileLine& line : LinesOf(options)) none.Take(line);
  EXPECT_EQ(none.counts().rejected_identities, 0);
  EXPECT_EQ(none.counts().profiles, 5000);
}

TEST(OracleTest, MapsAsTheDefaultRowsSay) {
  const auto record = [](const char* name, const std::string& value) {
    const Mapped mapped = MapIdentity(name, value);
    return mapped.record.has_value() ? ToHex(*mapped.record)
           : mapped.excluded         ? "excluded"
                                     : "rejected";
  };
  const std::string address = ToHex(Sha256("ada@example.com"));
  EXPECT_EQ(record("Email", " Ada@Example.com\t"), address);
  EXPECT_EQ(record("EMAIL", address), address);
  EXPECT_EQ(record("email_lc_sha256", address), address);
  EXPECT_EQ(record("pinterest_audience", "ADA@EXAMPLE.COM"), address);
  EXPECT_EQ(record("Email_LC_SHA256", "ada@example.com"), "rejected");
  const std::string low = "0f0e0d0c-1111-4222-8333-444455556666";
  const std::string high = "0F0E0D0C-1111-4222-8333-444455556666";
  EXPECT_EQ(record("GAID", high), ToHex(Sha256(low)));
  EXPECT_EQ(record("IDFA", low), ToHex(Sha256(high)));
  EXPECT_EQ(record("pinterest_audience", low), ToHex(Sha256(low)));
  EXPECT_EQ(record("pinterest_audience", high), ToHex(Sha256(high)));
  for (const char* name : {"pinterest_audience", "GAID", "IDFA"}) {
    EXPECT_EQ(MapIdentity(name, high).exits.size(), 2u) << name;
  }
  EXPECT_EQ(record("ECID", "null"), "excluded");
  for (const char* name : {"Email", "GAID", "pinterest_audience"}) {
    for (const char* value :
         {"", " ", "null", "N/A", "a,b@example.com",
          "00000000-0000-0000-0000-000000000000", "IDFA-viPAW", "@example.com",
          "someone@", "a@b@example.com",
          "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"}) {
      EXPECT_EQ(record(name, value), "rejected") << name << " " << value;
    }
  }
}

TEST(OracleTest, TheLastEventWins) {
  const auto line = [](const char* name, const std::string& value,
                       const char* status) {
    return ProfileLine{{{name, value}}, {{0, status, ""}}};
  };
  const std::string record = ToHex(Sha256("ada@example.com"));
  Oracle oracle(2);
  oracle.Take(line("Email", "ada@example.com", "realized"));
  oracle.Take(line("Email", "ada@example.com", "existing"));
  EXPECT_EQ(oracle.Records(0), std::vector<std::string>{record});
  EXPECT_TRUE(oracle.Records(1).empty());
  oracle.Take(line("Email_LC_SHA256", record, "exited"));
  EXPECT_TRUE(oracle.Records(0).empty());
  oracle.Take(line("Email", "ADA@example.com", "realized"));
  EXPECT_EQ(oracle.Records(0).size(), 1u);
  // An exit under the target's name takes away both cases.
  Oracle devices(1);
  devices.Take(
      line("IDFA", "a1b2c3d4-aaaa-4bbb-8ccc-ddddeeeeffff", "realized"));
  devices.Take(line("pinterest_audience",
                    "a1b2c3d4-aaaa-4bbb-8ccc-ddddeeeeffff", "exited"));
  EXPECT_TRUE(devices.Records(0).empty());
  EXPECT_EQ(devices.counts().units, 2);
}

}  // namespace
}  // namespace generator
