#ifndef CONNECTOR_ADMIN_SEGMENT_MAPPING_H_
#define CONNECTOR_ADMIN_SEGMENT_MAPPING_H_

#include <optional>

#include "absl/strings/string_view.h"
#include "audience_sync/v1/segment_mapping.pb.h"
#include "connector/membership/types.h"

namespace connector::admin {

// How a segment's mapping stands, as the API tells it.
// `former_customer_list_id` is empty if no list was replaced that still has
// members.
audience_sync::v1::SegmentMapping ToMapping(
    const membership::SegmentRow& segment,
    const std::optional<membership::ListOperation>& operation,
    absl::string_view former_customer_list_id);

}  // namespace connector::admin

#endif  // CONNECTOR_ADMIN_SEGMENT_MAPPING_H_
