#ifndef IDENTITY_MAPPING_MAPPING_H_
#define IDENTITY_MAPPING_MAPPING_H_

#include <memory>
#include <vector>

#include "absl/container/inlined_vector.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "identity_mapping/mapping_trace.h"
#include "identity_mapping/record.h"
#include "identity_mapping/rejection.h"
#include "identity_mapping/rules.h"

namespace identity_mapping {

// The records that one identity stands for. The three parts never share a
// record.
//
//   a member event adds `primary` and removes `former_forms`;
//   an exit removes `primary`, `former_forms` and `twin_forms`.
//
// Where one commit brings both to one list, write the removals of former forms
// before the additions: another identity of the person may be added in a form
// that is a former one of this identity.
struct MappedIdentity {
  // Today's form.
  Record primary;
  // Forms that former mappings gave this value.
  absl::InlinedVector<Record, 2> former_forms;
  // Other forms in which the same identity may have been added through another
  // namespace: a device id in the other case.
  absl::InlinedVector<Record, 2> twin_forms;
};

// What the records are wanted for. For a member event nobody needs the twin
// forms, and a device id is mapped twice as fast without.
enum class FormsFor { kMember, kExit };

// A destination's mapping, with those it had before. Immutable, thread-safe,
// cheap to copy (copies share).
class IdentityMapping {
 public:
  // `former`: the mappings the destination had before, in any order. An error
  // is InvalidArgument and begins with the field: "mapping.rows[2].kind: …" or
  // "former_mappings[0].rows[1].source_namespace: …".
  static absl::StatusOr<IdentityMapping> Create(
      MappingRules current, std::vector<MappingRules> former = {});

  // The row for a namespace, compared without regard to the case of ASCII
  // letters; -1 = excluded. Does not allocate.
  int FindRow(absl::string_view source_namespace) const;

  // The row for a namespace that only former mappings had; -1 = none. Member
  // events of such a namespace are excluded, but an exit must still remove what
  // they added: Map() returns false for it, with the forms to remove.
  int FindRetiredRow(absl::string_view source_namespace) const;

  // Maps a value of the namespace that `row` (from FindRow or FindRetiredRow)
  // was found for. True = mapped. False = refused today, for `*reason`, and
  // `out->primary` is empty; `former_forms` and `twin_forms` may still hold
  // what former mappings made of the value: an exit removes those even then.
  // With FormsFor::kMember `twin_forms` stays empty.
  // `*out` is overwritten and may be used again; for an ASCII value nothing is
  // allocated unless more than two forms of a sort are found.
  bool Map(int row, absl::string_view value, MappedIdentity* out,
           RejectionReason* reason, FormsFor forms_for = FormsFor::kExit) const;

  // Maps as Map() does for an exit, and notes every step of it in `*trace`,
  // which is overwritten. For an operator's eyes: the trace holds the value.
  bool Explain(int row, absl::string_view value, MappedIdentity* out,
               RejectionReason* reason, MappingTrace* trace) const;

  // Pinterest's list_type for the one list of a segment: "IDFA" or "MAID" if
  // only that kind of device id is mapped, the opaque kind's own name ("LR_ID",
  // "DLX_ID", "HASHED_PINNER_ID"), otherwise "EMAIL".
  absl::string_view ListType() const;

 private:
  struct Impl;
  // `trace`: nullptr but for Explain().
  bool MapTraced(int row, absl::string_view value, MappedIdentity* out,
                 RejectionReason* reason, FormsFor forms_for,
                 MappingTrace* trace) const;
  explicit IdentityMapping(std::shared_ptr<const Impl> impl);

  std::shared_ptr<const Impl> impl_;
};

}  // namespace identity_mapping

#endif  // IDENTITY_MAPPING_MAPPING_H_
