#ifndef IDENTITY_MAPPING_CASE_FILE_H_
#define IDENTITY_MAPPING_CASE_FILE_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "identity_mapping/rules.h"

namespace identity_mapping {

// One case of testdata/identity_mapping/*.test; README.md there has the format.
struct MappingCase {
  std::string where;  // "email.test:12"
  std::string name;
  MappingRules current;
  std::vector<MappingRules> former;
  std::string source_namespace;
  std::string value;
  // Exactly one of the three.
  std::string wire;
  std::string refused;
  bool excluded = false;
  std::vector<std::string> former_forms;  // wire texts
  std::vector<std::string> twin_forms;
};

// Reads the text of one file; an error names its line.
absl::StatusOr<std::vector<MappingCase>> ParseCaseFile(
    absl::string_view file_name, absl::string_view text);

}  // namespace identity_mapping

#endif  // IDENTITY_MAPPING_CASE_FILE_H_
