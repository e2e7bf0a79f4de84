#ifndef IDENTITY_MAPPING_RECORD_H_
#define IDENTITY_MAPPING_RECORD_H_

#include <array>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>

#include "absl/strings/string_view.h"

namespace identity_mapping {

// What a record's payload is. The numbers are the first byte of the encoded
// form, which is stored: they never change.
enum class RecordKind : uint8_t {
  kSha256 = 1,  // 32 raw digest bytes
  kSha1 = 2,    // 20 raw digest bytes
  kMd5 = 3,     // 16 raw digest bytes
  kOpaque = 4,  // 1 to 126 bytes of printable ASCII (a partner's own id)
};

// The longest payload, in bytes.
inline constexpr size_t kMaxRecordPayload = 126;

// A view of an encoded record: one kind byte followed by the payload. Does not
// own the bytes. Ordering, equality and hash are those of the encoded bytes,
// so records sort by kind first. Pass by value.
class RecordView {
 public:
  // No record: encoded() is empty. Stands in a variable until it is assigned;
  // kind(), payload() and the wire functions must not be called on it.
  constexpr RecordView() = default;

  // `encoded` must outlive the view. nullopt when the kind is unknown or the
  // length does not fit it. For bytes that come back from storage: the payload
  // itself is trusted.
  static std::optional<RecordView> FromEncoded(absl::string_view encoded);

  // Kind byte and payload; what is stored.
  absl::string_view encoded() const { return {data_, size_}; }
  RecordKind kind() const { return static_cast<RecordKind>(data_[0]); }
  absl::string_view payload() const { return {data_ + 1, size_ - size_t{1}}; }

  // The record as Pinterest takes it: the digest in lower-case hex, or the
  // opaque id as it is. Printable ASCII without blank, comma, double quote and
  // backslash, so it needs no escaping in JSON nor in a comma-separated list.
  void AppendWireText(std::string* out) const;
  // Writes the same to `out`, which must have room for WireSize() bytes, and
  // returns the end of what was written (no terminating zero).
  char* WriteWireText(char* out) const;
  // Bytes of the wire text.
  size_t WireSize() const {
    return kind() == RecordKind::kOpaque ? size_ - size_t{1}
                                         : 2 * (size_ - size_t{1});
  }

  template <typename H>
  friend H AbslHashValue(H h, RecordView view) {
    return H::combine(std::move(h), view.encoded());
  }

 private:
  friend class Record;
  constexpr RecordView(const char* data, size_t size)
      : data_(data), size_(static_cast<uint8_t>(size)) {}

  const char* data_ = nullptr;
  uint8_t size_ = 0;
};

// What goes on a customer list: a normalized and hashed identity, or a
// partner's opaque id. Owns its bytes, inline. Made by IdentityMapping, or
// copied from a RecordView; there is no way to make one from a raw value.
class Record {
 public:
  // No record, as RecordView(): stands in a struct until it is assigned.
  Record() = default;
  static Record FromView(RecordView view);

  RecordView view() const { return RecordView(bytes_.data(), size_); }
  // NOLINTNEXTLINE(google-explicit-constructor): a record is a view of itself.
  operator RecordView() const { return view(); }

  absl::string_view encoded() const { return view().encoded(); }
  RecordKind kind() const { return view().kind(); }
  absl::string_view payload() const { return view().payload(); }
  void AppendWireText(std::string* out) const { view().AppendWireText(out); }
  size_t WireSize() const { return view().WireSize(); }

  template <typename H>
  friend H AbslHashValue(H h, const Record& record) {
    return H::combine(std::move(h), record.encoded());
  }

 private:
  friend class RecordMaker;

  uint8_t size_ = 0;  // bytes used of bytes_
  std::array<char, 1 + kMaxRecordPayload> bytes_ = {};
};

// Records compare as their views do.
inline bool operator==(RecordView a, RecordView b) {
  return a.encoded() == b.encoded();
}
inline std::strong_ordering operator<=>(RecordView a, RecordView b) {
  return a.encoded().compare(b.encoded()) <=> 0;
}
inline bool operator==(const Record& a, const Record& b) {
  return a.view() == b.view();
}
inline std::strong_ordering operator<=>(const Record& a, const Record& b) {
  return a.view() <=> b.view();
}

static_assert(sizeof(RecordView) <= 16);
static_assert(std::is_trivially_copyable_v<RecordView>);
static_assert(sizeof(Record) <= 128);
static_assert(std::is_trivially_copyable_v<Record>);

}  // namespace identity_mapping

#endif  // IDENTITY_MAPPING_RECORD_H_
