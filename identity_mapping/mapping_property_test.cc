// What holds for every value, tried on random ones. The seeds are fixed.

#include <algorithm>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "identity_mapping/mapping.h"

namespace identity_mapping {
namespace {

constexpr IdentityKind kAllKinds[] = {
    IdentityKind::kEmail, IdentityKind::kEmailLcSha256,
    IdentityKind::kGaid,  IdentityKind::kIdfa,
    IdentityKind::kLrId,  IdentityKind::kPinterestAudience,
    IdentityKind::kDlxId, IdentityKind::kHashedPinnerId,
};

class Generator {
 public:
  explicit Generator(uint64_t seed) : random_(seed) {}

  size_t Below(size_t bound) { return random_() % bound; }

  template <typename T, size_t kSize>
  const T& Pick(const T (&of)[kSize]) {
    return of[Below(kSize)];
  }

  std::string From(absl::string_view alphabet, size_t size) {
    std::string text;
    for (size_t i = 0; i < size; ++i) text += alphabet[Below(alphabet.size())];
    return text;
  }

  std::string Bytes(size_t size) {
    std::string text;
    for (size_t i = 0; i < size; ++i) text += static_cast<char>(random_());
    return text;
  }

  std::string Address() {
    return absl::StrCat(From("abcXYZ019.+_-'", 1 + Below(20)), "@",
                        From("abcXYZ019-", 1 + Below(12)), ".",
                        From("abcXYZ", 2 + Below(3)));
  }

  std::string DeviceId() {
    const char* digits = Below(2) ? "0123456789abcdef" : "0123456789ABCDEF";
    return absl::StrCat(From(digits, 8), "-", From(digits, 4), "-",
                        From(digits, 4), "-", From(digits, 4), "-",
                        From(digits, 12));
  }

  // Something near a good value: the places where mistakes are made.
  std::string NearValue() {
    std::string text;
    switch (Below(8)) {
      case 0:
        return Bytes(Below(80));
      case 1:
        text = Address();
        break;
      case 2:
        text = DeviceId();
        break;
      case 3:
        text = From("0123456789abcdefABCDEF", 64);
        break;
      case 4:
        text = From("0123456789abcdefABCDEF", Below(2) ? 40 : 32);
        break;
      case 5:
        text = "{" + DeviceId() + "}";
        break;
      case 6:
        text = From("abc@.,{}-\" \t0\\", Below(40));
        break;
      default:
        text = From("XYZabc0123456789-_=/+", 1 + Below(140));
        break;
    }
    for (size_t edits = Below(4); edits > 0 && !text.empty(); --edits) {
      constexpr absl::string_view kPieces[] = {
          ",", "@", " ", "\u00A0", "\uFEFF", "\xFF",   "\u0130", "Σ", ".",
          "-", "{", "a", "\0",     "\"",     "\u200B", "%40",    "Ü"};
      const size_t at = Below(text.size() + 1);
      switch (Below(3)) {
        case 0:
          text.insert(at, std::string(Pick(kPieces)));
          break;
        case 1:
          text.erase(std::min(at, text.size() - 1), 1);
          break;
        default:
          text[std::min(at, text.size() - 1)] = static_cast<char>(random_());
      }
    }
    return text;
  }

  // The same text with other capitals and blanks around it.
  std::string Variant(absl::string_view text) {
    constexpr absl::string_view kBlanks[] = {
        " ", "\t", "\r\n", "\u00A0", "\u3000", "\uFEFF", "\u200B", "\u2028"};
    std::string out;
    for (size_t n = Below(4); n > 0; --n) absl::StrAppend(&out, Pick(kBlanks));
    for (char c : text) {
      out += Below(2) ? absl::ascii_toupper(c) : absl::ascii_tolower(c);
    }
    for (size_t n = Below(4); n > 0; --n) absl::StrAppend(&out, Pick(kBlanks));
    return out;
  }

