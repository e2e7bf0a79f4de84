#include "connector/pinterest/curl_transport.h"

#include <curl/curl.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <limits>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "connector/pinterest/url.h"

namespace connector::pinterest {
namespace {

// A kept connection idle for longer is not used again: load balancers close
// theirs after a minute or so, and a request on its way then is in doubt.
constexpr long kMaxIdleSeconds = 30;

struct SlistDeleter {
  void operator()(curl_slist* list) const { curl_slist_free_all(list); }
};
using Slist = std::unique_ptr<curl_slist, SlistDeleter>;

struct HandleDeleter {
  void operator()(CURL* curl) const { curl_easy_cleanup(curl); }
};

// What the callbacks of one call work on.
struct Exchange {
  absl::string_view unsent;
  HttpResponse response;
  size_t header_bytes = 0;
  size_t max_response_bytes = 0;
  bool headers_done = false;
  bool too_large = false;
};

size_t OnRead(char* buffer, size_t size, size_t count, void* user) {
  auto* exchange = static_cast<Exchange*>(user);
  const size_t bytes = std::min(size * count, exchange->unsent.size());
  std::memcpy(buffer, exchange->unsent.data(), bytes);
  exchange->unsent.remove_prefix(bytes);
  return bytes;
}

// libcurl asks for this when it wants to send a body again, as it does by
// itself when a kept connection breaks before an answer came. The request may
// have been carried out by then, so it must not.
int OnSeek(void* /*user*/, curl_off_t /*offset*/, int /*origin*/) {
  return CURL_SEEKFUNC_FAIL;
}

size_t OnHeader(char* data, size_t size, size_t count, void* user) {
  auto* exchange = static_cast<Exchange*>(user);
  const absl::string_view line(data, size * count);
  exchange->header_bytes += line.size();
  // All header lines of one answer together.
  if (exchange->header_bytes > size_t{limits::kMaxAnswerHeaderBytes}) {
    exchange->too_large = true;
    return 0;
  }
  const absl::string_view text = absl::StripAsciiWhitespace(line);
  if (absl::StartsWith(line, "HTTP/")) {
    // A new status line: what came before was an interim answer.
    exchange->response.headers.Clear();
    exchange->headers_done = false;
  } else if (text.empty()) {
    exchange->headers_done = true;
  } else if (!exchange->headers_done) {  // Else a trailer.
    const std::pair<absl::string_view, absl::string_view> pair =
        absl::StrSplit(text, absl::MaxSplits(':', 1));
    exchange->response.headers.Add(absl::StripAsciiWhitespace(pair.first),
                                   absl::StripAsciiWhitespace(pair.second));
  }
  return line.size();
}

size_t OnBody(char* data, size_t size, size_t count, void* user) {
  auto* exchange = static_cast<Exchange*>(user);
  const size_t bytes = size * count;
  std::string& body = exchange->response.body;
  if (bytes > exchange->max_response_bytes - body.size()) {
    exchange->too_large = true;
    return 0;
  }
  body.append(data, bytes);
  return bytes;
}

bool HasControl(absl::string_view text) {
  return std::any_of(text.begin(), text.end(),
                     [](char c) { return absl::ascii_iscntrl(c); });
}

long Milliseconds(absl::Duration duration) {
  const int64_t count = absl::ToInt64Milliseconds(
      std::clamp(duration, absl::Milliseconds(1), absl::Hours(24)));
  return static_cast<long>(count);
}

TransportError NotSent(absl::string_view message) {
  TransportError error;
  error.phase = TransportError::Phase::kNotSent;
  error.message = std::string(message);
  return error;
}

// Why a request must not be tried at all; empty if nothing is wrong with it.
absl::string_view Fault(const HttpRequest& request) {
  if (request.method != "GET" && request.method != "POST" &&
      request.method != "PATCH") {
    return "the method must be GET, POST or PATCH";
  }
  if (request.method == "GET" && !request.body.empty()) {
    return "a GET has no body";
  }
  if (request.timeout <= absl::ZeroDuration()) {
    return "the timeout must be positive";
  }
  for (const auto& [name, value] : request.headers) {
    if (name.empty() || value.empty() || absl::StrContains(name, ':') ||
        HasControl(name) || HasControl(value)) {
      return "a header is empty or holds a control character";
    }
  }
  return "";
}

Slist MakeHeaders(const HttpRequest& request) {
  Slist list;
  const auto append = [&](const std::string& line) {
    curl_slist* longer = curl_slist_append(list.get(), line.c_str());
    if (longer == nullptr) return false;
    list.release();  // `longer` is the same list, or its first entry.
    list.reset(longer);
    return true;
  };
  // Never wait for a "100 Continue": it costs a round trip, or a second where
  // the server does not know it.
  if (!append("Expect:")) return nullptr;
  for (const auto& [name, value] : request.headers) {
    if (!append(absl::StrCat(name, ": ", value))) return nullptr;
  }
  return list;
}

// Sets options and remembers the first failure.
class Setter {
 public:
  explicit Setter(CURL* curl) : curl_(curl) {}

