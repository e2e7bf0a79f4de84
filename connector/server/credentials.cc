#include "connector/server/credentials.h"

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "connector/base/error.h"

namespace connector::server {
namespace {

constexpr size_t kMaxPemBytes = 1 << 20;

// The content of a PEM file. Errors show nothing of it.
absl::StatusOr<std::string> ReadPem(absl::string_view flag,
                                    const std::string& path,
                                    absl::string_view marker) {
  FILE* file = std::fopen(path.c_str(), "re");
  if (file == nullptr) {
    return FieldError(
        flag, absl::StrCat("cannot read the file: ", std::strerror(errno)));
  }
  std::string content(kMaxPemBytes + 1, '\0');
  content.resize(std::fread(content.data(), 1, content.size(), file));
  const bool failed = std::ferror(file) != 0;
  std::fclose(file);
  if (failed) return FieldError(flag, "cannot read the file");
  if (content.size() > kMaxPemBytes) {
    return FieldError(flag, "the file is larger than 1 MiB");
  }
  if (!absl::StrContains(content, marker)) {
    return FieldError(
        flag, absl::StrCat("the file holds no PEM block \"", marker, "\""));
  }
  return content;
}

}  // namespace

absl::StatusOr<std::shared_ptr<grpc::ServerCredentials>> MakeServerCredentials(
    const ListenAddress& address, const TlsFiles& tls) {
  constexpr char kCertificate[] = "--tls_certificate_file";
  constexpr char kKey[] = "--tls_key_file";
  constexpr char kClientCa[] = "--tls_client_ca_file";

  if (tls.certificate_file.empty() && tls.key_file.empty()) {
    if (!tls.client_ca_file.empty()) {
      return FieldError(kClientCa,
                        "needs --tls_certificate_file and --tls_key_file");
    }
    if (!address.is_unix() && !address.loopback) {
      return FieldError(
          "--listen",
          "without TLS only a Unix socket or a loopback address is served "
          "(127.0.0.1, [::1], localhost), as identities and configuration "
          "would travel in the clear; give --tls_certificate_file and "
          "--tls_key_file to listen elsewhere");
    }
    return grpc::InsecureServerCredentials();
  }
  if (address.is_unix()) {
    return FieldError(kCertificate, "TLS is for TCP; a Unix socket needs none");
  }
  if (tls.key_file.empty()) {
    return FieldError(kKey, "must be given with --tls_certificate_file");
  }
  if (tls.certificate_file.empty()) {
    return FieldError(kCertificate, "must be given with --tls_key_file");
  }
  auto certificate =
      ReadPem(kCertificate, tls.certificate_file, "-----BEGIN CERTIFICATE");
  if (!certificate.ok()) return certificate.status();
  auto key = ReadPem(kKey, tls.key_file, "PRIVATE KEY-----");
  if (!key.ok()) return key.status();

  grpc::SslServerCredentialsOptions options;
  options.pem_key_cert_pairs.push_back(
      {*std::move(key), *std::move(certificate)});
  if (!tls.client_ca_file.empty()) {
    auto client_ca =
        ReadPem(kClientCa, tls.client_ca_file, "-----BEGIN CERTIFICATE");
    if (!client_ca.ok()) return client_ca.status();
    options.pem_root_certs = *std::move(client_ca);
    options.client_certificate_request =
        GRPC_SSL_REQUEST_AND_REQUIRE_CLIENT_CERTIFICATE_AND_VERIFY;
  }
  return grpc::SslServerCredentials(options);
}

}  // namespace connector::server
