#ifndef CONNECTOR_CLI_PROGRESS_H_
#define CONNECTOR_CLI_PROGRESS_H_

#include <cstdint>
#include <cstdio>
#include <functional>
#include <optional>
#include <string>
#include <thread>

#include "absl/base/thread_annotations.h"
#include "absl/strings/string_view.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"

namespace connector::cli {

// What the display shows.
struct ProgressSnapshot {
  absl::Duration elapsed;
  // Input bytes of durable batches, and of all files; the latter is unset when
  // not every file's size is known.
  int64_t durable_bytes = 0;
  std::optional<int64_t> total_bytes;
  // Of these, taken over from an earlier run and not sent again.
  int64_t skipped_bytes = 0;
  int64_t skipped_profiles = 0;
  int64_t durable_profiles = 0;
  int64_t rejections = 0;
  int64_t last_batch = 0;  // highest number so far
  int64_t durable_batch = 0;
  int64_t delivered_batch = 0;
  // Everything is durable; delivery is waited for.
  bool waiting_for_delivery = false;
  // Set while the server cannot be reached: why.
  std::string interruption;
};

// One line of at most `width` columns with a bar, without a line feed.
std::string RenderBar(const ProgressSnapshot& progress, int width);

// The same facts in one plain line for a log.
std::string RenderPlain(const ProgressSnapshot& progress);

enum class ProgressMode {
  kNone,
  // A line every few seconds.
  kPlain,
  // One line on a terminal, drawn again and again.
  kBar,
};

// Draws progress from a thread of its own until it is stopped.
class ProgressDisplay {
 public:
  // `snapshot` is called from the display's thread. `out` must outlive it.
  ProgressDisplay(ProgressMode mode, FILE* out,
                  std::function<ProgressSnapshot()> snapshot);
  ~ProgressDisplay();

  // Prints a line of text above the bar. Thread-safe.
  void Note(absl::string_view text);

  // Draws the last state and ends the bar's line. Harmless when repeated.
  void Stop();

 private:
  void Run();
  void Draw() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  const ProgressMode mode_;
  FILE* const out_;
  const std::function<ProgressSnapshot()> snapshot_;
  absl::Mutex mutex_;
  bool stopped_ ABSL_GUARDED_BY(mutex_) = false;
  bool drawn_ ABSL_GUARDED_BY(mutex_) = false;
  std::thread thread_;
};

}  // namespace connector::cli

#endif  // CONNECTOR_CLI_PROGRESS_H_
