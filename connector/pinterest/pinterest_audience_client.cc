#include "connector/pinterest/pinterest_audience_client.h"

#include <string>

#include "absl/strings/str_cat.h"
#include "connector/pinterest/answer.h"
#include "connector/pinterest/audience_body.h"
#include "connector/pinterest/url.h"

namespace connector::pinterest {
namespace {

constexpr size_t kMaxBookmark = 4096;
constexpr int kMaxPageSize = 250;

std::string AudiencesPath(absl::string_view ad_account_id) {
  return absl::StrCat("/ad_accounts/", ad_account_id, "/audiences");
}

// Empty if the ids can be sent.
absl::string_view WrongId(absl::string_view ad_account_id,
                          absl::string_view audience_id = "0") {
  if (!IsPinterestId(ad_account_id)) {
    return "the ad account id must be 1 to 18 digits";
  }
  if (!IsPinterestId(audience_id)) {
    return "the audience id must be 1 to 18 digits";
  }
  return "";
}

}  // namespace

absl::StatusOr<std::unique_ptr<PinterestAudienceClient>>
PinterestAudienceClient::Create(ApiCaller::Options options) {
  auto caller = ApiCaller::Create(std::move(options));
  if (!caller.ok()) return caller.status();
  return std::unique_ptr<PinterestAudienceClient>(
      new PinterestAudienceClient(*std::move(caller)));
}

ApiResult<Audience> PinterestAudienceClient::Create(
    absl::string_view ad_account_id, const AudienceDraft& draft) {
  if (auto wrong = WrongId(ad_account_id); !wrong.empty()) {
    return NotSendable(wrong);
  }
  absl::StatusOr<std::string> body = BuildAudienceBody(ad_account_id, draft);
  if (!body.ok()) return NotSendable(body.status().message());
  return caller_->Call<Audience>("POST", AudiencesPath(ad_account_id),
                                 *std::move(body), ParseAudience);
}

ApiResult<Audience> PinterestAudienceClient::CreateCustom(
    absl::string_view ad_account_id, const AudienceDraft& draft,
    const CustomAudienceTerms& terms) {
  if (auto wrong = WrongId(ad_account_id); !wrong.empty()) {
    return NotSendable(wrong);
  }
  absl::StatusOr<std::string> body =
      BuildCustomAudienceBody(ad_account_id, draft, terms);
  if (!body.ok()) return NotSendable(body.status().message());
  return caller_->Call<Audience>(
      "POST", absl::StrCat(AudiencesPath(ad_account_id), "/custom"),
      *std::move(body), ParseAudience);
}

ApiResult<Audience> PinterestAudienceClient::Update(
    absl::string_view ad_account_id, absl::string_view audience_id,
    const AudienceChange& change) {
  if (auto wrong = WrongId(ad_account_id, audience_id); !wrong.empty()) {
    return NotSendable(wrong);
  }
  absl::StatusOr<std::string> body = BuildAudienceChangeBody(change);
  if (!body.ok()) return NotSendable(body.status().message());
  return caller_->Call<Audience>(
      "PATCH", absl::StrCat(AudiencesPath(ad_account_id), "/", audience_id),
      *std::move(body), ParseAudience);
}

ApiResult<Audience> PinterestAudienceClient::Get(
    absl::string_view ad_account_id, absl::string_view audience_id) {
  if (auto wrong = WrongId(ad_account_id, audience_id); !wrong.empty()) {
    return NotSendable(wrong);
  }
  return caller_->Call<Audience>(
      "GET", absl::StrCat(AudiencesPath(ad_account_id), "/", audience_id), "",
      ParseAudience);
}

ApiResult<AudiencePage> PinterestAudienceClient::List(
    absl::string_view ad_account_id, absl::string_view bookmark,
    int page_size) {
  if (auto wrong = WrongId(ad_account_id); !wrong.empty()) {
    return NotSendable(wrong);
  }
  if (page_size < 1 || page_size > kMaxPageSize) {
    return NotSendable("the page size must be 1 to 250");
  }
  if (bookmark.size() > kMaxBookmark) {
    return NotSendable("the bookmark is too long");
  }
  std::string path =
      absl::StrCat(AudiencesPath(ad_account_id), "?page_size=", page_size,
                   "&order=DESCENDING");
  if (!bookmark.empty()) {
    absl::StrAppend(&path, "&bookmark=", PercentEncode(bookmark));
  }
  return caller_->Call<AudiencePage>(
      "GET", std::move(path), "",
      [&](absl::string_view body, absl::string_view token) {
        return ParseAudiencePage(body, bookmark, token);
      });
}

}  // namespace connector::pinterest
