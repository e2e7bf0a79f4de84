#ifndef CONNECTOR_PINTEREST_TLS_SERVER_H_
#define CONNECTOR_PINTEREST_TLS_SERVER_H_

#include <functional>
#include <memory>
#include <string>

namespace connector::pinterest {

// An HTTPS server on 127.0.0.1 for tests. Its header includes nothing of
// OpenSSL, so that a test can use it beside code that is linked with BoringSSL.
class TlsServer {
 public:
  // Every request is answered 200 with what `answer` makes of its body.
  TlsServer(const std::string& certificate_file, const std::string& key_file,
            std::function<std::string(const std::string&)> answer);
  ~TlsServer();

  int port() const;

 private:
  struct Impl;
  const std::unique_ptr<Impl> impl_;
};

}  // namespace connector::pinterest

#endif  // CONNECTOR_PINTEREST_TLS_SERVER_H_
