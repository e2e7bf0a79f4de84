#include "connector/admin/check.h"

#include <memory>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "connector/admin/lookup.h"
#include "connector/base/error.h"
#include "connector/ingest/grpc_status.h"
#include "connector/pinterest/customer_list_client.h"

namespace connector::admin {
namespace {

namespace v1 = audience_sync::v1;
using pinterest::ApiError;
using pinterest::CustomerListClient;
using pinterest::ErrorClass;

// Collects the results in order.
class Results {
 public:
  // Records an outcome; true when it passed.
  bool Add(absl::string_view check_id, const absl::Status& status) {
    v1::CheckResult* result = response_.add_results();
    result->set_check_id(std::string(check_id));
    if (status.ok()) {
      result->set_outcome(v1::CHECK_OUTCOME_PASSED);
      return true;
    }
    result->set_outcome(v1::CHECK_OUTCOME_FAILED);
    *result->mutable_status() = ingest::ToStatusProto(status);
    return false;
  }

  void Skip(absl::string_view check_id, absl::string_view why) {
    v1::CheckResult* result = response_.add_results();
    result->set_check_id(std::string(check_id));
    result->set_outcome(v1::CHECK_OUTCOME_SKIPPED);
    *result->mutable_status() = ingest::ToStatusProto(
        MakeError(absl::StatusCode::kFailedPrecondition, "CHECK_SKIPPED", why));
  }

  v1::CheckDestinationResponse Take() { return std::move(response_); }

