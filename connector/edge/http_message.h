#ifndef CONNECTOR_EDGE_HTTP_MESSAGE_H_
#define CONNECTOR_EDGE_HTTP_MESSAGE_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"

namespace connector::edge {

// The head of a request (RFC 9112), of which only what this server looks at is
// kept. Owns its text, as the head goes when its body is read.
struct RequestHead {
  std::string method;
  // As it came: not decoded.
  std::string path;
  std::string query;
  std::string authorization;
  std::string content_encoding;
  // Neither this nor `chunked`: there is no body.
  std::optional<int64_t> content_length;
  bool chunked = false;
  bool expect_continue = false;
  // The client may send another request on the connection.
  bool keep_alive = false;
};

// Why a message is not taken: an HTTP status, and the rule it breaks.
struct MessageError {
  int status = 400;
  const char* rule = "";
};

// Bytes up to the end of the head's blank line; nullopt while it is not there.
// Empty lines before a head belong to it.
std::optional<size_t> FindHeadEnd(absl::string_view received);

// Reads a whole head. Strict where two readers could disagree on where a
// request ends: lines end in CRLF, no line is folded, there is at most one
// length, and never one beside a transfer coding.
std::optional<MessageError> ParseHead(absl::string_view head,
                                      RequestHead* parsed);

// Takes a chunked body apart, as its bytes come. Extensions and trailers are
// passed over; a control character in them makes the body a broken one.
class ChunkedBody {
 public:
  explicit ChunkedBody(int64_t max_bytes) : max_bytes_(max_bytes) {}

  enum class State { kMore, kDone, kBroken, kTooLarge };
  // Takes bytes off the front of `received`; what belongs to the body goes to
  // the end of `body`.
  State Take(std::string* received, std::string* body);

 private:
  enum class Phase { kSize, kData, kDataEnd, kTrailer };
  const int64_t max_bytes_;
  Phase phase_ = Phase::kSize;
  int64_t left_ = 0;
  int64_t taken_ = 0;
  int64_t trailer_bytes_ = 0;
};

// The parts of a path, decoded; nullopt if it does not start with a slash or
// has an escape that is none. "/a/b%2Fc" is {"a", "b/c"}.
std::optional<std::vector<std::string>> SplitPath(absl::string_view path);

// The value of the first parameter of this name, decoded; empty if there is
// none.
std::string QueryValue(absl::string_view query, absl::string_view name);

struct HttpResponse {
  int status = 200;
  // A JSON object.
  std::string body;
  // Seconds; 0: none is said.
  int retry_after = 0;
  // Of a 405.
  std::string allow;
};

// The bytes of a response. `last`: the connection ends with it.
std::string FormatResponse(const HttpResponse& response, bool last);

}  // namespace connector::edge

#endif  // CONNECTOR_EDGE_HTTP_MESSAGE_H_
