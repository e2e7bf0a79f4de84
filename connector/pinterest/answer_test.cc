#include "connector/pinterest/answer.h"

#include <random>
#include <string>
#include <vector>

#include "gtest/gtest.h"

namespace connector::pinterest {
namespace {

// In the form recorded from Pinterest, July 2026.
constexpr char kList[] = R"({
  "ad_account_id": "549768123456", "created_time": 1783600000,
  "exceptions": {}, "id": "3012345", "is_nca": false, "name": "Spring",
  "num_batches": 1, "num_removed_user_records": 0,
  "num_uploaded_user_records": 2, "status": "PROCESSING",
  "type": "customerlist", "updated_time": 1783600001})";

TEST(CustomerListAnswerTest, ReadsEveryField) {
  const absl::StatusOr<CustomerList> list = ParseCustomerList(kList, "");
  ASSERT_TRUE(list.ok()) << list.status();
  EXPECT_EQ(list->id, "3012345");
  EXPECT_EQ(list->name, "Spring");
  EXPECT_EQ(list->ad_account_id, "549768123456");
  EXPECT_EQ(list->status, "PROCESSING");
  EXPECT_EQ(list->created_time, 1783600000);
  EXPECT_EQ(list->num_batches, 1);
  EXPECT_EQ(list->num_uploaded_user_records, 2);
  EXPECT_EQ(list->num_removed_user_records, 0);
  EXPECT_EQ(list->exceptions_json, "");
}

TEST(CustomerListAnswerTest, AnIdIsEnough) {
  const absl::StatusOr<CustomerList> list =
      ParseCustomerList(R"({"id":"1","new_field":[{"x":1}]})", "");
  ASSERT_TRUE(list.ok());
  EXPECT_EQ(list->created_time, std::nullopt);
  EXPECT_EQ(list->num_batches, std::nullopt);
}

TEST(CustomerListAnswerTest, FieldsOfAWrongTypeArePassedOver) {
  const absl::StatusOr<CustomerList> list = ParseCustomerList(
      R"({"id":643,"name":7,"ad_account_id":"x","status":{},
          "created_time":1.4522e9,"num_batches":"2",
          "num_uploaded_user_records":1e300,
          "num_removed_user_records":18446744073709551615,
          "exceptions":null})",
      "");
  ASSERT_TRUE(list.ok()) << list.status();
  EXPECT_EQ(list->id, "643");
  EXPECT_EQ(list->name, "");
  EXPECT_EQ(list->ad_account_id, "");
  EXPECT_EQ(list->status, "");
  EXPECT_EQ(list->created_time, 1452200000);
  EXPECT_EQ(list->num_batches, std::nullopt);
  EXPECT_EQ(list->num_uploaded_user_records, std::nullopt);
  EXPECT_EQ(list->num_removed_user_records, std::nullopt);
}

TEST(CustomerListAnswerTest, ExceptionsOfAnyShapeAreKeptAsMaskedText) {
  struct Case {
    std::string exceptions;
    std::string expected;
  };
  const std::vector<Case> cases = {
      {"{}", ""},
      {"[]", ""},
      {"null", ""},
      {R"({"code":2,"message":"Advertiser not found."})",
       R"({"code":2,"message":"Advertiser not found."})"},
      {R"(["bad a@b.c"])", R"(["bad [address]"])"},
      {R"("token pina_1")", R"("token [token]")"},
      {"7", "7"},
      {R"({"opensesame1":1})", R"({" [token] ":1})"},
  };
  for (const Case& c : cases) {
    const auto list = ParseCustomerList(
        "{\"id\":\"1\",\"exceptions\":" + c.exceptions + "}", "opensesame1");
    ASSERT_TRUE(list.ok());
    EXPECT_EQ(list->exceptions_json, c.expected);
  }
  const auto list = ParseCustomerList(
      "{\"id\":\"1\",\"exceptions\":\"" + std::string(5000, 'x') + "\"}", "");
  ASSERT_TRUE(list.ok());
  EXPECT_LE(list->exceptions_json.size(), 1000u);
}

