#ifndef CONNECTOR_EDGE_RAW_CLIENT_H_
#define CONNECTOR_EDGE_RAW_CLIENT_H_

#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <cstdlib>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "gtest/gtest.h"

namespace connector::edge {

// A client that sends just the bytes it is told to. For tests.
class RawClient {
 public:
  explicit RawClient(int port) : fd_(socket(AF_INET, SOCK_STREAM, 0)) {
    sockaddr_in address = {};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    address.sin_port = htons(static_cast<uint16_t>(port));
    // Long enough for a busy machine; no test waits it out.
    const timeval patience = {60, 0};
    setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    EXPECT_EQ(
        connect(fd_, reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
  }
  ~RawClient() { close(fd_); }
  RawClient(const RawClient&) = delete;
  RawClient& operator=(const RawClient&) = delete;

  // False once the server has closed the connection.
  bool Send(absl::string_view bytes) {
    while (!bytes.empty()) {
      const ssize_t sent = send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (sent <= 0) return false;
      bytes.remove_prefix(static_cast<size_t>(sent));
    }
    return true;
  }

  // The next answer: its status, 0 if the connection ended. The head and the
  // body stay in head() and body().
  int ReadAnswer() {
    head_.clear();
    body_.clear();
    size_t end;
    while ((end = received_.find("\r\n\r\n")) == std::string::npos) {
      if (!ReadMore()) return 0;
    }
    head_ = received_.substr(0, end + 4);
    received_.erase(0, end + 4);
    const int status = std::atoi(head_.substr(9, 3).c_str());
    const size_t at = head_.find("Content-Length: ");
    if (at == std::string::npos) return status;
    const size_t length =
        static_cast<size_t>(std::atoll(head_.c_str() + at + 16));
    while (received_.size() < length) {
      if (!ReadMore()) return 0;
    }
    body_ = received_.substr(0, length);
    received_.erase(0, length);
    return status;
  }
  const std::string& head() const { return head_; }
  const std::string& body() const { return body_; }

  // Whether the server closes the connection, having sent nothing more.
  bool Ended() { return received_.empty() && !ReadMore() && received_.empty(); }

 private:
  bool ReadMore() {
    char buffer[4096];
    const ssize_t got = recv(fd_, buffer, sizeof buffer, 0);
    if (got <= 0) return false;
    received_.append(buffer, static_cast<size_t>(got));
    return true;
  }

  const int fd_;
  std::string received_;
  std::string head_;
  std::string body_;
};

inline std::string Request(absl::string_view method, absl::string_view target,
                           absl::string_view body,
                           absl::string_view headers = "") {
  return absl::StrCat(method, " ", target, " HTTP/1.1\r\nHost: h\r\n", headers,
                      "Content-Length: ", body.size(), "\r\n\r\n", body);
}

}  // namespace connector::edge

#endif  // CONNECTOR_EDGE_RAW_CLIENT_H_
