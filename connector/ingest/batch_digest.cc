#include "connector/ingest/batch_digest.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "identity_mapping/digest.h"

namespace connector::ingest {
namespace {

namespace v1 = audience_sync::v1;

constexpr size_t kBufferBytes = 32 << 10;

// Writes names as numbers after their first time. Whether a number is followed
// by its name shows from the numbers before it.
template <typename Key>
class Names {
 public:
  // `write` writes the name.
  template <typename Write>
  uint64_t Number(const Key& key, FieldDigest& digest, Write write) {
    auto [found, is_new] = numbers_.try_emplace(key, numbers_.size() + 1);
    digest.Number(found->second);
    if (is_new) write();
    return found->second;
  }

 private:
  absl::flat_hash_map<Key, uint64_t> numbers_;
};

class Digester {
 public:
  Digester(absl::string_view salt, const v1::ExportBatch& batch, bool with_keys)
      : batch_(batch),
        with_keys_(with_keys),
        namespaces_seen_(batch.source_namespaces_size()),
        segments_seen_(batch.segments_size()) {
    digest_.Text(salt);
  }

  std::array<uint8_t, 16> Run() {
    for (const v1::ProfileExport& profile : batch_.profile_exports()) {
      digest_.Number(profile.identities_size());
      digest_.Number(profile.segment_memberships_size());
      if (with_keys_) digest_.Text(profile.profile_key());
      for (const v1::SegmentMembership& membership :
           profile.segment_memberships()) {
        Add(membership);
      }
      for (const v1::Identity& identity : profile.identities()) {
        Add(identity);
      }
    }
    return digest_.Finish();
  }

 private:
  void Add(const v1::Identity& identity) {
    switch (identity.namespace_case()) {
      case v1::Identity::kSourceNamespaceIndex: {
        const uint32_t index = identity.source_namespace_index();
        if (index >= namespaces_seen_.size()) {
          digest_.Number(0);
        } else if (namespaces_seen_[index] != 0) {
          digest_.Number(namespaces_seen_[index]);
        } else {
          namespaces_seen_[index] =
              AddNamespace(batch_.source_namespaces(static_cast<int>(index)));
        }
        break;
      }
      case v1::Identity::kSourceNamespace:
        AddNamespace(identity.source_namespace());
        break;
      case v1::Identity::NAMESPACE_NOT_SET:
        digest_.Number(0);
        break;
    }
    digest_.Text(identity.value());
  }

  uint64_t AddNamespace(const std::string& name) {
    return namespaces_.Number(name, digest_, [&] { digest_.Text(name); });
  }

  void Add(const v1::SegmentMembership& membership) {
    switch (membership.target_case()) {
      case v1::SegmentMembership::kSegmentIndex: {
        const uint32_t index = membership.segment_index();
        if (index >= segments_seen_.size()) {
          digest_.Number(0);
        } else if (segments_seen_[index] != 0) {
          digest_.Number(segments_seen_[index]);
        } else {
          segments_seen_[index] =
              AddSegment(batch_.segments(static_cast<int>(index)));
        }
        break;
      }
      case v1::SegmentMembership::kSegment:
        AddSegment(membership.segment());
        break;
      case v1::SegmentMembership::TARGET_NOT_SET:
        digest_.Number(0);
        break;
    }
    digest_.Number(static_cast<uint64_t>(membership.status()));
    digest_.Number(membership.has_last_qualification_time());
    if (membership.has_last_qualification_time()) {
      digest_.Number(membership.last_qualification_time().seconds());
      digest_.Number(
          static_cast<uint32_t>(membership.last_qualification_time().nanos()));
    }
  }

  uint64_t AddSegment(const v1::Segment& segment) {
    return segments_.Number({segment.segment_namespace(), segment.segment_id()},
                            digest_, [&] {
                              digest_.Text(segment.segment_namespace());
                              digest_.Text(segment.segment_id());
                            });
  }

  const v1::ExportBatch& batch_;
  const bool with_keys_;
  FieldDigest digest_;
  Names<absl::string_view> namespaces_;
  Names<std::pair<absl::string_view, absl::string_view>> segments_;
  // The numbers of the batch's tables; 0: not written yet.
  std::vector<uint64_t> namespaces_seen_;
  std::vector<uint64_t> segments_seen_;
};

}  // namespace

std::array<uint8_t, 16> DigestBatch(absl::string_view salt,
                                    const v1::ExportBatch& batch,
                                    bool with_keys) {
  return Digester(salt, batch, with_keys).Run();
}

FieldDigest::FieldDigest() { buffer_.reserve(kBufferBytes + 512); }

void FieldDigest::Number(uint64_t number) {
  while (number >= 0x80) {
    buffer_.push_back(static_cast<char>(number | 0x80));
    number >>= 7;
  }
  buffer_.push_back(static_cast<char>(number));
  if (buffer_.size() >= kBufferBytes) Fold();
}

void FieldDigest::Text(absl::string_view text) {
  Number(text.size());
  buffer_.append(text.data(), text.size());
  if (buffer_.size() >= kBufferBytes) Fold();
}

void FieldDigest::Fold() {
  std::array<uint8_t, identity_mapping::kSha256Size> digest;
  identity_mapping::Sha256(buffer_, digest.data());
  buffer_.assign(reinterpret_cast<const char*>(digest.data()), digest.size());
}

std::array<uint8_t, 16> FieldDigest::Finish() {
  Fold();
  std::array<uint8_t, 16> out;
  std::copy_n(buffer_.begin(), out.size(), out.begin());
  return out;
}

}  // namespace connector::ingest
