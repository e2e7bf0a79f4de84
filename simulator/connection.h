#ifndef CONNECTOR_SIMULATOR_CONNECTION_H_
#define CONNECTOR_SIMULATOR_CONNECTION_H_

#include <httplib.h>
#include <openssl/ssl.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

namespace simulator {

// One accepted connection as cpp-httplib wants to read and write it, with what
// it lacks: an answer can be held back or cut. Used by one thread, except
// Shutdown.
//
// Only SSL_* functions of OpenSSL are called here: a program that also links
// BoringSSL would take ERR_*, BIO_* and the like from there.
class Connection final : public httplib::Stream {
 public:
  // Owns `socket`. `tls` is null for plain HTTP.
  Connection(int socket, SSL_CTX* tls);
  ~Connection() override;

  // The TLS handshake; true at once without TLS.
  bool Handshake();

  // Waits for the first byte of the next request. False: closed.
  bool WaitForRequest();

  // From now on nothing is written, and the connection ends.
  void Drop(bool reset);

  // The connection ends after this answer.
  void EndAfterAnswer() { ending_ = true; }
  bool ending() const { return ending_; }

  // After the end of the headers only so many bytes are written.
  void TruncateBody(int64_t bytes) { body_left_ = bytes; }

  // Wakes up whoever reads or writes, for good. Thread-safe.
  void Shutdown();

  bool is_readable() const override { return true; }
  bool is_writable() const override { return true; }
  ssize_t read(char* out, size_t size) override;
  ssize_t write(const char* data, size_t size) override;
  void get_remote_ip_and_port(std::string& ip, int& port) const override;
  void get_local_ip_and_port(std::string& ip, int& port) const override;
  socket_t socket() const override { return socket_; }

 private:
  bool FillBuffer();
  bool WriteAll(const char* data, size_t size);

  struct FreeSsl {
    void operator()(SSL* ssl) const { SSL_free(ssl); }
  };

  const int socket_;
  std::unique_ptr<SSL, FreeSsl> ssl_;
  std::unique_ptr<char[]> buffer_;
  size_t begin_ = 0;
  size_t end_ = 0;
  bool dropped_ = false;
  bool ending_ = false;
  // The end of the headers of this answer was written.
  bool in_body_ = false;
  std::optional<int64_t> body_left_;
};

}  // namespace simulator

#endif  // CONNECTOR_SIMULATOR_CONNECTION_H_
