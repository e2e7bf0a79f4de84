#ifndef CONNECTOR_EDGE_HTTP_SOCKET_H_
#define CONNECTOR_EDGE_HTTP_SOCKET_H_

#include <cstddef>
#include <string>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"

namespace connector::edge {

// A connected socket whose every operation ends by a point in time. Used by one
// thread; Shutdown() may be called from any.
class HttpSocket {
 public:
  // Takes the descriptor over.
  explicit HttpSocket(int fd);
  ~HttpSocket();
  HttpSocket(const HttpSocket&) = delete;
  HttpSocket& operator=(const HttpSocket&) = delete;

  enum class Result { kOk, kClosed, kTimeout };
  // Appends what has come, at least one byte and at most `at_most`.
  Result Read(absl::Time deadline, size_t at_most, std::string* to);
  Result Write(absl::string_view bytes, absl::Time deadline);

  // Ends our side and reads what the client still sends, for as long as it
  // takes it to notice: closing at once would take the answer from it.
  void Linger(absl::Time deadline, size_t at_most);

  // Lets every operation end.
  void Shutdown();

 private:
  // Waits until the socket is ready; false at the deadline.
  bool Await(short events, absl::Time deadline) const;

  const int fd_;
};

}  // namespace connector::edge

#endif  // CONNECTOR_EDGE_HTTP_SOCKET_H_
