#include "identity_mapping/mapping_trace.h"

namespace identity_mapping {

// Out of line, as it is hardly ever called.
void StepLog::Add(absl::string_view rule, absl::string_view text) const {
  steps_->push_back({std::string(rule), std::string(text)});
}

}  // namespace identity_mapping
