#ifndef CONNECTOR_CLI_AD_ACCOUNT_ARGUMENT_H_
#define CONNECTOR_CLI_AD_ACCOUNT_ARGUMENT_H_

#include "absl/strings/string_view.h"

namespace connector::cli {

// Whether the word is an ad account ID (Destination.ad_account_id).
inline bool IsAdAccountId(absl::string_view word) {
  return !word.empty() && word.size() <= 18 && word[0] != '0' &&
         word.find_first_not_of("0123456789") == absl::string_view::npos;
}

}  // namespace connector::cli

#endif  // CONNECTOR_CLI_AD_ACCOUNT_ARGUMENT_H_
