#include "connector/edge/http_message.h"

#include <algorithm>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "connector/base/limits.h"

namespace connector::edge {
namespace {

// A size line with its extensions, or a line of a trailer.
constexpr size_t kMaxChunkLine = 1'024;

// What a method or a field's name is made of (RFC 9110, 5.6.2).
bool IsToken(absl::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
    return absl::ascii_isalnum(static_cast<unsigned char>(c)) ||
           absl::StrContains("!#$%&'*+-.^_`|~", absl::string_view(&c, 1));
  });
}

bool IsVisible(absl::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) {
    return absl::ascii_isgraph(static_cast<unsigned char>(c));
  });
}

// The value of a field may hold anything but control characters.
bool IsFieldValue(absl::string_view text) {
  return std::none_of(text.begin(), text.end(), [](char c) {
    return c != '\t' && absl::ascii_iscntrl(static_cast<unsigned char>(c));
  });
}

// Digits only: no sign, no blank.
bool ReadLength(absl::string_view text, int64_t* length) {
  return !text.empty() && text.size() <= 18 &&
         std::all_of(
             text.begin(), text.end(),
             [](char c) {
               return absl::ascii_isdigit(static_cast<unsigned char>(c));
             }) &&
         absl::SimpleAtoi(text, length);
}

int HexDigit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  c = absl::ascii_tolower(static_cast<unsigned char>(c));
  return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

bool Decode(absl::string_view text, bool plus_is_blank, std::string* decoded) {
  decoded->clear();
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '%') {
      const int high = i + 2 < text.size() ? HexDigit(text[i + 1]) : -1;
      const int low = i + 2 < text.size() ? HexDigit(text[i + 2]) : -1;
      if (high < 0 || low < 0) return false;
      decoded->push_back(static_cast<char>(high << 4 | low));
      i += 2;
    } else {
      decoded->push_back(plus_is_blank && text[i] == '+' ? ' ' : text[i]);
    }
  }
  return true;
}

const char* Phrase(int status) {
  switch (status) {
    case 200:
      return "OK";
    case 400:
      return "Bad Request";
    case 401:
      return "Unauthorized";
    case 404:
      return "Not Found";
    case 405:
      return "Method Not Allowed";
    case 408:
      return "Request Timeout";
    case 409:
      return "Conflict";
    case 413:
      return "Content Too Large";
    case 415:
      return "Unsupported Media Type";
    case 429:
      return "Too Many Requests";
    case 431:
      return "Request Header Fields Too Large";
    case 501:
      return "Not Implemented";
    case 503:
      return "Service Unavailable";
    case 505:
      return "HTTP Version Not Supported";
    default:
      return "Error";
  }
}

std::optional<MessageError> ReadField(absl::string_view line, bool* has_host,
                                      RequestHead* head) {
  const size_t colon = line.find(':');
  if (colon == absl::string_view::npos || !IsToken(line.substr(0, colon))) {
    return MessageError{400, "a header field is malformed"};
  }
  const absl::string_view name = line.substr(0, colon);
  absl::string_view value = line.substr(colon + 1);
  while (!value.empty() && (value.front() == ' ' || value.front() == '\t')) {
    value.remove_prefix(1);
  }
  while (!value.empty() && (value.back() == ' ' || value.back() == '\t')) {
    value.remove_suffix(1);
  }
  if (!IsFieldValue(value)) {
    return MessageError{400, "a header field has a control character"};
  }
  if (absl::EqualsIgnoreCase(name, "content-length")) {
    int64_t length = 0;
    if (head->content_length.has_value() || !ReadLength(value, &length)) {
      return MessageError{400, "Content-Length must be one number"};
    }
    head->content_length = length;
  } else if (absl::EqualsIgnoreCase(name, "transfer-encoding")) {
    if (head->chunked || !absl::EqualsIgnoreCase(value, "chunked")) {
      return MessageError{501, "Transfer-Encoding must be chunked alone"};
    }
    head->chunked = true;
  } else if (absl::EqualsIgnoreCase(name, "host")) {
    if (*has_host) return MessageError{400, "Host stands there twice"};
    *has_host = true;
  } else if (absl::EqualsIgnoreCase(name, "authorization")) {
    if (!head->authorization.empty()) {
      return MessageError{400, "Authorization stands there twice"};
    }
    head->authorization = std::string(value);
  } else if (absl::EqualsIgnoreCase(name, "content-encoding")) {
    if (!absl::EqualsIgnoreCase(value, "identity")) {
      head->content_encoding = std::string(value);
    }
  } else if (absl::EqualsIgnoreCase(name, "connection")) {
    for (absl::string_view option : absl::StrSplit(value, ',')) {
      option = absl::StripAsciiWhitespace(option);
      if (absl::EqualsIgnoreCase(option, "close")) head->keep_alive = false;
    }
  } else if (absl::EqualsIgnoreCase(name, "expect")) {
    head->expect_continue = absl::EqualsIgnoreCase(value, "100-continue");
  }
  return std::nullopt;
}

}  // namespace

std::optional<size_t> FindHeadEnd(absl::string_view received) {
  size_t start = 0;
  while (absl::StartsWith(received.substr(start), "\r\n")) start += 2;
  const size_t end = received.find("\r\n\r\n", start);
  if (end == absl::string_view::npos) return std::nullopt;
  return end + 4;
}

