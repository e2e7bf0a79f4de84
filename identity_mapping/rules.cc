#include "identity_mapping/rules.h"

#include <algorithm>
#include <cstddef>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "identity_mapping/text.h"

namespace identity_mapping {
namespace {

constexpr size_t kMaxNamespaceBytes = 255;
constexpr size_t kMaxRows = 100;

bool IsOpaque(IdentityKind kind) {
  return kind == IdentityKind::kLrId || kind == IdentityKind::kDlxId ||
         kind == IdentityKind::kHashedPinnerId;
}

bool IsDeviceId(IdentityKind kind) {
  return kind == IdentityKind::kGaid || kind == IdentityKind::kIdfa;
}

absl::Status CheckNamespace(absl::string_view name, absl::string_view field) {
  if (name.empty()) {
    return absl::InvalidArgumentError(
        absl::StrCat(field, ": must not be empty"));
  }
  if (name.size() > kMaxNamespaceBytes) {
    return absl::InvalidArgumentError(absl::StrCat(
        field, ": must be at most ", kMaxNamespaceBytes, " bytes long"));
  }
  if (!CountCodePoints(name).has_value()) {
    return absl::InvalidArgumentError(
        absl::StrCat(field, ": must be valid UTF-8"));
  }
  if (TrimBlanks(name).size() != name.size()) {
    return absl::InvalidArgumentError(
        absl::StrCat(field, ": must not begin or end with a blank"));
  }
  if (std::any_of(name.begin(), name.end(), absl::ascii_iscntrl)) {
    return absl::InvalidArgumentError(
        absl::StrCat(field, ": must not contain a control character"));
  }
  return absl::OkStatus();
}

}  // namespace

absl::string_view IdentityKindName(IdentityKind kind) {
  switch (kind) {
    case IdentityKind::kEmail:
      return "EMAIL";
    case IdentityKind::kEmailLcSha256:
      return "EMAIL_LC_SHA256";
    case IdentityKind::kGaid:
      return "GAID";
    case IdentityKind::kIdfa:
      return "IDFA";
    case IdentityKind::kPinterestAudience:
      return "PINTEREST_AUDIENCE";
    case IdentityKind::kLrId:
      return "LR_ID";
    case IdentityKind::kDlxId:
      return "DLX_ID";
    case IdentityKind::kHashedPinnerId:
      return "HASHED_PINNER_ID";
  }
  return "UNKNOWN";
}

MappingRules DefaultMappingRules() {
  MappingRules rules;
  rules.rows = {
      {"Email", IdentityKind::kEmail},
      {"Email_LC_SHA256", IdentityKind::kEmailLcSha256},
      {"GAID", IdentityKind::kGaid},
      {"IDFA", IdentityKind::kIdfa},
      {"pinterest_audience", IdentityKind::kPinterestAudience},
  };
  return rules;
}

absl::Status CheckRules(const MappingRules& rules, absl::string_view field) {
  if (rules.rows.empty()) {
    return absl::InvalidArgumentError(
        absl::StrCat(field, ".rows: must have at least one row"));
  }
  if (rules.rows.size() > kMaxRows) {
    return absl::InvalidArgumentError(
        absl::StrCat(field, ".rows: must have at most ", kMaxRows, " rows"));
  }
  const IdentityKind first = rules.rows[0].kind;
  for (size_t i = 0; i < rules.rows.size(); ++i) {
    const MappingRow& row = rules.rows[i];
    const std::string row_field = absl::StrCat(field, ".rows[", i, "]");
    const std::string name_field = absl::StrCat(row_field, ".source_namespace");
    if (absl::Status s = CheckNamespace(row.source_namespace, name_field);
        !s.ok()) {
      return s;
    }
    for (size_t j = 0; j < i; ++j) {
      if (absl::EqualsIgnoreCase(rules.rows[j].source_namespace,
                                 row.source_namespace)) {
        return absl::InvalidArgumentError(
            absl::StrCat(name_field, ": already has a row, rows[", j,
                         "] (case makes no difference)"));
      }
    }
    if (row.kind != first && (IsOpaque(row.kind) || IsOpaque(first))) {
      return absl::InvalidArgumentError(absl::StrCat(
          row_field, ".kind: ", IdentityKindName(row.kind),
          " cannot be mapped beside ", IdentityKindName(first),
          ": an opaque kind (LR_ID, DLX_ID, HASHED_PINNER_ID) is the only kind "
          "of its destination"));
    }
    if (row.accept_md5 && !IsDeviceId(row.kind)) {
      return absl::InvalidArgumentError(absl::StrCat(
          row_field, ".accept_md5: is only for the kinds GAID and IDFA"));
    }
  }
  return absl::OkStatus();
}

absl::string_view ListTypeOf(const MappingRules& rules) {
  const auto all_are = [&rules](IdentityKind kind) {
    return std::all_of(
        rules.rows.begin(), rules.rows.end(),
        [kind](const MappingRow& row) { return row.kind == kind; });
  };
  if (all_are(IdentityKind::kIdfa)) return "IDFA";
  if (all_are(IdentityKind::kGaid)) return "MAID";
  if (IsOpaque(rules.rows[0].kind)) return IdentityKindName(rules.rows[0].kind);
  return "EMAIL";
}

}  // namespace identity_mapping
