// What a caller of the HTTP edge sends: heads, chunks, and bodies with
// profiles. The first byte says which, and from where the body's defaults come.

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <string>
#include <vector>

#include "connector/base/limits.h"
#include "connector/edge/http_message.h"
#include "connector/profile_json/batch_builder.h"
#include "connector/profile_json/export_body.h"
#include "tests/fuzz/fuzz.h"

namespace {

using connector::profile_json::BatchBuilder;
using connector::profile_json::BodyDefaults;
using connector::profile_json::ExportBodyReader;
using connector::profile_json::kJsonPadding;
using connector::profile_json::ParsedProfile;
namespace edge = connector::edge;

void Head(absl::string_view text) {
  const auto end = edge::FindHeadEnd(text);
  FUZZ_CHECK(!end.has_value() || *end <= text.size());
  edge::RequestHead head;
  const auto error = edge::ParseHead(text, &head);
  if (error.has_value()) {
    FUZZ_CHECK(error->status >= 400 && error->status <= 505);
    FUZZ_CHECK(error->rule[0] != '\0');
    return;
  }
  FUZZ_CHECK(!head.method.empty());
  FUZZ_CHECK(!head.chunked || !head.content_length.has_value());
  FUZZ_CHECK(head.content_length.value_or(0) >= 0);
  // One request, however it is looked at: no line ends within what was read.
  for (const std::string& part :
       {head.method, head.path, head.query, head.authorization}) {
    FUZZ_CHECK(part.find_first_of("\r\n") == std::string::npos);
  }
  const auto path = edge::SplitPath(head.path);
  FUZZ_CHECK(!path.has_value() || !path->empty());
  FUZZ_CHECK(edge::QueryValue(head.query, "segment_id").size() <=
             head.query.size());
}

// A reader for which a bare line feed ends a line: where a request ends, and
// its body.
size_t ReadLeniently(absl::string_view text, std::string* body) {
  size_t at = 0;
  const auto line = [&] {
    const size_t end = std::min(text.find('\n', at), text.size());
    absl::string_view read = text.substr(at, end - at);
    at = std::min(end + 1, text.size());
    if (!read.empty() && read.back() == '\r') read.remove_suffix(1);
    return read;
  };
  while (at < text.size()) {
    const size_t size = std::strtoul(std::string(line()).c_str(), nullptr, 16);
    if (size == 0) break;
    const absl::string_view data = text.substr(at, size);
    body->append(data.data(), data.size());
    at += data.size();
    line();
  }
  while (at < text.size() && !line().empty()) {
  }
  return at;
}

// However the bytes are cut, the body is the same.
void Chunks(size_t step, absl::string_view text) {
  using State = edge::ChunkedBody::State;
  constexpr int64_t kMax = 4'096;
  std::string whole(text);
  std::string whole_body;
  const State expected = edge::ChunkedBody(kMax).Take(&whole, &whole_body);
  FUZZ_CHECK(whole_body.size() <= kMax);
  if (expected == State::kDone) {
    // Whoever stands before it agrees on where the request ends.
    std::string other_body;
    FUZZ_CHECK(ReadLeniently(text, &other_body) == text.size() - whole.size());
    FUZZ_CHECK(other_body == whole_body);
  }

  edge::ChunkedBody chunks(kMax);
  std::string received;
  std::string body;
  State state = State::kMore;
  while (state == State::kMore && !text.empty()) {
    const absl::string_view piece = text.substr(0, step);
    received.append(piece.data(), piece.size());
    text.remove_prefix(piece.size());
    state = chunks.Take(&received, &body);
  }
  // A line that is too long shows once enough of it is there.
  if (state == State::kBroken || expected == State::kBroken) return;
  FUZZ_CHECK(state == expected);
  FUZZ_CHECK(body == whole_body);
}

void Body(uint8_t flags, absl::string_view text) {
  // Exactly the room that the reader asks for.
  const std::unique_ptr<char[]> buffer(new char[text.size() + kJsonPadding]);
  std::copy(text.begin(), text.end(), buffer.get());
  std::memset(buffer.get() + text.size(), '}', kJsonPadding);
  BodyDefaults defaults;
  if (flags & 1) defaults.segment_namespace = "ups";
  if (flags & 2) defaults.segment_id = "default";
  if (flags & 4) {
    defaults.segment_status = audience_sync::v1::MEMBERSHIP_STATUS_REALIZED;
  }
  ExportBodyReader reader;
  std::string first;
  for (int round = 0; round < 2; ++round) {
    audience_sync::v1::ExportBatch batch;
    BatchBuilder builder(&batch);
    const absl::Status status = reader.Read(
        {buffer.get(), text.size()}, defaults,
        [&](const ParsedProfile& profile) {
          for (const auto& membership : profile.memberships) {
            FUZZ_CHECK(membership.segment_name.size() <= 500);
            FUZZ_CHECK(
                audience_sync::v1::MembershipStatus_IsValid(membership.status));
            FUZZ_CHECK((flags & 1) == 0 ||
                       !membership.segment_namespace.empty());
          }
          builder.Add(profile);
        });
    if (!status.ok()) {
      FUZZ_CHECK(absl::IsInvalidArgument(status));
      FUZZ_CHECK(status.message().find('@') == absl::string_view::npos);
      FUZZ_CHECK(status.message().find(": ") != absl::string_view::npos);
      return;
    }
    for (const auto& profile : batch.profile_exports()) {
      for (const auto& membership : profile.segment_memberships()) {
        FUZZ_CHECK(membership.has_segment() ||
                   static_cast<int>(membership.segment_index()) <
                       batch.segments_size());
      }
    }
    // The same reader reads the same again.
    const std::string bytes = batch.SerializePartialAsString();
    FUZZ_CHECK(round == 0 || bytes == first);
    first = bytes;
  }
}

}  // namespace

int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  fuzz::Input input(data, size);
  const uint8_t what = input.Byte();
  if (what >= 192) {
    Head(input.Rest());
  } else if (what >= 128) {
    Chunks(1 + what % 32, input.Rest());
  } else {
    Body(what & 7, input.Rest());
  }
  return 0;
}