  // A mapping with one row "n" of the kind, and perhaps former ones.
  IdentityMapping Mapping(IdentityKind kind) {
    std::vector<MappingRules> former(Below(4));
    for (MappingRules& rules : former) {
      rules = RulesOf(Pick(kAllKinds), Below(5) ? "n" : "retired");
    }
    auto mapping = IdentityMapping::Create(RulesOf(kind, "n"), former);
    EXPECT_TRUE(mapping.ok()) << mapping.status();
    return *mapping;
  }

 private:
  MappingRules RulesOf(IdentityKind kind, const char* name) {
    MappingRules rules;
    const bool is_device =
        kind == IdentityKind::kGaid || kind == IdentityKind::kIdfa;
    rules.rows = {{name, kind, is_device && Below(2) == 0}};
    rules.gaid_case = Below(2) ? DeviceIdCase::kLower : DeviceIdCase::kUpper;
    rules.idfa_case = Below(2) ? DeviceIdCase::kLower : DeviceIdCase::kUpper;
    return rules;
  }

  std::mt19937_64 random_;
};

std::string WireText(RecordView record) {
  std::string text;
  record.AppendWireText(&text);
  return text;
}

IdentityMapping OneRow(IdentityKind kind) {
  MappingRules rules;
  rules.rows = {{"n", kind}};
  auto mapping = IdentityMapping::Create(rules);
  EXPECT_TRUE(mapping.ok());
  return *mapping;
}

// Checks what every outcome must keep; returns whether the value was mapped.
bool CheckOutcome(const IdentityMapping& mapping, int row,
                  absl::string_view value, MappedIdentity* out) {
  RejectionReason reason = static_cast<RejectionReason>(0);
  const bool mapped = mapping.Map(row, value, out, &reason);
  std::vector<Record> all(out->former_forms.begin(), out->former_forms.end());
  all.insert(all.end(), out->twin_forms.begin(), out->twin_forms.end());
  if (mapped) {
    all.push_back(out->primary);
  } else {
    EXPECT_EQ(out->primary.encoded(), "");
    EXPECT_NE(RejectionReasonName(reason), "UNKNOWN");
  }
  std::set<Record> distinct;
  for (const Record& record : all) {
    EXPECT_TRUE(RecordView::FromEncoded(record.encoded()).has_value());
    EXPECT_TRUE(distinct.insert(record).second) << "a form is there twice";
    const std::string wire = WireText(record);
    EXPECT_EQ(wire.size(), record.WireSize());
    EXPECT_EQ(wire.find_first_of("@,\"\\ "), std::string::npos);
    EXPECT_TRUE(std::all_of(wire.begin(), wire.end(), absl::ascii_isgraph));
    if (record.kind() != RecordKind::kOpaque) {
      EXPECT_EQ(wire.find_first_not_of("0123456789abcdef"), std::string::npos);
    }
  }
  return mapped;
}

TEST(MappingProperty, NoValueBreaksItOrGivesABadRecord) {
  Generator generator(1);
  MappedIdentity identity;
  int mapped = 0;
  for (int i = 0; i < 400; ++i) {
    const IdentityMapping mapping =
        generator.Mapping(generator.Pick(kAllKinds));
    for (int j = 0; j < 200; ++j) {
      const std::string value = generator.NearValue();
      const int retired = mapping.FindRetiredRow("retired");
      if (retired >= 0) {
        EXPECT_FALSE(CheckOutcome(mapping, retired, value, &identity));
      }
      mapped += CheckOutcome(mapping, mapping.FindRow("N"), value, &identity);
    }
  }
  // The values are not so wild that nothing is tried.
  EXPECT_GT(mapped, 8000);
}

TEST(MappingProperty, AMemberEventGetsTheSameWithoutTwins) {
  Generator generator(6);
  MappedIdentity exit;
  MappedIdentity member;
  RejectionReason reason;
  for (int i = 0; i < 2000; ++i) {
    const IdentityMapping mapping =
        generator.Mapping(generator.Pick(kAllKinds));
    for (int j = 0; j < 10; ++j) {
      const std::string value = generator.NearValue();
      EXPECT_EQ(mapping.Map(0, value, &exit, &reason),
                mapping.Map(0, value, &member, &reason, FormsFor::kMember));
      EXPECT_EQ(exit.primary, member.primary);
      EXPECT_EQ(exit.former_forms, member.former_forms);
      EXPECT_TRUE(member.twin_forms.empty());
    }
  }
}

// What is explained is what is done: same outcome, same records, and each form
// that is not a repetition stands where Map() puts it.
TEST(MappingProperty, AnExplanationIsWhatHappens) {
  Generator generator(7);
  MappedIdentity done;
  MappedIdentity explained;
  MappingTrace trace;
  int mapped = 0;
  int refused = 0;
  for (int i = 0; i < 3000; ++i) {
    const IdentityMapping mapping =
        generator.Mapping(generator.Pick(kAllKinds));
    int row = 0;
    if (const int retired = mapping.FindRetiredRow("retired");
        retired >= 0 && i % 3 == 0) {
      row = retired;
    }
    for (int j = 0; j < 20; ++j) {
      const std::string value = generator.NearValue();
      RejectionReason reason = static_cast<RejectionReason>(0);
      RejectionReason why = static_cast<RejectionReason>(0);
      const bool outcome = mapping.Map(row, value, &done, &reason);
      ASSERT_EQ(mapping.Explain(row, value, &explained, &why, &trace), outcome);
      EXPECT_EQ(explained.primary, done.primary);
      EXPECT_EQ(explained.former_forms, done.former_forms);
      EXPECT_EQ(explained.twin_forms, done.twin_forms);
      EXPECT_EQ(trace.source_namespace, row == 0 ? "n" : "retired");
      MappedIdentity traced;
      for (const TracedForm& form : trace.forms) {
        EXPECT_NE(form.record.has_value(), form.reason.has_value());
        EXPECT_FALSE(form.steps.empty());
        if (!form.record.has_value() || form.repeated) continue;
        switch (form.use) {
          case TracedForm::Use::kToday:
            traced.primary = *form.record;
            break;
          case TracedForm::Use::kFormer:
            traced.former_forms.push_back(*form.record);
            break;
          case TracedForm::Use::kTwin:
            traced.twin_forms.push_back(*form.record);
            break;
        }
      }
      EXPECT_EQ(traced.primary, done.primary);
      EXPECT_EQ(traced.former_forms, done.former_forms);
      EXPECT_EQ(traced.twin_forms, done.twin_forms);
      if (outcome) {
        ++mapped;
        EXPECT_EQ(trace.forms[0].record, done.primary);
        continue;
      }
      ++refused;
      EXPECT_EQ(why, reason);
      if (trace.reason.has_value()) {
        EXPECT_EQ(*trace.reason, reason);
        EXPECT_TRUE(trace.forms.empty());
        EXPECT_FALSE(trace.value_steps.empty());
      } else if (row == 0) {
        EXPECT_EQ(*trace.forms[0].reason, reason);
      } else {
        EXPECT_EQ(reason, RejectionReason::kNamespaceRetired);
      }
    }
  }
  EXPECT_GT(mapped, 5000);
  EXPECT_GT(refused, 5000);
}

TEST(MappingProperty, AMappedValueMapsToItself) {
  Generator generator(2);
  for (IdentityKind kind : kAllKinds) {
    const IdentityMapping mapping = OneRow(kind);
    MappedIdentity once;
    MappedIdentity twice;
    RejectionReason reason;
    int tried = 0;
    for (int i = 0; i < 20000; ++i) {
      if (!mapping.Map(0, generator.NearValue(), &once, &reason)) continue;
      // Device-id rows do not take an MD5, so none comes out of them.
      ASSERT_TRUE(mapping.Map(0, WireText(once.primary), &twice, &reason))
          << IdentityKindName(kind) << RejectionReasonName(reason);
      EXPECT_EQ(once.primary, twice.primary);
      ++tried;
    }
    EXPECT_GT(tried, 300) << IdentityKindName(kind);
  }
}

TEST(MappingProperty, CaseAndBlanksOfAnAddressMakeNoDifference) {
  Generator generator(3);
  const IdentityMapping mapping = OneRow(IdentityKind::kEmail);
  MappedIdentity a;
  MappedIdentity b;
  RejectionReason reason;
  for (int i = 0; i < 20000; ++i) {
    const std::string address = generator.Address();
    ASSERT_TRUE(mapping.Map(0, address, &a, &reason)) << address;
    ASSERT_TRUE(mapping.Map(0, generator.Variant(address), &b, &reason));
    EXPECT_EQ(a.primary, b.primary);
    EXPECT_TRUE(a.twin_forms.empty());
  }
}

// All that an exit takes away.
std::set<Record> Forms(const MappedIdentity& identity) {
  std::set<Record> forms(identity.former_forms.begin(),
                         identity.former_forms.end());
  forms.insert(identity.twin_forms.begin(), identity.twin_forms.end());
  if (!identity.primary.encoded().empty()) forms.insert(identity.primary);
  return forms;
}

TEST(MappingProperty, AnExitOfADeviceIdCoversEveryNamespaceAndSpelling) {
  Generator generator(4);
  const auto mapping = IdentityMapping::Create(DefaultMappingRules());
  ASSERT_TRUE(mapping.ok());
  MappedIdentity added;
  MappedIdentity exited;
  RejectionReason reason;
  for (int i = 0; i < 20000; ++i) {
    const std::string id = generator.DeviceId();
    constexpr const char* kNamespaces[] = {"GAID", "IDFA",
                                           "pinterest_audience"};
    ASSERT_TRUE(mapping->Map(mapping->FindRow(generator.Pick(kNamespaces)),
                             generator.Variant(id), &added, &reason));
    ASSERT_TRUE(mapping->Map(mapping->FindRow(generator.Pick(kNamespaces)),
                             generator.Variant(id), &exited, &reason));
    EXPECT_EQ(Forms(exited).count(added.primary), 1u);
  }
}

// Whatever a mapping made of a value, an exit under a later mapping that knows
// it as a former one takes it away, and a member event leaves only today's.
TEST(MappingProperty, AChangedMappingStrandsNobody) {
  Generator generator(5);
  MappedIdentity added;
  MappedIdentity later;
  RejectionReason reason;
  int tried = 0;
  for (int i = 0; i < 2000; ++i) {
    const auto rules = [&generator](bool may_lack) {
      MappingRules r;
      const IdentityKind kind = generator.Pick(kAllKinds);
      const bool is_device =
          kind == IdentityKind::kGaid || kind == IdentityKind::kIdfa;
      r.rows = {{may_lack && generator.Below(5) == 0 ? "other" : "n", kind,
                 is_device && generator.Below(2) == 0}};
      r.gaid_case =
          generator.Below(2) ? DeviceIdCase::kLower : DeviceIdCase::kUpper;
      r.idfa_case =
          generator.Below(2) ? DeviceIdCase::kLower : DeviceIdCase::kUpper;
      return r;
    };
    const MappingRules before = rules(false);
    const MappingRules between = rules(true);
    const auto old_mapping = IdentityMapping::Create(before);
    const auto new_mapping =
        IdentityMapping::Create(rules(true), {between, before});
    ASSERT_TRUE(old_mapping.ok() && new_mapping.ok());
    int row = new_mapping->FindRow("n");
    if (row < 0) row = new_mapping->FindRetiredRow("n");
    ASSERT_GE(row, 0);
    for (int j = 0; j < 20; ++j) {
      const std::string value = generator.NearValue();
      if (!old_mapping->Map(0, value, &added, &reason)) continue;
      ++tried;
      new_mapping->Map(row, value, &later, &reason);
      EXPECT_EQ(Forms(later).count(added.primary), 1u);
      if (later.primary != added.primary) {
        EXPECT_NE(std::find(later.former_forms.begin(),
                            later.former_forms.end(), added.primary),
                  later.former_forms.end());
      }
    }
  }
  EXPECT_GT(tried, 5000);
}

}  // namespace
}  // namespace identity_mapping
