#ifndef CONNECTOR_PINTEREST_TRANSPORT_TESTING_H_
#define CONNECTOR_PINTEREST_TRANSPORT_TESTING_H_

#include <memory>
#include <string>
#include <utility>
#include <variant>

#include "absl/strings/match.h"
#include "connector/pinterest/curl_transport.h"
#include "gtest/gtest.h"

// What the tests of the transport share.

namespace connector::pinterest {

inline std::unique_ptr<CurlTransport> NewTransport(
    CurlTransport::Options options = {}) {
  return *CurlTransport::Create(std::move(options));
}

inline HttpRequest Request(std::string method, std::string url,
                           std::string body = "") {
  HttpRequest request;
  request.method = std::move(method);
  request.url = std::move(url);
  request.body = std::move(body);
  request.headers = {{"Authorization", "Bearer pina_secret"}};
  request.timeout = absl::Seconds(30);
  return request;
}

inline HttpResponse Answer(const HttpResult& result) {
  if (const auto* error = std::get_if<TransportError>(&result)) {
    ADD_FAILURE() << error->message;
    return {};
  }
  return std::get<HttpResponse>(result);
}

// Also checks what holds for every error: its message shows nothing private.
inline TransportError Error(const HttpResult& result) {
  if (const auto* response = std::get_if<HttpResponse>(&result)) {
    ADD_FAILURE() << "answered " << response->status;
    return {};
  }
  const auto& error = std::get<TransportError>(result);
  EXPECT_NE(error.message, "");
  EXPECT_FALSE(absl::StrContains(error.message, "secret")) << error.message;
  return error;
}

}  // namespace connector::pinterest

#endif  // CONNECTOR_PINTEREST_TRANSPORT_TESTING_H_
