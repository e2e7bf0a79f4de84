// The examples of FIPS 180 and RFC 1321. What this binary links is Abseil and
// the digest library, so nothing but BoringSSL can have computed them.

#include "identity_mapping/digest.h"

#include <string>

#include "absl/strings/escaping.h"
#include "gtest/gtest.h"

namespace identity_mapping {
namespace {

template <size_t kSize>
std::string Hex(void (*digest)(absl::string_view, uint8_t*),
                absl::string_view data) {
  uint8_t out[kSize];
  digest(data, out);
  return absl::BytesToHexString(
      absl::string_view(reinterpret_cast<const char*>(out), kSize));
}

TEST(Digest, Sha256) {
  EXPECT_EQ(Hex<kSha256Size>(Sha256, ""),
            "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  EXPECT_EQ(Hex<kSha256Size>(Sha256, "abc"),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(Hex<kSha256Size>(Sha256, std::string(1'000'000, 'a')),
            "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}

TEST(Digest, Sha1) {
  EXPECT_EQ(Hex<kSha1Size>(Sha1, ""),
            "da39a3ee5e6b4b0d3255bfef95601890afd80709");
  EXPECT_EQ(Hex<kSha1Size>(Sha1, "abc"),
            "a9993e364706816aba3e25717850c26c9cd0d89d");
}

TEST(Digest, Md5) {
  EXPECT_EQ(Hex<kMd5Size>(Md5, ""), "d41d8cd98f00b204e9800998ecf8427e");
  EXPECT_EQ(Hex<kMd5Size>(Md5, "abc"), "900150983cd24fb0d6963f7d28e17f72");
}

}  // namespace
}  // namespace identity_mapping
