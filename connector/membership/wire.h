#ifndef CONNECTOR_MEMBERSHIP_WIRE_H_
#define CONNECTOR_MEMBERSHIP_WIRE_H_

#include <cstdint>
#include <string>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"

// The smallest pieces of the stored formats (FORMAT.md).
namespace connector::membership {

// Base-128 varint, the low seven bits first; at most 10 bytes.
void AppendVarint(std::string* out, uint64_t value);
// Zigzag: small for small numbers of either sign.
void AppendSigned(std::string* out, int64_t value);
// Length as varint, then the bytes.
void AppendBytes(std::string* out, absl::string_view bytes);
// Unix milliseconds or microseconds as a signed number; the infinite past and
// future are the smallest and the largest number.
void AppendMillis(std::string* out, absl::Time time);
void AppendMicros(std::string* out, absl::Time time);
// Big-endian, so that keys sort as their numbers do.
void AppendFixed32(std::string* out, uint32_t value);
void AppendFixed64(std::string* out, uint64_t value);

// Bytes that AppendVarint() takes.
int VarintSize(uint64_t value);

// Time cut down to what AppendMillis() keeps.
absl::Time FloorToMillis(absl::Time time);

// Reads what the functions above wrote, in order. After the first piece that
// is not there ok() is false, and everything reads as zero or empty.
class WireReader {
 public:
  explicit WireReader(absl::string_view data) : data_(data) {}

  uint64_t Varint();
  int64_t Signed();
  absl::string_view Bytes();
  // The next `size` bytes.
  absl::string_view Raw(size_t size);
  uint8_t Byte();
  bool Bool() { return Byte() != 0; }
  absl::Time Millis();
  absl::Time Micros();
  uint32_t Fixed32();
  uint64_t Fixed64();

  void Fail();
  bool ok() const { return ok_; }
  // All is read, and all was there.
  bool done() const { return ok_ && data_.empty(); }
  absl::string_view rest() const { return data_; }

 private:
  absl::string_view data_;
  bool ok_ = true;
};

}  // namespace connector::membership

#endif  // CONNECTOR_MEMBERSHIP_WIRE_H_
