#ifndef TESTS_FUZZ_ANSWER_CHECKS_H_
#define TESTS_FUZZ_ANSWER_CHECKS_H_

#include <string>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/string_view.h"
#include "connector/pinterest/answer.h"
#include "connector/pinterest/customer_list_client.h"
#include "connector/pinterest/token_source.h"
#include "identity_mapping/mapping.h"
#include "identity_mapping/rules.h"
#include "tests/fuzz/fuzz.h"

// What must hold of everything that is made of an answer.

namespace fuzz {

inline constexpr char kToken[] = "pina_7Hs0QpV2xkT9ZcW4rJm1";

inline void CheckSafe(absl::string_view text, size_t max_bytes) {
  FUZZ_CHECK(text.size() <= max_bytes);
  FUZZ_CHECK(!absl::StrContains(text, "@"));
  FUZZ_CHECK(!absl::StrContains(text, kToken));
  for (char c : text) FUZZ_CHECK(!absl::ascii_iscntrl(c));
}

inline void CheckList(const connector::pinterest::CustomerList& list) {
  FUZZ_CHECK(connector::pinterest::IsPinterestId(list.id));
  FUZZ_CHECK(list.ad_account_id.empty() ||
             connector::pinterest::IsPinterestId(list.ad_account_id));
  FUZZ_CHECK(list.name.size() <= 1024);
  CheckSafe(list.status, 64);
  CheckSafe(list.exceptions_json, 1000);
}

inline void CheckPage(const connector::pinterest::CustomerListPage& page) {
  for (const auto& list : page.items) CheckList(list);
  FUZZ_CHECK(page.bookmark.size() <= 4096);
}

inline void CheckAccount(const connector::pinterest::AdAccount& account) {
  FUZZ_CHECK(connector::pinterest::IsPinterestId(account.id));
  CheckSafe(account.name, 1024);
  CheckSafe(account.country, 64);
  CheckSafe(account.currency, 64);
  FUZZ_CHECK(account.permissions.size() <= 100);
  for (const std::string& role : account.permissions) CheckSafe(role, 64);
}

inline void CheckCall(const connector::pinterest::CallInfo& call) {
  FUZZ_CHECK(call.request_id.size() <= 64);
  FUZZ_CHECK(call.rate_limits.size() <= 16);
  if (call.retry_after.has_value()) {
    FUZZ_CHECK(*call.retry_after >= absl::ZeroDuration() &&
               *call.retry_after <= absl::Hours(24));
  }
}

inline void CheckError(const connector::pinterest::ApiError& error,
                       bool write) {
  FUZZ_CHECK(!error.message.empty());
  CheckSafe(error.message, 300);
  CheckCall(error.call);
  const int status = error.call.http_status;
  if (!write) FUZZ_CHECK(!error.outcome_unknown);
  // A refusal is known, an answer that is none is not.
  if (status >= 300 && status <= 499 && status != 408) {
    FUZZ_CHECK(!error.outcome_unknown);
  } else if (write && status != 0) {
    FUZZ_CHECK(error.outcome_unknown);
  }
  FUZZ_CHECK(!error.ToStatus().ok());
}

// Makes one of the five calls and checks what comes of it; true: it succeeded.
inline bool CallAndCheck(connector::pinterest::CustomerListClient* client,
                         int which) {
  using connector::pinterest::Operation;
  static const identity_mapping::Record record = [] {
    auto mapping = identity_mapping::IdentityMapping::Create(
        identity_mapping::DefaultMappingRules());
    identity_mapping::MappedIdentity identity;
    identity_mapping::RejectionReason reason;
    FUZZ_CHECK(mapping->Map(mapping->FindRow("Email"), "a@example.com",
                            &identity, &reason));
    return identity.primary;
  }();
  const identity_mapping::RecordView records[] = {record};
  const auto check = [](const auto& result, bool write, auto check_value) {
    if (result.ok()) {
      CheckCall(result.call());
      check_value(result.value());
    } else {
      CheckError(result.error(), write);
    }
    return result.ok();
  };
  switch (which % 5) {
    case 0:
      return check(client->Create("1", "cdp/ups/1", "EMAIL", records), true,
                   CheckList);
    case 1:
      return check(client->Update("1", "2", Operation::kRemove, records), true,
                   CheckList);
    case 2:
      return check(client->Get("1", "2"), false, CheckList);
    case 3:
      return check(client->List("1", "b"), false, CheckPage);
    default:
      return check(client->GetAdAccount("1"), false, CheckAccount);
  }
}

class FixedToken : public connector::pinterest::TokenSource {
 public:
  absl::StatusOr<std::string> AccessToken() override { return kToken; }
  absl::StatusOr<std::string> AnotherToken(absl::string_view) override {
    return absl::FailedPreconditionError("there is no other token");
  }
};

}  // namespace fuzz

#endif  // TESTS_FUZZ_ANSWER_CHECKS_H_
