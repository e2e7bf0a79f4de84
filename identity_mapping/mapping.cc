#include "identity_mapping/mapping.h"

#include <algorithm>
#include <cassert>
#include <cstddef>
#include <optional>
#include <string>
#include <utility>

#include "absl/base/attributes.h"
#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "identity_mapping/normalizer.h"

namespace identity_mapping {
namespace {

constexpr size_t kMaxFormerMappings = 16;

bool Holds(const MappedIdentity& identity, const Record& record) {
  const auto in = [&record](const absl::InlinedVector<Record, 2>& records) {
    return std::find(records.begin(), records.end(), record) != records.end();
  };
  return identity.primary == record || in(identity.former_forms) ||
         in(identity.twin_forms);
}

ABSL_ATTRIBUTE_NOINLINE StepLog AddForm(TracedForm::Use use,
                                        std::optional<IdentityKind> kind,
                                        MappingTrace* trace) {
  TracedForm& form = trace->forms.emplace_back();
  form.use = use;
  if (kind.has_value()) form.kind = std::string(IdentityKindName(*kind));
  return StepLog(&form.steps);
}

ABSL_ATTRIBUTE_NOINLINE void FinishForm(bool made, const Record& record,
                                        RejectionReason reason, bool repeated,
                                        MappingTrace* trace) {
  TracedForm& form = trace->forms.back();
  if (made) {
    form.record = record;
  } else {
    form.reason = reason;
  }
  form.repeated = repeated;
}

// A form's steps go to the trace from its begin to its end, if there is a
// trace; there hardly ever is.
inline StepLog BeginForm(TracedForm::Use use, std::optional<IdentityKind> kind,
                         MappingTrace* trace) {
  return trace == nullptr ? StepLog() : AddForm(use, kind, trace);
}

inline void EndForm(bool made, const Record& record, RejectionReason reason,
                    bool repeated, MappingTrace* trace) {
  if (trace != nullptr) FinishForm(made, record, reason, repeated, trace);
}

}  // namespace

struct IdentityMapping::Impl {
  struct Row {
    std::string source_namespace;
    std::optional<Normalizer> today;  // none: the namespace is retired
    std::vector<Normalizer> former;   // distinct, none of them is `today`
  };

  // Rows of the current mapping in its order, then those of retired namespaces.
  std::vector<Row> rows;
  size_t current_rows = 0;
  absl::string_view list_type;

  int Find(absl::string_view name, size_t begin, size_t end) const {
    for (size_t i = begin; i < end; ++i) {
      if (absl::EqualsIgnoreCase(rows[i].source_namespace, name)) {
        return static_cast<int>(i);
      }
    }
    return -1;
  }

