#include "testdata/generator/sha256.h"

#include <openssl/evp.h>

#include <cstdlib>

namespace generator {

Digest Sha256(const std::string& text) {
  // Fetching the algorithm costs more than the digest of a short text.
  static const EVP_MD* const algorithm = EVP_sha256();
  thread_local EVP_MD_CTX* const context = EVP_MD_CTX_new();
  Digest digest;
  if (EVP_DigestInit_ex(context, algorithm, nullptr) != 1 ||
      EVP_DigestUpdate(context, text.data(), text.size()) != 1 ||
      EVP_DigestFinal_ex(context, digest.data(), nullptr) != 1) {
    std::abort();
  }
  return digest;
}

std::string ToHex(const uint8_t* bytes, size_t size) {
  std::string text;
  text.reserve(2 * size);
  for (size_t i = 0; i < size; ++i) {
    text += "0123456789abcdef"[bytes[i] >> 4];
    text += "0123456789abcdef"[bytes[i] & 15];
  }
  return text;
}

}  // namespace generator
