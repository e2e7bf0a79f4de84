#include <unistd.h>

#include <limits>
#include <optional>
#include <utility>

#include "absl/flags/flag.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "connector/base/error.h"
#include "connector/cli/ad_account_argument.h"
#include "connector/cli/commands.h"
#include "connector/cli/content_digest.h"
#include "connector/cli/exit_code.h"
#include "connector/cli/export_client.h"
#include "connector/cli/export_input.h"
#include "connector/cli/export_run.h"
#include "connector/cli/export_summary.h"
#include "connector/cli/flags.h"
#include "connector/cli/full_sync_frames.h"
#include "connector/cli/humanize.h"
#include "connector/cli/progress.h"
#include "connector/cli/resume_state.h"
#include "connector/cli/rpc_error.h"
#include "connector/cli/segment_argument.h"
#include "nlohmann/json.hpp"

namespace connector::cli {
namespace {

using audience_sync::v1::GetSpecRequest;
using audience_sync::v1::GetSpecResponse;
using audience_sync::v1::GetSyncStatusRequest;
using audience_sync::v1::GetSyncStatusResponse;
using audience_sync::v1::SegmentName;

// Bad lines that are named one by one with --skip_bad_lines.
constexpr int kMaxNamedLines = 10;

std::optional<ProgressMode> ModeOf(const std::string& name, bool json,
                                   bool terminal) {
  if (name == "bar") return ProgressMode::kBar;
  if (name == "plain") return ProgressMode::kPlain;
  if (name == "none") return ProgressMode::kNone;
  if (name != "auto") return std::nullopt;
  if (json) return ProgressMode::kNone;
  return terminal ? ProgressMode::kBar : ProgressMode::kPlain;
}

// One run of `export`.
class ExportRun {
 public:
  ExportRun(CommandContext& context, ExportJob job)
      : context_(context),
        read_(std::move(job.read)),
        key_(std::move(job.key)),
        input_(std::move(job.input)),
        mode_(job.mode),
        full_syncs_(std::move(job.full_syncs)) {}

  int Run() {
    GetSpecResponse spec;
    if (absl::Status s = context_.Call(&CommandContext::Stub::GetSpec,
                                       GetSpecRequest(), spec);
        !s.ok()) {
      return context_.FailCall(s);
    }
    Choose(spec.export_limits());
    if (absl::GetFlag(FLAGS_resume) && input_.total_bytes().has_value()) {
      if (absl::Status s = FindUnfinished(); !s.ok()) {
        return context_.Fail(kExitCallFailed, s);
      }
    }
    start_ = context_.environment().clock->Now();
    absl::Status status = Open();
    if (GetErrorDetail(status).reason == "HISTORY_CHANGED") {
      // Nothing of the unfinished run is known there, and nothing of this run
      // was sent yet: begin anew.
      context_.Warn(
          "audiencectl: the connector's memory of the destination is another "
          "one than when the unfinished run began; exporting from the start. "
          "What other exports brought there must be exported again, too.");
      unfinished_ = UnfinishedExport();
      status = Open();
    }
    if (!status.ok()) return context_.FailCall(status);
    if (client_->already_ended()) {
      Forget();
      context_.Warn(
          "audiencectl: an earlier run had already finished this export; run "
          "the command again to send it once more");
    } else if (absl::Status s = Transfer(); !s.ok()) {
      return Explain(s);
    }
    return Report();
  }

 private:
  // Bounds of batches: as asked for, and within the server's limits.
  void Choose(const audience_sync::v1::ExportLimits& limits) {
    BatchBounds& bounds = reading_.bounds;
    bounds.max_profiles = absl::GetFlag(FLAGS_batch_profiles);
    bounds.max_bytes = absl::GetFlag(FLAGS_batch_bytes);
    if (limits.max_batch_profiles() > 0) {
      bounds.max_profiles =
          std::min(bounds.max_profiles, limits.max_batch_profiles());
    }
    if (limits.max_frame_bytes() > 0) {
      bounds.max_bytes = std::min(bounds.max_bytes, limits.max_frame_bytes());
    }
    reading_.profile_key_field = absl::GetFlag(FLAGS_profile_key_field);
    reading_.skip_bad_lines = absl::GetFlag(FLAGS_skip_bad_lines);
    reading_.frames_before = static_cast<int64_t>(full_syncs_.size());
  }

