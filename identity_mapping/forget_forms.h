#ifndef IDENTITY_MAPPING_FORGET_FORMS_H_
#define IDENTITY_MAPPING_FORGET_FORMS_H_

#include <vector>

#include "absl/strings/string_view.h"
#include "identity_mapping/mapping.h"
#include "identity_mapping/record.h"
#include "identity_mapping/rejection.h"

namespace identity_mapping {

// Every record that may stand for an identity which is to be forgotten: what an
// exit of it removes (MappedIdentity), and of an address or a device id in the
// clear also its SHA-256, SHA-1 and MD5, the device id's in both cases, as
// somebody may have put such a hash on a list without this mapping. Ascending,
// no repeats.
//
// `row` as for IdentityMapping::Map. False: neither today's mapping nor a
// former one makes a record of the value, for `*reason`.
bool FormsToForget(const IdentityMapping& mapping, int row,
                   absl::string_view value, std::vector<Record>* forms,
                   RejectionReason* reason);

// A record that is given as it stands on a customer list: 64, 40 or 32 hex
// digits of either case; with `opaque` also a partner's own id, and then hex
// digits stand for both. Ascending. Empty: it is no record.
std::vector<Record> RecordsOfWireText(absl::string_view text, bool opaque);

}  // namespace identity_mapping

#endif  // IDENTITY_MAPPING_FORGET_FORMS_H_
