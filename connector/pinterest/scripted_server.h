#ifndef CONNECTOR_PINTEREST_SCRIPTED_SERVER_H_
#define CONNECTOR_PINTEREST_SCRIPTED_SERVER_H_

#include <functional>
#include <list>
#include <string>
#include <thread>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/strings/string_view.h"
#include "absl/synchronization/mutex.h"

namespace connector::pinterest {

// A TCP server on 127.0.0.1 that misbehaves as told, for tests: what a real
// HTTP server never does, such as cutting its answer or resetting a connection
// at a certain moment.
class ScriptedServer {
 public:
  // One connection, while the script runs.
  class Connection {
   public:
    Connection(ScriptedServer* server, int fd) : server_(server), fd_(fd) {}

    // Reads one whole request (head and Content-Length body). False when the
    // client closed before.
    bool ReadRequest();
    // Reads up to the end of the head only.
    bool ReadHead();
    void Send(absl::string_view bytes);
    // 200 with that body, connection kept.
    void SendOk(absl::string_view body);
    // Ends what goes out, then reads until the client closes too, so that no
    // reset destroys what was sent.
    void CloseGently();
    // Makes the end of the script a reset instead of a close.
    void Reset();
    // Until the client closes or the server is destroyed.
    void WaitForClose();

   private:
    bool ReadMore();

    ScriptedServer* const server_;
    const int fd_;
    std::string buffer_;
  };

  // `script` runs once for each connection, in a thread of its own, with the
  // number of the connection (from 1). The connection is closed afterwards.
  explicit ScriptedServer(std::function<void(Connection&, int)> script);
  ~ScriptedServer();

  int port() const { return port_; }
  std::string Url(absl::string_view path = "/v5/secret-path?q=secret") const;

  // Heads of the requests read so far.
  std::vector<std::string> requests();
  int connections();

  // A port of 127.0.0.1 where nobody listens as long as the process lives.
  static int UnusedPort();

 private:
  void Accept();

  const std::function<void(Connection&, int)> script_;
  int listen_fd_ = -1;
  int port_ = 0;
  absl::Mutex mutex_;
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
  std::vector<std::string> requests_ ABSL_GUARDED_BY(mutex_);
  std::vector<int> open_ ABSL_GUARDED_BY(mutex_);
  int connections_ ABSL_GUARDED_BY(mutex_) = 0;
  std::list<std::thread> threads_ ABSL_GUARDED_BY(mutex_);
  std::thread acceptor_;
};

}  // namespace connector::pinterest

#endif  // CONNECTOR_PINTEREST_SCRIPTED_SERVER_H_
