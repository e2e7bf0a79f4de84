// The text of a configuration file, protobuf text or JSON: read, checked,
// resolved, written in both forms and read again.

#include <string>

#include "absl/strings/match.h"
#include "connector/config/config_file.h"
#include "connector/config/credential_config.h"
#include "connector/config/destination_config.h"
#include "google/protobuf/text_format.h"
#include "google/protobuf/util/json_util.h"
#include "tests/fuzz/fuzz.h"

namespace {

namespace v1 = audience_sync::v1;
namespace config = connector::config;

// The configuration with everything spelled out.
v1::ConnectorConfig Resolved(const v1::ConnectorConfig& given) {
  v1::ConnectorConfig out;
  for (const v1::Credential& credential : given.credentials()) {
    const auto state = config::ResolveCredential(credential);
    FUZZ_CHECK(state.ok());
    *out.add_credentials() = state->config;
    out.mutable_credentials(out.credentials_size() - 1)->clear_etag();
  }
  for (const v1::Destination& destination : given.destinations()) {
    const auto state = config::ResolveDestination(destination);
    FUZZ_CHECK(state.ok());
    FUZZ_CHECK(state->mapping != nullptr);
    FUZZ_CHECK(state->config.etag().size() == 16);
    *out.add_destinations() = state->config;
    out.mutable_destinations(out.destinations_size() - 1)->clear_etag();
  }
  return out;
}

void CheckSame(const std::string& text, const v1::ConnectorConfig& expected) {
  const auto read = config::ParseConfig(text);
  FUZZ_CHECK(read.ok());
  FUZZ_CHECK(read->SerializeAsString() == expected.SerializeAsString());
}

}  // namespace

int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const absl::string_view text(reinterpret_cast<const char*>(data), size);
  const auto read = config::ParseConfig(text);
  if (!read.ok()) {
    FUZZ_CHECK(absl::IsInvalidArgument(read.status()));
    // Nothing of the file is repeated but names of fields.
    FUZZ_CHECK(!absl::StrContains(read.status().message(), "@"));
    FUZZ_CHECK(!absl::StrContains(read.status().message(), "pina_"));
    return 0;
  }
  // Strings are UTF-8, or no answer of the API could carry them.
  v1::ConnectorConfig parsed;
  FUZZ_CHECK(parsed.ParseFromString(read->SerializeAsString()));

  const v1::ConnectorConfig resolved = Resolved(*read);
  std::string written;
  FUZZ_CHECK(google::protobuf::TextFormat::PrintToString(resolved, &written));
  CheckSame(written, resolved);
  written.clear();
  FUZZ_CHECK(
      google::protobuf::util::MessageToJsonString(resolved, &written).ok());
  CheckSame(written, resolved);
  // What is spelled out means the same.
  FUZZ_CHECK(Resolved(resolved).SerializeAsString() ==
             resolved.SerializeAsString());
  return 0;
}
