#include "simulator/customer_lists.h"

#include <algorithm>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace simulator {
namespace {

using nlohmann::json;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr char kAccount[] = "549755885175";
const absl::Time kStart = absl::FromUnixSeconds(1'700'000'000);

class CustomerListsTest : public ::testing::Test {
 protected:
  Answer Create(const json& body) {
    std::string text = body.dump();
    return lists_.Create(kAccount, parser_.Parse(text), switches_, now_);
  }
  Answer Update(const std::string& id, const json& body) {
    std::string text = body.dump();
    return lists_.Update(kAccount, id, parser_.Parse(text), switches_, now_);
  }
  std::string CreateList(const std::string& name) {
    return Create({{"name", name}, {"records", "r"}}).body["id"];
  }
  Answer List(const Query& query) {
    return lists_.List(kAccount, query, switches_, now_);
  }
  std::string Status(const std::string& id) {
    return lists_.Get(kAccount, id, switches_, now_).body["status"];
  }

  CustomerLists lists_;
  ListRequestParser parser_;
  Switches switches_;
  absl::Time now_ = kStart;
};

std::vector<std::string> Names(const Answer& page) {
  std::vector<std::string> names;
  for (const json& item : page.body["items"]) names.push_back(item["name"]);
  return names;
}

TEST_F(CustomerListsTest, ANewListLooksAsSeenLive) {
  Answer answer =
      Create({{"name", "n"}, {"records", "a@b.example,b@b.example"}});
  EXPECT_EQ(answer.status, 200);
  EXPECT_EQ(answer.body, json({{"id", "4000001"},
                               {"ad_account_id", kAccount},
                               {"name", "n"},
                               {"created_time", 1'700'000'000},
                               {"updated_time", 1'700'000'000},
                               {"status", "PROCESSING"},
                               {"num_batches", 1},
                               {"num_uploaded_user_records", 2},
                               {"num_removed_user_records", 0},
                               {"exceptions", json::object()},
                               {"type", "customerlist"},
                               {"is_nca", false}}));
}

TEST_F(CustomerListsTest, CountersGrowOnRepeatsWhileTheSetDoesNot) {
  std::string id = Create({{"name", "n"}, {"records", "a,b,b"}}).body["id"];
  EXPECT_EQ(lists_.Find(kAccount, id)->num_uploaded, 3);
  now_ += absl::Seconds(5);
  Answer answer =
      Update(id, {{"operation_type", "ADD"}, {"records", "b,c,c,"}});
  EXPECT_EQ(answer.body["num_uploaded_user_records"], 6);
  EXPECT_EQ(answer.body["num_batches"], 2);
  EXPECT_EQ(answer.body["updated_time"], 1'700'000'005);
  answer = Update(id, {{"operation_type", "REMOVE"}, {"records", "x,a"}});
  EXPECT_EQ(answer.body["num_removed_user_records"], 2);
  EXPECT_EQ(answer.body["num_uploaded_user_records"], 6);
  EXPECT_EQ(answer.body["num_batches"], 3);
  EXPECT_THAT(lists_.Find(kAccount, id)->records.Sorted(),
              ElementsAre("b", "c"));
}

TEST_F(CustomerListsTest, NamesAreNotUniqueAndIdsGrow) {
  std::string one = CreateList("same");
  std::string two = CreateList("same");
  EXPECT_LT(one, two);
  EXPECT_THAT(Names(List({})), ElementsAre("same", "same"));
}

TEST_F(CustomerListsTest, RefusesWhatTheDescriptionForbids) {
  struct Case {
    json body;
    const char* message;
  };
  for (const Case& c : std::vector<Case>{
           {json::array(), "not a JSON object"},
           {{{"records", "a"}}, "name"},
           {{{"name", 5}, {"records", "a"}}, "name"},
           {{{"name", ""}, {"records", "a"}}, "name"},
           {{{"name", "n"}}, "records is required"},
           {{{"name", "n"}, {"records", ""}}, "empty"},
           {{{"name", "n"}, {"records", ",,"}}, "empty"},
           {{{"name", "n"}, {"records", json::array({"a"})}}, "string"},
           {{{"name", "n"}, {"records", "a"}, {"list_type", "GAID"}},
            "list_type"},
           {{{"name", "n"}, {"records", "a"}, {"list_type", nullptr}},
            "list_type"},
           {{{"name", "n"}, {"records", "a"}, {"is_nca", "yes"}}, "is_nca"},
       }) {
    Answer answer = Create(c.body);
    EXPECT_EQ(answer.status, 400) << c.body;
    EXPECT_TRUE(answer.body["code"].is_number_integer());
    EXPECT_THAT(answer.body["message"].get<std::string>(),
                HasSubstr(c.message));
  }
  EXPECT_THAT(lists_.InAccount(kAccount), IsEmpty());

  std::string id = CreateList("n");
  for (const json& body : std::vector<json>{
           {{"records", "a"}},
           {{"operation_type", "APPEND"}, {"records", "a"}},
           {{"operation_type", "add"}, {"records", "a"}},
           {{"operation_type", 1}, {"records", "a"}},
           {{"operation_type", "ADD"}},
           {{"operation_type", "ADD"}, {"records", ""}},
           {{"operation_type", "ADD"}, {"records", 7}},
       }) {
    EXPECT_EQ(Update(id, body).status, 400) << body;
  }
  EXPECT_EQ(lists_.Find(kAccount, id)->num_batches, 1);
}

TEST_F(CustomerListsTest, EveryDocumentedListTypeIsTaken) {
  for (const char* type :
       {"EMAIL", "IDFA", "MAID", "LR_ID", "DLX_ID", "HASHED_PINNER_ID"}) {
    EXPECT_EQ(
        Create({{"name", "n"}, {"records", "a"}, {"list_type", type}}).status,
        200);
  }
}

TEST_F(CustomerListsTest, AnUnknownListIs404AndAccountsAreApart) {
  std::string id = CreateList("n");
  EXPECT_EQ(Update("1", {{"operation_type", "ADD"}, {"records", "a"}}).status,
            404);
  EXPECT_EQ(lists_.Get("12", id, switches_, now_).status, 404);
}

TEST_F(CustomerListsTest, StatusFollowsTheClockAndTheSize) {
  std::string id = CreateList("n");
  EXPECT_EQ(Status(id), "PROCESSING");
  now_ += absl::Seconds(10);
  EXPECT_EQ(Status(id), "TOO_SMALL");
  std::string many;
  for (int i = 0; i < 198; ++i) absl::StrAppend(&many, "m", i, ",");
  Update(id, {{"operation_type", "ADD"}, {"records", many}});
  EXPECT_EQ(Status(id), "PROCESSING");
  now_ += absl::Seconds(10);
  EXPECT_EQ(Status(id), "READY");
  switches_.match_rate = 0.5;  // 99.5 of 199, rounded to 100
  EXPECT_EQ(Status(id), "READY");
  switches_.match_rate = 0.49;
  EXPECT_EQ(Status(id), "TOO_SMALL");
}

TEST_F(CustomerListsTest, PagesInBothOrders) {
  for (const char* name : {"a", "b", "c", "d", "e"}) CreateList(name);
  for (const std::string order : {"ASCENDING", "DESCENDING"}) {
    std::vector<std::string> seen;
    Query query = {{"page_size", "2"}, {"order", order}};
    int pages = 0;
    while (true) {
      Answer page = List(query);
      ASSERT_EQ(page.status, 200);
      ++pages;
      for (const std::string& name : Names(page)) seen.push_back(name);
      if (page.body["bookmark"].is_null()) break;
      query["bookmark"] = page.body["bookmark"];
    }
    EXPECT_EQ(pages, 3);
    std::vector<std::string> expected = {"a", "b", "c", "d", "e"};
    if (order == "DESCENDING") {
      std::reverse(expected.begin(), expected.end());
    }
    EXPECT_EQ(seen, expected);
  }
}

TEST_F(CustomerListsTest, AFullLastPageHasNoBookmark) {
  for (const char* name : {"a", "b"}) CreateList(name);
  EXPECT_TRUE(List({{"page_size", "2"}}).body["bookmark"].is_null());
  EXPECT_FALSE(List({{"page_size", "1"}}).body["bookmark"].is_null());
}

TEST_F(CustomerListsTest, AListMadeWhilePagingIsNeitherLostNorRepeated) {
  for (const char* name : {"a", "b", "c"}) CreateList(name);
  Answer first = List({{"page_size", "2"}, {"order", "DESCENDING"}});
  EXPECT_THAT(Names(first), ElementsAre("c", "b"));
  CreateList("d");
  EXPECT_THAT(Names(List({{"page_size", "2"},
                          {"order", "DESCENDING"},
                          {"bookmark", first.body["bookmark"]}})),
              ElementsAre("a"));
}

TEST_F(CustomerListsTest, RefusesBadPaging) {
  for (const Query& query : std::vector<Query>{{{"page_size", "0"}},
                                               {{"page_size", "251"}},
                                               {{"page_size", "x"}},
                                               {{"order", "UP"}},
                                               {{"bookmark", "???"}},
                                               {{"bookmark", "QUJD"}},
                                               {{"exclude_nca", "maybe"}}}) {
    EXPECT_EQ(List(query).status, 400) << json(query);
  }
  EXPECT_EQ(List({{"page_size", "250"}}).status, 200);
}

TEST_F(CustomerListsTest, APageHas25ItemsUnlessSaid) {
  for (int i = 0; i < 26; ++i) CreateList("n");
  EXPECT_EQ(List({}).body["items"].size(), 25u);
}

TEST_F(CustomerListsTest, ExcludesNewCustomerLists) {
  Create({{"name", "nca"}, {"records", "a"}, {"is_nca", true}});
  CreateList("plain");
  EXPECT_THAT(Names(List({{"exclude_nca", "true"}})), ElementsAre("plain"));
  EXPECT_THAT(Names(List({})), ElementsAre("nca", "plain"));
}

TEST_F(CustomerListsTest, SwitchAListShowsUpLate) {
  switches_.list_visible_after = absl::Seconds(30);
  std::string id = CreateList("late");
  EXPECT_THAT(Names(List({})), IsEmpty());
  EXPECT_EQ(lists_.Get(kAccount, id, switches_, now_).status, 200);
  now_ += absl::Seconds(30);
  EXPECT_THAT(Names(List({})), ElementsAre("late"));
}

TEST_F(CustomerListsTest, SwitchPatchIsRefusedWhileProcessing) {
  switches_.patch_refused_while_processing = 409;
  std::string id = CreateList("n");
  json add = {{"operation_type", "ADD"}, {"records", "a"}};
  EXPECT_EQ(Update(id, add).status, 409);
  EXPECT_EQ(lists_.Find(kAccount, id)->num_batches, 1);
  now_ += absl::Seconds(10);
  EXPECT_EQ(Update(id, add).status, 200);
}

TEST_F(CustomerListsTest, SwitchLimitsOfSize) {
  std::string id = CreateList("n");
  switches_.max_records_per_request = 2;
  json three = {{"operation_type", "ADD"}, {"records", "a,b,c"}};
  EXPECT_EQ(Update(id, three).status, 413);
  switches_.too_large_status = 400;
  EXPECT_EQ(Update(id, three).status, 400);
  EXPECT_EQ(Update(id, {{"operation_type", "ADD"}, {"records", "a,b,"}}).status,
            200);
  switches_.max_records_per_request = 0;
  switches_.max_body_bytes = 20;
  EXPECT_EQ(Update(id, three).status, 400);
}

TEST_F(CustomerListsTest, SwitchRecordsMayBeMissing) {
  switches_.require_records_on_create = false;
  Answer answer = Create({{"name", "empty"}});
  EXPECT_EQ(answer.status, 200);
  EXPECT_EQ(answer.body["num_uploaded_user_records"], 0);
  EXPECT_EQ(Create({{"name", "empty"}, {"records", ""}}).status, 400);
}

TEST_F(CustomerListsTest, SwitchStrictRecords) {
  switches_.strict_records = true;
  auto create = [&](const std::string& records) {
    return Create({{"name", "n"}, {"records", records}}).status;
  };
  EXPECT_EQ(create(std::string(64, 'a') + "," + std::string(32, '1')), 200);
  EXPECT_EQ(create(std::string(64, 'A')), 400);
  EXPECT_EQ(create("a@b.example"), 400);
  switches_.strict_records_allow_email = true;
  EXPECT_EQ(create("a@b.example"), 200);
  EXPECT_EQ(create("A@b.example"), 400);
  EXPECT_EQ(create("@b.example"), 400);
}

}  // namespace
}  // namespace simulator