  // Looks for an unfinished run of the same batches to the same destination.
  // Only a run under way elsewhere is an error: without the file, the export
  // merely cannot be taken up again.
  absl::Status FindUnfinished() {
    std::string directory = absl::GetFlag(FLAGS_state_dir);
    if (directory.empty()) directory = DefaultStateDirectory();
    absl::Status trouble = absl::UnknownError("HOME is not set");
    if (!directory.empty()) {
      absl::StatusOr<std::string> content = input_.Digest();
      if (!content.ok()) return content.status();
      ContentDigest key;
      key.Add("audiencectl export 1");
      key.Add(context_.address());
      key.Add(absl::GetFlag(FLAGS_ad_account_id));
      key.Add(*content);
      key.Add(reading_.bounds.max_profiles);
      key.Add(reading_.bounds.max_bytes);
      key.Add(reading_.profile_key_field);
      key.Add(reading_.skip_bad_lines);
      for (const std::string& part : key_) key.Add(part);
      for (const SegmentName& segment : full_syncs_) {
        key.Add(segment.segment_namespace());
        key.Add(segment.segment_id());
      }
      if (!full_syncs_.empty()) {
        key.Add(absl::ToInt64Nanoseconds(
            absl::GetFlag(FLAGS_full_sync_expire_after)));
      }
      absl::StatusOr<std::unique_ptr<ResumeState>> state =
          ResumeState::Open(directory, key.Finish());
      if (state.ok()) {
        state_ = *std::move(state);
        if (state_->saved().has_value()) unfinished_ = *state_->saved();
        return absl::OkStatus();
      }
      if (absl::IsAborted(state.status())) return state.status();
      trouble = state.status();
    }
    context_.Warn(absl::StrCat(
        "audiencectl: this run cannot be taken up again if it is cut off: ",
        trouble.message()));
    return absl::OkStatus();
  }

  absl::Status Open() {
    const CommandEnvironment& world = context_.environment();
    taken_up_ = !unfinished_.export_id.empty();
    if (!taken_up_) {
      unfinished_.export_id = absl::StrFormat(
          "cli-%016x%016x", world.random->Next(), world.random->Next());
    }
    Save();
    ExportClientOptions options;
    options.ad_account_id = absl::GetFlag(FLAGS_ad_account_id);
    options.export_id = unfinished_.export_id;
    options.history_id = unfinished_.history_id;
    options.retry_for = absl::GetFlag(FLAGS_retry_for);
    options.max_unacknowledged_bytes =
        absl::GetFlag(FLAGS_max_unacknowledged_bytes);
    ExportEnvironment environment;
    environment.connect = [this] {
      return context_.environment().connect(context_.address());
    };
    environment.clock = world.clock;
    environment.random = world.random;
    environment.sleep = world.sleep;
    environment.note = [this](const std::string& text) { Note(text); };
    client_ = std::make_unique<ExportClient>(std::move(options),
                                             std::move(environment));
    if (absl::Status s = client_->Open(); !s.ok()) return s;
    if (client_->already_ended()) return absl::OkStatus();
    unfinished_.history_id = client_->opened().history_id();
    Save();
    const int64_t durable =
        client_->opened().position().durable_sequence_number();
    if (taken_up_) {
      context_.Warn(absl::StrCat(
          "taking up the unfinished export ", unfinished_.export_id, ": ",
          Counted(durable, "batch is", "batches are"),
          " durable already (--noresume exports everything anew)"));
    }
    return absl::OkStatus();
  }

  // Reads, sends, waits, ends.
  absl::Status Transfer() {
    display_ = std::make_unique<ProgressDisplay>(
        mode_, context_.environment().err, [this] { return Snapshot(); });
    absl::Status status = BeginFullSyncs();
    if (!status.ok()) {
      display_->Stop();
      return status;
    }
    status = read_(
        input_, reading_,
        [this](std::unique_ptr<Batch> batch) {
          return client_->Send(std::move(batch));
        },
        [this](const absl::Status& bad_line) {
          if (reading_tally_.bad_lines <= kMaxNamedLines) {
            Note(absl::StrCat("passed over: ", bad_line.message()));
          }
        },
        reading_tally_, input_failed_);
    if (status.ok()) {
      status = input_.CheckUnchanged();
      input_failed_ = !status.ok();
    }
    if (!status.ok()) {
      // What was sent is worth keeping: the message says how far it came.
      if (input_failed_) client_->WaitDurable().IgnoreError();
      display_->Stop();
      return status;
    }
    if (!full_syncs_.empty() && !absl::GetFlag(FLAGS_allow_empty)) {
      if (status = RefuseEmpty(); !status.ok()) {
        display_->Stop();
        return status;
      }
    }
    if (status = CommitFullSyncs(); status.ok()) {
      status = client_->WaitDurable();
    }
    if (status.ok()) {
      if (absl::GetFlag(FLAGS_wait)) status = WaitDelivered();
      if (status.ok()) status = client_->End();
    }
    display_->Stop();
    if (status.ok()) Forget();
    return status;
  }

  absl::Status BeginFullSyncs() {
    int64_t number = 0;
    for (const SegmentName& segment : full_syncs_) {
      if (absl::Status s = client_->Send(BeginFullSyncFrame(
              ++number, segment, absl::GetFlag(FLAGS_full_sync_expire_after)));
          !s.ok()) {
        return s;
      }
    }
    return absl::OkStatus();
  }

