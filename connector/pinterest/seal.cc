#include "connector/pinterest/seal.h"

#include <openssl/aead.h>
#include <openssl/base.h>
#include <openssl/digest.h>
#include <openssl/hkdf.h>
#include <openssl/mem.h>
#include <openssl/rand.h>

#include <cstdint>
#include <cstdlib>

#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"

// OpenSSL's headers have the same names and must not have been taken.
#ifndef OPENSSL_IS_BORINGSSL
#error "<openssl/...> is not BoringSSL's"
#endif

namespace connector::pinterest {
namespace {

constexpr absl::string_view kMagic = "ACS1";
constexpr absl::string_view kInfo = "audience-connector stored tokens";
constexpr size_t kSalt = 32;
constexpr size_t kKey = 32;
constexpr size_t kNonce = 12;
constexpr size_t kTag = 16;
constexpr size_t kHead = kMagic.size() + kSalt + kNonce;

const uint8_t* Bytes(absl::string_view data) {
  return reinterpret_cast<const uint8_t*>(data.data());
}

uint8_t* Bytes(std::string* data) {
  return reinterpret_cast<uint8_t*>(data->data());
}

// Ready for one sealing or opening.
class Cipher {
 public:
  Cipher(absl::string_view secret, absl::string_view salt) {
    uint8_t key[kKey];
    if (HKDF(key, sizeof(key), EVP_sha256(), Bytes(secret), secret.size(),
             Bytes(salt), salt.size(), Bytes(kInfo), kInfo.size()) != 1 ||
        EVP_AEAD_CTX_init(context_.get(), EVP_aead_aes_256_gcm(), key,
                          sizeof(key), kTag, nullptr) != 1) {
      std::abort();  // only without memory
    }
    OPENSSL_cleanse(key, sizeof(key));
  }

  const EVP_AEAD_CTX* get() const { return context_.get(); }

 private:
  bssl::ScopedEVP_AEAD_CTX context_;
};

}  // namespace

std::string Seal(absl::string_view secret, absl::string_view context,
                 absl::string_view text) {
  std::string random(kSalt + kNonce, '\0');
  RAND_bytes(Bytes(&random), random.size());  // aborts where there is none
  const absl::string_view salt = absl::string_view(random).substr(0, kSalt);
  const absl::string_view nonce = absl::string_view(random).substr(kSalt);
  std::string hidden(text.size() + kTag, '\0');
  size_t size = 0;
  const Cipher cipher(secret, salt);
  if (EVP_AEAD_CTX_seal(cipher.get(), Bytes(&hidden), &size, hidden.size(),
                        Bytes(nonce), nonce.size(), Bytes(text), text.size(),
                        Bytes(context), context.size()) != 1) {
    std::abort();  // only a text of many gigabytes
  }
  hidden.resize(size);
  return absl::StrCat(kMagic, random, hidden);
}

absl::StatusOr<std::string> Unseal(absl::string_view secret,
                                   absl::string_view context,
                                   absl::string_view sealed) {
  constexpr char kRefused[] = "was not sealed with this secret, or is damaged";
  if (!absl::StartsWith(sealed, kMagic) || sealed.size() < kHead + kTag) {
    return absl::DataLossError(kRefused);
  }
  const absl::string_view salt = sealed.substr(kMagic.size(), kSalt);
  const absl::string_view nonce = sealed.substr(kMagic.size() + kSalt, kNonce);
  const absl::string_view hidden = sealed.substr(kHead);
  std::string text(hidden.size(), '\0');
  size_t size = 0;
  const Cipher cipher(secret, salt);
  if (EVP_AEAD_CTX_open(cipher.get(), Bytes(&text), &size, text.size(),
                        Bytes(nonce), nonce.size(), Bytes(hidden),
                        hidden.size(), Bytes(context), context.size()) != 1) {
    return absl::DataLossError(kRefused);
  }
  text.resize(size);
  return text;
}

}  // namespace connector::pinterest
