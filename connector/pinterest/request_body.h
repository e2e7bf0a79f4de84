#ifndef CONNECTOR_PINTEREST_REQUEST_BODY_H_
#define CONNECTOR_PINTEREST_REQUEST_BODY_H_

#include <cstddef>
#include <string>

#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "connector/pinterest/customer_list_client.h"
#include "identity_mapping/record.h"

namespace connector::pinterest {

// The JSON bodies of POST and PATCH customer_lists. Each is written once, into
// one string of exactly the right size; the records, which are nearly all of
// it, are never copied again.

// {"name":"…","records":"a,b,c","list_type":"EMAIL"}. `name` must be UTF-8 (a
// byte that is not becomes U+FFFD); `list_type` a plain word.
std::string BuildCreateBody(
    absl::string_view name, absl::string_view list_type,
    absl::Span<const identity_mapping::RecordView> records);

// {"operation_type":"ADD","records":"a,b,c"}
std::string BuildUpdateBody(
    Operation operation,
    absl::Span<const identity_mapping::RecordView> records);

// Bytes of the body that BuildUpdateBody makes for a REMOVE, the longer of the
// two.
size_t UpdateBodySize(absl::Span<const identity_mapping::RecordView> records);

// How much one more record adds to a body: its text and a comma. So a caller
// can fill a request up to a limit as it goes: UpdateBodySize of records is
// kUpdateBodyOverhead plus the sum of this, less one comma.
size_t RecordSizeInBody(const identity_mapping::RecordView& record);

// Bytes of an UpdateBody around its records.
extern const size_t kUpdateBodyOverhead;

}  // namespace connector::pinterest

#endif  // CONNECTOR_PINTEREST_REQUEST_BODY_H_
