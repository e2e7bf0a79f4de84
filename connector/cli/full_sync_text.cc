#include "connector/cli/full_sync_text.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "connector/cli/humanize.h"
#include "connector/cli/table.h"

namespace connector::cli {

using audience_sync::v1::FullSync;
using audience_sync::v1::SegmentStatus;

std::string FullSyncStateName(const FullSync& full_sync) {
  const std::string name =
      audience_sync::v1::FullSyncState_Name(full_sync.state());
  return std::string(absl::StripPrefix(name, "FULL_SYNC_STATE_"));
}

std::string FullSyncTable(const audience_sync::v1::DestinationStatus& status,
                          absl::Time now) {
  Table table({{"SEGMENT"},
               {"FULL SYNC"},
               {"DECLARED", true},
               {"MEMBERS", true},
               {"REMOVES", true},
               {"STATE"}});
  bool any = false;
  for (const SegmentStatus& segment : status.segment_statuses()) {
    if (!segment.has_full_sync()) continue;
    any = true;
    const FullSync& full_sync = segment.full_sync();
    const bool judged =
        full_sync.has_commit_time() &&
        full_sync.state() != audience_sync::v1::FULL_SYNC_STATE_JUDGING;
    std::string state = FullSyncStateName(full_sync);
    if (full_sync.has_expire_time()) {
      absl::StrAppend(
          &state, ", expires in ",
          HumanDuration(
              absl::FromUnixSeconds(full_sync.expire_time().seconds()) - now));
    }
    table.AddRow({Printable(absl::StrCat(segment.segment().segment_namespace(),
                                         "/", segment.segment().segment_id())),
                  full_sync.full_sync_id(), Grouped(full_sync.declared_count()),
                  judged ? Grouped(full_sync.member_count()) : "",
                  judged ? Grouped(full_sync.removal_count()) : "", state});
  }
  return any ? table.Render() : "no segment ever had a full sync\n";
}

}  // namespace connector::cli