 private:
  v1::CheckDestinationResponse response_;
};

// What to do about a refusal. Facts: the scopes and the ad account role are
// those of Pinterest's audience guide and of Adobe's page on the destination;
// codes 2625 and 2626 are "disapproved" and "under review" in Pinterest's API
// description.
std::string Advice(const ApiError& error,
                   const config::CredentialState& credential,
                   absl::string_view ad_account_id) {
  const std::string& token_file = credential.token_name;
  switch (error.error_class) {
    case ErrorClass::kUnauthorized:
      if (credential.config.has_oauth()) {
        return "There is no access token that Pinterest accepts: see what "
               "stands at refresh-token-valid, or run \"audiencectl login\" "
               "with a user that may use the ad account.";
      }
      if (error.call.http_status == 0) {
        return absl::StrCat("The token file \"", token_file,
                            "\" holds no token that can be sent.");
      }
      return absl::StrCat(
          "Pinterest does not accept the access token: it has expired, was "
          "revoked or lacks a scope. Make a new one with the scopes ads:read "
          "and ads:write and write it to the token file \"",
          token_file, "\".");
    case ErrorClass::kForbidden:
      if (error.pinterest_code == 2625 || error.pinterest_code == 2626) {
        return absl::StrCat("Pinterest has disapproved ad account ",
                            ad_account_id,
                            " or still reviews it. Look at it in Pinterest's "
                            "ads manager.");
      }
      return absl::StrCat(
          "The token is good, but its user may not do this with ad account ",
          ad_account_id,
          ". In Pinterest's business access settings give that user the role "
          "\"Audience\" (or \"Admin\") on the ad account, and see that the "
          "token has the scopes ads:read and ads:write.");
    case ErrorClass::kNotFound:
      return absl::StrCat(
          "Pinterest shows this token no ad account ", ad_account_id,
          ". Compare the number with the one in Pinterest's ads manager, and "
          "see that the token's user has the role \"Audience\" on it.");
    case ErrorClass::kRateLimited:
    case ErrorClass::kSpamBlocked:
      return "Pinterest takes no more calls with this token for now. Wait and "
             "check again.";
    case ErrorClass::kRetryable:
      return "Pinterest could not be reached or could not answer. Check the "
             "network, a proxy and the flag --pinterest_base_url, then try "
             "again.";
    case ErrorClass::kTooLarge:
    case ErrorClass::kBadRequest:
    case ErrorClass::kUnexpected:
      break;
  }
  return "Pinterest answered something unexpected. See that the flag "
         "--pinterest_base_url points to Pinterest's API version 5.";
}

absl::Status Explain(const ApiError& error,
                     const config::CredentialState& credential,
                     absl::string_view ad_account_id) {
  const absl::Status status = error.ToStatus();
  return MakeError(status.code(),
                   absl::StrCat(Advice(error, credential, ad_account_id), " [",
                                status.message(), "]"),
                   GetErrorDetail(status));
}

// The checks that call Pinterest.
void CheckOnline(const AdminContext& context,
                 const config::CredentialState& credential,
                 absl::string_view ad_account_id, Results* results) {
  constexpr absl::string_view kAdAccount = "ad-account-reachable";
  constexpr absl::string_view kLists = "customer-lists-readable";
  constexpr absl::string_view kSkipLists = "the ad account cannot be reached";

  auto client = context.clients->ClientFor(credential.token_name);
  if (!client.ok()) {
    results->Add(kAdAccount, client.status());
    return results->Skip(kLists, kSkipLists);
  }
  const auto account = (*client)->GetAdAccount(ad_account_id);
  if (!results->Add(
          kAdAccount,
          account.ok() ? absl::OkStatus()
                       : Explain(account.error(), credential, ad_account_id))) {
    return results->Skip(kLists, kSkipLists);
  }
  const auto lists =
      (*client)->List(ad_account_id, /*bookmark=*/"", /*page_size=*/1);
  results->Add(kLists, lists.ok()
                           ? absl::OkStatus()
                           : Explain(lists.error(), credential, ad_account_id));
}

// Whether the login will last.
void CheckLogin(const AdminContext& context,
                const config::CredentialState* credential, Results* results) {
  constexpr absl::string_view kLogin = "refresh-token-valid";
  if (credential == nullptr) {
    return results->Skip(kLogin, "the credential is not known");
  }
  const auto state = context.login_state(credential->credential_id);
  if (!state.has_value()) {
    return results->Skip(kLogin, "the credential has no refresh token");
  }
  if (state->problem.ok() && !state->last_refresh_time.has_value()) {
    return results->Skip(kLogin, "no token was asked for yet");
  }
  results->Add(kLogin, state->problem);
}

}  // namespace

absl::StatusOr<v1::CheckDestinationResponse> CheckDestination(
    const AdminContext& context, const v1::CheckDestinationRequest& request) {
  v1::Destination destination;
  switch (request.subject_case()) {
    case v1::CheckDestinationRequest::kDestination:
      destination = request.destination();
      break;
    case v1::CheckDestinationRequest::kAdAccountId: {
      auto stored = FindDestination(context, request.ad_account_id());
      if (!stored.ok()) return stored.status();
      destination = (*stored)->config;
      break;
    }
    case v1::CheckDestinationRequest::SUBJECT_NOT_SET:
      return FieldError("subject",
                        "name a destination or an ad account to check");
  }

  Results results;
  const bool valid = results.Add(
      "configuration-valid", config::ResolveDestination(destination).status());

  std::shared_ptr<const config::CredentialState> credential;
  if (destination.credential_id().empty()) {
    results.Skip("credential-known", "the configuration names no credential");
  } else {
    credential = context.registry->FindCredential(destination.credential_id());
    results.Add("credential-known",
                credential != nullptr
                    ? absl::OkStatus()
                    : MakeError(absl::StatusCode::kFailedPrecondition,
                                "CREDENTIAL_NOT_FOUND",
                                "no credential has this ID; apply it, or name "
                                "it in the configuration file"));
  }

  bool token = false;
  if (credential == nullptr) {
    results.Skip("token-readable", "the credential is not known");
  } else {
    token = results.Add("token-readable",
                        context.check_token(credential->token_name));
  }

  results.Add("store-writable", context.intake->Healthy());

  if (request.offline() || !valid || !token) {
    const absl::string_view why = request.offline()
                                      ? "an offline check was asked for"
                                  : !valid ? "the configuration is not valid"
                                           : "there is no usable token";
    results.Skip("ad-account-reachable", why);
    results.Skip("customer-lists-readable", why);
  } else {
    CheckOnline(context, *credential, destination.ad_account_id(), &results);
  }
  // Last: the calls above may have refreshed the tokens.
  CheckLogin(context, credential.get(), &results);
  return results.Take();
}

}  // namespace connector::admin