  // An error if one of the full syncs declared nobody: a file that is empty, or
  // whose values are all rejected, more often comes from a mistake than from a
  // segment without members. The export is ended, which discards what is open.
  absl::Status RefuseEmpty() {
    if (absl::Status s = client_->WaitDurable(); !s.ok()) return s;
    GetSyncStatusRequest request;
    request.set_ad_account_id(absl::GetFlag(FLAGS_ad_account_id));
    GetSyncStatusResponse response;
    if (absl::Status s = context_.Call(&CommandContext::Stub::GetSyncStatus,
                                       request, response);
        !s.ok()) {
      return s;
    }
    const bool sent_nothing =
        client_->GetTally().batches <= static_cast<int64_t>(full_syncs_.size());
    for (const SegmentName& name : full_syncs_) {
      bool empty = sent_nothing;
      for (const auto& segment : response.status().segment_statuses()) {
        if (segment.segment().segment_namespace() == name.segment_namespace() &&
            segment.segment().segment_id() == name.segment_id() &&
            segment.full_sync().state() ==
                audience_sync::v1::FULL_SYNC_STATE_OPEN) {
          empty |= segment.full_sync().declared_count() == 0;
        }
      }
      if (!empty) continue;
      client_->End().IgnoreError();
      input_failed_ = true;
      return absl::FailedPreconditionError(absl::StrCat(
          "nobody was declared a member of ", name.segment_namespace(), "/",
          name.segment_id(),
          ": committing the full sync would empty its list. Nothing was "
          "changed; --allow_empty says that it is meant"));
    }
    return absl::OkStatus();
  }

  absl::Status CommitFullSyncs() {
    for (const SegmentName& segment : full_syncs_) {
      const ExportTally tally = client_->GetTally();
      if (absl::Status s = client_->Send(CommitFullSyncFrame(
              tally.batches + 1, segment, input_.total_bytes().value_or(0)));
          !s.ok()) {
        return s;
      }
    }
    return absl::OkStatus();
  }

  absl::Status WaitDelivered() {
    {
      absl::MutexLock lock(&mutex_);
      waiting_for_delivery_ = true;
    }
    absl::StatusOr<bool> delivered =
        client_->WaitDelivered(absl::GetFlag(FLAGS_timeout));
    if (!delivered.ok()) return delivered.status();
    delivered_ = *delivered;
    return absl::OkStatus();
  }

  // Tells why the export did not come to its end.
  int Explain(const absl::Status& status) {
    const ExportTally tally = client_->GetTally();
    const ErrorDetail detail = GetErrorDetail(status);
    const bool history_changed = detail.reason == "HISTORY_CHANGED";
    // A run that cannot succeed when it is taken up again is not remembered.
    if (input_failed_ || history_changed ||
        detail.reason == "SEQUENCE_REUSED" ||
        detail.reason == "FULL_SYNC_NOT_OPEN") {
      Forget();
    }
    context_.Warn(absl::StrCat("the export is incomplete; durable so far: ",
                               Counted(tally.durable_profiles, "profile")));
    if (input_failed_) return context_.Fail(kExitBadInput, status);
    if (history_changed) return context_.Fail(kExitHistoryChanged, status);
    if (state_ != nullptr && state_->saved().has_value()) {
      context_.Warn("run the same command again to go on from there");
    }
    return context_.FailCall(status);
  }

  int Report() {
    ExportSummary summary;
    summary.ad_account_id = absl::GetFlag(FLAGS_ad_account_id);
    summary.export_id = unfinished_.export_id;
    summary.history_id = unfinished_.history_id;
    summary.elapsed = context_.environment().clock->Now() - start_;
    summary.reading = reading_tally_;
    summary.tally = client_->GetTally();
    summary.rejections = client_->GetRejections();
    summary.delivered = delivered_;
    const PlaceName place = [this](const SourceLine& line) {
      return input_.Place(line);
    };
    const int max_places = absl::GetFlag(FLAGS_show_rejections);
    if (context_.json()) {
      context_.PrintJson(SummaryJson(summary, place, max_places));
    } else {
      context_.Print(SummaryText(summary, place, max_places));
    }
    if (!full_syncs_.empty() && !client_->already_ended()) {
      context_.Warn(absl::StrCat(
          "audiencectl: the full sync is committed; what becomes of it shows "
          "in audiencectl full-sync ",
          summary.ad_account_id));
    }
    if (delivered_.has_value() && !*delivered_) {
      context_.Warn(absl::StrCat(
          "audiencectl: not everything was delivered in time; delivery goes "
          "on, see audiencectl status ",
          summary.ad_account_id));
      return kExitNotSettled;
    }
    if (summary.tally.rejections > 0 &&
        absl::GetFlag(FLAGS_fail_on_rejection)) {
      return kExitRejections;
    }
    return kExitOk;
  }

