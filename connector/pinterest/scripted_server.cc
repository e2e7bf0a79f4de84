#include "connector/pinterest/scripted_server.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"

namespace connector::pinterest {
namespace {

int BindLoopback(int* port) {
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address = {};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof(address);
  if (fd < 0 ||
      bind(fd, reinterpret_cast<sockaddr*>(&address), sizeof(address)) != 0 ||
      getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size) != 0) {
    abort();
  }
  *port = ntohs(address.sin_port);
  return fd;
}

}  // namespace

bool ScriptedServer::Connection::ReadMore() {
  char chunk[16384];
  const ssize_t got = recv(fd_, chunk, sizeof(chunk), 0);
  if (got <= 0) return false;
  buffer_.append(chunk, static_cast<size_t>(got));
  return true;
}

bool ScriptedServer::Connection::ReadHead() {
  while (!absl::StrContains(buffer_, "\r\n\r\n")) {
    if (!ReadMore()) return false;
  }
  absl::MutexLock lock(&server_->mutex_);
  server_->requests_.push_back(buffer_.substr(0, buffer_.find("\r\n\r\n")));
  return true;
}

bool ScriptedServer::Connection::ReadRequest() {
  if (!ReadHead()) return false;
  const size_t head = buffer_.find("\r\n\r\n") + 4;
  size_t body = 0;
  const std::string lower =
      absl::AsciiStrToLower(absl::string_view(buffer_).substr(0, head));
  if (const size_t at = lower.find("content-length:");
      at != std::string::npos) {
    const size_t from = at + 15;
    if (!absl::SimpleAtoi(lower.substr(from, lower.find('\r', from) - from),
                          &body)) {
      abort();
    }
  }
  while (buffer_.size() < head + body) {
    if (!ReadMore()) return false;
  }
  buffer_.erase(0, head + body);
  return true;
}

void ScriptedServer::Connection::Send(absl::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t sent = send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent <= 0) return;
    bytes.remove_prefix(static_cast<size_t>(sent));
  }
}

void ScriptedServer::Connection::SendOk(absl::string_view body) {
  Send(absl::StrCat("HTTP/1.1 200 OK\r\nContent-Length: ", body.size(),
                    "\r\n\r\n", body));
}

void ScriptedServer::Connection::CloseGently() {
  shutdown(fd_, SHUT_WR);
  WaitForClose();
}

void ScriptedServer::Connection::Reset() {
  const linger now = {1, 0};
  setsockopt(fd_, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
}

void ScriptedServer::Connection::WaitForClose() {
  while (ReadMore()) buffer_.clear();
}

ScriptedServer::ScriptedServer(std::function<void(Connection&, int)> script)
    : script_(std::move(script)) {
  listen_fd_ = BindLoopback(&port_);
  if (listen(listen_fd_, 64) != 0) abort();
  acceptor_ = std::thread([this] { Accept(); });
}

ScriptedServer::~ScriptedServer() {
  {
    absl::MutexLock lock(&mutex_);
    stopping_ = true;
    for (const int fd : open_) shutdown(fd, SHUT_RDWR);
  }
  shutdown(listen_fd_, SHUT_RDWR);
  acceptor_.join();
  std::list<std::thread> threads;
  {
    absl::MutexLock lock(&mutex_);
    threads.swap(threads_);
  }
  for (std::thread& thread : threads) thread.join();
  close(listen_fd_);
}

void ScriptedServer::Accept() {
  while (true) {
    const int fd = accept4(listen_fd_, nullptr, nullptr, SOCK_CLOEXEC);
    if (fd < 0) return;
    absl::MutexLock lock(&mutex_);
    if (stopping_) {
      close(fd);
      return;
    }
    open_.push_back(fd);
    const int number = ++connections_;
    threads_.emplace_back([this, fd, number] {
      Connection connection(this, fd);
      script_(connection, number);
      absl::MutexLock lock(&mutex_);
      open_.erase(std::find(open_.begin(), open_.end(), fd));
      close(fd);
    });
  }
}

std::string ScriptedServer::Url(absl::string_view path) const {
  return absl::StrCat("http://127.0.0.1:", port_, path);
}

std::vector<std::string> ScriptedServer::requests() {
  absl::MutexLock lock(&mutex_);
  return requests_;
}

int ScriptedServer::connections() {
  absl::MutexLock lock(&mutex_);
  return connections_;
}

int ScriptedServer::UnusedPort() {
  int port = 0;
  BindLoopback(&port);  // Never closed: nobody else can take the port.
  return port;
}

}  // namespace connector::pinterest