TEST(CustomerListAnswerTest, EveryCutIsToldFromNonsense) {
  const std::string whole = kList;
  for (size_t size = 1; size < whole.size(); ++size) {
    const auto list = ParseCustomerList(whole.substr(0, size), "");
    EXPECT_TRUE(absl::IsDataLoss(list.status())) << size << list.status();
  }
  const std::string deep(100'000, '[');
  for (const std::string& body :
       std::vector<std::string>{"",
                                " ",
                                "null",
                                "[]",
                                "\"id\"",
                                "<html>Sign in</html>",
                                "{}",
                                "{id:1}",
                                R"({"id":""})",
                                R"({"id":"12a"})",
                                R"({"id":"../x"})",
                                R"({"id":null})",
                                R"({"id":-1})",
                                R"({"id":1.5})",
                                R"({"id":"1234567890123456789"})",
                                R"({"id":"1"} x)",
                                R"({"id":"1"}{})",
                                "{\"id\":\"1\",\"name\":\"\xFF\"}",
                                "{\"id\":\"1\",\"n\":1e999}",
                                "{\"id\":\"1\",\"exceptions\":" + deep}) {
    const auto list = ParseCustomerList(body, "");
    EXPECT_TRUE(absl::IsInternal(list.status()))
        << body.substr(0, 40) << list.status();
  }
}

TEST(CustomerListAnswerTest, BracketsInsideStringsAreNoDepth) {
  const std::string body =
      "{\"id\":\"1\",\"name\":\"" + std::string(500, '[') + "\\\"{[\"}";
  EXPECT_TRUE(ParseCustomerList(body, "").ok());
}

TEST(CustomerListPageTest, ReadsItemsAndBookmark) {
  const auto page = ParseCustomerListPage(
      R"({"items":[{"id":"2","name":"b"},{"id":"1","name":"a"}],
          "bookmark":"next=="})",
      "", "");
  ASSERT_TRUE(page.ok()) << page.status();
  ASSERT_EQ(page->items.size(), 2u);
  EXPECT_EQ(page->items[1].name, "a");
  EXPECT_EQ(page->bookmark, "next==");
  for (const char* last : {R"({"items":[],"bookmark":null})", R"({"items":[]})",
                           R"({"items":[],"bookmark":""})"}) {
    const auto end = ParseCustomerListPage(last, "x", "");
    ASSERT_TRUE(end.ok());
    EXPECT_EQ(end->bookmark, "");
  }
}

TEST(CustomerListPageTest, AListThatCannotBeReadFailsThePage) {
  for (const char* body :
       {"{}", R"({"items":{}})", R"({"items":[{"name":"a"}]})",
        R"({"items":["1"]})", R"({"items":[null]})",
        R"({"items":[],"bookmark":1})", R"({"items":[],"bookmark":"same"})"}) {
    EXPECT_TRUE(
        absl::IsInternal(ParseCustomerListPage(body, "same", "").status()))
        << body;
  }
}

TEST(AdAccountAnswerTest, ReadsEveryField) {
  const auto account = ParseAdAccount(
      R"({"id":"549755885175","name":"ACME","owner":{"username":"ann"},
          "country":"US","currency":"USD","permissions":["OWNER",1,"AUDIENCE"],
          "created_time":1451431341})",
      "");
  ASSERT_TRUE(account.ok()) << account.status();
  EXPECT_EQ(account->id, "549755885175");
  EXPECT_EQ(account->name, "ACME");
  EXPECT_EQ(account->country, "US");
  EXPECT_EQ(account->currency, "USD");
  EXPECT_EQ(account->permissions,
            (std::vector<std::string>{"OWNER", "AUDIENCE"}));
  EXPECT_FALSE(ParseAdAccount(R"({"name":"ACME"})", "").ok());
}

TEST(ErrorAnswerTest, AlwaysGivesSomethingToReport) {
  struct Case {
    std::string body;
    int code;
    std::string message;
    bool spam;
  };
  const std::vector<Case> cases = {
      {R"({"code":2,"message":"Authentication failed."})", 2,
       "Authentication failed.", false},
      {R"({"code":8,"message":"Limit.","message_detail":"Looks like SPAM"})", 8,
       "Limit. Looks like SPAM", true},
      {R"({"message":"blocked for Spam"})", 0, "blocked for Spam", true},
      {R"({"code":1,"message":"Invalid record ann@example.com"})", 1,
       "Invalid record [address]", false},
      {R"({"code":"1","message":5})", 0, "the answer gives no message", false},
      {R"({"code":99999999999})", 0, "the answer gives no message", false},
      {R"({"code":-3,"message":"x"})", 0, "x", false},
      {R"({"message":"your token opensesame1"})", 0, "your token  [token]",
       false},
      {"<html>spam</html>", 0, "the answer is not a JSON object", false},
      {"", 0, "the answer has no body", false},
  };
  for (const Case& c : cases) {
    const ErrorAnswer answer = ParseErrorAnswer(c.body, "opensesame1");
    EXPECT_EQ(answer.code, c.code) << c.body;
    EXPECT_EQ(answer.message, c.message) << c.body;
    EXPECT_EQ(answer.spam, c.spam) << c.body;
  }
  EXPECT_LE(
      ParseErrorAnswer("{\"message\":\"" + std::string(9000, 'm') + "\"}", "")
          .message.size(),
      300u);
}

TEST(AnswerTest, DamagedAnswersNeverCrash) {
  std::mt19937_64 random(11);
  for (int round = 0; round < 5'000; ++round) {
    std::string body = kList;
    for (size_t i = 1 + random() % 4; i > 0; --i) {
      const size_t at = random() % body.size();
      switch (random() % 3) {
        case 0:
          body[at] = static_cast<char>(random());
          break;
        case 1:
          body.erase(at, random() % 8);
          break;
        default:
          body.insert(at, 1, "{}[]\",:0e-\\"[random() % 11]);
      }
      if (body.empty()) body = "{";
    }
    const auto list = ParseCustomerList(body, "");
    if (list.ok()) {
      EXPECT_TRUE(IsPinterestId(list->id));
    }
    ParseErrorAnswer(body, "").message;
    ParseCustomerListPage(body, "", "").IgnoreError();
    ParseAdAccount(body, "").IgnoreError();
  }
}

}  // namespace
}  // namespace connector::pinterest
