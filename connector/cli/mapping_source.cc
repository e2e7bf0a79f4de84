#include "connector/cli/mapping_source.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "connector/config/mapping_config.h"
#include "identity_mapping/rules.h"

namespace connector::cli {

using audience_sync::v1::GetDestinationRequest;
using audience_sync::v1::GetDestinationResponse;

MappingSource DefaultMapping() {
  MappingSource source;
  source.name = "the default mapping";
  const identity_mapping::MappingRules rules =
      identity_mapping::DefaultMappingRules();
  source.rows = config::SpelledOut(rules);
  source.mapping = std::make_shared<const identity_mapping::IdentityMapping>(
      *identity_mapping::IdentityMapping::Create(rules));
  return source;
}

absl::StatusOr<MappingSource> FetchMapping(CommandContext& context,
                                           const std::string& ad_account_id) {
  GetDestinationRequest request;
  request.set_ad_account_id(ad_account_id);
  GetDestinationResponse response;
  if (absl::Status s = context.Call(&CommandContext::Stub::GetDestination,
                                    request, response);
      !s.ok()) {
    return s;
  }
  absl::StatusOr<config::DestinationState> state =
      config::ResolveDestination(response.destination());
  if (!state.ok()) return state.status();
  MappingSource source;
  source.name = absl::StrCat("the mapping of destination ", ad_account_id);
  source.rows = state->config.identity_mapping();
  source.policy = std::move(state->policy);
  source.mapping = state->mapping;
  return source;
}

}  // namespace connector::cli
