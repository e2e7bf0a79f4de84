#ifndef CONNECTOR_DELIVERY_LIST_NAME_H_
#define CONNECTOR_DELIVERY_LIST_NAME_H_

#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/string_view.h"

namespace connector::delivery {

// The name of a segment's customer list. A function of the configuration and
// the segment alone, so that a list is found again after the store was lost: it
// must never change. A slash in the namespace is escaped, so that no two
// segments share a name: ("a/b", "c") and ("a", "b/c").
inline std::string ListName(absl::string_view prefix,
                            absl::string_view segment_namespace,
                            absl::string_view segment_id) {
  return absl::StrCat(
      prefix, "/",
      absl::StrReplaceAll(segment_namespace, {{"%", "%25"}, {"/", "%2F"}}), "/",
      segment_id);
}

}  // namespace connector::delivery

#endif  // CONNECTOR_DELIVERY_LIST_NAME_H_
