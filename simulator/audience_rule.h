#ifndef CONNECTOR_SIMULATOR_AUDIENCE_RULE_H_
#define CONNECTOR_SIMULATOR_AUDIENCE_RULE_H_

#include <string>

#include "absl/strings/string_view.h"
#include "nlohmann/json.hpp"

namespace simulator {

// What is wrong with the form of an audience's rule for its type, empty if
// nothing is. Follows `AudienceRule` of the API description and the guide
// "Create audiences"; where the two differ (engagement_domain "required"
// against an example without it, numbers in quotation marks) both are taken.
// Fields that neither forbids pass.
std::string CheckAudienceRule(absl::string_view audience_type,
                              const nlohmann::json& rule);

}  // namespace simulator

#endif  // CONNECTOR_SIMULATOR_AUDIENCE_RULE_H_
