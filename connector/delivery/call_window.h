#ifndef CONNECTOR_DELIVERY_CALL_WINDOW_H_
#define CONNECTOR_DELIVERY_CALL_WINDOW_H_

#include <cstdint>
#include <deque>
#include <string>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"

namespace connector::delivery {

// Counts the calls of the last second, minute or day, whichever `length` says,
// against a limit. The window rolls: in any stretch of that length there are no
// more calls than the limit. Bounded memory: calls close together (1/256 of the
// length) are seen as one mark with the time of the last, which errs towards
// fewer calls. Not thread-safe.
class CallWindow {
 public:
  explicit CallWindow(absl::Duration length) : length_(length) {}

  // The operator's limit, and one that Pinterest told: the lower one holds. 0
  // is none.
  void set_configured(int64_t limit) { configured_ = limit; }
  void set_told(int64_t limit) { told_ = limit; }
  // 0: no limit.
  int64_t limit() const;
  absl::Duration length() const { return length_; }

  // From when on there is room for a call that leaves `reserve` places free:
  // `now` if there is room, later if not.
  absl::Time RoomTime(int64_t reserve, absl::Time now);

  void Add(absl::Time now);

  // What the window counted and was told, as text without blanks, and back
  // (marks that lie in the future are taken as made now: a clock was set back).
  // False, and an empty window, for what Encode never made.
  std::string Encode() const;
  bool Decode(absl::string_view text, absl::Time now);

 private:
  struct Mark {
    absl::Time first;
    absl::Time last;
    int64_t calls = 0;
  };

  void Forget(absl::Time now);

  const absl::Duration length_;
  int64_t configured_ = 0;
  int64_t told_ = 0;
  // Oldest first.
  std::deque<Mark> marks_;
  int64_t calls_ = 0;
};

}  // namespace connector::delivery

#endif  // CONNECTOR_DELIVERY_CALL_WINDOW_H_
