#include "connector/pinterest/tls_server.h"

#include <cstdlib>
#include <thread>
#include <utility>

#include "httplib.h"

namespace connector::pinterest {

struct TlsServer::Impl {
  Impl(const std::string& certificate_file, const std::string& key_file)
      : server(certificate_file.c_str(), key_file.c_str()) {}

  httplib::SSLServer server;
  int port = 0;
  std::thread thread;
};

TlsServer::TlsServer(const std::string& certificate_file,
                     const std::string& key_file,
                     std::function<std::string(const std::string&)> answer)
    : impl_(std::make_unique<Impl>(certificate_file, key_file)) {
  if (!impl_->server.is_valid()) abort();
  const auto handler = [answer = std::move(answer)](
                           const httplib::Request& request,
                           httplib::Response& response) {
    response.set_content(answer(request.body), "application/json");
  };
  impl_->server.Get(".*", handler);
  impl_->server.Post(".*", handler);
  impl_->server.Patch(".*", handler);
  impl_->port = impl_->server.bind_to_any_port("127.0.0.1");
  impl_->thread = std::thread([this] { impl_->server.listen_after_bind(); });
  while (!impl_->server.is_running()) std::this_thread::yield();
}

TlsServer::~TlsServer() {
  impl_->server.stop();
  impl_->thread.join();
}

int TlsServer::port() const { return impl_->port; }

}  // namespace connector::pinterest
