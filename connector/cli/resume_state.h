#ifndef CONNECTOR_CLI_RESUME_STATE_H_
#define CONNECTOR_CLI_RESUME_STATE_H_

#include <memory>
#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace connector::cli {

// An export that was begun and whose end was not acknowledged.
struct UnfinishedExport {
  std::string export_id;
  // ExportOpened.history_id; empty when the stream never opened.
  std::string history_id;
};

// The small file that lets a second run of one export go on where the first was
// cut off. It is named by a digest over everything that decides the batches and
// holds nothing of the export itself. While the object lives the file is locked
// against another run of the same export. Not thread-safe.
class ResumeState {
 public:
  // Opens or makes the file for `key` in `directory`, which is made with mode
  // 0700 with the directories above it. `key` must be a plain file name.
  // Errors: ABORTED when another process holds it; UNKNOWN with the system's
  // reason.
  static absl::StatusOr<std::unique_ptr<ResumeState>> Open(
      const std::string& directory, absl::string_view key);
  // Leaves the file as it is, unless nothing was ever saved there.
  ~ResumeState();
  ResumeState(const ResumeState&) = delete;
  ResumeState& operator=(const ResumeState&) = delete;

  // What an earlier run left; nullopt when it left nothing or nothing readable.
  const std::optional<UnfinishedExport>& saved() const { return saved_; }

  // Durable when it returns OK.
  absl::Status Save(const UnfinishedExport& unfinished);

  // Forgets the export; nothing can be saved any more.
  void Remove();

 private:
  ResumeState(int fd, std::string path);
  const int fd_;
  const std::string path_;
  std::optional<UnfinishedExport> saved_;
  bool removed_ = false;
};

// The directory for such files when none is named: from XDG_STATE_HOME, else
// HOME; empty when neither is set.
std::string DefaultStateDirectory();

}  // namespace connector::cli

#endif  // CONNECTOR_CLI_RESUME_STATE_H_
