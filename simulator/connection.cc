#include "simulator/connection.h"

#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "absl/strings/string_view.h"

namespace simulator {
namespace {
constexpr size_t kBufferSize = 64 * 1024;
}  // namespace

Connection::Connection(int socket, SSL_CTX* tls)
    : socket_(socket), buffer_(new char[kBufferSize]) {
  if (tls != nullptr) {
    ssl_.reset(SSL_new(tls));
    SSL_set_fd(ssl_.get(), socket_);
  }
}

Connection::~Connection() {
  if (ssl_ != nullptr && !dropped_) SSL_shutdown(ssl_.get());
  ssl_.reset();
  close(socket_);
}

bool Connection::Handshake() {
  return ssl_ == nullptr || SSL_accept(ssl_.get()) == 1;
}

bool Connection::WaitForRequest() {
  in_body_ = false;
  body_left_.reset();
  return begin_ < end_ || FillBuffer();
}

void Connection::Drop(bool reset) {
  dropped_ = true;
  if (reset) {
    // Closing with a linger time of zero sends RST instead of FIN.
    linger option{1, 0};
    setsockopt(socket_, SOL_SOCKET, SO_LINGER, &option, sizeof(option));
  }
}

void Connection::Shutdown() { shutdown(socket_, SHUT_RDWR); }

bool Connection::FillBuffer() {
  ssize_t got;
  if (ssl_ != nullptr) {
    got = SSL_read(ssl_.get(), buffer_.get(), kBufferSize);
  } else {
    do {
      got = recv(socket_, buffer_.get(), kBufferSize, 0);
    } while (got < 0 && errno == EINTR);
  }
  begin_ = 0;
  end_ = got > 0 ? static_cast<size_t>(got) : 0;
  return got > 0;
}

ssize_t Connection::read(char* out, size_t size) {
  if (begin_ == end_ && !FillBuffer()) return -1;
  size_t count = std::min(size, end_ - begin_);
  std::memcpy(out, buffer_.get() + begin_, count);
  begin_ += count;
  return static_cast<ssize_t>(count);
}

bool Connection::WriteAll(const char* data, size_t size) {
  while (size > 0) {
    ssize_t sent;
    if (ssl_ != nullptr) {
      sent = SSL_write(ssl_.get(), data,
                       static_cast<int>(std::min<size_t>(size, 1 << 20)));
    } else {
      sent = send(socket_, data, size, MSG_NOSIGNAL);
      if (sent < 0 && errno == EINTR) continue;
    }
    if (sent <= 0) return false;
    data += sent;
    size -= static_cast<size_t>(sent);
  }
  return true;
}

ssize_t Connection::write(const char* data, size_t size) {
  if (dropped_) return -1;
  if (!body_left_.has_value()) {
    return WriteAll(data, size) ? static_cast<ssize_t>(size) : -1;
  }
  size_t allowed = size;
  if (!in_body_) {
    // cpp-httplib writes the headers in one piece, the body in others.
    size_t headers = absl::string_view(data, size).find("\r\n\r\n");
    if (headers != absl::string_view::npos) {
      in_body_ = true;
      allowed = std::min<size_t>(
          size, headers + 4 + static_cast<size_t>(*body_left_));
      *body_left_ -= static_cast<int64_t>(allowed - (headers + 4));
    }
  } else {
    allowed = std::min<size_t>(size, static_cast<size_t>(*body_left_));
    *body_left_ -= static_cast<int64_t>(allowed);
  }
  if (!WriteAll(data, allowed)) return -1;
  if (allowed < size) {
    dropped_ = true;
    return -1;
  }
  return static_cast<ssize_t>(size);
}

void Connection::get_remote_ip_and_port(std::string& ip, int& port) const {
  ip = "127.0.0.1";
  port = 0;
}

void Connection::get_local_ip_and_port(std::string& ip, int& port) const {
  ip = "127.0.0.1";
  port = 0;
}

}  // namespace simulator
