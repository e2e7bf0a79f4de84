#ifndef CONNECTOR_CONFIG_MAPPING_CONFIG_H_
#define CONNECTOR_CONFIG_MAPPING_CONFIG_H_

#include <string>

#include "absl/strings/string_view.h"
#include "audience_sync/v1/identity_mapping.pb.h"
#include "connector/config/field_check.h"
#include "identity_mapping/rules.h"

namespace connector::config {

// The rules that a configured mapping stands for, defaults filled in. What is
// wrong goes to `check` under `field`; the rules are then of no use.
identity_mapping::MappingRules ResolveMapping(
    const audience_sync::v1::IdentityMapping& mapping, absl::string_view field,
    FieldCheck* check);

// The configuration of rules with nothing left to defaults, so that what is
// stored keeps its meaning when a later version has other defaults.
audience_sync::v1::IdentityMapping SpelledOut(
    const identity_mapping::MappingRules& rules);

// Equal for rules that map every identity alike, whatever the order and the
// spelling of the rows.
std::string MappingKey(const identity_mapping::MappingRules& rules);

}  // namespace connector::config

#endif  // CONNECTOR_CONFIG_MAPPING_CONFIG_H_
