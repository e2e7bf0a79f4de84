#include "simulator/http_server.h"

#include <httplib.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/ssl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <list>
#include <thread>

#include "absl/base/thread_annotations.h"
#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "simulator/connection.h"

namespace simulator {
namespace {

// The connection that the current thread serves.
thread_local Connection* current_connection = nullptr;

struct FreeContext {
  void operator()(SSL_CTX* context) const { SSL_CTX_free(context); }
};
using TlsContext = std::unique_ptr<SSL_CTX, FreeContext>;

absl::StatusOr<TlsContext> MakeTlsContext(const HttpServer::Options& options) {
  TlsContext context(SSL_CTX_new(TLS_server_method()));
  if (context == nullptr ||
      SSL_CTX_use_certificate_chain_file(
          context.get(), options.tls_certificate.c_str()) != 1 ||
      SSL_CTX_use_PrivateKey_file(context.get(), options.tls_key.c_str(),
                                  SSL_FILETYPE_PEM) != 1 ||
      SSL_CTX_check_private_key(context.get()) != 1) {
    return absl::InvalidArgumentError(
        "the TLS certificate and key cannot be used");
  }
  // OpenSSL writes to sockets without MSG_NOSIGNAL.
  std::signal(SIGPIPE, SIG_IGN);
  return context;
}

absl::Status SystemError(absl::string_view what) {
  return absl::ErrnoToStatus(errno, what);
}

// cpp-httplib without its sockets: it only parses and writes messages.
class Messages final : public httplib::Server {
 public:
  Messages(HttpServer::Handler handler, size_t max_body_bytes)
      : handler_(std::move(handler)) {
    set_payload_max_length(max_body_bytes);
    set_keep_alive_max_count(1'000'000'000);
    set_keep_alive_timeout(3600);
    // A request without a body must not reach cpp-httplib's reading of one: it
    // would wait for the end of the connection.
    set_pre_routing_handler(
        [this](const httplib::Request& in, httplib::Response& out) {
          if (in.has_header("Content-Length") ||
              in.has_header("Transfer-Encoding")) {
            return HandlerResponse::Unhandled;
          }
          Handle(in, "", out);
          return HandlerResponse::Handled;
        });
    auto handle = [this](const httplib::Request& in, httplib::Response& out) {
      Handle(in, "", out);
    };
    // Bodies are read here: cpp-httplib itself refuses long ones that curl,
    // left alone, sends as a form.
    auto handle_body = [this](const httplib::Request& in,
                              httplib::Response& out,
                              const httplib::ContentReader& read) {
      std::string body;
      if (read([&](const char* data, size_t size) {
            body.append(data, size);
            return true;
          })) {
        Handle(in, body, out);
      } else if (out.status == -1) {
        out.status = 400;
      }
    };
    Get(".*", handle);
    Options(".*", handle);
    Post(".*", handle_body);
    Put(".*", handle_body);
    Patch(".*", handle_body);
    Delete(".*", handle_body);
    set_error_handler([this](const httplib::Request&, httplib::Response& out) {
      // Ours always have a body.
      if (!out.body.empty() || out.has_header("Location")) return;
      HttpResponse response;
      response.status = out.status;
      handler_(HttpRequest(), &response);
      // Where the next request would begin is anyone's guess.
      out.set_header("Connection", "close");
      current_connection->EndAfterAnswer();
      Fill(response, out);
    });
  }

  bool ProcessOne(Connection& connection) {
    bool closed = false;
    return process_request(connection, /*close_connection=*/false, closed,
                           nullptr) &&
           !closed && !connection.ending();
  }

 private:
  void Handle(const httplib::Request& in, absl::string_view body,
              httplib::Response& out) {
    HttpRequest request;
    request.method = in.method;
    request.path = in.path;
    request.target = in.target;
    request.authorization = in.get_header_value("Authorization");
    request.body = body;
    for (const auto& [name, value] : in.params) {
      request.query.emplace(name, value);
    }
    HttpResponse response;
    handler_(request, &response);
    if (response.drop) {
      current_connection->Drop(response.reset);
    } else if (response.truncate_body.has_value()) {
      current_connection->TruncateBody(*response.truncate_body);
    }
    Fill(response, out);
  }

  static void Fill(HttpResponse& response, httplib::Response& out) {
    out.status = response.status;
    for (const auto& [name, value] : response.headers) {
      out.set_header(name, value);
    }
    out.body = std::move(response.body);
    out.set_header("Content-Type", response.content_type);
  }

  const HttpServer::Handler handler_;
};

class ServerImpl final : public HttpServer {
 public:
  ServerImpl(int listener, int port, TlsContext tls, Handler handler,
             size_t max_body_bytes)
      : listener_(listener),
        port_(port),
        tls_(std::move(tls)),
        messages_(std::move(handler), max_body_bytes),
        acceptor_([this] { Accept(); }) {}

