#ifndef CONNECTOR_CONFIG_FIELD_CHECK_H_
#define CONNECTOR_CONFIG_FIELD_CHECK_H_

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

namespace connector::config {

// Collects everything that is wrong with a configuration, so that it is told at
// once. Field paths look like "destination.delivery_policy.max_delay"; rules
// never repeat the value.
class FieldCheck {
 public:
  void Add(absl::string_view field, absl::string_view rule);

  // Adds a violation unless `value` is between the two, ends included.
  void Range(absl::string_view field, int64_t value, int64_t least,
             int64_t most);

  // Adds a violation if `text` is too long or has a control character in it.
  void Text(absl::string_view field, absl::string_view text, size_t max_bytes);

  // Takes over the violations of another check.
  void Append(const FieldCheck& other);

  bool ok() const { return violations_.empty(); }

  // OK, or INVALID_ARGUMENT FIELD_INVALID with all violations (details hold the
  // first kMaxViolations, the message fewer).
  absl::Status ToStatus() const;

  static constexpr size_t kMaxViolations = 100;

 private:
  std::vector<std::pair<std::string, std::string>> violations_;
};

// 50000 as "50,000".
std::string WithCommas(int64_t number);

// True if `text` has a control character (of ASCII) in it.
bool HasControlCharacter(absl::string_view text);

}  // namespace connector::config

#endif  // CONNECTOR_CONFIG_FIELD_CHECK_H_
