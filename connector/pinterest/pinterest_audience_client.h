#ifndef CONNECTOR_PINTEREST_PINTEREST_AUDIENCE_CLIENT_H_
#define CONNECTOR_PINTEREST_PINTEREST_AUDIENCE_CLIENT_H_

#include <memory>
#include <utility>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "connector/pinterest/api_caller.h"
#include "connector/pinterest/audience_client.h"

namespace connector::pinterest {

// AudienceClient over HTTP, in the manner of PinterestClient.
class PinterestAudienceClient final : public AudienceClient {
 public:
  // INVALID_ARGUMENT when an option breaks its rule.
  static absl::StatusOr<std::unique_ptr<PinterestAudienceClient>> Create(
      ApiCaller::Options options);

  ApiResult<Audience> Create(absl::string_view ad_account_id,
                             const AudienceDraft& draft) override;
  ApiResult<Audience> CreateCustom(absl::string_view ad_account_id,
                                   const AudienceDraft& draft,
                                   const CustomAudienceTerms& terms) override;
  ApiResult<Audience> Update(absl::string_view ad_account_id,
                             absl::string_view audience_id,
                             const AudienceChange& change) override;
  ApiResult<Audience> Get(absl::string_view ad_account_id,
                          absl::string_view audience_id) override;
  ApiResult<AudiencePage> List(absl::string_view ad_account_id,
                               absl::string_view bookmark,
                               int page_size = 250) override;

 private:
  explicit PinterestAudienceClient(std::unique_ptr<ApiCaller> caller)
      : caller_(std::move(caller)) {}

  const std::unique_ptr<ApiCaller> caller_;
};

}  // namespace connector::pinterest

#endif  // CONNECTOR_PINTEREST_PINTEREST_AUDIENCE_CLIENT_H_
