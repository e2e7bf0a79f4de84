// Answers of Pinterest: their bodies through the readers, and whole ones
// (status, headers, body) through the client. An input is a byte for the call,
// two for the status, headers a line each, an empty line, the body.

#include <memory>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "connector/base/fake_clock.h"
#include "connector/pinterest/answer.h"
#include "connector/pinterest/pinterest_client.h"
#include "tests/fuzz/answer_checks.h"
#include "tests/fuzz/fuzz.h"

namespace {

using connector::pinterest::HttpRequest;
using connector::pinterest::HttpResult;
using connector::pinterest::TransportError;

class OneAnswer : public connector::pinterest::HttpTransport {
 public:
  HttpResult Perform(const HttpRequest&) override { return result; }
  HttpResult result;
};

void ReadBody(absl::string_view body) {
  using namespace connector::pinterest;  // NOLINT
  const auto list = ParseCustomerList(body, fuzz::kToken);
  if (list.ok()) {
    fuzz::CheckList(*list);
  } else {
    fuzz::CheckSafe(list.status().message(), 300);
  }
  const auto page = ParseCustomerListPage(body, "b", fuzz::kToken);
  if (page.ok()) {
    fuzz::CheckPage(*page);
    FUZZ_CHECK(page->bookmark != "b");
  } else {
    fuzz::CheckSafe(page.status().message(), 300);
  }
  const auto audience = ParseAudience(body, fuzz::kToken);
  if (audience.ok()) {
    FUZZ_CHECK(IsPinterestId(audience->id));
    FUZZ_CHECK(audience->customer_list_id.empty() ||
               IsPinterestId(audience->customer_list_id));
    fuzz::CheckSafe(audience->status, 64);
    fuzz::CheckSafe(audience->audience_type, 64);
    fuzz::CheckSafe(audience->description, 4096);
    FUZZ_CHECK(audience->rule_json.size() <= 64 << 10);
  } else {
    fuzz::CheckSafe(audience.status().message(), 300);
  }
  const auto audiences = ParseAudiencePage(body, "b", fuzz::kToken);
  if (audiences.ok()) FUZZ_CHECK(audiences->bookmark != "b");
  const auto account = ParseAdAccount(body, fuzz::kToken);
  if (account.ok()) fuzz::CheckAccount(*account);
  const ErrorAnswer error = ParseErrorAnswer(body, fuzz::kToken);
  FUZZ_CHECK(error.code >= 0);
  FUZZ_CHECK(!error.message.empty());
  fuzz::CheckSafe(error.message, 300);
}

}  // namespace

int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using connector::pinterest::PinterestClient;
  static connector::FakeClock clock;
  static fuzz::FixedToken token;
  static OneAnswer transport;
  static const std::unique_ptr<PinterestClient> client = [] {
    PinterestClient::Options options;
    options.base_url = "https://api.pinterest.com/v5";
    options.transport = &transport;
    options.token_source = &token;
    options.clock = &clock;
    auto made = PinterestClient::Create(std::move(options));
    FUZZ_CHECK(made.ok());
    return *std::move(made);
  }();

  fuzz::Input input(data, size);
  const uint8_t call = input.Byte();
  connector::pinterest::HttpResponse response;
  response.status = 100 + input.Short() % 500;
  while (!input.empty()) {
    const absl::string_view line = input.Line();
    if (line.empty()) break;
    const std::pair<absl::string_view, absl::string_view> pair =
        absl::StrSplit(line, absl::MaxSplits(':', 1));
    response.headers.Add(pair.first, pair.second);
  }
  response.body = std::string(input.Rest());
  ReadBody(response.body);

  const bool good = response.status / 100 == 2;
  if (call < 0xC0) {
    transport.result = std::move(response);
    FUZZ_CHECK(!fuzz::CallAndCheck(client.get(), call) || good);
  } else {
    TransportError error;
    error.message = absl::StrCat("it broke ", response.body);
    if (call < 0xE0) error.partial = std::move(response);
    transport.result = std::move(error);
    FUZZ_CHECK(!fuzz::CallAndCheck(client.get(), call));
  }
  return 0;
}
