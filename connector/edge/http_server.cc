#include "connector/edge/http_server.h"

#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <list>
#include <thread>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/clock.h"
#include "connector/base/error.h"
#include "connector/edge/http_socket.h"

namespace connector::edge {
namespace {

// What a refused client may still send, and how long.
constexpr absl::Duration kLinger = absl::Seconds(2);

using Result = HttpSocket::Result;

class ServerImpl final : public HttpServer {
 public:
  ServerImpl(const Options& options, HttpHandler* handler, int listener,
             int port)
      : options_(options),
        handler_(*handler),
        listener_(listener),
        port_(port),
        acceptor_([this] { Accept(); }) {}

  ~ServerImpl() override {
    Stop();
    close(listener_);
  }

  int port() const override { return port_; }

  int connections() const override {
    absl::MutexLock lock(&mutex_);
    return open_;
  }

  void Stop() override {
    absl::MutexLock only_one(&stop_mutex_);
    std::list<Client> clients;
    {
      absl::MutexLock lock(&mutex_);
      if (stopped_) return;
      stopped_ = true;
      for (Client& client : clients_) {
        if (client.phase != Phase::kAnswering && client.socket != nullptr) {
          client.socket->Shutdown();
        }
      }
    }
    shutdown(listener_, SHUT_RDWR);
    acceptor_.join();
    {
      absl::MutexLock lock(&mutex_);
      clients.swap(clients_);
    }
    for (Client& client : clients) client.thread.join();
  }

 private:
  enum class Phase { kIdle, kReading, kAnswering };

  struct Client {
    std::thread thread;
    // Null once it is closed; as the rest, under the mutex.
    std::unique_ptr<HttpSocket> socket;
    Phase phase = Phase::kIdle;
    // Asked to make room.
    bool leaving = false;
    absl::Time idle_since;
    bool done = false;
  };

  // Room in the bound on all bodies; gives it back.
  class Room {
   public:
    explicit Room(ServerImpl* server) : server_(server) {}
    ~Room() {
      absl::MutexLock lock(&server_->mutex_);
      server_->body_bytes_ -= taken_;
    }
    // False: there is none.
    bool Reach(int64_t bytes) {
      if (bytes <= taken_) return true;
      absl::MutexLock lock(&server_->mutex_);
      if (server_->body_bytes_ - taken_ + bytes >
          server_->options_.max_process_bytes) {
        return false;
      }
      server_->body_bytes_ += bytes - taken_;
      taken_ = bytes;
      return true;
    }

   private:
    ServerImpl* const server_;
    int64_t taken_ = 0;
  };

  void Accept() {
    while (true) {
      const int fd = accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
      const int error = errno;
      absl::MutexLock lock(&mutex_);
      if (stopped_) {
        if (fd >= 0) close(fd);
        return;
      }
      if (fd < 0) {
        if (error == EINTR || error == ECONNABORTED) continue;
        // Out of descriptors: wait for some to come back.
        mutex_.AwaitWithTimeout(absl::Condition(&stopped_),
                                absl::Milliseconds(10));
        continue;
      }
      clients_.remove_if([](Client& client) {
        if (!client.done) return false;
        client.thread.join();
        return true;
      });
      if (open_ >= options_.max_connections && !MakeRoom()) {
        // Not worth waiting for: the buffer of a new connection is empty.
        const std::string busy = FormatResponse(
            handler_.Refuse(503, "too many connections are open"),
            /*last=*/true);
        send(fd, busy.data(), busy.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
        close(fd);
        continue;
      }
      ++open_;
      Client& client = clients_.emplace_back();
      client.socket = std::make_unique<HttpSocket>(fd);
      client.idle_since = absl::Now();
      client.thread = std::thread([this, &client] { Serve(client); });
    }
  }

  // Closes the connection that has waited longest for its next request.
  bool MakeRoom() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    Client* longest = nullptr;
    for (Client& client : clients_) {
      if (client.done || client.leaving || client.phase != Phase::kIdle) {
        continue;
      }
      if (longest == nullptr || client.idle_since < longest->idle_since) {
        longest = &client;
      }
    }
    if (longest == nullptr) return false;
    longest->leaving = true;
    longest->socket->Shutdown();
    // It is on its way out: no longer counted.
    --open_;
    return true;
  }

