// Raw bytes in the place of a whole HTTP answer, through libcurl and the
// client. An input is a byte for the call, one that says where the answer is
// sent in two pieces, and what the server sends before it closes.

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstdlib>
#include <memory>
#include <string>
#include <thread>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "connector/base/fake_clock.h"
#include "connector/pinterest/curl_transport.h"
#include "connector/pinterest/pinterest_client.h"
#include "tests/fuzz/answer_checks.h"
#include "tests/fuzz/fuzz.h"

namespace {

// Answers each connection with what was set, then closes.
class RawServer {
 public:
  RawServer() {
    std::signal(SIGPIPE, SIG_IGN);
    fd_ = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address = {};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t length = sizeof(address);
    FUZZ_CHECK(bind(fd_, reinterpret_cast<sockaddr*>(&address), length) == 0);
    FUZZ_CHECK(listen(fd_, 16) == 0);
    getsockname(fd_, reinterpret_cast<sockaddr*>(&address), &length);
    port_ = ntohs(address.sin_port);
    std::thread([this] { Serve(); }).detach();
  }

  int port() const { return port_; }

  void Set(absl::string_view answer, size_t first_piece) {
    absl::MutexLock lock(&mutex_);
    answer_ = std::string(answer);
    first_piece_ = first_piece;
  }

 private:
  void Serve() {
    for (;;) {
      const int fd = accept(fd_, nullptr, nullptr);
      if (fd < 0) continue;
      std::string answer;
      size_t first_piece;
      {
        absl::MutexLock lock(&mutex_);
        answer = answer_;
        first_piece = std::min(first_piece_, answer.size());
      }
      ReadRequest(fd);
      Send(fd, absl::string_view(answer).substr(0, first_piece));
      Send(fd, absl::string_view(answer).substr(first_piece));
      close(fd);
    }
  }

  // Head and body, as a close with bytes unread is a reset.
  static void ReadRequest(int fd) {
    char buffer[4096];
    std::string request;
    size_t end = std::string::npos;
    while (end == std::string::npos || request.size() < end) {
      const ssize_t got = read(fd, buffer, sizeof(buffer));
      if (got <= 0) return;
      request.append(buffer, static_cast<size_t>(got));
      const size_t head = request.find("\r\n\r\n");
      if (end != std::string::npos || head == std::string::npos) continue;
      end = head + 4;
      const size_t length = request.find("Content-Length: ");
      if (length < head)
        end += std::strtoul(&request[length + 16], nullptr, 10);
    }
  }

  static void Send(int fd, absl::string_view bytes) {
    while (!bytes.empty()) {
      const ssize_t sent = send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (sent <= 0) return;
      bytes.remove_prefix(static_cast<size_t>(sent));
    }
  }

  int fd_ = -1;
  int port_ = 0;
  absl::Mutex mutex_;
  std::string answer_ ABSL_GUARDED_BY(mutex_);
  size_t first_piece_ ABSL_GUARDED_BY(mutex_) = 0;
};

}  // namespace

int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using connector::pinterest::CurlTransport;
  using connector::pinterest::PinterestClient;
  static RawServer* const server = new RawServer;
  static connector::FakeClock clock;
  static fuzz::FixedToken token;
  static CurlTransport* const transport = [] {
    CurlTransport::Options options;
    options.max_response_bytes = 16 << 10;
    auto made = CurlTransport::Create(std::move(options));
    FUZZ_CHECK(made.ok());
    return made->release();
  }();
  static PinterestClient* const client = [] {
    PinterestClient::Options options;
    options.base_url = absl::StrCat("http://127.0.0.1:", server->port(), "/v5");
    options.timeout = absl::Seconds(20);
    options.transport = transport;
    options.token_source = &token;
    options.clock = &clock;
    auto made = PinterestClient::Create(std::move(options));
    FUZZ_CHECK(made.ok());
    return made->release();
  }();

  fuzz::Input input(data, size);
  const uint8_t call = input.Byte();
  const size_t first_piece = input.Byte();
  server->Set(input.Rest(), first_piece);
  fuzz::CallAndCheck(client, call);
  return 0;
}
