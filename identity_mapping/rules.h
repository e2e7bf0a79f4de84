#ifndef IDENTITY_MAPPING_RULES_H_
#define IDENTITY_MAPPING_RULES_H_

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

namespace identity_mapping {

// What the values of a source namespace are. README.md says what each kind
// accepts and becomes.
enum class IdentityKind {
  kEmail,              // an address, or its SHA-256, SHA-1 or MD5 in hex
  kEmailLcSha256,      // SHA-256 of a lower-case address, in hex
  kGaid,               // Android advertising id, or its SHA-256 or SHA-1
  kIdfa,               // iOS advertising id, or its SHA-256 or SHA-1
  kPinterestAudience,  // any of the above, told apart by form
  // Opaque kinds: only by an explicit row, one kind a destination, alone.
  kLrId,
  kDlxId,
  kHashedPinnerId,  // 64 hex
};

// "EMAIL", "GAID", "PINTEREST_AUDIENCE"…; stable.
absl::string_view IdentityKindName(IdentityKind kind);

// The case a device id is written in before it is hashed.
enum class DeviceIdCase { kLower, kUpper };

struct MappingRow {
  // As the platform spells it, in any case of its ASCII letters; 1 to 255
  // bytes of UTF-8 without control characters or blanks at the ends.
  std::string source_namespace;
  IdentityKind kind = IdentityKind::kEmail;
  // Device-id kinds only: 32 hex is an MD5 hash, not a device id without its
  // hyphens.
  bool accept_md5 = false;
};

// A destination's mapping. A namespace without a row is excluded.
struct MappingRules {
  std::vector<MappingRow> rows;
  // Pinterest's help page asks for Android ids in small letters and IDFAs in
  // capitals (its API description is silent).
  DeviceIdCase gaid_case = DeviceIdCase::kLower;
  DeviceIdCase idfa_case = DeviceIdCase::kUpper;
};

// Email, Email_LC_SHA256, GAID, IDFA and pinterest_audience.
MappingRules DefaultMappingRules();

// Checks one mapping on its own: namespaces well-formed and named once, kinds
// that go together, settings that fit their kind. `field` is how the message
// names the mapping, such as "mapping". InvalidArgument on error.
absl::Status CheckRules(const MappingRules& rules, absl::string_view field);

// As IdentityMapping::ListType().
absl::string_view ListTypeOf(const MappingRules& rules);

}  // namespace identity_mapping

#endif  // IDENTITY_MAPPING_RULES_H_
