#include "connector/admin/privacy_service.h"

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "connector/admin/admin_fixture.h"
#include "connector/base/fake_random.h"

namespace connector::admin {
namespace {

namespace v1 = audience_sync::v1;
using testing::HasSubstr;
using testing::Not;

class PrivacyServiceTest : public AdminFixture {
 protected:
  static v1::ForgetIdentityRequest Request(const std::string& name,
                                           const std::string& value,
                                           const std::string& id = "ticket") {
    v1::ForgetIdentityRequest request;
    request.set_ad_account_id(kAdAccount);
    request.set_request_id(id);
    request.mutable_identity()->set_source_namespace(name);
    request.mutable_identity()->set_value(value);
    return request;
  }
  std::string Refused(const v1::ForgetIdentityRequest& request) {
    v1::ForgetIdentityResponse response;
    const grpc::Status status =
        service_.ForgetIdentity(nullptr, &request, &response);
    EXPECT_EQ(status.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
    EXPECT_EQ(requests_, 0);
    EXPECT_THAT(status.error_message(), Not(HasSubstr("secret")));
    EXPECT_THAT(status.error_details(), Not(HasSubstr("secret")));
    return status.error_message();
  }

  FakeRandom random_{1};
  int requests_ = 0;
  PrivacyServiceImpl service_{context_, &store_, &random_,
                              [this] { ++requests_; }};
};

TEST_F(PrivacyServiceTest, ARequestIsDurableAndItsListsSayWhatTheyWaitFor) {
  const auto segment = AddSegment("gold");
  delivery_.lists[segment.list] = FakeDelivery::Blocked("the list is blocked");
  const auto request = Request("Email", "Ann@Example.com");
  v1::ForgetIdentityResponse response;
  ASSERT_TRUE(service_.ForgetIdentity(nullptr, &request, &response).ok());
  EXPECT_FALSE(response.repeated());
  const v1::ForgetReceipt& receipt = response.receipt();
  EXPECT_EQ(receipt.state(), v1::FORGET_STATE_REMOVING);
  EXPECT_EQ(receipt.form_count(), 3);
  EXPECT_EQ(receipt.request_id(), "ticket");
  EXPECT_TRUE(receipt.later_events_may_add_again());
  EXPECT_TRUE(receipt.has_request_time());
  EXPECT_FALSE(receipt.has_complete_time());
  ASSERT_EQ(receipt.lists_size(), 1);
  EXPECT_EQ(receipt.lists(0).segment_id(), "gold");
  EXPECT_EQ(receipt.lists(0).outcome(), v1::FORGET_OUTCOME_WAITING);
  EXPECT_THAT(receipt.lists(0).wait_reason(), HasSubstr("blocked"));
  EXPECT_EQ(requests_, 1);
  EXPECT_EQ(delivery_.flushed.size(), 1u);

  v1::ForgetIdentityResponse again;
  ASSERT_TRUE(service_.ForgetIdentity(nullptr, &request, &again).ok());
  EXPECT_TRUE(again.repeated());
  EXPECT_EQ(again.receipt().receipt_id(), receipt.receipt_id());
  EXPECT_EQ(requests_, 1);

  v1::GetForgetReceiptRequest get;
  get.set_ad_account_id(kAdAccount);
  get.set_receipt_id(receipt.receipt_id());
  v1::GetForgetReceiptResponse got;
  ASSERT_TRUE(service_.GetForgetReceipt(nullptr, &get, &got).ok());
  EXPECT_EQ(got.receipt().request_id(), "ticket");
  get.set_receipt_id("another");
  EXPECT_EQ(service_.GetForgetReceipt(nullptr, &get, &got).error_code(),
            grpc::StatusCode::NOT_FOUND);
}

TEST_F(PrivacyServiceTest, WrongRequestsNameTheFieldAndNeverTheValue) {
  EXPECT_THAT(Refused(Request("Phone", "secret")),
              HasSubstr("identity.source_namespace"));
  EXPECT_THAT(Refused(Request("Phone", "secret")), HasSubstr("no row"));
  EXPECT_THAT(Refused(Request("", "secret")),
              HasSubstr("identity.source_namespace"));
  EXPECT_THAT(Refused(Request("Email", "secret")), HasSubstr("identity.value"));
  EXPECT_THAT(Refused(Request("Email", "secret@example.com", "")),
              HasSubstr("request_id"));
  EXPECT_THAT(Refused(Request("Email", "secret@example.com", "a b")),
              HasSubstr("request_id"));
  EXPECT_THAT(
      Refused(Request("Email", "secret@example.com", std::string(65, 'x'))),
      HasSubstr("request_id"));
  v1::ForgetIdentityRequest record;
  record.set_ad_account_id(kAdAccount);
  record.set_request_id("ticket");
  EXPECT_THAT(Refused(record), HasSubstr("target"));
  record.set_record("secret");
  EXPECT_THAT(Refused(record), HasSubstr("record"));
}

TEST_F(PrivacyServiceTest, ReceiptsComeInPagesNewestFirst) {
  for (int i = 0; i < 5; ++i) {
    const auto request =
        Request("Email", "ann@example.com", absl::StrCat("ticket-", i));
    v1::ForgetIdentityResponse response;
    ASSERT_TRUE(service_.ForgetIdentity(nullptr, &request, &response).ok());
  }
  v1::ListForgetReceiptsRequest request;
  request.set_ad_account_id(kAdAccount);
  request.set_page_size(2);
  std::vector<std::string> ids;
  int pages = 0;
  do {
    v1::ListForgetReceiptsResponse page;
    ASSERT_TRUE(service_.ListForgetReceipts(nullptr, &request, &page).ok());
    EXPECT_LE(page.receipts_size(), 2);
    for (const auto& receipt : page.receipts()) {
      ids.push_back(receipt.request_id());
    }
    request.set_page_token(page.next_page_token());
    ++pages;
  } while (!request.page_token().empty());
  EXPECT_EQ(pages, 3);
  EXPECT_THAT(ids, testing::ElementsAre("ticket-4", "ticket-3", "ticket-2",
                                        "ticket-1", "ticket-0"));
  v1::ListForgetReceiptsResponse page;
  request.set_page_token("nonsense");
  EXPECT_EQ(service_.ListForgetReceipts(nullptr, &request, &page).error_code(),
            grpc::StatusCode::INVALID_ARGUMENT);
  request.set_page_token("");
  request.set_page_size(-1);
  EXPECT_EQ(service_.ListForgetReceipts(nullptr, &request, &page).error_code(),
            grpc::StatusCode::INVALID_ARGUMENT);
}

}  // namespace
}  // namespace connector::admin
