#ifndef CONNECTOR_SIMULATOR_CONSENT_H_
#define CONNECTOR_SIMULATOR_CONSENT_H_

#include <functional>
#include <string>

#include "absl/strings/string_view.h"
#include "simulator/http_server.h"

namespace simulator {

// The page where a user lets an app in (www.pinterest.com/oauth/). The user
// says yes at once: the answer redirects to redirect_uri with a code from
// `make_code` and the caller's `state`.
void HandleConsent(
    const HttpRequest& request, HttpResponse* response,
    const std::function<std::string(absl::string_view redirect_uri)>&
        make_code);

}  // namespace simulator

#endif  // CONNECTOR_SIMULATOR_CONSENT_H_