  // False: the server stops.
  bool Enter(Client& client, Phase phase) {
    absl::MutexLock lock(&mutex_);
    if (stopped_) return false;
    client.phase = phase;
    if (phase == Phase::kIdle) client.idle_since = absl::Now();
    return true;
  }

  void Serve(Client& client) {
    HttpSocket* socket;
    {
      absl::MutexLock lock(&mutex_);
      socket = client.socket.get();
    }
    std::string received;
    while (ServeOne(client, *socket, &received)) {
    }
    absl::MutexLock lock(&mutex_);
    client.socket.reset();
    if (!client.leaving) --open_;
    // The last thing that touches `client` before its thread is joined.
    client.done = true;
  }

  // One request and its answer; false if the connection is over. `received` is
  // what came and was not used yet.
  bool ServeOne(Client& client, HttpSocket& socket, std::string* received) {
    if (received->empty()) {
      if (!Enter(client, Phase::kIdle)) return false;
      if (socket.Read(absl::Now() + options_.idle_timeout,
                      limits::kMaxHttpHeadBytes, received) != Result::kOk) {
        return false;
      }
    }
    if (!Enter(client, Phase::kReading)) return false;
    const absl::Time begin = absl::Now();
    std::optional<size_t> end;
    while (!(end = FindHeadEnd(*received)).has_value()) {
      if (received->size() >= static_cast<size_t>(limits::kMaxHttpHeadBytes)) {
        return Refuse(socket, 431, "the head is too large");
      }
      switch (socket.Read(begin + options_.head_timeout,
                          limits::kMaxHttpHeadBytes, received)) {
        case Result::kOk:
          break;
        case Result::kClosed:
          return false;
        case Result::kTimeout:
          return Refuse(socket, 408, "the head came too slowly");
      }
    }
    if (*end > static_cast<size_t>(limits::kMaxHttpHeadBytes)) {
      return Refuse(socket, 431, "the head is too large");
    }
    RequestHead head;
    if (const auto error =
            ParseHead(absl::string_view(*received).substr(0, *end), &head);
        error.has_value()) {
      return Refuse(socket, error->status, error->rule);
    }
    received->erase(0, *end);
    if (std::optional<HttpResponse> answer = handler_.Check(head);
        answer.has_value()) {
      const bool has_body = head.chunked || head.content_length.value_or(0) > 0;
      return Answer(socket, *answer, head.keep_alive && !has_body);
    }
    Room room(this);
    std::string body;
    if (!ReadBody(socket, head, &room, received, &body)) return false;
    if (!Enter(client, Phase::kAnswering)) {
      return Refuse(socket, 503, "the server is shutting down");
    }
    const HttpResponse answer = handler_.Handle(head, std::move(body));
    return Answer(socket, answer, head.keep_alive);
  }

  // False: refused, or the client is gone.
  bool ReadBody(HttpSocket& socket, const RequestHead& head, Room* room,
                std::string* received, std::string* body) {
    const int64_t length = head.content_length.value_or(0);
    if (length > options_.max_body_bytes) {
      return Refuse(socket, 413, "the body is too large");
    }
    if (!room->Reach(length)) {
      return Refuse(socket, 503, "too much is being received");
    }
    const absl::Time deadline = absl::Now() + options_.body_timeout;
    if (head.expect_continue && received->empty() &&
        (head.chunked || length > 0)) {
      if (socket.Write("HTTP/1.1 100 Continue\r\n\r\n", deadline) !=
          Result::kOk) {
        return false;
      }
    }
    ChunkedBody chunks(options_.max_body_bytes);
    // What is there already, then what comes.
    if (!head.chunked) {
      const size_t size =
          std::min(received->size(), static_cast<size_t>(length));
      body->reserve(static_cast<size_t>(length) + 64);
      body->assign(*received, 0, size);
      received->erase(0, size);
    }
    for (;;) {
      if (head.chunked) {
        const auto state = chunks.Take(received, body);
        if (state == ChunkedBody::State::kDone) return true;
        if (state == ChunkedBody::State::kTooLarge) {
          return Refuse(socket, 413, "the body is too large");
        }
        if (state == ChunkedBody::State::kBroken) {
          return Refuse(socket, 400, "a chunk of the body is malformed");
        }
        // A string grows by doubling.
        if (!room->Reach(2 * static_cast<int64_t>(body->size()))) {
          return Refuse(socket, 503, "too much is being received");
        }
      } else if (static_cast<int64_t>(body->size()) == length) {
        return true;
      }
      const Result result =
          head.chunked
              ? socket.Read(deadline, SIZE_MAX, received)
              : socket.Read(deadline,
                            static_cast<size_t>(length) - body->size(), body);
      if (result == Result::kClosed) return false;
      if (result == Result::kTimeout) {
        return Refuse(socket, 408, "the body came too slowly");
      }
    }
  }

