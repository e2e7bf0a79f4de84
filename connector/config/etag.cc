#include "connector/config/etag.h"

#include <cstdint>

#include "absl/strings/escaping.h"
#include "google/protobuf/io/coded_stream.h"
#include "google/protobuf/io/zero_copy_stream_impl_lite.h"
#include "identity_mapping/digest.h"

namespace connector::config {

std::string SerializeStably(const google::protobuf::Message& message) {
  std::string bytes;
  {
    google::protobuf::io::StringOutputStream stream(&bytes);
    google::protobuf::io::CodedOutputStream output(&stream);
    output.SetSerializationDeterministic(true);
    message.SerializeToCodedStream(&output);
  }
  return bytes;
}

std::string EtagOf(const google::protobuf::Message& message) {
  uint8_t digest[identity_mapping::kSha256Size];
  identity_mapping::Sha256(SerializeStably(message), digest);
  return absl::BytesToHexString(
      absl::string_view(reinterpret_cast<const char*>(digest), 8));
}

}  // namespace connector::config
