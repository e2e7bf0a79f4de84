#ifndef CONNECTOR_SIMULATOR_LIST_REQUEST_H_
#define CONNECTOR_SIMULATOR_LIST_REQUEST_H_

#include <cstddef>
#include <memory>

#include "absl/strings/string_view.h"

namespace simulator {

// One member of a JSON object that should be a string.
struct TextField {
  enum Presence { kAbsent, kText, kOther };
  Presence presence = kAbsent;
  absl::string_view text;
};

// The body of POST and PATCH customer_lists.
struct ListRequest {
  // The body is one JSON object.
  bool valid = false;
  TextField name;
  TextField records;
  TextField list_type;
  TextField operation_type;
  // Absent, or true or false.
  bool is_nca_present = false;
  bool is_nca_valid = true;
  bool is_nca = false;
  // Records in `records`, empty ones left out.
  size_t record_count = 0;
  // Those of them that are no lower-case hex digest.
  size_t unhashed_count = 0;
  size_t body_bytes = 0;
};

// Reads bodies without copying them more than once. Not thread-safe.
class ListRequestParser {
 public:
  ListRequestParser();
  ~ListRequestParser();

  // The views in the answer live until the next call.
  ListRequest Parse(absl::string_view body);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace simulator

#endif  // CONNECTOR_SIMULATOR_LIST_REQUEST_H_
