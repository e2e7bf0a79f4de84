#ifndef TESTS_STRESS_WEATHER_H_
#define TESTS_STRESS_WEATHER_H_

#include <cstdint>
#include <map>
#include <random>
#include <string>
#include <vector>

#include "nlohmann/json.hpp"
#include "tests/e2e/system.h"

namespace stress {

// What the simulated Pinterest does wrong, changed now and then: every fault
// that it has. Not thread-safe.
class Weather {
 public:
  Weather(e2e::System* system, uint64_t seed)
      : system_(*system), random_(seed) {}

  // Requests with this record are refused with 400 from the next Change on.
  void AddBadRecord(const std::string& record) { bad_.push_back(record); }

  // Other faults than before.
  void Change();
  // None.
  void Clear();

  // Kinds of faults, and how many requests each has hit.
  const std::map<std::string, int64_t>& hits() const { return hits_; }

 private:
  struct Kind {
    std::string name;
    nlohmann::json action;
    // Operations that it may hit.
    std::vector<std::string> operations;
    // Each time it is chosen; 0: without end.
    int times = 0;
    double probability = 0.03;
  };

  static std::vector<Kind> Kinds();
  void Count();

  e2e::System& system_;
  std::mt19937_64 random_;
  std::vector<std::string> bad_;
  // Of the faults that are installed now, in their order.
  std::vector<std::string> installed_;
  std::map<std::string, int64_t> hits_;
};

}  // namespace stress

#endif  // TESTS_STRESS_WEATHER_H_
