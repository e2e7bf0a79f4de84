// A line of an export file through audiencectl's reader. The first byte says
// whether a field holds the profile's key.

#include <algorithm>
#include <cstring>
#include <memory>
#include <string>

#include "connector/profile_json/profile_reader.h"
#include "tests/fuzz/fuzz.h"

namespace {

// A number for each thing that was read, so that two readings can be compared.
std::string Sum(const connector::profile_json::ParsedProfile& profile) {
  std::string text;
  const auto add = [&text](absl::string_view part) {
    text.append(part.data(), part.size());
    text.push_back('\0');
  };
  for (const auto& identity : profile.identities) {
    add(identity.source_namespace);
    add(identity.value);
  }
  for (const auto& membership : profile.memberships) {
    add(membership.segment_namespace);
    add(membership.segment_id);
    add(membership.segment_name);
    FUZZ_CHECK(membership.segment_name.size() <= 500);
    FUZZ_CHECK(audience_sync::v1::MembershipStatus_IsValid(membership.status));
    text.push_back(static_cast<char>(membership.status));
  }
  if (profile.profile_key.has_value()) {
    FUZZ_CHECK(profile.profile_key->size() <= 1024);
    add(*profile.profile_key);
  }
  return text;
}

}  // namespace

int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using connector::profile_json::kJsonPadding;
  using connector::profile_json::ProfileReader;
  fuzz::Input input(data, size);
  const bool keyed = input.Byte() % 2 == 1;
  const absl::string_view line = input.Rest();
  // Exactly the room that the reader asks for.
  const std::unique_ptr<char[]> buffer(new char[line.size() + kJsonPadding]);
  std::copy(line.begin(), line.end(), buffer.get());
  std::memset(buffer.get() + line.size(), '}', kJsonPadding);
  const absl::string_view padded(buffer.get(), line.size());

  ProfileReader reader(keyed ? "key" : "");
  const auto read = reader.Read(padded);
  if (!read.ok()) {
    FUZZ_CHECK(absl::IsInvalidArgument(read.status()));
    FUZZ_CHECK(read.status().message().find('@') == absl::string_view::npos);
    return 0;
  }
  const std::string sum = Sum(**read);
  // A second reader, or the same one again, reads the same.
  const auto again = reader.Read(padded);
  FUZZ_CHECK(again.ok());
  FUZZ_CHECK(Sum(**again) == sum);
  return 0;
}