std::optional<MessageError> ParseHead(absl::string_view head,
                                      RequestHead* parsed) {
  *parsed = RequestHead();
  while (absl::StartsWith(head, "\r\n")) head.remove_prefix(2);
  if (absl::EndsWith(head, "\r\n\r\n")) head.remove_suffix(4);
  const std::vector<absl::string_view> lines = absl::StrSplit(head, "\r\n");
  if (lines.size() > static_cast<size_t>(limits::kMaxHttpHeaders) + 1) {
    return MessageError{431, "has too many header fields"};
  }
  const std::vector<absl::string_view> words = absl::StrSplit(lines[0], ' ');
  if (words.size() != 3 || !IsToken(words[0]) || !IsVisible(words[1]) ||
      words[1].empty()) {
    return MessageError{400, "the request line is malformed"};
  }
  const absl::string_view version = words[2];
  if (version != "HTTP/1.1" && version != "HTTP/1.0") {
    return absl::StartsWith(version, "HTTP/")
               ? MessageError{505, "the version must be HTTP/1.1"}
               : MessageError{400, "the request line is malformed"};
  }
  parsed->method = std::string(words[0]);
  parsed->keep_alive = version == "HTTP/1.1";
  const std::pair<absl::string_view, absl::string_view> target =
      absl::StrSplit(words[1], absl::MaxSplits('?', 1));
  parsed->path = std::string(target.first);
  parsed->query = std::string(target.second);
  bool has_host = false;
  for (size_t i = 1; i < lines.size(); ++i) {
    if (auto error = ReadField(lines[i], &has_host, parsed);
        error.has_value()) {
      return error;
    }
  }
  if (version == "HTTP/1.1" && !has_host) {
    return MessageError{400, "Host is missing"};
  }
  if (parsed->chunked &&
      (parsed->content_length.has_value() || version != "HTTP/1.1")) {
    return MessageError{400, "the length of the body is ambiguous"};
  }
  return std::nullopt;
}

ChunkedBody::State ChunkedBody::Take(std::string* received, std::string* body) {
  size_t at = 0;
  const auto finish = [&](State state) {
    received->erase(0, at);
    return state;
  };
  for (;;) {
    const absl::string_view rest = absl::string_view(*received).substr(at);
    if (phase_ == Phase::kData) {
      const size_t size = std::min(rest.size(), static_cast<size_t>(left_));
      body->append(rest.data(), size);
      at += size;
      left_ -= static_cast<int64_t>(size);
      if (left_ > 0) return finish(State::kMore);
      phase_ = Phase::kDataEnd;
      continue;
    }
    const size_t end = rest.find("\r\n");
    if (end == absl::string_view::npos) {
      return finish(rest.size() > kMaxChunkLine ? State::kBroken
                                                : State::kMore);
    }
    const absl::string_view line = rest.substr(0, end);
    // A bare CR or LF in an extension or a trailer ends a line for some readers
    // and for others not: they would disagree on where the request ends.
    if (line.size() > kMaxChunkLine || !IsFieldValue(line)) {
      return finish(State::kBroken);
    }
    at += end + 2;
    switch (phase_) {
      case Phase::kSize: {
        const absl::string_view digits =
            absl::StripTrailingAsciiWhitespace(line.substr(0, line.find(';')));
        if (digits.empty() || digits.size() > 8) return finish(State::kBroken);
        int64_t size = 0;
        for (char c : digits) {
          if (HexDigit(c) < 0) return finish(State::kBroken);
          size = size * 16 + HexDigit(c);
        }
        taken_ += size;
        if (taken_ > max_bytes_) return finish(State::kTooLarge);
        left_ = size;
        phase_ = size == 0 ? Phase::kTrailer : Phase::kData;
        break;
      }
      case Phase::kDataEnd:
        if (!line.empty()) return finish(State::kBroken);
        phase_ = Phase::kSize;
        break;
      case Phase::kTrailer:
        if (line.empty()) return finish(State::kDone);
        trailer_bytes_ += static_cast<int64_t>(line.size());
        if (trailer_bytes_ > limits::kMaxHttpHeadBytes) {
          return finish(State::kBroken);
        }
        break;
      case Phase::kData:
        break;
    }
  }
}

std::optional<std::vector<std::string>> SplitPath(absl::string_view path) {
  if (path.empty() || path[0] != '/') return std::nullopt;
  std::vector<std::string> parts;
  for (absl::string_view part : absl::StrSplit(path.substr(1), '/')) {
    if (!Decode(part, /*plus_is_blank=*/false, &parts.emplace_back())) {
      return std::nullopt;
    }
  }
  // "/a/" is "/a".
  if (parts.size() > 1 && parts.back().empty()) parts.pop_back();
  return parts;
}

std::string QueryValue(absl::string_view query, absl::string_view name) {
  std::string decoded;
  for (absl::string_view parameter : absl::StrSplit(query, '&')) {
    const std::pair<absl::string_view, absl::string_view> pair =
        absl::StrSplit(parameter, absl::MaxSplits('=', 1));
    if (!Decode(pair.first, /*plus_is_blank=*/true, &decoded) ||
        decoded != name) {
      continue;
    }
    if (Decode(pair.second, /*plus_is_blank=*/true, &decoded)) return decoded;
    return "";
  }
  return "";
}

std::string FormatResponse(const HttpResponse& response, bool last) {
  std::string text = absl::StrCat("HTTP/1.1 ", response.status, " ",
                                  Phrase(response.status), "\r\n");
  absl::StrAppend(&text, "Content-Type: application/json\r\nContent-Length: ",
                  response.body.size(), "\r\nCache-Control: no-store\r\n");
  if (response.retry_after > 0) {
    absl::StrAppend(&text, "Retry-After: ", response.retry_after, "\r\n");
  }
  if (!response.allow.empty()) {
    absl::StrAppend(&text, "Allow: ", response.allow, "\r\n");
  }
  if (response.status == 401) {
    absl::StrAppend(&text, "WWW-Authenticate: Bearer\r\n");
  }
  if (last) absl::StrAppend(&text, "Connection: close\r\n");
  absl::StrAppend(&text, "\r\n", response.body);
  return text;
}

}  // namespace connector::edge
