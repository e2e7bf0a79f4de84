// A value of a namespace through IdentityMapping, under any mapping with one
// row and up to three former ones.

#include "identity_mapping/mapping.h"

#include <algorithm>
#include <set>
#include <string>
#include <vector>

#include "absl/strings/ascii.h"
#include "tests/fuzz/fuzz.h"

namespace {

using identity_mapping::DeviceIdCase;
using identity_mapping::FormsFor;
using identity_mapping::IdentityKind;
using identity_mapping::IdentityMapping;
using identity_mapping::MappedIdentity;
using identity_mapping::MappingRules;
using identity_mapping::Record;
using identity_mapping::RecordKind;
using identity_mapping::RecordView;
using identity_mapping::RejectionReason;

constexpr IdentityKind kKinds[] = {
    IdentityKind::kEmail, IdentityKind::kEmailLcSha256,
    IdentityKind::kGaid,  IdentityKind::kIdfa,
    IdentityKind::kLrId,  IdentityKind::kPinterestAudience,
    IdentityKind::kDlxId, IdentityKind::kHashedPinnerId,
};

bool IsDevice(IdentityKind kind) {
  return kind == IdentityKind::kGaid || kind == IdentityKind::kIdfa;
}

// Bits: kind, whether MD5 is taken, the two cases, the row's name.
MappingRules Rules(uint8_t bits, bool may_be_other) {
  MappingRules rules;
  const IdentityKind kind = kKinds[bits % 8];
  rules.rows = {{may_be_other && bits >= 0xC0 ? "other" : "n", kind,
                 IsDevice(kind) && (bits & 8) != 0}};
  rules.gaid_case = bits & 16 ? DeviceIdCase::kUpper : DeviceIdCase::kLower;
  rules.idfa_case = bits & 32 ? DeviceIdCase::kLower : DeviceIdCase::kUpper;
  return rules;
}

std::string WireText(RecordView record) {
  std::string text;
  record.AppendWireText(&text);
  return text;
}

void CheckRecord(RecordView record, absl::string_view value) {
  FUZZ_CHECK(RecordView::FromEncoded(record.encoded()).has_value());
  const std::string wire = WireText(record);
  FUZZ_CHECK(wire.size() == record.WireSize());
  FUZZ_CHECK(wire.find_first_of("@,\"\\ ") == std::string::npos);
  FUZZ_CHECK(std::all_of(wire.begin(), wire.end(), absl::ascii_isgraph));
  const std::string lower = absl::AsciiStrToLower(value);
  if (record.kind() == RecordKind::kOpaque) {
    FUZZ_CHECK(value.find(wire) != absl::string_view::npos);
    return;
  }
  FUZZ_CHECK(wire.find_first_not_of("0123456789abcdef") == std::string::npos);
  // What came in is in what goes out only if it was a hash already; an MD5 and
  // an SHA-1 are never of this connector's making.
  if (lower.find(wire) == std::string::npos) {
    FUZZ_CHECK(record.kind() == RecordKind::kSha256);
    FUZZ_CHECK(value.size() < 16 || wire.find(lower) == std::string::npos);
  }
}

std::set<Record> Forms(const MappedIdentity& identity) {
  std::set<Record> forms(identity.former_forms.begin(),
                         identity.former_forms.end());
  forms.insert(identity.twin_forms.begin(), identity.twin_forms.end());
  if (!identity.primary.encoded().empty()) forms.insert(identity.primary);
  return forms;
}

IdentityMapping Make(const MappingRules& rules,
                     std::vector<MappingRules> former) {
  auto mapping = IdentityMapping::Create(rules, std::move(former));
  FUZZ_CHECK(mapping.ok());
  return *std::move(mapping);
}

void CheckRow(const IdentityMapping& mapping, int row,
              absl::string_view value) {
  MappedIdentity exit;
  MappedIdentity member;
  RejectionReason reason = static_cast<RejectionReason>(0);
  RejectionReason member_reason = static_cast<RejectionReason>(0);
  const bool mapped = mapping.Map(row, value, &exit, &reason);
  FUZZ_CHECK(mapping.Map(row, value, &member, &member_reason,
                         FormsFor::kMember) == mapped);
  // An exit takes away all that a member event adds or removes.
  FUZZ_CHECK(exit.primary == member.primary);
  FUZZ_CHECK(exit.former_forms == member.former_forms);
  FUZZ_CHECK(member.twin_forms.empty());
  FUZZ_CHECK(Forms(exit).size() == (mapped ? 1 : 0) + exit.former_forms.size() +
                                       exit.twin_forms.size());
  if (!mapped) {
    FUZZ_CHECK(exit.primary.encoded().empty());
    FUZZ_CHECK(reason == member_reason);
    FUZZ_CHECK(identity_mapping::RejectionReasonName(reason) != "UNKNOWN");
  }
  for (const Record& record : Forms(exit)) CheckRecord(record, value);
}

}  // namespace

int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  fuzz::Input input(data, size);
  const MappingRules rules = Rules(input.Byte(), /*may_be_other=*/false);
  std::vector<MappingRules> former(input.Byte() % 4);
  for (MappingRules& one : former) one = Rules(input.Byte(), true);
  const absl::string_view value = input.Rest();

  const IdentityMapping mapping = Make(rules, former);
  FUZZ_CHECK(mapping.FindRow("N") == 0);
  CheckRow(mapping, 0, value);
  const int retired = mapping.FindRetiredRow("other");
  MappedIdentity later;
  MappedIdentity once;
  RejectionReason reason;
  if (retired >= 0) {
    FUZZ_CHECK(!mapping.Map(retired, value, &later, &reason));
    CheckRow(mapping, retired, value);
  }

  // What a former mapping added, an exit of today removes.
  for (const MappingRules& before : former) {
    const bool other = before.rows[0].source_namespace == "other";
    if (!Make(before, {}).Map(0, value, &once, &reason)) continue;
    mapping.Map(other ? retired : 0, value, &later, &reason);
    FUZZ_CHECK(Forms(later).count(once.primary) == 1);
  }

  // A record maps to itself.
  const IdentityMapping alone = Make(rules, {});
  if (alone.Map(0, value, &once, &reason)) {
    FUZZ_CHECK(alone.Map(0, WireText(once.primary), &later, &reason));
    FUZZ_CHECK(later.primary == once.primary);
  }
  return 0;
}
