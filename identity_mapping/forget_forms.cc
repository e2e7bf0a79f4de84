#include "identity_mapping/forget_forms.h"

#include <algorithm>
#include <optional>

#include "absl/strings/match.h"
#include "identity_mapping/device_id.h"
#include "identity_mapping/digest.h"
#include "identity_mapping/email.h"
#include "identity_mapping/hash_form.h"
#include "identity_mapping/normalizer.h"
#include "identity_mapping/opaque.h"
#include "identity_mapping/record_maker.h"

namespace identity_mapping {
namespace {

void AddDigests(absl::string_view text, std::vector<Record>* forms) {
  Record record = RecordMaker::Make(RecordKind::kSha256, kSha256Size);
  Sha256(text, RecordMaker::Payload(&record));
  forms->push_back(record);
  record = RecordMaker::Make(RecordKind::kSha1, kSha1Size);
  Sha1(text, RecordMaker::Payload(&record));
  forms->push_back(record);
  record = RecordMaker::Make(RecordKind::kMd5, kMd5Size);
  Md5(text, RecordMaker::Payload(&record));
  forms->push_back(record);
}

void SortForms(std::vector<Record>* forms) {
  std::sort(forms->begin(), forms->end());
  forms->erase(std::unique(forms->begin(), forms->end()), forms->end());
}

}  // namespace

bool FormsToForget(const IdentityMapping& mapping, int row,
                   absl::string_view value, std::vector<Record>* forms,
                   RejectionReason* reason) {
  forms->clear();
  MappedIdentity mapped;
  const bool today = mapping.Map(row, value, &mapped, reason);
  if (today) forms->push_back(mapped.primary);
  forms->insert(forms->end(), mapped.former_forms.begin(),
                mapped.former_forms.end());
  forms->insert(forms->end(), mapped.twin_forms.begin(),
                mapped.twin_forms.end());
  if (forms->empty()) return false;

  absl::string_view text;
  RejectionReason unused;
  if (CheckValue(value, &text, &unused)) {
    if (absl::StrContains(text, '@')) {
      EmailBuffer buffer;
      absl::string_view address;
      if (NormalizeEmail(text, &buffer, &address, &unused)) {
        AddDigests(address, forms);
      }
    } else if (const std::optional<DeviceId> id = DeviceId::Parse(text);
               id.has_value() && !id->IsZero()) {
      for (DeviceIdCase letter_case :
           {DeviceIdCase::kLower, DeviceIdCase::kUpper}) {
        AddDigests(id->Text(letter_case), forms);
      }
    }
  }
  SortForms(forms);
  return true;
}

std::vector<Record> RecordsOfWireText(absl::string_view text, bool opaque) {
  std::vector<Record> records;
  RejectionReason unused;
  if (!CheckValue(text, &text, &unused)) return records;
  Record record;
  if (ReadHashForm(text, &record)) records.push_back(record);
  if (opaque && ReadOpaque(text, &record, &unused)) records.push_back(record);
  SortForms(&records);
  return records;
}

}  // namespace identity_mapping
