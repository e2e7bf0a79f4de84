#include "connector/admin/audience_tasks.h"

namespace connector::admin {
namespace {

using membership::AudienceTask;

absl::Status Tell(const AudienceTask& task, SegmentAudiences& audiences) {
  switch (task.kind) {
    case AudienceTask::Kind::kRename:
      return audiences.Rename(task.segment);
    case AudienceTask::Kind::kRevive:
      return audiences.Revive(task.segment);
    case AudienceTask::Kind::kRetire:
      return audiences.Retire(task.segment);
    case AudienceTask::Kind::kPointAtList:
      return audiences.PointAtList(task.segment);
  }
  return absl::OkStatus();
}

}  // namespace

absl::Status TellAudiences(membership::Operations& operations,
                           SegmentAudiences* audiences) {
  absl::Status first;
  for (const AudienceTask& task : operations.AudienceTasks()) {
    absl::Status status =
        audiences == nullptr ? absl::OkStatus() : Tell(task, *audiences);
    // What cannot be told, or to nobody, is not told again.
    if (status.ok() || absl::IsNotFound(status) ||
        absl::IsInvalidArgument(status)) {
      status = operations.EndAudienceTask(task);
    }
    first.Update(status);
  }
  return first;
}

}  // namespace connector::admin
