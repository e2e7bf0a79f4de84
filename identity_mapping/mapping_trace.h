#ifndef IDENTITY_MAPPING_MAPPING_TRACE_H_
#define IDENTITY_MAPPING_MAPPING_TRACE_H_

#include <optional>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "identity_mapping/record.h"
#include "identity_mapping/rejection.h"

namespace identity_mapping {

// A step on the way of one value. Sensitive: the text is the value in the
// clear.
struct TraceStep {
  // What was done or found, in plain words; never the value.
  std::string rule;
  // The value after the step; empty when the step leaves it as it is.
  std::string text;
};

// One form that an identity was tried in.
struct TracedForm {
  enum class Use {
    kToday,   // a member event adds it, an exit removes it
    kFormer,  // of a former mapping: both remove it
    kTwin,    // the same device id in another case: an exit removes it
  };
  Use use = Use::kToday;
  // The row's kind, "EMAIL"; of a twin, empty.
  std::string kind;
  std::vector<TraceStep> steps;
  // Exactly one of the two.
  std::optional<Record> record;
  std::optional<RejectionReason> reason;
  // An earlier form is the same record: this one adds nothing.
  bool repeated = false;
};

// What IdentityMapping::Explain saw. Sensitive.
struct MappingTrace {
  // The row's namespace as the mapping spells it.
  std::string source_namespace;
  // What every value goes through, whatever its row.
  std::vector<TraceStep> value_steps;
  // Refused there: no form was tried.
  std::optional<RejectionReason> reason;
  // In the order tried: today's first, unless the namespace is retired.
  std::vector<TracedForm> forms;
};

// Where the functions of this folder note their steps: nowhere, unless somebody
// wants to see them.
class StepLog {
 public:
  StepLog() = default;
  explicit StepLog(std::vector<TraceStep>* steps) : steps_(steps) {}

  void Note(absl::string_view rule, absl::string_view text = {}) const {
    if (steps_ != nullptr) Add(rule, text);
  }
  bool on() const { return steps_ != nullptr; }

 private:
  void Add(absl::string_view rule, absl::string_view text) const;

  std::vector<TraceStep>* steps_ = nullptr;
};

}  // namespace identity_mapping

#endif  // IDENTITY_MAPPING_MAPPING_TRACE_H_
