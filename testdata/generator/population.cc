#include "testdata/generator/population.h"

#include <algorithm>
#include <cstdio>

#include "testdata/generator/sha256.h"

namespace generator {
namespace {

// What a stream of random numbers is for.
enum Purpose : uint64_t {
  kIdentities = 1,
  kSpelling,
  kSharing,
  kSegments,
  kEntry,
  kLeaving,
  kFollowUp,
  kChanges,
  kTimes,
};

// How many lines after somebody's entry the follow-ups stand: near ones mostly
// fall into the same batch, far ones into a later one.
constexpr int64_t kNearExit = 37;
constexpr int64_t kRepeat = 53;
constexpr int64_t kNearReentry = 91;
constexpr int64_t kFarExit = 2503;
constexpr int64_t kFarReentry = 2603;

// 2024-03-01T00:00:00Z.
constexpr int64_t kStartDay = 19783;

std::string Upper(std::string text) {
  for (char& c : text) {
    if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
  }
  return text;
}

std::string Base36(uint64_t number) {
  std::string text;
  do {
    text.insert(text.begin(),
                "0123456789abcdefghijklmnopqrstuvwxyz"[number % 36]);
    number /= 36;
  } while (number > 0);
  return text;
}

std::string DeviceId(Prng& prng) {
  uint8_t bytes[16];
  for (uint8_t& byte : bytes) byte = static_cast<uint8_t>(prng.Next());
  std::string hex = ToHex(bytes, sizeof(bytes));
  for (size_t at : {20, 16, 12, 8}) hex.insert(at, "-");
  return hex;
}

template <size_t kSize>
std::string OneOf(const char* const (&choices)[kSize], Prng& prng) {
  return choices[prng.Below(kSize)];
}

// Year, month and day of a day since 1970-01-01; only for 2024 and 2025.
void DateOf(int64_t day, int& year, int& month, int& day_of_month) {
  static constexpr int kDays[] = {31, 28, 31, 30, 31, 30,
                                  31, 31, 30, 31, 30, 31};
  year = 2024;
  day -= 19723;  // 2024-01-01
  for (month = 1;; ++month) {
    if (month == 13) {
      month = 1;
      ++year;
    }
    const int days = kDays[month - 1] + (month == 2 && year == 2024 ? 1 : 0);
    if (day < days) break;
    day -= days;
  }
  day_of_month = static_cast<int>(day) + 1;
}

}  // namespace

std::string Population::AddressOf(int64_t person, int which) const {
  static constexpr const char* kNames[] = {"ada",  "bo",   "chen", "dara",
                                           "emil", "fatu", "gro",  "hana"};
  static constexpr const char* kDomains[] = {"example.com", "example.org",
                                             "example.net", "mail.example.com"};
  Prng prng(options_.seed, static_cast<uint64_t>(person) * 4 + which,
            kIdentities + 100);
  // One number a statement: the order within an expression is the compiler's.
  const std::string name = OneOf(kNames, prng);
  const std::string suffix = Base36(prng.Below(46656));
  const std::string domain = OneOf(kDomains, prng);
  return name + "." + Base36(static_cast<uint64_t>(person)) + "." + suffix +
         "+" + std::to_string(which) + "@" + domain;
}

std::vector<LineIdentity> Population::OwnIdentities(int64_t person) const {
  static constexpr const char* kEmail[] = {"Email", "Email", "email", "EMAIL"};
  static constexpr const char* kHashed[] = {"Email_LC_SHA256",
                                            "email_lc_sha256"};
  static constexpr const char* kGaid[] = {"GAID", "gaid"};
  static constexpr const char* kIdfa[] = {"IDFA", "IDFA", "idfa"};
  Prng prng(options_.seed, static_cast<uint64_t>(person), kIdentities);
  std::vector<LineIdentity> identities;
  const auto add = [&](std::string name, std::string value) {
    if (identities.size() < 4) {
      identities.push_back({std::move(name), std::move(value)});
    }
  };
  const auto add_address = [&](int which) {
    std::string value = AddressOf(person, which);
    // Spellings that all mean the same record.
    switch (prng.Below(20)) {
      case 0:
        value = " " + value;
        break;
      case 1:
        value += "\t ";
        break;
      case 2:
      case 3:
        value = Upper(value);
        break;
      case 4:
        value = ToHex(Sha256(value));
        break;
      case 5:
        value = Upper(ToHex(Sha256(value)));
        break;
      default:
        break;
    }
    const std::string name = OneOf(kEmail, prng);
    add(name, value);
  };
  if (prng.Chance(0.80)) add_address(0);
  if (prng.Chance(0.35)) {
    const std::string id = DeviceId(prng);
    const std::string name = OneOf(kGaid, prng);
    add(name, prng.Chance(0.1) ? Upper(id) : id);
  }
  if (prng.Chance(0.30)) {
    const std::string id = DeviceId(prng);
    const std::string name = OneOf(kIdfa, prng);
    add(name, prng.Chance(0.1) ? id : Upper(id));
  }
  if (prng.Chance(0.20)) {
    // The same address in two forms is one record.
    const std::string hash =
        ToHex(Sha256(AddressOf(person, prng.Chance(0.5) ? 0 : 2)));
    const std::string name = OneOf(kHashed, prng);
    add(name, prng.Chance(0.3) ? Upper(hash) : hash);
  }
  if (prng.Chance(0.10)) add_address(1);
  if (prng.Chance(0.15)) {
    std::string digits;
    for (int i = 0; i < 38; ++i) {
      digits += static_cast<char>('0' + prng.Below(10));
    }
    add("ECID", digits);
  }
  if (identities.empty()) add_address(0);
  return identities;
}

std::string Population::Malformed(const std::string& source_namespace,
                                  Prng& prng) const {
  static constexpr const char* kAddresses[] = {
      "",
      "   ",
      "null",
      "N/A",
      "not-an-address",
      "@example.com",
      "someone@",
      "a@b@example.com",
      "one@example.com,two@example.com",
      "Email-qWxYz"};
  static constexpr const char* kHashes[] = {
      "", "Email_LC_SHA256-qWxYz",
      "5f0d4f3c9f0f4f6d8f3a0c1b2d3e4f5061728394a5b6c7d8e9fa0b1c2d3e4f5",
      "5f0d4f3c9f0f4f6d8f3a0c1b2d3e4f5061728394a5b6c7d8e9fa0b1c2d3e4fzz",
      // SHA-256 of the empty string.
      "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"};
  static constexpr const char* kDevices[] = {
      "",
      "null",
      "00000000-0000-0000-0000-000000000000",
      "0f0e0d0c-1111-4222-8333-44445555666",
      "0f0e0d0c-1111-4222-8333-44445555666g",
      "IDFA-viPAW",
      "GAID-qWxYz"};
  switch (source_namespace.size()) {
    case 5:  // Email
      return OneOf(kAddresses, prng);
    case 15:  // Email_LC_SHA256
      return OneOf(kHashes, prng);
    default:
      return OneOf(kDevices, prng);
  }
}

std::vector<LineIdentity> Population::IdentitiesOf(int64_t person) const {
  std::vector<LineIdentity> identities = OwnIdentities(person);
  Prng prng(options_.seed, static_cast<uint64_t>(person), kSharing);
  if (person > 0 && prng.Chance(options_.shared_share)) {
    const int64_t other =
        person - 1 -
        static_cast<int64_t>(prng.Below(std::min<int64_t>(person, 3)));
    const std::vector<LineIdentity> theirs = OwnIdentities(other);
    const uint64_t from = prng.Below(theirs.size());
    const uint64_t to = prng.Below(identities.size());
    identities[to] = theirs[from];
  }
  for (LineIdentity& identity : identities) {
    if (identity.source_namespace != "ECID" &&
        prng.Chance(options_.malformed_share)) {
      identity.value = Malformed(identity.source_namespace, prng);
    }
  }
  const bool one_key = options_.keying == Keying::kPinterestAudience ||
                       (options_.keying == Keying::kMixed && prng.Chance(0.4));
  if (one_key) {
    for (LineIdentity& identity : identities) {
      // An ECID is never mapped to the target.
      if (identity.source_namespace != "ECID") {
        identity.source_namespace = "pinterest_audience";
      }
    }
  }
  return identities;
}

std::vector<int> Population::SegmentsOf(int64_t person) const {
  Prng prng(options_.seed, static_cast<uint64_t>(person), kSegments);
  std::vector<int> segments;
  // One in a hundred belongs nowhere.
  if (prng.Chance(0.01)) return segments;
  const size_t count = 1 + prng.Below(std::min<uint64_t>(3, options_.segments));
  while (segments.size() < count) {
    const int segment = static_cast<int>(prng.Below(options_.segments));
    if (std::find(segments.begin(), segments.end(), segment) ==
        segments.end()) {
      segments.push_back(segment);
    }
  }
  return segments;
}

std::string Population::TimeOf(int64_t person, Prng& prng) const {
  static constexpr const char* kSpellings[] = {
      "Z", ".000+0000", "+0000", "+00:00", ".591378Z", ".947+0000"};
  const int64_t second = person % (300 * 86400);
  int year, month, day;
  DateOf(kStartDay + second / 86400, year, month, day);
  char text[80];
  snprintf(text, sizeof(text), "%04d-%02d-%02dT%02d:%02d:%02d%s", year, month,
           day, static_cast<int>(second / 3600 % 24),
           static_cast<int>(second / 60 % 60), static_cast<int>(second % 60),
           kSpellings[prng.Below(6)]);
  return text;
}

ProfileLine Population::Entry(int64_t person) const {
  ProfileLine line;
  line.identities = IdentitiesOf(person);
  Prng prng(options_.seed, static_cast<uint64_t>(person), kEntry);
  for (int segment : SegmentsOf(person)) {
    const uint64_t lot = prng.Below(100);
    // Leaving a segment that one never was in is ordinary.
    line.memberships.push_back({segment,
                                lot < 2    ? "exited"
                                : lot < 10 ? "existing"
                                           : "realized",
                                TimeOf(person, prng)});
  }
  return line;
}

std::vector<int> Population::LeftSegments(int64_t person) const {
  Prng prng(options_.seed, static_cast<uint64_t>(person), kLeaving);
  const std::vector<int> segments = SegmentsOf(person);
  std::vector<int> left;
  if (segments.empty() || !prng.Chance(options_.exit_share)) return left;
  for (int segment : segments) {
    if (prng.Chance(0.6)) left.push_back(segment);
  }
  if (left.empty()) left.push_back(segments[0]);
  return left;
}

ProfileLine Population::Update(int64_t person, const std::vector<int>& segments,
                               const std::string& status) const {
  ProfileLine line;
  line.identities = IdentitiesOf(person);
  Prng prng(options_.seed, static_cast<uint64_t>(person), kTimes);
  for (int segment : segments) {
    line.memberships.push_back({segment, status, TimeOf(person, prng)});
  }
  return line;
}

void Population::Initial(const LineSink& sink) const {
  const int64_t count = options_.profiles;
  for (int64_t at = 0; at < count + kFarReentry; ++at) {
    if (at < count) sink(Entry(at));
    for (int64_t delay :
         {kNearExit, kRepeat, kNearReentry, kFarExit, kFarReentry}) {
      const int64_t person = at - delay;
      if (person < 0 || person >= count) continue;
      Prng prng(options_.seed, static_cast<uint64_t>(person), kFollowUp);
      const bool repeats = prng.Chance(options_.repeat_share);
      const bool returns = prng.Chance(options_.reentry_share);
      const bool near = prng.Chance(0.5);
      if (delay == kRepeat) {
        if (repeats) sink(Entry(person));
        continue;
      }
      if (near != (delay == kNearExit || delay == kNearReentry)) continue;
      const bool entering = delay == kNearReentry || delay == kFarReentry;
      if (entering && !returns) continue;
      const std::vector<int> left = LeftSegments(person);
      if (left.empty()) continue;
      sink(Update(person, left, entering ? "realized" : "exited"));
    }
  }
}

void Population::Changes(const LineSink& sink) const {
  for (int64_t person = 0; person < options_.profiles; ++person) {
    Prng prng(options_.seed, static_cast<uint64_t>(person), kChanges);
    if (!prng.Chance(options_.change_share)) continue;
    const std::vector<int> segments = SegmentsOf(person);
    std::vector<int> left, entered;
    for (int segment : segments) {
      if (prng.Chance(0.5)) left.push_back(segment);
    }
    const int more = static_cast<int>(prng.Below(options_.segments));
    if (std::find(segments.begin(), segments.end(), more) == segments.end()) {
      entered.push_back(more);
    }
    if (left.empty() && entered.empty()) left = segments;
    ProfileLine line = Update(person, left, "exited");
    for (LineMembership& membership :
         Update(person, entered, "realized").memberships) {
      line.memberships.push_back(std::move(membership));
    }
    sink(line);
    if (prng.Chance(options_.repeat_share)) sink(line);
  }
  const int64_t added = static_cast<int64_t>(
      static_cast<double>(options_.profiles) * options_.new_share);
  for (int64_t person = options_.profiles; person < options_.profiles + added;
       ++person) {
    sink(Entry(person));
  }
}

}  // namespace generator
