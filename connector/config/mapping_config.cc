#include "connector/config/mapping_config.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/strip.h"
#include "connector/base/limits.h"

namespace connector::config {
namespace {

namespace v1 = audience_sync::v1;
using identity_mapping::DeviceIdCase;
using identity_mapping::IdentityKind;
using identity_mapping::MappingRules;

constexpr std::pair<v1::IdentityKind, IdentityKind> kKinds[] = {
    {v1::IDENTITY_KIND_EMAIL, IdentityKind::kEmail},
    {v1::IDENTITY_KIND_EMAIL_LC_SHA256, IdentityKind::kEmailLcSha256},
    {v1::IDENTITY_KIND_GAID, IdentityKind::kGaid},
    {v1::IDENTITY_KIND_IDFA, IdentityKind::kIdfa},
    {v1::IDENTITY_KIND_PINTEREST_AUDIENCE, IdentityKind::kPinterestAudience},
    {v1::IDENTITY_KIND_LR_ID, IdentityKind::kLrId},
    {v1::IDENTITY_KIND_DLX_ID, IdentityKind::kDlxId},
    {v1::IDENTITY_KIND_HASHED_PINNER_ID, IdentityKind::kHashedPinnerId},
};

bool ReadKind(v1::IdentityKind from, IdentityKind* to) {
  for (const auto& [proto, kind] : kKinds) {
    if (proto == from) {
      *to = kind;
      return true;
    }
  }
  return false;
}

void ReadCase(v1::DeviceIdCase from, DeviceIdCase* to, absl::string_view field,
              FieldCheck* check) {
  switch (from) {
    case v1::DEVICE_ID_CASE_UNSPECIFIED:
      return;
    case v1::DEVICE_ID_CASE_LOWER:
      *to = DeviceIdCase::kLower;
      return;
    case v1::DEVICE_ID_CASE_UPPER:
      *to = DeviceIdCase::kUpper;
      return;
    default:
      check->Add(field, "must be a known case");
  }
}

v1::DeviceIdCase WriteCase(DeviceIdCase from) {
  return from == DeviceIdCase::kLower ? v1::DEVICE_ID_CASE_LOWER
                                      : v1::DEVICE_ID_CASE_UPPER;
}

// Appends `row` to `rules` and asks identity_mapping for its rules; what it
// says of the last row is about row `index` of the configuration. False: taken
// off again.
bool AppendChecked(identity_mapping::MappingRow row, int index,
                   absl::string_view field, MappingRules* rules,
                   FieldCheck* check) {
  const std::string as_last =
      absl::StrCat("mapping.rows[", rules->rows.size(), "]");
  rules->rows.push_back(std::move(row));
  const absl::Status status = identity_mapping::CheckRules(*rules, "mapping");
  if (status.ok()) return true;
  rules->rows.pop_back();
  // The message is "<field>: <rule>".
  absl::string_view rest = status.message();
  absl::ConsumePrefix(&rest, as_last);
  const size_t colon = rest.find(": ");
  const std::string row_field = absl::StrCat(field, ".rows[", index, "]");
  if (colon == absl::string_view::npos) {
    check->Add(row_field, rest);
  } else {
    check->Add(absl::StrCat(row_field, rest.substr(0, colon)),
               rest.substr(colon + 2));
  }
  return false;
}

}  // namespace

MappingRules ResolveMapping(const v1::IdentityMapping& mapping,
                            absl::string_view field, FieldCheck* check) {
  MappingRules rules = identity_mapping::DefaultMappingRules();
  ReadCase(mapping.gaid_case(), &rules.gaid_case,
           absl::StrCat(field, ".gaid_case"), check);
  ReadCase(mapping.idfa_case(), &rules.idfa_case,
           absl::StrCat(field, ".idfa_case"), check);
  if (mapping.rows().empty()) return rules;

  rules.rows.clear();
  if (mapping.rows_size() > limits::kMaxMappingRows) {
    check->Add(
        absl::StrCat(field, ".rows"),
        absl::StrCat("must have at most ", limits::kMaxMappingRows, " rows"));
    return rules;
  }
  for (int i = 0; i < mapping.rows_size(); ++i) {
    const v1::MappingRow& from = mapping.rows(i);
    const std::string row_field = absl::StrCat(field, ".rows[", i, "]");
    bool sound = true;
    identity_mapping::MappingRow row;
    row.source_namespace = from.source_namespace();
    row.accept_md5 = from.accept_md5();
    if (from.source_namespace().size() >
        static_cast<size_t>(limits::kMaxNamespaceBytes)) {
      check->Add(absl::StrCat(row_field, ".source_namespace"),
                 absl::StrCat("must be 1 to ", limits::kMaxNamespaceBytes,
                              " bytes long"));
      sound = false;
    }
    for (int j = 0; j < i && sound; ++j) {
      if (absl::EqualsIgnoreCase(mapping.rows(j).source_namespace(),
                                 from.source_namespace())) {
        check->Add(absl::StrCat(row_field, ".source_namespace"),
                   absl::StrCat("already has a row, rows[", j,
                                "] (case makes no difference)"));
        sound = false;
      }
    }
    if (!ReadKind(from.kind(), &row.kind)) {
      check->Add(absl::StrCat(row_field, ".kind"), "must be a known kind");
      sound = false;
    }
    if (sound) AppendChecked(std::move(row), i, field, &rules, check);
  }
  return rules;
}

v1::IdentityMapping SpelledOut(const MappingRules& rules) {
  v1::IdentityMapping mapping;
  for (const identity_mapping::MappingRow& row : rules.rows) {
    v1::MappingRow* to = mapping.add_rows();
    to->set_source_namespace(row.source_namespace);
    to->set_accept_md5(row.accept_md5);
    for (const auto& [proto, kind] : kKinds) {
      if (kind == row.kind) to->set_kind(proto);
    }
  }
  mapping.set_gaid_case(WriteCase(rules.gaid_case));
  mapping.set_idfa_case(WriteCase(rules.idfa_case));
  return mapping;
}

std::string MappingKey(const MappingRules& rules) {
  std::vector<std::string> rows;
  for (const identity_mapping::MappingRow& row : rules.rows) {
    rows.push_back(absl::StrCat(absl::AsciiStrToLower(row.source_namespace),
                                "\n",
                                identity_mapping::IdentityKindName(row.kind),
                                row.accept_md5 ? "+" : "", "\n"));
  }
  std::sort(rows.begin(), rows.end());
  return absl::StrCat(rules.gaid_case == DeviceIdCase::kLower ? "g" : "G",
                      rules.idfa_case == DeviceIdCase::kLower ? "i" : "I", "\n",
                      absl::StrJoin(rows, ""));
}

}  // namespace connector::config
