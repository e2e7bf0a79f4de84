#ifndef CONNECTOR_SIMULATOR_TEST_CLIENT_H_
#define CONNECTOR_SIMULATOR_TEST_CLIENT_H_

#include <curl/curl.h>

#include <map>
#include <string>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/string_view.h"
#include "nlohmann/json.hpp"

namespace simulator {

// What a caller sees of one request.
struct Reply {
  // CURLE_GOT_NOTHING: the connection was closed without an answer.
  CURLcode curl = CURLE_OK;
  long status = 0;
  // Names in lower case.
  std::map<std::string, std::string> headers;
  std::string body;

  nlohmann::json Json() const {
    return nlohmann::json::parse(body, nullptr, /*allow_exceptions=*/false);
  }
};

// One keep-alive connection of libcurl, for tests. Not thread-safe.
class TestClient {
 public:
  explicit TestClient(std::string origin, std::string ca_file = "")
      : origin_(std::move(origin)), curl_(curl_easy_init()) {
    if (!ca_file.empty()) {
      curl_easy_setopt(curl_, CURLOPT_CAINFO, ca_file.c_str());
    }
    curl_easy_setopt(curl_, CURLOPT_NOPROXY, "*");
    curl_easy_setopt(curl_, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(curl_, CURLOPT_TIMEOUT, 60L);
  }
  TestClient(const TestClient&) = delete;
  TestClient& operator=(const TestClient&) = delete;
  ~TestClient() { curl_easy_cleanup(curl_); }

  // `path` below the origin: "/v5/...". An empty token sends none.
  Reply Send(const std::string& method, const std::string& path,
             absl::string_view body = "", const std::string& token = "pina_t") {
    curl_slist* headers = nullptr;
    headers = curl_slist_append(headers, "Content-Type: application/json");
    if (!token.empty()) {
      headers = curl_slist_append(headers,
                                  ("Authorization: Bearer " + token).c_str());
    }
    Reply reply = Perform(method, path, body, headers);
    curl_slist_free_all(headers);
    return reply;
  }

  // A connection for each request. Without, libcurl sends a request once more
  // by itself when a connection it used before is closed without an answer.
  void UseFreshConnections() {
    curl_easy_setopt(curl_, CURLOPT_FRESH_CONNECT, 1L);
  }

  Reply Get(const std::string& path) { return Send("GET", path); }
  Reply Post(const std::string& path, absl::string_view body) {
    return Send("POST", path, body);
  }
  Reply Patch(const std::string& path, absl::string_view body) {
    return Send("PATCH", path, body);
  }

  // POST /v5/oauth/token; `basic` is base64 of id:secret.
  Reply Token(absl::string_view form,
              const std::string& basic = "aWQ6c2VjcmV0") {
    curl_slist* headers = nullptr;
    headers = curl_slist_append(
        headers, "Content-Type: application/x-www-form-urlencoded");
    headers =
        curl_slist_append(headers, ("Authorization: Basic " + basic).c_str());
    Reply reply = Perform("POST", "/v5/oauth/token", form, headers);
    curl_slist_free_all(headers);
    return reply;
  }

 private:
  static size_t OnBody(char* data, size_t size, size_t count, void* reply) {
    static_cast<Reply*>(reply)->body.append(data, size * count);
    return size * count;
  }
  static size_t OnHeader(char* data, size_t size, size_t count, void* reply) {
    absl::string_view line(data, size * count);
    size_t colon = line.find(':');
    if (colon != absl::string_view::npos) {
      static_cast<Reply*>(reply)
          ->headers[absl::AsciiStrToLower(line.substr(0, colon))] =
          std::string(absl::StripAsciiWhitespace(line.substr(colon + 1)));
    }
    return size * count;
  }

  Reply Perform(const std::string& method, const std::string& path,
                absl::string_view body, curl_slist* headers) {
    Reply reply;
    curl_easy_setopt(curl_, CURLOPT_URL, (origin_ + path).c_str());
    curl_easy_setopt(curl_, CURLOPT_HTTPHEADER, headers);
    curl_easy_setopt(curl_, CURLOPT_WRITEFUNCTION, &OnBody);
    curl_easy_setopt(curl_, CURLOPT_WRITEDATA, &reply);
    curl_easy_setopt(curl_, CURLOPT_HEADERFUNCTION, &OnHeader);
    curl_easy_setopt(curl_, CURLOPT_HEADERDATA, &reply);
    if (method == "GET") {
      curl_easy_setopt(curl_, CURLOPT_HTTPGET, 1L);
    } else if (method == "DELETE" && body.empty()) {
      curl_easy_setopt(curl_, CURLOPT_HTTPGET, 1L);
    } else {
      curl_easy_setopt(curl_, CURLOPT_POST, 1L);
      curl_easy_setopt(curl_, CURLOPT_POSTFIELDSIZE_LARGE,
                       static_cast<curl_off_t>(body.size()));
      curl_easy_setopt(curl_, CURLOPT_POSTFIELDS, body.data());
    }
    curl_easy_setopt(curl_, CURLOPT_CUSTOMREQUEST, method.c_str());
    reply.curl = curl_easy_perform(curl_);
    curl_easy_getinfo(curl_, CURLINFO_RESPONSE_CODE, &reply.status);
    return reply;
  }

  const std::string origin_;
  CURL* const curl_;
};

}  // namespace simulator

#endif  // CONNECTOR_SIMULATOR_TEST_CLIENT_H_
