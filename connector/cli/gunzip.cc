#include "connector/cli/gunzip.h"

#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "zlib.h"

namespace connector::cli {
namespace {

constexpr size_t kChunk = 256 << 10;

// zlib: the largest window, and a gzip header (zlib.h, inflateInit2).
constexpr int kGzipWindow = 15 + 16;

}  // namespace

bool HasGzipMagic(absl::string_view start) {
  return absl::StartsWith(start, "\x1f\x8b");
}

struct GunzipSource::State {
  z_stream stream = {};
  std::vector<char> input = std::vector<char>(kChunk);
  // Bytes of the compressed data that were read.
  int64_t read = 0;
  bool started = false;
  bool at_end = false;    // of the compressed data
  bool finished = false;  // nothing more comes out
};

GunzipSource::GunzipSource(ByteSource* compressed)
    : compressed_(compressed), state_(std::make_unique<State>()) {
  state_->started = inflateInit2(&state_->stream, kGzipWindow) == Z_OK;
}

GunzipSource::~GunzipSource() {
  if (state_->started) inflateEnd(&state_->stream);
}

absl::Status GunzipSource::Broken(absl::string_view rule) const {
  return absl::UnknownError(
      absl::StrCat(rule, " at byte ", state_->read - state_->stream.avail_in));
}

absl::StatusOr<bool> GunzipSource::Fill() {
  State& state = *state_;
  if (state.stream.avail_in > 0) return true;
  if (state.at_end) return false;
  absl::StatusOr<size_t> got =
      compressed_->Read(state.input.data(), state.input.size());
  if (!got.ok()) return got.status();
  state.at_end = *got == 0;
  state.read += static_cast<int64_t>(*got);
  state.stream.next_in = reinterpret_cast<Bytef*>(state.input.data());
  state.stream.avail_in = static_cast<uInt>(*got);
  return !state.at_end;
}

absl::StatusOr<bool> GunzipSource::NextMember() {
  State& state = *state_;
  bool padded = false;
  while (true) {
    absl::StatusOr<bool> more = Fill();
    if (!more.ok()) return more.status();
    if (!*more) return false;
    if (*state.stream.next_in != 0) break;
    padded = true;
    ++state.stream.next_in;
    --state.stream.avail_in;
  }
  // Members stand one behind another; after padding there is none.
  if (padded) return Broken("something else follows the gzip data");
  if (inflateReset(&state.stream) != Z_OK) return Broken("gzip: no memory");
  return true;
}

absl::StatusOr<size_t> GunzipSource::Read(char* to, size_t size) {
  State& state = *state_;
  if (!state.started) return absl::UnknownError("gzip: no memory");
  state.stream.next_out = reinterpret_cast<Bytef*>(to);
  state.stream.avail_out = static_cast<uInt>(size);
  while (!state.finished && state.stream.avail_out == size) {
    absl::StatusOr<bool> more = Fill();
    if (!more.ok()) return more.status();
    if (!*more) return Broken("the gzip data ends in the middle,");
    switch (inflate(&state.stream, Z_NO_FLUSH)) {
      case Z_OK:
      case Z_BUF_ERROR:
        break;
      case Z_STREAM_END: {
        absl::StatusOr<bool> next = NextMember();
        if (!next.ok()) return next.status();
        state.finished = !*next;
        break;
      }
      case Z_MEM_ERROR:
        return absl::UnknownError("gzip: no memory");
      default:
        return Broken("the gzip data is damaged");
    }
  }
  return size - state.stream.avail_out;
}

}  // namespace connector::cli
