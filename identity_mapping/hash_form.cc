#include "identity_mapping/hash_form.h"

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/container/flat_hash_set.h"
#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "identity_mapping/digest.h"
#include "identity_mapping/hex.h"
#include "identity_mapping/placeholder.h"
#include "identity_mapping/record_maker.h"

namespace identity_mapping {
namespace {

// The spellings that a host may have hashed without a look at them.
std::vector<std::string> Nothings() {
  std::vector<std::string> nothings = {"", " ", "\n", "\r\n"};
  for (absl::string_view placeholder : Placeholders()) {
    std::string capitalized(placeholder);
    capitalized[0] = absl::ascii_toupper(capitalized[0]);
    nothings.push_back(std::string(placeholder));
    nothings.push_back(absl::AsciiStrToUpper(placeholder));
    nothings.push_back(capitalized);
  }
  nothings.push_back("NaN");
  const std::string zero_id = "00000000-0000-0000-0000-000000000000";
  const std::string bare_zero_id(32, '0');
  for (const std::string& id : {zero_id, bare_zero_id}) {
    nothings.push_back(id);
    nothings.push_back(absl::StrCat("{", id, "}"));
  }
  return nothings;
}

using Digests = absl::flat_hash_set<std::string>;

void Insert(const Record& record, Digests* digests) {
  digests->insert(std::string(record.encoded()));
}

Digests MakeDigestsOfNothing() {
  Digests digests;
  // All-zero digests, as made.
  Record sha256 = RecordMaker::Make(RecordKind::kSha256, kSha256Size);
  Record sha1 = RecordMaker::Make(RecordKind::kSha1, kSha1Size);
  Record md5 = RecordMaker::Make(RecordKind::kMd5, kMd5Size);
  Insert(sha256, &digests);
  Insert(sha1, &digests);
  Insert(md5, &digests);
  for (const std::string& nothing : Nothings()) {
    Sha256(nothing, RecordMaker::Payload(&sha256));
    Sha1(nothing, RecordMaker::Payload(&sha1));
    Md5(nothing, RecordMaker::Payload(&md5));
    Insert(sha256, &digests);
    Insert(sha1, &digests);
    Insert(md5, &digests);
  }
  return digests;
}

}  // namespace

bool ReadHashForm(absl::string_view text, Record* record) {
  RecordKind kind;
  switch (text.size()) {
    case 2 * kSha256Size:
      kind = RecordKind::kSha256;
      break;
    case 2 * kSha1Size:
      kind = RecordKind::kSha1;
      break;
    case 2 * kMd5Size:
      kind = RecordKind::kMd5;
      break;
    default:
      return false;
  }
  *record = RecordMaker::Make(kind, text.size() / 2);
  return ReadHex(text, RecordMaker::Payload(record));
}

bool IsHashOfNothing(RecordView record) {
  static const Digests* const digests = new Digests(MakeDigestsOfNothing());
  return digests->contains(record.encoded());
}

}  // namespace identity_mapping
