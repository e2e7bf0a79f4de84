#include "connector/admin/spec.h"

#include <vector>

#include "connector/base/limits.h"
#include "connector/base/version.h"
#include "identity_mapping/rules.h"

namespace connector::admin {
namespace {

namespace v1 = audience_sync::v1;
using identity_mapping::IdentityKind;

// Each one is something a host can rely on in this build.
constexpr const char* kCapabilities[] = {
    "streaming-export",
    "unary-export",
    "durable-acknowledgement",
    "delivery-acknowledgement",
    "export-resumption",
    "member-addition",
    "member-removal",
    "custom-namespaces",
    "former-mappings",
    "rejection-log",
    "destination-check",
    "validate-only",
    "pause-delivery",
    "drain-destination",
    "dry-run",
    "preview-delivery",
};

v1::IdentityKind ToProto(IdentityKind kind) {
  switch (kind) {
    case IdentityKind::kEmail:
      return v1::IDENTITY_KIND_EMAIL;
    case IdentityKind::kEmailLcSha256:
      return v1::IDENTITY_KIND_EMAIL_LC_SHA256;
    case IdentityKind::kGaid:
      return v1::IDENTITY_KIND_GAID;
    case IdentityKind::kIdfa:
      return v1::IDENTITY_KIND_IDFA;
    case IdentityKind::kPinterestAudience:
      return v1::IDENTITY_KIND_PINTEREST_AUDIENCE;
    case IdentityKind::kLrId:
      return v1::IDENTITY_KIND_LR_ID;
    case IdentityKind::kDlxId:
      return v1::IDENTITY_KIND_DLX_ID;
    case IdentityKind::kHashedPinnerId:
      return v1::IDENTITY_KIND_HASHED_PINNER_ID;
  }
  return v1::IDENTITY_KIND_UNSPECIFIED;
}

// What is done to a value in the clear; one that is hashed already is only
// trimmed and lower-cased (identity_mapping/README.md).
std::vector<const char*> Transformations(IdentityKind kind) {
  switch (kind) {
    case IdentityKind::kEmail:
      return {"trim", "lowercase", "sha256-hex"};
    case IdentityKind::kEmailLcSha256:
    case IdentityKind::kHashedPinnerId:
      return {"trim", "lowercase"};
    case IdentityKind::kGaid:
      return {"trim", "canonical-device-id", "lowercase", "sha256-hex"};
    case IdentityKind::kIdfa:
      return {"trim", "canonical-device-id", "uppercase", "sha256-hex"};
    case IdentityKind::kPinterestAudience:
      return {"trim", "detect-kind", "normalize-by-kind", "sha256-hex"};
    case IdentityKind::kLrId:
    case IdentityKind::kDlxId:
      return {"trim"};
  }
  return {};
}

}  // namespace

v1::GetSpecResponse MakeSpec() {
  v1::GetSpecResponse spec;
  spec.set_connector_name(kConnectorName);
  spec.set_connector_version(kConnectorVersion);
  for (const char* capability : kCapabilities) {
    spec.add_capabilities(capability);
  }
  for (const identity_mapping::MappingRow& row :
       identity_mapping::DefaultMappingRules().rows) {
    v1::MappingSpec* mapping = spec.add_mapping_specs();
    mapping->mutable_row()->set_source_namespace(row.source_namespace);
    mapping->mutable_row()->set_kind(ToProto(row.kind));
    mapping->mutable_row()->set_accept_md5(row.accept_md5);
    mapping->set_target_field("pinterest_audience");
    for (const char* step : Transformations(row.kind)) {
      mapping->add_transformations(step);
    }
  }
  v1::ExportLimits* limits = spec.mutable_export_limits();
  limits->set_max_frame_bytes(limits::kMaxFrameBytes);
  limits->set_max_batch_profiles(limits::kMaxBatchProfiles);
  limits->set_max_unacknowledged_bytes(limits::kMaxStreamUnacknowledgedBytes);
  return spec;
}

}  // namespace connector::admin
