#include "tests/benchmark/figures.h"

#include <algorithm>
#include <cmath>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"

namespace benchmark_export {
namespace {

// Three digits that mean something, and no exponent.
std::string Number(double value) {
  if (value != 0 && std::fabs(value) < 100) {
    return absl::StrFormat("%.3g", value);
  }
  std::string digits = absl::StrFormat("%.0f", value);
  for (int at = static_cast<int>(digits.size()) - 3;
       at > (digits[0] == '-' ? 1 : 0); at -= 3) {
    digits.insert(static_cast<size_t>(at), ",");
  }
  return digits;
}

}  // namespace

double Figure::Median() const {
  if (values.empty()) return 0;
  std::vector<double> sorted = values;
  std::sort(sorted.begin(), sorted.end());
  const size_t middle = sorted.size() / 2;
  return sorted.size() % 2 == 1 ? sorted[middle]
                                : (sorted[middle - 1] + sorted[middle]) / 2;
}

bool Figure::Reached() const {
  return !has_target || (at_least ? Median() >= target : Median() <= target);
}

Figure& Figures::Find(const std::string& id, const std::string& what,
                      const std::string& unit) {
  for (Figure& figure : figures_) {
    if (figure.id == id) return figure;
  }
  Figure& figure = figures_.emplace_back();
  figure.id = id;
  figure.what = what;
  figure.unit = unit;
  return figure;
}

void Figures::AtLeast(const std::string& id, const std::string& what,
                      const std::string& unit, double target, double value) {
  Figure& figure = Find(id, what, unit);
  figure.has_target = true;
  figure.at_least = true;
  figure.target = target;
  figure.values.push_back(value);
}

void Figures::AtMost(const std::string& id, const std::string& what,
                     const std::string& unit, double target, double value) {
  Figure& figure = Find(id, what, unit);
  figure.has_target = true;
  figure.at_least = false;
  figure.target = target;
  figure.values.push_back(value);
}

void Figures::Report(const std::string& id, const std::string& what,
                     const std::string& unit, double value) {
  Find(id, what, unit).values.push_back(value);
}

double Figures::Median(const std::string& id) const {
  for (const Figure& figure : figures_) {
    if (figure.id == id) return figure.Median();
  }
  return 0;
}

std::string Figures::Table() const {
  std::string table =
      "| what | unit | target | median | smallest | largest | runs | |\n"
      "| --- | --- | --- | --- | --- | --- | --- | --- |\n";
  for (const Figure& figure : figures_) {
    const auto [least, most] =
        std::minmax_element(figure.values.begin(), figure.values.end());
    absl::StrAppend(
        &table, "| ", figure.what, " | ", figure.unit, " | ",
        figure.has_target
            ? absl::StrCat(figure.at_least ? "≥ " : "≤ ", Number(figure.target))
            : "",
        " | ", Number(figure.Median()), " | ", Number(*least), " | ",
        Number(*most), " | ", figure.values.size(), " | ",
        !figure.has_target ? ""
        : figure.Reached() ? "reached"
                           : "NOT reached",
        " |\n");
  }
  return table;
}

nlohmann::json Figures::Json() const {
  nlohmann::json rows = nlohmann::json::array();
  for (const Figure& figure : figures_) {
    nlohmann::json row = {{"id", figure.id},
                          {"what", figure.what},
                          {"unit", figure.unit},
                          {"median", figure.Median()},
                          {"values", figure.values}};
    if (figure.has_target) {
      row[figure.at_least ? "at_least" : "at_most"] = figure.target;
      row["reached"] = figure.Reached();
    }
    rows.push_back(std::move(row));
  }
  return rows;
}

}  // namespace benchmark_export
