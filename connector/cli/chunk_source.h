#ifndef CONNECTOR_CLI_CHUNK_SOURCE_H_
#define CONNECTOR_CLI_CHUNK_SOURCE_H_

#include <algorithm>
#include <cstring>
#include <functional>
#include <string>
#include <utility>

#include "connector/cli/byte_source.h"

namespace connector::cli {

// For tests: a text that comes in pieces of the sizes that `next_size` gives.
class ChunkSource final : public ByteSource {
 public:
  ChunkSource(std::string text, std::function<size_t()> next_size)
      : text_(std::move(text)), next_size_(std::move(next_size)) {}
  // All of it, as far as there is room.
  explicit ChunkSource(std::string text)
      : ChunkSource(std::move(text), [] { return size_t{1} << 30; }) {}

  absl::StatusOr<size_t> Read(char* to, size_t size) override {
    const size_t given = std::min(
        {std::max<size_t>(next_size_(), 1), size, text_.size() - taken_});
    std::memcpy(to, text_.data() + taken_, given);
    taken_ += given;
    return given;
  }

 private:
  const std::string text_;
  const std::function<size_t()> next_size_;
  size_t taken_ = 0;
};

}  // namespace connector::cli

#endif  // CONNECTOR_CLI_CHUNK_SOURCE_H_