  void AddFormer(const MappingRow& row, const MappingRules& rules) {
    int index = Find(row.source_namespace, 0, rows.size());
    if (index < 0) {
      index = static_cast<int>(rows.size());
      rows.push_back({row.source_namespace, std::nullopt, {}});
    }
    Row& known = rows[index];
    const Normalizer normalizer(row, rules);
    if (known.today == normalizer) return;
    if (std::find(known.former.begin(), known.former.end(), normalizer) ==
        known.former.end()) {
      known.former.push_back(normalizer);
    }
  }
};

IdentityMapping::IdentityMapping(std::shared_ptr<const Impl> impl)
    : impl_(std::move(impl)) {}

absl::StatusOr<IdentityMapping> IdentityMapping::Create(
    MappingRules current, std::vector<MappingRules> former) {
  if (absl::Status s = CheckRules(current, "mapping"); !s.ok()) return s;
  if (former.size() > kMaxFormerMappings) {
    return absl::InvalidArgumentError(
        absl::StrCat("former_mappings: must be at most ", kMaxFormerMappings));
  }
  auto impl = std::make_shared<Impl>();
  impl->list_type = ListTypeOf(current);
  impl->current_rows = current.rows.size();
  for (const MappingRow& row : current.rows) {
    impl->rows.push_back({row.source_namespace, Normalizer(row, current), {}});
  }
  for (size_t i = 0; i < former.size(); ++i) {
    if (absl::Status s =
            CheckRules(former[i], absl::StrCat("former_mappings[", i, "]"));
        !s.ok()) {
      return s;
    }
    for (const MappingRow& row : former[i].rows)
      impl->AddFormer(row, former[i]);
  }
  return IdentityMapping(std::move(impl));
}

int IdentityMapping::FindRow(absl::string_view source_namespace) const {
  return impl_->Find(source_namespace, 0, impl_->current_rows);
}

int IdentityMapping::FindRetiredRow(absl::string_view source_namespace) const {
  return impl_->Find(source_namespace, impl_->current_rows, impl_->rows.size());
}

bool IdentityMapping::Map(int row, absl::string_view value, MappedIdentity* out,
                          RejectionReason* reason, FormsFor forms_for) const {
  return MapTraced(row, value, out, reason, forms_for, nullptr);
}

bool IdentityMapping::Explain(int row, absl::string_view value,
                              MappedIdentity* out, RejectionReason* reason,
                              MappingTrace* trace) const {
  *trace = MappingTrace();
  return MapTraced(row, value, out, reason, FormsFor::kExit, trace);
}

bool IdentityMapping::MapTraced(int row, absl::string_view value,
                                MappedIdentity* out, RejectionReason* reason,
                                FormsFor forms_for, MappingTrace* trace) const {
  assert(row >= 0 && static_cast<size_t>(row) < impl_->rows.size());
  out->primary = Record();
  out->former_forms.clear();
  out->twin_forms.clear();
  const Impl::Row& rules = impl_->rows[row];
  absl::string_view text;
  if (trace != nullptr) trace->source_namespace = rules.source_namespace;
  if (!CheckValue(
          value, &text, reason,
          trace == nullptr ? StepLog() : StepLog(&trace->value_steps))) {
    if (trace != nullptr) trace->reason = *reason;
    return false;
  }

  bool mapped = false;
  std::optional<DeviceId> device_id;
  std::optional<DeviceIdCase> primary_case;
  if (rules.today.has_value()) {
    Form form;
    mapped = rules.today->Normalize(
        text, &form, reason,
        BeginForm(TracedForm::Use::kToday, rules.today->kind(), trace));
    if (mapped) {
      out->primary = form.record;
      device_id = form.device_id;
      primary_case = form.hashed_case;
    }
    EndForm(mapped, form.record, *reason, /*repeated=*/false, trace);
  } else {
    *reason = RejectionReason::kNamespaceRetired;
  }
  for (const Normalizer& normalizer : rules.former) {
    Form form;
    RejectionReason why;
    const bool made = normalizer.Normalize(
        text, &form, &why,
        BeginForm(TracedForm::Use::kFormer, normalizer.kind(), trace));
    const bool repeated = made && Holds(*out, form.record);
    EndForm(made, form.record, why, repeated, trace);
    if (!made) continue;
    if (form.device_id.has_value()) device_id = form.device_id;
    if (!repeated) out->former_forms.push_back(form.record);
  }
  if (device_id.has_value() && forms_for == FormsFor::kExit) {
    for (DeviceIdCase letter_case :
         {DeviceIdCase::kLower, DeviceIdCase::kUpper}) {
      // Spares a digest.
      if (primary_case == letter_case ||
          (primary_case.has_value() && !device_id->HasLetters())) {
        continue;
      }
      const Record twin = device_id->Hash(letter_case);
      const bool repeated = Holds(*out, twin);
      if (!repeated) out->twin_forms.push_back(twin);
      if (trace != nullptr) {
        NoteDeviceId(*device_id, letter_case,
                     BeginForm(TracedForm::Use::kTwin, std::nullopt, trace));
        EndForm(true, twin, *reason, repeated, trace);
      }
    }
  }
  return mapped;
}

absl::string_view IdentityMapping::ListType() const { return impl_->list_type; }

}  // namespace identity_mapping
