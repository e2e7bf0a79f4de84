#include "connector/membership/manifest_check.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <memory>
#include <optional>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/strings/strip.h"
#include "connector/membership/damage.h"
#include "connector/membership/database.h"

namespace connector::membership {
namespace {

// The form of RocksDB's logs (its wiki, "Write Ahead Log File Format"): blocks
// of 32 KiB; records of CRC-32C (4 bytes), size (2), type (1), payload. The sum
// is of type and payload, rotated, plus a constant. All little-endian.
constexpr size_t kBlock = 32'768;
constexpr size_t kHeader = 7;
constexpr uint32_t kMaskDelta = 0xa282ead8;
constexpr uint32_t kFirstType = 2;
constexpr uint32_t kLastType = 4;
// A start writes one record for each family and a few more before it syncs.
constexpr int kMostOfOneSync = 16;

std::array<uint32_t, 256> MakeTable() {
  std::array<uint32_t, 256> table = {};
  for (uint32_t i = 0; i < 256; ++i) {
    uint32_t sum = i;
    for (int bit = 0; bit < 8; ++bit) {
      sum = sum >> 1 ^ ((sum & 1) != 0 ? 0x82f63b78 : 0);
    }
    table[i] = sum;
  }
  return table;
}

uint32_t Checksum(absl::string_view bytes) {
  static const std::array<uint32_t, 256> table = MakeTable();
  uint32_t sum = ~uint32_t{0};
  for (const char c : bytes) {
    sum = table[(sum ^ static_cast<uint8_t>(c)) & 0xff] ^ sum >> 8;
  }
  return ~sum;
}

// Where the record at `at` ends; nullopt if there is none.
std::optional<size_t> EndOfRecord(absl::string_view file, size_t at) {
  if (at + kHeader > file.size()) return std::nullopt;
  const auto byte = [&](size_t i) {
    return uint32_t{static_cast<uint8_t>(file[at + i])};
  };
  const size_t size = byte(4) | byte(5) << 8;
  const size_t end = at + kHeader + size;
  const uint32_t type = byte(6);
  if (type == 0 || type > kLastType || end > file.size() ||
      (end - 1) / kBlock != at / kBlock) {
    return std::nullopt;
  }
  // Nothing is in a record only if its header is all that its block has room
  // for: the record goes on in the next one.
  if (size == 0 && (type != kFirstType || end % kBlock != 0)) {
    return std::nullopt;
  }
  const uint32_t stored =
      byte(0) | byte(1) << 8 | byte(2) << 16 | byte(3) << 24;
  const uint32_t rotated = stored - kMaskDelta;
  if ((rotated >> 17 | rotated << 15) !=
      Checksum(file.substr(at + 6, size + 1))) {
    return std::nullopt;
  }
  return end;
}

// Whether there would be a record if one byte of its size or type were another:
// no power cut does that, and RocksDB takes it for the end.
bool IsOneByteFromRecord(std::string file, size_t at) {
  if (at + kHeader > file.size()) return false;
  for (size_t i = at + 4; i < at + kHeader; ++i) {
    const char is = file[i];
    for (int other = 0; other < 256; ++other) {
      file[i] = static_cast<char>(other);
      if (EndOfRecord(file, at).has_value()) return true;
    }
    file[i] = is;
  }
  return false;
}

// Behind what pads a block.
size_t NextRecord(size_t at) {
  const size_t left = kBlock - at % kBlock;
  return left < kHeader ? at + left : at;
}

// Whether there are zeros up to the end of a page, as of one that was not
// written. `tail` is what begins at `from` of the file.
bool HasHole(absl::string_view tail, size_t from) {
  constexpr size_t kPage = 4'096;
  constexpr size_t kSurely = 8;
  for (size_t end = kPage - from % kPage; end <= tail.size(); end += kPage) {
    size_t zeros = 0;
    while (zeros < end && tail[end - 1 - zeros] == '\0') ++zeros;
    if (zeros >= kSurely) return true;
  }
  return false;
}

// Leaves only the beginning of a file: RocksDB refuses rubbish at the end of
// this one. Whole or not at all.
absl::Status CutOff(const std::string& path, const std::string& name,
                    absl::string_view beginning, rocksdb::Env* env) {
  // RocksDB deletes one that is left over.
  const std::string temporary = absl::StrCat(path, "/000000.dbtmp");
  rocksdb::Status status = rocksdb::WriteStringToFile(
      env, rocksdb::Slice(beginning.data(), beginning.size()), temporary,
      /*should_sync=*/true);
  if (status.ok()) {
    status = env->RenameFile(temporary, absl::StrCat(path, "/", name));
  }
  std::unique_ptr<rocksdb::Directory> directory;
  if (status.ok()) status = env->NewDirectory(path, &directory);
  if (status.ok()) status = directory->Fsync();
  return OpenStatus(status);
}

}  // namespace

absl::Status CheckManifest(const std::string& path, rocksdb::Env* env) {
  std::string name;
  rocksdb::Status status =
      rocksdb::ReadFileToString(env, path + "/CURRENT", &name);
  if (!status.ok()) return OpenStatus(status);
  absl::string_view trimmed = name;
  if (!absl::ConsumeSuffix(&trimmed, "\n") || FileNamedIn(trimmed) != trimmed) {
    return Damaged("file CURRENT does not read");
  }
  std::string contents;
  status = rocksdb::ReadFileToString(env, absl::StrCat(path, "/", trimmed),
                                     &contents);
  if (!status.ok()) return OpenStatus(status);
  const absl::string_view file = contents;
  size_t good = 0;
  size_t at = 0;
  while (const std::optional<size_t> end = EndOfRecord(file, at)) {
    good = *end;
    at = NextRecord(*end);
  }
  if (good == file.size()) return absl::OkStatus();
  const size_t bad = at;
  // What is there of whole records behind the first place that is none.
  int behind = 0;
  for (++at; at + kHeader <= file.size();) {
    const std::optional<size_t> end = EndOfRecord(file, at);
    behind += end.has_value();
    at = end.has_value() ? NextRecord(*end) : at + 1;
  }
  if (IsOneByteFromRecord(contents, bad) || behind > kMostOfOneSync ||
      (behind > 0 && !HasHole(file.substr(bad), bad))) {
    return Damaged(absl::StrCat("file ", trimmed, " does not read"));
  }
  return CutOff(path, std::string(trimmed), file.substr(0, good), env);
}

}  // namespace connector::membership
