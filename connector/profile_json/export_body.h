#ifndef CONNECTOR_PROFILE_JSON_EXPORT_BODY_H_
#define CONNECTOR_PROFILE_JSON_EXPORT_BODY_H_

#include <cstdint>
#include <memory>
#include <string>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "audience_sync/v1/profile_export.pb.h"
#include "connector/profile_json/parsed_profile.h"

namespace connector::profile_json {

// What a request says besides its body, for what the body does not say itself.
struct BodyDefaults {
  // The namespace of every segment that is named without one.
  std::string segment_namespace;
  // The membership of profiles that have none; no id: there is none.
  std::string segment_id;
  std::string segment_name;
  audience_sync::v1::MembershipStatus segment_status =
      audience_sync::v1::MEMBERSHIP_STATUS_UNSPECIFIED;
};

// Reads the body of one request, in any of the shapes that a platform such as
// Adobe Experience Platform is made to send (Destination SDK, message format):
//
// - a profile: {"identityMap": …, "segmentMembership": …}, with the platform's
//   namespaces or with the one target identity as keys;
// - {"profiles": [profile…]};
// - a group: the same beside "aggregationKey" {segmentId, segmentNamespace,
//   segmentAlias, segmentStatus, identityNamespaces (flat or nested)};
// - an array of these.
//
// A profile may instead or besides have "identities" [{type, id}] and
// "AdobeExperiencePlatformSegments" {add: […], remove: […]} of ids or of
// objects {id, namespace, name, lastQualificationTime}, and a
// "lastQualificationTime" of its own for the memberships that have none. What
// is removed stands behind what is added.
//
// A profile without memberships gets the group's one, or else that of the
// defaults; a single identity or membership that is wrong is passed on without
// what is wrong of it, so that it is rejected and counted; an identity without
// a type gets the group's namespace if it names exactly one. Fields that are
// not named here are passed over.
//
// Not thread-safe.
class ExportBodyReader {
 public:
  // Deepest nesting of a body.
  static constexpr int kMaxDepth = 64;

  ExportBodyReader();
  ~ExportBodyReader();

  // Calls `take` for each profile, in order. `body` must be followed by
  // kJsonPadding readable bytes; it and `defaults` must stay until the return.
  //
  // INVALID_ARGUMENT if the body is not understood, with a message that says
  // where (the place as a JSON pointer in which every key that is data is a
  // '*', or the byte) and which rule is broken, never what stands there.
  // Whatever `take` got by then is to be forgotten.
  absl::Status Read(absl::string_view body, const BodyDefaults& defaults,
                    absl::FunctionRef<void(const ParsedProfile&)> take);

 private:
  struct Parser;
  const std::unique_ptr<Parser> parser_;
};

}  // namespace connector::profile_json

#endif  // CONNECTOR_PROFILE_JSON_EXPORT_BODY_H_
