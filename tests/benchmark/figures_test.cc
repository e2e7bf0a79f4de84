#include "tests/benchmark/figures.h"

#include "gtest/gtest.h"

namespace benchmark_export {
namespace {

TEST(FiguresTest, MedianAndTarget) {
  Figures figures;
  for (double value : {3.0, 1.0, 2.0}) figures.AtLeast("a", "A", "s", 2, value);
  for (double value : {4.0, 1.0}) figures.AtMost("b", "B", "s", 2, value);
  figures.Report("c", "C", "", 1234567);
  EXPECT_EQ(figures.Median("a"), 2);
  EXPECT_EQ(figures.Median("b"), 2.5);
  EXPECT_EQ(figures.Median("none"), 0);
  EXPECT_EQ(figures.Table(),
            "| what | unit | target | median | smallest | largest | runs | |\n"
            "| --- | --- | --- | --- | --- | --- | --- | --- |\n"
            "| A | s | ≥ 2 | 2 | 1 | 3 | 3 | reached |\n"
            "| B | s | ≤ 2 | 2.5 | 1 | 4 | 2 | NOT reached |\n"
            "| C |  |  | 1,234,567 | 1,234,567 | 1,234,567 | 1 |  |\n");
  const nlohmann::json json = figures.Json();
  EXPECT_EQ(json.at(0).at("at_least"), 2);
  EXPECT_EQ(json.at(1).at("reached"), false);
  EXPECT_FALSE(json.at(2).contains("reached"));
}

TEST(FiguresTest, NumbersAreShort) {
  Figures figures;
  figures.Report("a", "A", "", 0.012345);
  figures.Report("b", "B", "", 100);
  figures.Report("c", "C", "", -1234);
  EXPECT_NE(figures.Table().find("| 0.0123 |"), std::string::npos);
  EXPECT_NE(figures.Table().find("| 100 |"), std::string::npos);
  EXPECT_NE(figures.Table().find("| -1,234 |"), std::string::npos);
}

}  // namespace
}  // namespace benchmark_export