  template <typename T>
  void Set(CURLoption option, T value) {
    if (code_ == CURLE_OK) code_ = curl_easy_setopt(curl_, option, value);
  }

  CURLcode code() const { return code_; }

 private:
  CURL* const curl_;
  CURLcode code_ = CURLE_OK;
};

// One request, with the connections of `pool`; what curl_easy_perform() is with
// those of the handle.
CURLcode Transfer(CURLM* pool, CURL* curl) {
  if (curl_multi_add_handle(pool, curl) != CURLM_OK) return CURLE_FAILED_INIT;
  CURLMcode code = CURLM_OK;
  for (int running = 1; running > 0 && code == CURLM_OK;) {
    code = curl_multi_perform(pool, &running);
    if (code == CURLM_OK && running > 0) {
      // Wakes up by itself for what happens and for libcurl's own timers.
      code = curl_multi_poll(pool, nullptr, 0, /*timeout_ms=*/1000, nullptr);
    }
  }
  CURLcode result =
      code == CURLM_OUT_OF_MEMORY ? CURLE_OUT_OF_MEMORY : CURLE_RECV_ERROR;
  int left = 0;
  while (const CURLMsg* message = curl_multi_info_read(pool, &left)) {
    if (message->msg == CURLMSG_DONE) result = message->data.result;
  }
  curl_multi_remove_handle(pool, curl);
  return result;
}

CURLcode StartCurl() {
  static const CURLcode code = curl_global_init(CURL_GLOBAL_DEFAULT);
  return code;
}

}  // namespace

absl::StatusOr<std::unique_ptr<CurlTransport>> CurlTransport::Create(
    Options options) {
  if (options.connect_timeout <= absl::ZeroDuration()) {
    return absl::InvalidArgumentError("connect_timeout must be positive");
  }
  if (options.max_response_bytes == 0) {
    return absl::InvalidArgumentError("max_response_bytes must be positive");
  }
  if (options.user_agent.empty() || HasControl(options.user_agent)) {
    return absl::InvalidArgumentError(
        "user_agent must be text without control characters");
  }
  if (const CURLcode code = StartCurl(); code != CURLE_OK) {
    return absl::InternalError(
        absl::StrCat("libcurl cannot start: ", curl_easy_strerror(code)));
  }
  return std::unique_ptr<CurlTransport>(new CurlTransport(std::move(options)));
}

CurlTransport::CurlTransport(Options options) : options_(std::move(options)) {}

CurlTransport::~CurlTransport() {
  absl::MutexLock lock(&mutex_);
  for (void* pool : idle_) curl_multi_cleanup(pool);
}

void* CurlTransport::TakePool() {
  {
    absl::MutexLock lock(&mutex_);
    if (!idle_.empty()) {
      void* pool = idle_.back();
      idle_.pop_back();
      return pool;
    }
  }
  return curl_multi_init();
}

void CurlTransport::ReturnPool(void* pool) {
  {
    absl::MutexLock lock(&mutex_);
    if (idle_.size() < options_.max_idle_pools) {
      idle_.push_back(pool);
      return;
    }
  }
  curl_multi_cleanup(pool);
}

HttpResult CurlTransport::Perform(const HttpRequest& request) {
  if (const absl::string_view fault = Fault(request); !fault.empty()) {
    return NotSent(fault);
  }
  const absl::StatusOr<HttpUrl> url = ParseHttpUrl(request.url);
  if (!url.ok()) return NotSent(url.status().message());
  if (!url->https && !url->loopback && !options_.allow_plain_http) {
    return NotSent("plain http:// is only for loopback hosts");
  }
  const Slist headers = MakeHeaders(request);
  // A handle for one request only: libcurl before 8.1 reads freed memory when a
  // handle is used again and the next answer's first header line starts with a
  // blank (curl/curl issue 11101). The connections are the pool's.
  const std::unique_ptr<CURL, HandleDeleter> handle(curl_easy_init());
  CURL* const curl = handle.get();
  CURLM* const pool = TakePool();
  if (curl == nullptr || pool == nullptr || headers == nullptr) {
    if (pool != nullptr) ReturnPool(pool);
    return NotSent("out of memory");
  }

  Exchange exchange;
  exchange.unsent = request.body;
  exchange.max_response_bytes = options_.max_response_bytes;
  std::array<char, CURL_ERROR_SIZE> reason = {};

  Setter options(curl);
  options.Set(CURLOPT_ERRORBUFFER, reason.data());
  options.Set(CURLOPT_URL, request.url.c_str());
  options.Set(CURLOPT_PROTOCOLS_STR, url->https ? "https" : "http");
  options.Set(CURLOPT_FOLLOWLOCATION, 0L);
  options.Set(CURLOPT_NOSIGNAL, 1L);
  options.Set(CURLOPT_NOPROGRESS, 1L);
  options.Set(CURLOPT_TCP_KEEPALIVE, 1L);
  options.Set(CURLOPT_PATH_AS_IS, 1L);
  options.Set(CURLOPT_HTTP_VERSION, long{CURL_HTTP_VERSION_2TLS});
  options.Set(CURLOPT_SSLVERSION, long{CURL_SSLVERSION_TLSv1_2});
  options.Set(CURLOPT_USERAGENT, options_.user_agent.c_str());
  options.Set(CURLOPT_TIMEOUT_MS, Milliseconds(request.timeout));
  options.Set(
      CURLOPT_CONNECTTIMEOUT_MS,
      Milliseconds(std::min(options_.connect_timeout, request.timeout)));
  options.Set(CURLOPT_MAXAGE_CONN, kMaxIdleSeconds);
  options.Set(CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
  options.Set(CURLOPT_HTTPHEADER, headers.get());
  options.Set(CURLOPT_HEADEROPT, long{CURLHEADER_SEPARATE});
  options.Set(CURLOPT_HEADERFUNCTION, &OnHeader);
  options.Set(CURLOPT_HEADERDATA, static_cast<void*>(&exchange));
  options.Set(CURLOPT_WRITEFUNCTION, &OnBody);
  options.Set(CURLOPT_WRITEDATA, static_cast<void*>(&exchange));
  if (url->loopback) options.Set(CURLOPT_PROXY, "");
  if (options_.ca_file.has_value()) {
    options.Set(CURLOPT_CAINFO, options_.ca_file->c_str());
    options.Set(CURLOPT_CAPATH, static_cast<const char*>(nullptr));
  }
  if (request.method == "GET") {
    options.Set(CURLOPT_HTTPGET, 1L);
  } else {
    options.Set(CURLOPT_POST, 1L);
    options.Set(CURLOPT_CUSTOMREQUEST, request.method.c_str());
    options.Set(CURLOPT_POSTFIELDSIZE_LARGE,
                static_cast<curl_off_t>(request.body.size()));
    options.Set(CURLOPT_READFUNCTION, &OnRead);
    options.Set(CURLOPT_READDATA, static_cast<void*>(&exchange));
    options.Set(CURLOPT_SEEKFUNCTION, &OnSeek);
  }
  if (request.method == "POST") options.Set(CURLOPT_FRESH_CONNECT, 1L);

  CURLcode code = options.code();
  const bool ready = code == CURLE_OK;
  if (ready) code = Transfer(pool, curl);
  // Request bytes handed to the system. TLS and connecting do not count, a
  // request to a proxy does.
  long sent = 0;
  long status = 0;
  if (ready) {
    curl_easy_getinfo(curl, CURLINFO_REQUEST_SIZE, &sent);
    curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
  }
  ReturnPool(pool);
  exchange.response.status = static_cast<int>(status);
  // libcurl takes a head that ends before its blank line for a whole answer.
  if (code == CURLE_OK && !exchange.headers_done) code = CURLE_PARTIAL_FILE;
  if (code == CURLE_OK) return std::move(exchange.response);

  if (sent == 0) {
    // The reason names host and port at most.
    const size_t length = strnlen(reason.data(), reason.size());
    const absl::string_view more(reason.data(), length);
    return NotSent(more.empty() ? curl_easy_strerror(code) : more);
  }
  TransportError error;
  error.phase = TransportError::Phase::kMaybeSent;
  // libcurl's own words for the case, not the reason of this one: that may
  // quote what the server sent.
  error.message = exchange.too_large ? "the answer is too large"
                  : code == CURLE_SEND_FAIL_REWIND
                      ? "the connection broke before an answer came"
                      : curl_easy_strerror(code);
  if (exchange.headers_done && status >= 200) {
    exchange.response.body.clear();
    error.partial = std::move(exchange.response);
  }
  return error;
}

}  // namespace connector::pinterest