  ~ServerImpl() override {
    Stop();
    close(listener_);
  }

  int port() const override { return port_; }

  void Stop() override {
    {
      absl::MutexLock lock(&mutex_);
      if (stopping_) return;
      stopping_ = true;
      for (Client& client : clients_) {
        if (client.connection != nullptr) client.connection->Shutdown();
      }
    }
    shutdown(listener_, SHUT_RDWR);
    acceptor_.join();
    std::list<Client> clients;
    {
      absl::MutexLock lock(&mutex_);
      clients.swap(clients_);
    }
    for (Client& client : clients) client.thread.join();
  }

 private:
  struct Client {
    std::thread thread;
    // Null once it is closed.
    std::unique_ptr<Connection> connection;
    bool done = false;
  };

  void Accept() {
    while (true) {
      int socket = accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
      if (socket < 0) {
        if (errno == EINTR || errno == ECONNABORTED) continue;
        absl::MutexLock lock(&mutex_);
        if (stopping_) return;
        // Out of descriptors: wait for some to come back.
        mutex_.AwaitWithTimeout(absl::Condition(&stopping_),
                                absl::Milliseconds(10));
        continue;
      }
      int one = 1;
      setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
      auto connection = std::make_unique<Connection>(socket, tls_.get());
      absl::MutexLock lock(&mutex_);
      if (stopping_) return;
      clients_.remove_if([](Client& client) {
        if (!client.done) return false;
        client.thread.join();
        return true;
      });
      Client& client = clients_.emplace_back();
      client.connection = std::move(connection);
      client.thread = std::thread([this, &client] { Serve(client); });
    }
  }

  void Serve(Client& client) {
    Connection* connection;
    {
      absl::MutexLock lock(&mutex_);
      connection = client.connection.get();
    }
    current_connection = connection;
    if (connection->Handshake()) {
      while (connection->WaitForRequest()) {
        if (!messages_.ProcessOne(*connection)) break;
      }
    }
    absl::MutexLock lock(&mutex_);
    client.connection.reset();
    // The last thing that touches `client` before its thread is joined.
    client.done = true;
  }

  const int listener_;
  const int port_;
  const TlsContext tls_;
  Messages messages_;
  absl::Mutex mutex_;
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
  std::list<Client> clients_ ABSL_GUARDED_BY(mutex_);
  std::thread acceptor_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<HttpServer>> HttpServer::Start(Options options,
                                                              Handler handler) {
  TlsContext tls;
  if (options.tls_certificate.empty() != options.tls_key.empty()) {
    return absl::InvalidArgumentError(
        "a TLS certificate and its key go together");
  }
  if (!options.tls_certificate.empty()) {
    auto made = MakeTlsContext(options);
    if (!made.ok()) return made.status();
    tls = *std::move(made);
  }
  if (options.port < 0 || options.port > 65535) {
    return absl::InvalidArgumentError("the port must be from 0 to 65535");
  }
  int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (listener < 0) return SystemError("socket");
  int one = 1;
  setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(static_cast<uint16_t>(options.port));
  socklen_t length = sizeof(address);
  if (bind(listener, reinterpret_cast<sockaddr*>(&address), length) != 0 ||
      listen(listener, SOMAXCONN) != 0 ||
      getsockname(listener, reinterpret_cast<sockaddr*>(&address), &length) !=
          0) {
    absl::Status status =
        SystemError(absl::StrCat("listening on 127.0.0.1:", options.port));
    close(listener);
    return status;
  }
  return std::unique_ptr<HttpServer>(
      new ServerImpl(listener, ntohs(address.sin_port), std::move(tls),
                     std::move(handler), options.max_body_bytes));
}

}  // namespace simulator
