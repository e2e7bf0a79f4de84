#include "connector/pinterest/request_body.h"

#include <string>
#include <vector>

#include "connector/pinterest/test_records.h"
#include "gtest/gtest.h"
#include "nlohmann/json.hpp"

namespace connector::pinterest {
namespace {

using nlohmann::ordered_json;

TEST(RequestBodyTest, UpdateIsByteForByteWhatALibraryWrites) {
  for (const size_t count : {1, 2, 3, 100, 5000}) {
    for (const bool mixed : {false, true}) {
      const TestRecords records(count, mixed, count);
      for (const Operation operation : {Operation::kAdd, Operation::kRemove}) {
        ordered_json expected;
        expected["operation_type"] =
            operation == Operation::kAdd ? "ADD" : "REMOVE";
        expected["records"] = records.Joined();
        EXPECT_EQ(BuildUpdateBody(operation, records.views()), expected.dump());
      }
    }
  }
}

TEST(RequestBodyTest, CreateIsByteForByteWhatALibraryWrites) {
  const TestRecords records(50, true);
  const std::vector<std::string> names = {
      "Spring",
      "with \"quotes\" and \\",
      "line\nbreak\tand \x01",
      "\xC3\xA4\xE2\x82\xAC \xF0\x9F\x98\x80",
      "</script>",
      ","};
  for (const std::string& name : names) {
    ordered_json expected;
    expected["name"] = name;
    expected["records"] = records.Joined();
    expected["list_type"] = "MAID";
    EXPECT_EQ(BuildCreateBody(name, "MAID", records.views()), expected.dump());
  }
}

TEST(RequestBodyTest, NameThatIsNotUtf8StaysValidJson) {
  const TestRecords records(1);
  const std::string body =
      BuildCreateBody("a\xFF\xC0z", "EMAIL", records.views());
  EXPECT_EQ(ordered_json::parse(body)["name"], "a\xEF\xBF\xBD\xEF\xBF\xBDz");
}

TEST(RequestBodyTest, SizesAreThoseOfTheBody) {
  for (const size_t count : {1, 2, 1000}) {
    const TestRecords records(count, true, count);
    const size_t size =
        BuildUpdateBody(Operation::kRemove, records.views()).size();
    EXPECT_EQ(UpdateBodySize(records.views()), size);
    size_t sum = kUpdateBodyOverhead;
    for (const auto& view : records.views()) sum += RecordSizeInBody(view);
    EXPECT_EQ(sum - 1, size);
    EXPECT_LE(BuildUpdateBody(Operation::kAdd, records.views()).size(), size);
  }
}

TEST(RequestBodyTest, HasNoSpareRoom) {
  const TestRecords records(10'000);
  const std::string body = BuildUpdateBody(Operation::kAdd, records.views());
  EXPECT_EQ(body.capacity(), body.size());
}

}  // namespace
}  // namespace connector::pinterest