  bool Answer(HttpSocket& socket, const HttpResponse& answer, bool keep_alive) {
    {
      absl::MutexLock lock(&mutex_);
      keep_alive &= !stopped_;
    }
    const absl::Time deadline = absl::Now() + options_.answer_timeout;
    if (socket.Write(FormatResponse(answer, !keep_alive), deadline) !=
        Result::kOk) {
      return false;
    }
    if (!keep_alive) Linger(socket);
    return keep_alive;
  }

  bool Refuse(HttpSocket& socket, int status, absl::string_view rule) {
    return Answer(socket, handler_.Refuse(status, rule), /*keep_alive=*/false);
  }

  void Linger(HttpSocket& socket) {
    {
      absl::MutexLock lock(&mutex_);
      if (stopped_) return;
    }
    socket.Linger(absl::Now() + kLinger,
                  static_cast<size_t>(options_.max_body_bytes));
  }

  const Options options_;
  HttpHandler& handler_;
  const int listener_;
  const int port_;
  absl::Mutex stop_mutex_;
  mutable absl::Mutex mutex_;
  bool stopped_ ABSL_GUARDED_BY(mutex_) = false;
  int open_ ABSL_GUARDED_BY(mutex_) = 0;
  int64_t body_bytes_ ABSL_GUARDED_BY(mutex_) = 0;
  std::list<Client> clients_ ABSL_GUARDED_BY(mutex_);
  // Last: it uses the others.
  std::thread acceptor_;
};

absl::Status CannotListen(int port) {
  return MakeError(absl::StatusCode::kAlreadyExists, "ADDRESS_UNUSABLE",
                   absl::StrCat("--http_listen: cannot listen on port ", port,
                                ": it is in use or may not be used"));
}

}  // namespace

absl::StatusOr<std::unique_ptr<HttpServer>> HttpServer::Start(
    const Options& options, HttpHandler* handler) {
  const int listener =
      socket(options.ipv6 ? AF_INET6 : AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (listener < 0) return CannotListen(options.port);
  const int one = 1;
  setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
  sockaddr_in6 address6 = {};
  address6.sin6_family = AF_INET6;
  address6.sin6_addr = in6addr_loopback;
  address6.sin6_port = htons(static_cast<uint16_t>(options.port));
  sockaddr_in address4 = {};
  address4.sin_family = AF_INET;
  address4.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address4.sin_port = htons(static_cast<uint16_t>(options.port));
  sockaddr* address = options.ipv6 ? reinterpret_cast<sockaddr*>(&address6)
                                   : reinterpret_cast<sockaddr*>(&address4);
  socklen_t length = options.ipv6 ? sizeof address6 : sizeof address4;
  if (bind(listener, address, length) != 0 ||
      listen(listener, SOMAXCONN) != 0 ||
      getsockname(listener, address, &length) != 0) {
    close(listener);
    return CannotListen(options.port);
  }
  const int port = ntohs(options.ipv6 ? address6.sin6_port : address4.sin_port);
  return std::unique_ptr<HttpServer>(
      new ServerImpl(options, handler, listener, port));
}

}  // namespace connector::edge
