#include "connector/delivery/people_sorter.h"

#include <algorithm>
#include <string>
#include <tuple>
#include <vector>

#include "absl/strings/str_cat.h"
#include "connector/base/fake_random.h"
#include "gtest/gtest.h"

namespace connector::delivery {
namespace {

using Line = std::tuple<std::string, uint64_t, std::string>;

std::vector<Line> SortBy(SortBudget& budget, const std::vector<Line>& lines) {
  SpillingPeopleSorter sorter(&budget, testing::TempDir());
  for (const auto& [key, order, rest] : lines) {
    EXPECT_TRUE(sorter.Add({key, order, rest}).ok());
  }
  EXPECT_TRUE(sorter.Finish().ok());
  std::vector<Line> sorted;
  membership::PeopleSorter::Item item;
  for (;;) {
    auto more = sorter.Next(&item);
    EXPECT_TRUE(more.ok()) << more.status();
    if (!more.ok() || !*more) break;
    sorted.emplace_back(std::string(item.key), item.order,
                        std::string(item.rest));
  }
  return sorted;
}

TEST(SpillingPeopleSorter, SortsByKeyThenOrderAndKeepsWhatIsEqualAsItCame) {
  SortBudget budget(0);
  const std::vector<Line> lines = {{"b", 2, "first"}, {"a", 7, ""},
                                   {"b", 1, "x"},     {"b", 2, "second"},
                                   {"", 9, "none"},   {"a", 3, "y"}};
  const std::vector<Line> sorted = {{"", 9, "none"},   {"a", 3, "y"},
                                    {"a", 7, ""},      {"b", 1, "x"},
                                    {"b", 2, "first"}, {"b", 2, "second"}};
  EXPECT_EQ(SortBy(budget, lines), sorted);
}

TEST(SpillingPeopleSorter, SortsTheSameWithAndWithoutFiles) {
  FakeRandom random(7);
  std::vector<Line> lines;
  for (int i = 0; i < 120'000; ++i) {
    std::string key(1 + random.Next() % 20, 'k');
    for (char& byte : key) byte = static_cast<char>(random.Next() % 5);
    // Some are longer than a file's buffer.
    const size_t size = i % 40'000 == 1 ? 300'000 : random.Next() % 90;
    lines.emplace_back(std::move(key), random.Next() % 50,
                       absl::StrCat(i, std::string(size, 'r')));
  }
  std::vector<Line> sorted = lines;
  std::stable_sort(sorted.begin(), sorted.end(),
                   [](const Line& a, const Line& b) {
                     return std::tie(std::get<0>(a), std::get<1>(a)) <
                            std::tie(std::get<0>(b), std::get<1>(b));
                   });
  for (int64_t bytes : {int64_t{0}, int64_t{64} << 20}) {
    SortBudget budget(bytes);
    EXPECT_EQ(SortBy(budget, lines) == sorted, true) << bytes;
    EXPECT_TRUE(budget.TryTake(bytes)) << "all of it came back";
  }
}

}  // namespace
}  // namespace connector::delivery
