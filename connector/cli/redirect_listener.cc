#include "connector/cli/redirect_listener.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <map>
#include <optional>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/time/clock.h"
#include "connector/base/error.h"

namespace connector::cli {
namespace {

constexpr size_t kMaxConnections = 16;
constexpr size_t kMaxRequest = 8 << 10;
constexpr absl::Duration kMaxSilence = absl::Seconds(10);

struct Connection {
  int fd;
  absl::Time end;
  std::string received;
};

// What a request is answered with, and whether it settles the matter.
struct Reply {
  absl::string_view status = "404 Not Found";
  absl::string_view text = "There is nothing here.";
  std::optional<absl::StatusOr<std::string>> result;
};

std::string Decoded(absl::string_view text) {
  std::string plain;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '%' && i + 2 < text.size() &&
        absl::ascii_isxdigit(text[i + 1]) &&
        absl::ascii_isxdigit(text[i + 2])) {
      plain += absl::HexStringToBytes(text.substr(i + 1, 2));
      i += 2;
    } else {
      plain += text[i] == '+' ? ' ' : text[i];
    }
  }
  return plain;
}

// Letters, digits, '_' and '-' of a word that came from outside.
std::string Word(absl::string_view text) {
  std::string word;
  for (const char c : text.substr(0, 40)) {
    if (absl::ascii_isalnum(c) || c == '_' || c == '-') word += c;
  }
  return word;
}

Reply Answer(absl::string_view request, absl::string_view state) {
  const std::vector<absl::string_view> words =
      absl::StrSplit(request.substr(0, request.find("\r\n")), ' ');
  if (words.size() != 3 || words[0] != "GET" ||
      !absl::StartsWith(words[1], "/?")) {
    return {};
  }
  std::map<std::string, std::string> fields;
  for (absl::string_view pair :
       absl::StrSplit(words[1].substr(2), '&', absl::SkipEmpty())) {
    const std::pair<absl::string_view, absl::string_view> parts =
        absl::StrSplit(pair, absl::MaxSplits('=', 1));
    fields.emplace(Decoded(parts.first), Decoded(parts.second));
  }
  Reply reply;
  if (fields["state"] != state) {
    reply.status = "400 Bad Request";
    reply.text = "This does not belong to the login that is under way.";
  } else if (!fields["code"].empty()) {
    reply.status = "200 OK";
    reply.text =
        "Pinterest's answer has arrived. Go back to the terminal; this page "
        "can be closed.";
    reply.result = fields["code"];
  } else {
    reply.status = "200 OK";
    reply.text = "Pinterest gave no consent. Go back to the terminal.";
    reply.result = MakeError(
        absl::StatusCode::kFailedPrecondition, "CONSENT_REFUSED",
        absl::StrCat("Pinterest gave no consent: ",
                     fields["error"].empty() ? "no reason told"
                                             : Word(fields["error"])));
  }
  return reply;
}

void Send(int fd, const Reply& reply) {
  const std::string page =
      absl::StrCat("<!doctype html><title>audiencectl login</title><p>",
                   reply.text, "</p>\n");
  const std::string answer = absl::StrCat(
      "HTTP/1.1 ", reply.status,
      "\r\nContent-Type: text/html; charset=utf-8\r\nContent-Length: ",
      page.size(),
      "\r\nCache-Control: no-store\r\nReferrer-Policy: no-referrer\r\n"
      "Connection: close\r\n\r\n",
      page);
  // It fits into the socket's buffer.
  if (send(fd, answer.data(), answer.size(), MSG_NOSIGNAL) >= 0) {
    shutdown(fd, SHUT_WR);
  }
}

// Reads what there is. False when the connection is over.
bool Receive(Connection* connection) {
  char buffer[2048];
  const ssize_t got = recv(connection->fd, buffer, sizeof(buffer), 0);
  if (got < 0) return errno == EAGAIN || errno == EINTR;
  if (got == 0) return false;
  connection->received.append(buffer, static_cast<size_t>(got));
  return connection->received.size() <= kMaxRequest;
}

}  // namespace

absl::StatusOr<std::unique_ptr<RedirectListener>> RedirectListener::Create(
    uint16_t port) {
  const auto failed = [port](absl::string_view step) {
    return absl::UnavailableError(
        absl::StrCat(step, " on 127.0.0.1:", port, ": ", std::strerror(errno)));
  };
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (fd < 0) return failed("making a socket");
  const int on = 1;
  setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
  sockaddr_in address = {};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(port);
  socklen_t size = sizeof(address);
  if (bind(fd, reinterpret_cast<sockaddr*>(&address), size) != 0 ||
      listen(fd, kMaxConnections) != 0 ||
      getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size) != 0) {
    const absl::Status status = failed("listening");
    close(fd);
    return status;
  }
  return std::unique_ptr<RedirectListener>(
      new RedirectListener(fd, ntohs(address.sin_port)));
}

RedirectListener::~RedirectListener() { close(fd_); }

absl::StatusOr<std::string> RedirectListener::Await(absl::string_view state,
                                                    absl::Duration timeout) {
  const absl::Time deadline = absl::Now() + timeout;
  std::vector<Connection> connections;
  std::optional<absl::StatusOr<std::string>> result;
  while (!result.has_value()) {
    const absl::Time now = absl::Now();
    if (now >= deadline) {
      result = MakeError(absl::StatusCode::kDeadlineExceeded, "LOGIN_TIMEOUT",
                         "no browser came back from Pinterest in time");
      break;
    }
    absl::Time wake = deadline;
    std::vector<pollfd> polled = {
        {connections.size() < kMaxConnections ? fd_ : -1, POLLIN, 0}};
    for (const Connection& connection : connections) {
      polled.push_back({connection.fd, POLLIN, 0});
      wake = std::min(wake, connection.end);
    }
    const int64_t wait =
        std::max<int64_t>(1, absl::ToInt64Milliseconds(wake - now) + 1);
    poll(polled.data(), polled.size(),
         static_cast<int>(std::min<int64_t>(wait, 60'000)));

    std::vector<Connection> kept;
    for (size_t i = 0; i < connections.size(); ++i) {
      Connection& connection = connections[i];
      bool keep = absl::Now() < connection.end;
      if (polled[i + 1].revents != 0) keep = Receive(&connection);
      if (keep && absl::StrContains(connection.received, "\r\n\r\n")) {
        Reply reply = Answer(connection.received, state);
        Send(connection.fd, reply);
        if (!result.has_value()) result = std::move(reply.result);
        keep = false;
      }
      if (keep) {
        kept.push_back(std::move(connection));
      } else {
        close(connection.fd);
      }
    }
    connections = std::move(kept);
    if ((polled[0].revents & POLLIN) != 0) {
      const int fd =
          accept4(fd_, nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK);
      if (fd >= 0) connections.push_back({fd, absl::Now() + kMaxSilence, ""});
    }
  }
  for (const Connection& connection : connections) close(connection.fd);
  return *std::move(result);
}

}  // namespace connector::cli
