#ifndef TESTS_STRESS_EVENT_H_
#define TESTS_STRESS_EVENT_H_

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"

namespace stress {

// One person comes to a segment or leaves it.
struct Event {
  int person = 0;
  std::string segment;
  bool member = false;
};

// Segment → person → whether the last event says member.
using Model = std::map<std::string, std::map<int, bool>>;

// People with a negative number are bad: Pinterest refuses their records.
inline std::string AddressOf(int person) {
  return absl::StrCat("person", person, "@example.com");
}

// What a batch comes to. The unit is identity × membership.
struct Units {
  int64_t received = 0;
  int64_t excluded = 0;
  int64_t rejected = 0;

  Units& operator+=(const Units& other) {
    received += other.received;
    excluded += other.excluded;
    rejected += other.rejected;
    return *this;
  }
};

}  // namespace stress

#endif  // TESTS_STRESS_EVENT_H_
