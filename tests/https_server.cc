// A Pinterest behind TLS for tests, as a program of its own: it uses OpenSSL
// directly, which a test that also links BoringSSL must not.
//
//   https_server DIRECTORY
//
// writes cert.pem and key.pem (self-signed, for 127.0.0.1 and localhost) to the
// directory, prints "listening on 127.0.0.1:PORT", and answers every call with
// success until it is killed.
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <signal.h>
#include <sys/prctl.h>

#include <cstdio>
#include <cstdlib>
#include <string>

#include "httplib.h"

namespace {

void Require(bool ok, const char* what) {
  if (ok) return;
  std::fprintf(stderr, "https_server: %s\n", what);
  std::exit(1);
}

void AddExtension(X509* certificate, int nid, const char* value) {
  X509V3_CTX context;
  X509V3_set_ctx_nodb(&context);
  X509V3_set_ctx(&context, certificate, certificate, nullptr, nullptr, 0);
  X509_EXTENSION* extension =
      X509V3_EXT_conf_nid(nullptr, &context, nid, value);
  Require(extension != nullptr, "extension");
  X509_add_ext(certificate, extension, -1);
  X509_EXTENSION_free(extension);
}

void WriteCertificate(const std::string& certificate_file,
                      const std::string& key_file) {
  EVP_PKEY* key = EVP_EC_gen("P-256");
  Require(key != nullptr, "key");
  X509* certificate = X509_new();
  X509_set_version(certificate, 2);
  ASN1_INTEGER_set(X509_get_serialNumber(certificate), 1);
  X509_gmtime_adj(X509_getm_notBefore(certificate), -3600);
  X509_gmtime_adj(X509_getm_notAfter(certificate), 24 * 3600);
  X509_NAME* name = X509_get_subject_name(certificate);
  X509_NAME_add_entry_by_txt(
      name, "CN", MBSTRING_ASC,
      reinterpret_cast<const unsigned char*>("localhost"), -1, -1, 0);
  X509_set_issuer_name(certificate, name);
  X509_set_pubkey(certificate, key);
  AddExtension(certificate, NID_basic_constraints, "critical,CA:TRUE");
  AddExtension(certificate, NID_subject_key_identifier, "hash");
  AddExtension(certificate, NID_subject_alt_name, "IP:127.0.0.1,DNS:localhost");
  Require(X509_sign(certificate, key, EVP_sha256()) != 0, "signature");

  FILE* file = std::fopen(certificate_file.c_str(), "w");
  Require(file != nullptr && PEM_write_X509(file, certificate) == 1,
          "certificate file");
  std::fclose(file);
  file = std::fopen(key_file.c_str(), "w");
  Require(file != nullptr && PEM_write_PrivateKey(file, key, nullptr, nullptr,
                                                  0, nullptr, nullptr) == 1,
          "key file");
  std::fclose(file);
  X509_free(certificate);
  EVP_PKEY_free(key);
}

}  // namespace

int main(int argc, char** argv) {
  // Not to outlive a test that crashed.
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  Require(argc == 2, "takes a directory");
  const std::string certificate_file = std::string(argv[1]) + "/cert.pem";
  const std::string key_file = std::string(argv[1]) + "/key.pem";
  WriteCertificate(certificate_file, key_file);

  httplib::SSLServer server(certificate_file.c_str(), key_file.c_str());
  Require(server.is_valid(), "TLS");
  server.Get(".*/customer_lists", [](const httplib::Request&,
                                     httplib::Response& response) {
    response.set_content(R"({"items":[],"bookmark":null})", "application/json");
  });
  server.Get(".*", [](const httplib::Request&, httplib::Response& response) {
    response.set_content(R"({"id":"549755885175","name":"Shop"})",
                         "application/json");
  });
  server.Post(".*", [](const httplib::Request&, httplib::Response& response) {
    response.set_content(
        R"({"id":"2542620905475","name":"x","status":"PROCESSING"})",
        "application/json");
  });
  const int port = server.bind_to_any_port("127.0.0.1");
  Require(port > 0, "port");
  std::printf("listening on 127.0.0.1:%d\n", port);
  std::fflush(stdout);
  return server.listen_after_bind() ? 0 : 1;
}
