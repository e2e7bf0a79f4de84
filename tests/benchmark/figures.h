#ifndef TESTS_BENCHMARK_FIGURES_H_
#define TESTS_BENCHMARK_FIGURES_H_

#include <deque>
#include <string>
#include <vector>

#include "nlohmann/json.hpp"

namespace benchmark_export {

// One measured thing, with a value for each run.
struct Figure {
  std::string id;
  std::string what;
  std::string unit;
  // What it is to reach; none: only reported.
  bool has_target = false;
  bool at_least = true;
  double target = 0;
  std::vector<double> values;

  double Median() const;
  bool Reached() const;
};

// All that was measured, in the order in which it was first named.
class Figures {
 public:
  void AtLeast(const std::string& id, const std::string& what,
               const std::string& unit, double target, double value);
  void AtMost(const std::string& id, const std::string& what,
              const std::string& unit, double target, double value);
  void Report(const std::string& id, const std::string& what,
              const std::string& unit, double value);
  // The median so far; 0 if there is none.
  double Median(const std::string& id) const;

  // A row each: what, target, median, smallest, largest, reached or not.
  std::string Table() const;
  nlohmann::json Json() const;

 private:
  Figure& Find(const std::string& id, const std::string& what,
               const std::string& unit);

  // A reference to one stays good.
  std::deque<Figure> figures_;
};

}  // namespace benchmark_export

#endif  // TESTS_BENCHMARK_FIGURES_H_
