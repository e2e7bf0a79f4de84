#include "simulator/consent.h"

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "simulator/answer.h"

namespace simulator {

void HandleConsent(
    const HttpRequest& request, HttpResponse* response,
    const std::function<std::string(absl::string_view redirect_uri)>&
        make_code) {
  auto field = [&](const char* name) {
    auto it = request.query.find(name);
    return it == request.query.end() ? std::string() : it->second;
  };
  std::string redirect = field("redirect_uri");
  if (request.method != "GET" || field("client_id").empty() ||
      redirect.empty() || field("response_type") != "code" ||
      field("scope").empty()) {
    response->status = 400;
    response->body =
        Dump(Invalid("GET with client_id, redirect_uri, response_type=code and "
                     "scope is wanted.")
                 .body);
    return;
  }
  // The user says yes at once.
  std::string code = make_code(redirect);
  std::string location = absl::StrCat(
      redirect, absl::StrContains(redirect, '?') ? "&" : "?", "code=", code);
  if (std::string state = field("state"); !state.empty()) {
    // Unreserved characters as they are, the rest as octets.
    absl::StrAppend(&location, "&state=");
    for (unsigned char c : state) {
      if (absl::ascii_isalnum(c) || absl::StrContains("-._~", c)) {
        location += static_cast<char>(c);
      } else {
        absl::StrAppendFormat(&location, "%%%02X", c);
      }
    }
  }
  response->status = 302;
  response->headers.emplace_back("Location", location);
  response->body = "{}";
}

}  // namespace simulator
