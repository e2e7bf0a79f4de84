#include "connector/cli/status_text.h"

#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "connector/cli/full_sync_text.h"
#include "connector/cli/humanize.h"
#include "connector/cli/login_text.h"
#include "connector/cli/rpc_error.h"
#include "connector/cli/table.h"

namespace connector::cli {
namespace {

using audience_sync::v1::AudienceStatus;
using audience_sync::v1::DestinationStatus;
using audience_sync::v1::SegmentStatus;
using audience_sync::v1::SyncCounters;

std::string StateName(audience_sync::v1::DeliveryState state) {
  const std::string name = audience_sync::v1::DeliveryState_Name(state);
  return std::string(absl::StripPrefix(name, "DELIVERY_STATE_"));
}

void AddCounters(const SyncCounters& counters, std::vector<std::string>& row) {
  for (int64_t count :
       {counters.received(), counters.delivered(), counters.already_there(),
        counters.netted_out(), counters.superseded(), counters.excluded(),
        counters.rejected(), counters.pending()}) {
    row.push_back(Grouped(count));
  }
}

std::string ListCell(const SegmentStatus& segment) {
  const std::string id = segment.customer_list_id().empty()
                             ? "not created yet"
                             : segment.customer_list_id();
  return absl::StrCat(segment.customer_list_name(), " (", id, ")");
}

std::string SegmentTable(const DestinationStatus& status) {
  Table table({{"LIST"},
               {"MEMBERS", true},
               {"RECEIVED", true},
               {"DELIVERED", true},
               {"ALREADY THERE", true},
               {"NETTED OUT", true},
               {"SUPERSEDED", true},
               {"EXCLUDED", true},
               {"REJECTED", true},
               {"PENDING", true},
               {"STATE"}});
  for (const SegmentStatus& segment : status.segment_statuses()) {
    // The least number that is certain when others may be on the list, too.
    std::vector<std::string> row = {
        ListCell(segment), absl::StrCat(segment.unknown_members() ? ">=" : "",
                                        Grouped(segment.member_count()))};
    AddCounters(segment.counters(), row);
    std::string state = StateName(segment.delivery_state());
    // What is over needs nobody's eye here; full-sync shows it.
    switch (segment.full_sync().state()) {
      case audience_sync::v1::FULL_SYNC_STATE_OPEN:
      case audience_sync::v1::FULL_SYNC_STATE_JUDGING:
      case audience_sync::v1::FULL_SYNC_STATE_WAITING_FOR_CONFIRMATION:
      case audience_sync::v1::FULL_SYNC_STATE_APPLYING:
        absl::StrAppend(&state, "  full sync ",
                        FullSyncStateName(segment.full_sync()));
        break;
      default:
        break;
    }
    if (segment.mapping().state() ==
        audience_sync::v1::MAPPING_STATE_UNMAPPED_KEPT) {
      absl::StrAppend(&state, "  unmapped");
    } else if (segment.mapping().state() ==
               audience_sync::v1::MAPPING_STATE_UNMAPPED_EMPTIED) {
      absl::StrAppend(&state, "  unmapped, emptied");
    }
    if (segment.mapping().has_operation()) {
      absl::StrAppend(&state, "  ",
                      OperationText(segment.mapping().operation()));
    }
    if (segment.has_last_error()) {
      absl::StrAppend(&state, "  ", ErrorLine(segment.last_error()));
    }
    row.push_back(state);
    table.AddRow(row);
  }
  std::vector<std::string> total = {"all, and what belongs to none", ""};
  AddCounters(status.counters(), total);
  table.AddRow(total);
  return table.Render();
}

// "READY", "PENDING"...: Pinterest's word if there is one.
std::string AudienceWord(const AudienceStatus& audience) {
  if (!audience.pinterest_status().empty()) return audience.pinterest_status();
  const std::string name =
      audience_sync::v1::AudienceState_Name(audience.state());
  return std::string(absl::StripPrefix(name, "AUDIENCE_STATE_"));
}

void AddAudience(const AudienceStatus& audience, absl::Time now, Table& table) {
  std::string id =
      audience.audience_id().empty() ? "not made yet" : audience.audience_id();
  std::string since;
  if (audience.has_state_time()) {
    since = HumanDuration(
        now - absl::FromUnixSeconds(audience.state_time().seconds()));
  }
  std::string hint = audience.hint();
  if (!audience.last_error().empty()) {
    absl::StrAppend(&hint, hint.empty() ? "" : "; ",
                    "Pinterest: ", audience.last_error());
  }
  table.AddRow(
      {audience.name(), id, audience.audience_type(), AudienceWord(audience),
       audience.has_size() ? Grouped(audience.size()) : "-", since, hint});
}

// The audiences of segments and the declared ones; empty if there are none.
std::string AudienceTable(const DestinationStatus& status, absl::Time now) {
  Table table({{"AUDIENCE"},
               {"ID"},
               {"TYPE"},
               {"STATUS"},
               {"SIZE", true},
               {"SINCE", true},
               {"HINT"}});
  bool any = false;
  for (const SegmentStatus& segment : status.segment_statuses()) {
    if (!segment.has_audience()) continue;
    any = true;
    AudienceStatus audience = segment.audience();
    if (audience.name().empty())
      audience.set_name(segment.customer_list_name());
    AddAudience(audience, now, table);
  }
  for (const AudienceStatus& audience : status.declared_audiences()) {
    any = true;
    AddAudience(audience, now, table);
  }
  return any ? absl::StrCat("\n", table.Render()) : "";
}

}  // namespace

std::string OperationText(const audience_sync::v1::ListOperation& operation) {
  std::string text;
  switch (operation.kind()) {
    case audience_sync::v1::LIST_OPERATION_KIND_EMPTY:
      text = "emptying the list";
      break;
    case audience_sync::v1::LIST_OPERATION_KIND_RESYNC:
      text = "sending every member again";
      break;
    case audience_sync::v1::LIST_OPERATION_KIND_REPLACE:
      text = "going over to another list";
      break;
    case audience_sync::v1::LIST_OPERATION_KIND_EMPTY_FORMER:
      text = "emptying the replaced list";
      break;
    default:
      text = "something unknown";
      break;
  }
  switch (operation.phase()) {
    case audience_sync::v1::LIST_OPERATION_PHASE_REQUESTED:
      absl::StrAppend(&text, " begins");
      break;
    case audience_sync::v1::LIST_OPERATION_PHASE_AUDIENCE:
      absl::StrAppend(&text, " waits for the audience");
      break;
    default:
      absl::StrAppend(&text, ", ", operation.sent_count(), " of ",
                      operation.member_count(), " sent");
      break;
  }
  if (operation.then_empty()) absl::StrAppend(&text, ", then emptying it");
  return text;
}

std::string StatusText(const DestinationStatus& status, absl::Time now) {
  std::string text =
      absl::StrCat("destination ", Printable(status.ad_account_id()), ": ",
                   StateName(status.delivery_state()));
  if (status.counters().pending() > 0 || status.backlog_bytes() > 0) {
    absl::StrAppend(&text, ", ", Grouped(status.counters().pending()),
                    " pending (", HumanBytes(status.backlog_bytes()), ")");
  } else {
    absl::StrAppend(&text, ", nothing pending");
  }
  if (status.has_oldest_pending_time()) {
    const absl::Time oldest =
        absl::FromUnixSeconds(status.oldest_pending_time().seconds());
    absl::StrAppend(&text, ", the oldest for ", HumanDuration(now - oldest));
  }
  absl::StrAppend(&text, "\n");
  if (status.has_blocked_by()) {
    absl::StrAppend(&text, "blocked by ", ErrorLine(status.blocked_by()), "\n");
  }
  if (status.has_oauth_status()) {
    absl::StrAppend(&text, "login: ", LoginText(status.oauth_status(), now),
                    "\n");
  }
  absl::StrAppend(&text, "\n", SegmentTable(status));
  for (const SegmentStatus& segment : status.segment_statuses()) {
    if (segment.list_counters().hint().empty()) continue;
    absl::StrAppend(&text, "list ", Printable(segment.customer_list_id()), ": ",
                    Printable(segment.list_counters().hint()), "\n");
  }
  absl::StrAppend(&text, AudienceTable(status, now));
  if (status.export_positions_size() > 0) {
    Table exports({{"EXPORT"},
                   {"DURABLE BATCH", true},
                   {"DELIVERED BATCH", true},
                   {"ENDED"}});
    for (const auto& position : status.export_positions()) {
      exports.AddRow({position.export_id(),
                      Grouped(position.durable_sequence_number()),
                      Grouped(position.delivered_sequence_number()),
                      position.ended() ? "yes" : "no"});
    }
    absl::StrAppend(&text, "\n", exports.Render());
  }
  return text;
}

}  // namespace connector::cli
