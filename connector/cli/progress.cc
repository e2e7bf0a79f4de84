#include "connector/cli/progress.h"

#include <sys/ioctl.h>

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "connector/cli/humanize.h"
#include "connector/cli/table.h"

namespace connector::cli {
namespace {

constexpr absl::Duration kRedraw = absl::Milliseconds(100);
constexpr absl::Duration kPlainInterval = absl::Seconds(5);

int TerminalWidth(FILE* out) {
  winsize size;
  if (::ioctl(::fileno(out), TIOCGWINSZ, &size) == 0 && size.ws_col > 0) {
    return size.ws_col;
  }
  return 80;
}

double PerSecond(int64_t amount, absl::Duration elapsed) {
  const double seconds = absl::ToDoubleSeconds(elapsed);
  return seconds > 0 ? static_cast<double>(amount) / seconds : 0;
}

// The share that is done, from 0 to 1; nullopt when it cannot be known.
std::optional<double> Share(const ProgressSnapshot& p) {
  if (p.waiting_for_delivery) {
    if (p.last_batch == 0) return 1.0;
    return static_cast<double>(p.delivered_batch) /
           static_cast<double>(p.last_batch);
  }
  if (!p.total_bytes.has_value()) return std::nullopt;
  if (*p.total_bytes == 0) return 1.0;
  return std::min(1.0, static_cast<double>(p.durable_bytes) /
                           static_cast<double>(*p.total_bytes));
}

std::string Facts(const ProgressSnapshot& p) {
  std::string text;
  if (p.waiting_for_delivery) {
    text = absl::StrCat("delivered ", Grouped(p.delivered_batch), " of ",
                        Counted(p.last_batch, "batch", "batches"));
  } else {
    text =
        absl::StrCat(Counted(p.durable_profiles, "profile"), "  ",
                     Grouped(static_cast<int64_t>(PerSecond(
                         p.durable_profiles - p.skipped_profiles, p.elapsed))),
                     "/s  ", HumanBytes(p.durable_bytes));
    const double rate = PerSecond(p.durable_bytes - p.skipped_bytes, p.elapsed);
    if (p.total_bytes.has_value() && rate > 0 &&
        *p.total_bytes > p.durable_bytes) {
      const double left = static_cast<double>(*p.total_bytes - p.durable_bytes);
      absl::StrAppend(&text, "  ", HumanDuration(absl::Seconds(left / rate)),
                      " left");
    }
  }
  if (p.rejections > 0) {
    absl::StrAppend(&text, "  ", Grouped(p.rejections), " rejected");
  }
  if (!p.interruption.empty()) {
    absl::StrAppend(&text, "  [", p.interruption, "]");
  }
  return text;
}

// The text cut to `width` code points.
std::string Cut(const std::string& text, size_t width) {
  if (DisplayWidth(text) <= width) return text;
  size_t at = 0;
  for (size_t seen = 0; at < text.size(); ++at) {
    const bool starts = (static_cast<uint8_t>(text[at]) & 0xC0) != 0x80;
    if (starts && seen++ == width) break;
  }
  return text.substr(0, at);
}

}  // namespace

std::string RenderBar(const ProgressSnapshot& progress, int width) {
  const std::string facts = Facts(progress);
  const std::optional<double> share = Share(progress);
  std::string head;
  if (share.has_value()) {
    // The bar takes what the facts leave, up to 30 columns.
    const int cells = std::min(30, width - static_cast<int>(facts.size()) - 10);
    if (cells >= 5) {
      const int full = static_cast<int>(*share * cells);
      head = absl::StrCat("[", std::string(full, '#'),
                          std::string(cells - full, '.'), "] ");
    }
    absl::StrAppendFormat(&head, "%3d%%  ", static_cast<int>(*share * 100));
  }
  return Cut(Printable(head + facts), std::max(width, 0));
}

std::string RenderPlain(const ProgressSnapshot& progress) {
  const std::optional<double> share = Share(progress);
  std::string head =
      share.has_value()
          ? absl::StrFormat("%d%%  ", static_cast<int>(*share * 100))
          : "";
  return Printable(head + Facts(progress));
}

ProgressDisplay::ProgressDisplay(ProgressMode mode, FILE* out,
                                 std::function<ProgressSnapshot()> snapshot)
    : mode_(mode), out_(out), snapshot_(std::move(snapshot)) {
  if (mode_ != ProgressMode::kNone) thread_ = std::thread([this] { Run(); });
}

ProgressDisplay::~ProgressDisplay() { Stop(); }

void ProgressDisplay::Draw() {
  const ProgressSnapshot progress = snapshot_();
  if (mode_ == ProgressMode::kBar) {
    // One column stays free: some terminals wrap in the last one.
    absl::FPrintF(out_, "\r%s\x1b[K",
                  RenderBar(progress, TerminalWidth(out_) - 1));
  } else {
    absl::FPrintF(out_, "%s\n", RenderPlain(progress));
  }
  std::fflush(out_);
  drawn_ = true;
}

void ProgressDisplay::Run() {
  const absl::Duration interval =
      mode_ == ProgressMode::kBar ? kRedraw : kPlainInterval;
  absl::MutexLock lock(&mutex_);
  while (!stopped_) {
    if (!mutex_.AwaitWithTimeout(absl::Condition(&stopped_), interval)) Draw();
  }
}

void ProgressDisplay::Note(absl::string_view text) {
  absl::MutexLock lock(&mutex_);
  const bool over_bar = drawn_ && mode_ == ProgressMode::kBar;
  absl::FPrintF(out_, "%s%s\n", over_bar ? "\r\x1b[K" : "", text);
  std::fflush(out_);
}

void ProgressDisplay::Stop() {
  {
    absl::MutexLock lock(&mutex_);
    if (stopped_) return;
    stopped_ = true;
    if (drawn_) {
      Draw();
      if (mode_ == ProgressMode::kBar) absl::FPrintF(out_, "\n");
      std::fflush(out_);
    }
  }
  if (thread_.joinable()) thread_.join();
}

}  // namespace connector::cli