  ProgressSnapshot Snapshot() {
    const ExportTally tally = client_->GetTally();
    ProgressSnapshot snapshot;
    snapshot.elapsed = context_.environment().clock->Now() - start_;
    snapshot.durable_bytes = tally.durable_bytes;
    snapshot.total_bytes = input_.total_bytes();
    snapshot.skipped_bytes = tally.skipped_bytes;
    snapshot.skipped_profiles = tally.skipped_profiles;
    snapshot.durable_profiles = tally.durable_profiles;
    snapshot.rejections = tally.rejections;
    snapshot.last_batch = tally.batches;
    snapshot.durable_batch = tally.durable_batch;
    snapshot.delivered_batch = tally.delivered_batch;
    snapshot.interruption = tally.interruption;
    absl::MutexLock lock(&mutex_);
    snapshot.waiting_for_delivery = waiting_for_delivery_;
    return snapshot;
  }

  void Save() {
    if (state_ == nullptr) return;
    if (absl::Status s = state_->Save(unfinished_); !s.ok()) {
      context_.Warn(absl::StrCat("audiencectl: ", s.message()));
    }
  }

  void Forget() {
    if (state_ != nullptr) state_->Remove();
  }

  void Note(const std::string& text) {
    if (display_ != nullptr) {
      display_->Note(text);
    } else {
      context_.Warn(text);
    }
  }

  CommandContext& context_;
  const ExportReader read_;
  const std::vector<std::string> key_;
  const ExportInput input_;
  const ProgressMode mode_;
  const std::vector<SegmentName> full_syncs_;
  ExportReading reading_;
  ReadingTally reading_tally_;
  bool input_failed_ = false;
  bool taken_up_ = false;
  std::optional<bool> delivered_;
  absl::Time start_;
  std::unique_ptr<ResumeState> state_;
  UnfinishedExport unfinished_;
  std::unique_ptr<ExportClient> client_;
  absl::Mutex mutex_;
  bool waiting_for_delivery_ ABSL_GUARDED_BY(mutex_) = false;
  // Last: its thread uses the members above.
  std::unique_ptr<ProgressDisplay> display_;
};

int Run(CommandContext& context) {
  ProgressMode mode;
  std::vector<SegmentName> full_syncs;
  if (std::optional<int> bad = CheckExportFlags(context, &mode, &full_syncs)) {
    return *bad;
  }
  absl::StatusOr<ExportInput> input = ExportInput::Open(context.arguments());
  if (!input.ok()) return context.Fail(kExitBadInput, input.status());
  return RunExport(
      context,
      {*std::move(input), mode, {}, ReadExport, std::move(full_syncs)});
}

}  // namespace

std::optional<int> CheckExportFlags(CommandContext& context, ProgressMode* mode,
                                    std::vector<SegmentName>* full_syncs) {
  if (!IsAdAccountId(absl::GetFlag(FLAGS_ad_account_id))) {
    return context.FailUsage(
        "--ad_account_id must be 1 to 18 digits, the first of them not 0");
  }
  if (absl::GetFlag(FLAGS_batch_profiles) < 1) {
    return context.FailUsage("--batch_profiles must be at least 1");
  }
  if (absl::GetFlag(FLAGS_batch_bytes) < 10'000) {
    return context.FailUsage("--batch_bytes must be at least 10000");
  }
  const std::optional<ProgressMode> found =
      ModeOf(absl::GetFlag(FLAGS_progress), context.json(),
             ::isatty(::fileno(context.environment().err)) == 1);
  if (!found.has_value()) {
    return context.FailUsage("--progress must be auto, bar, plain or none");
  }
  *mode = *found;
  for (const std::string& text : absl::GetFlag(FLAGS_full_sync)) {
    if (!ParseSegmentName(text, &full_syncs->emplace_back())) {
      return context.FailUsage(absl::StrCat("--full_sync: ", kSegmentNameRule));
    }
  }
  return std::nullopt;
}

int RunExport(CommandContext& context, ExportJob job) {
  return ExportRun(context, std::move(job)).Run();
}

Command ExportCommand() {
  return {"export",
          "--ad_account_id=ID FILE…",
          "Exports JSON Lines files, one profile a line in the platform's own "
          "shape (- is standard input).",
          {"ad_account_id", "wait", "timeout", "fail_on_rejection",
           "show_rejections", "skip_bad_lines", "profile_key_field",
           "batch_profiles", "batch_bytes", "max_unacknowledged_bytes",
           "retry_for", "resume", "state_dir", "progress", "full_sync",
           "full_sync_expire_after", "allow_empty"},
          1,
          std::numeric_limits<size_t>::max(),
          Run};
}

}  // namespace connector::cli
