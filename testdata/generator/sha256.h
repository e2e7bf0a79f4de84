#ifndef TESTDATA_GENERATOR_SHA256_H_
#define TESTDATA_GENERATOR_SHA256_H_

#include <array>
#include <cstdint>
#include <string>

namespace generator {

using Digest = std::array<uint8_t, 32>;

// By the system's OpenSSL: the connector has a library of its own, so that an
// error of one does not hide in the other.
Digest Sha256(const std::string& text);

// Lower-case.
std::string ToHex(const uint8_t* bytes, size_t size);
inline std::string ToHex(const Digest& digest) {
  return ToHex(digest.data(), digest.size());
}

}  // namespace generator

#endif  // TESTDATA_GENERATOR_SHA256_H_
