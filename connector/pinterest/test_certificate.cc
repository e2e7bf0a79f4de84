// Writes a key and a self-signed certificate for tests: made at build time, so
// that no key lies in the source tree and none can expire.
//
// usage: test_certificate CERTIFICATE_FILE KEY_FILE SUBJECT_ALT_NAME
//
// OpenSSL, as the HTTP server of the tests links it; not to be linked together
// with BoringSSL.

#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include <cstdio>
#include <utility>

namespace {

bool Write(const char* certificate_file, const char* key_file,
           const char* names) {
  EVP_PKEY* key = EVP_EC_gen("P-256");
  X509* certificate = X509_new();
  if (key == nullptr || certificate == nullptr) return false;
  X509_set_version(certificate, X509_VERSION_3);
  ASN1_INTEGER_set(X509_get_serialNumber(certificate), 1);
  ASN1_TIME_set_string(X509_getm_notBefore(certificate), "20200101000000Z");
  ASN1_TIME_set_string(X509_getm_notAfter(certificate), "99991231235959Z");
  X509_set_pubkey(certificate, key);
  X509_NAME* name = X509_get_subject_name(certificate);
  X509_NAME_add_entry_by_txt(
      name, "CN", MBSTRING_ASC,
      reinterpret_cast<const unsigned char*>("connector test"), -1, -1, 0);
  X509_set_issuer_name(certificate, name);
  X509V3_CTX context;
  X509V3_set_ctx_nodb(&context);
  X509V3_set_ctx(&context, certificate, certificate, nullptr, nullptr, 0);
  for (const auto& [id, value] :
       {std::pair{NID_basic_constraints, "critical,CA:TRUE"},
        std::pair{NID_subject_alt_name, names}}) {
    X509_EXTENSION* extension =
        X509V3_EXT_conf_nid(nullptr, &context, id, value);
    if (extension == nullptr || !X509_add_ext(certificate, extension, -1)) {
      return false;
    }
    X509_EXTENSION_free(extension);
  }
  if (X509_sign(certificate, key, EVP_sha256()) == 0) return false;
  FILE* out = fopen(certificate_file, "w");
  bool good = out != nullptr && PEM_write_X509(out, certificate) == 1;
  good = out != nullptr && fclose(out) == 0 && good;
  out = fopen(key_file, "w");
  good = out != nullptr && good &&
         PEM_write_PrivateKey(out, key, nullptr, nullptr, 0, nullptr,
                              nullptr) == 1;
  good = out != nullptr && fclose(out) == 0 && good;
  X509_free(certificate);
  EVP_PKEY_free(key);
  return good;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 4 || !Write(argv[1], argv[2], argv[3])) {
    fprintf(stderr, "cannot write the test certificate\n");
    return 1;
  }
  return 0;
}
