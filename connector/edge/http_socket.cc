#include "connector/edge/http_socket.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "absl/time/clock.h"

namespace connector::edge {
namespace {

constexpr size_t kReadBytes = 64 << 10;

}  // namespace

HttpSocket::HttpSocket(int fd) : fd_(fd) {
  const int one = 1;
  setsockopt(fd_, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
}

HttpSocket::~HttpSocket() { close(fd_); }

bool HttpSocket::Await(short events, absl::Time deadline) const {
  for (;;) {
    const absl::Duration left = deadline - absl::Now();
    if (left <= absl::ZeroDuration()) return false;
    pollfd waited = {fd_, events, 0};
    const int ready = poll(&waited, 1,
                           static_cast<int>(std::min<int64_t>(
                               absl::ToInt64Milliseconds(left) + 1, 60'000)));
    if (ready > 0) return true;
    if (ready < 0 && errno != EINTR) return true;  // shows in what follows
  }
}

HttpSocket::Result HttpSocket::Read(absl::Time deadline, size_t at_most,
                                    std::string* to) {
  for (;;) {
    if (!Await(POLLIN, deadline)) return Result::kTimeout;
    const size_t size = to->size();
    const size_t room = std::min(at_most, kReadBytes);
    to->resize(size + room);
    const ssize_t got = recv(fd_, to->data() + size, room, MSG_DONTWAIT);
    to->resize(size + static_cast<size_t>(std::max<ssize_t>(got, 0)));
    if (got > 0) return Result::kOk;
    if (got == 0) return Result::kClosed;
    if (errno != EINTR && errno != EAGAIN && errno != EWOULDBLOCK) {
      return Result::kClosed;
    }
  }
}

HttpSocket::Result HttpSocket::Write(absl::string_view bytes,
                                     absl::Time deadline) {
  while (!bytes.empty()) {
    if (!Await(POLLOUT, deadline)) return Result::kTimeout;
    const ssize_t sent =
        send(fd_, bytes.data(), bytes.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
    if (sent >= 0) {
      bytes.remove_prefix(static_cast<size_t>(sent));
    } else if (errno != EINTR && errno != EAGAIN && errno != EWOULDBLOCK) {
      return Result::kClosed;
    }
  }
  return Result::kOk;
}

void HttpSocket::Linger(absl::Time deadline, size_t at_most) {
  shutdown(fd_, SHUT_WR);
  std::string passed_over;
  size_t read = 0;
  while (read < at_most) {
    passed_over.clear();
    if (Read(deadline, kReadBytes, &passed_over) != Result::kOk) return;
    read += passed_over.size();
  }
}

void HttpSocket::Shutdown() { shutdown(fd_, SHUT_RDWR); }

}  // namespace connector::edge
