#include "testdata/generator/oracle.h"

#include <algorithm>
#include <cctype>

namespace generator {
namespace {

std::string Lower(std::string text) {
  for (char& c : text) c = static_cast<char>(std::tolower(c));
  return text;
}

std::string Upper(std::string text) {
  for (char& c : text) c = static_cast<char>(std::toupper(c));
  return text;
}

std::string Trim(const std::string& text) {
  const size_t first = text.find_first_not_of(" \t\r\n");
  if (first == std::string::npos) return "";
  return text.substr(first, text.find_last_not_of(" \t\r\n") - first + 1);
}

bool IsHex(const std::string& text) {
  return !text.empty() &&
         text.find_first_not_of("0123456789abcdefABCDEF") == std::string::npos;
}

bool IsSha256(const std::string& text) {
  // The digest of the empty string stands for nobody.
  return text.size() == 64 && IsHex(text) &&
         Lower(text) != ToHex(Sha256(std::string()));
}

bool IsDeviceId(const std::string& text) {
  if (text.size() != 36) return false;
  bool zero = true;
  for (size_t i = 0; i < text.size(); ++i) {
    const bool hyphen = i == 8 || i == 13 || i == 18 || i == 23;
    if (hyphen != (text[i] == '-')) return false;
    if (!hyphen && !IsHex(text.substr(i, 1))) return false;
    zero = zero && (hyphen || text[i] == '0');
  }
  return !zero;
}

bool IsAddress(const std::string& text) {
  const size_t at = text.find('@');
  return at != std::string::npos && at > 0 && at == text.rfind('@') &&
         text.find('.', at) != std::string::npos && text[at + 1] != '.' &&
         text.find_first_of(", \t") == std::string::npos;
}

Digest FromHex(const std::string& text) {
  Digest digest;
  for (size_t i = 0; i < digest.size(); ++i) {
    digest[i] =
        static_cast<uint8_t>(std::stoi(text.substr(2 * i, 2), nullptr, 16));
  }
  return digest;
}

}  // namespace

Mapped MapIdentity(const std::string& source_namespace,
                   const std::string& raw) {
  const std::string name = Lower(source_namespace);
  const std::string value = Trim(raw);
  const bool any = name == "pinterest_audience";
  Mapped mapped;
  if (!any && name != "email" && name != "email_lc_sha256" && name != "gaid" &&
      name != "idfa") {
    mapped.excluded = true;
    return mapped;
  }
  const auto is = [&](const Digest& record) {
    mapped.record = record;
    mapped.exits.push_back(record);
  };
  if (IsSha256(value)) {
    is(FromHex(value));
  } else if ((any || name == "email") && IsAddress(value)) {
    is(Sha256(Lower(value)));
  } else if ((any || name == "gaid" || name == "idfa") && IsDeviceId(value)) {
    // Where the kind is lost, an Apple ID is what has capitals only. What
    // leaves, leaves in both cases: it may have come under another namespace.
    const bool apple = any ? value == Upper(value) : name == "idfa";
    mapped.record = Sha256(apple ? Upper(value) : Lower(value));
    mapped.exits = {Sha256(Lower(value)), Sha256(Upper(value))};
  }
  return mapped;
}

void Oracle::Take(const ProfileLine& line) {
  ++counts_.profiles;
  const int64_t memberships = static_cast<int64_t>(line.memberships.size());
  counts_.memberships += memberships;
  for (const LineIdentity& identity : line.identities) {
    ++counts_.identities;
    counts_.units += memberships;
    const Mapped mapped =
        MapIdentity(identity.source_namespace, identity.value);
    if (mapped.excluded) {
      ++counts_.excluded_identities;
      counts_.excluded_units += memberships;
    } else if (!mapped.record.has_value()) {
      ++counts_.rejected_identities;
      counts_.rejected_units += memberships;
    }
    if (!mapped.record.has_value()) continue;
    for (const LineMembership& membership : line.memberships) {
      auto& list = lists_[membership.segment];
      if (membership.status == "exited") {
        for (const Digest& record : mapped.exits) list.erase(record);
      } else {
        list.insert(*mapped.record);
      }
    }
  }
}

std::vector<std::string> Oracle::Records(int segment) const {
  std::vector<std::string> records;
  records.reserve(lists_[segment].size());
  for (const Digest& record : lists_[segment]) records.push_back(ToHex(record));
  std::sort(records.begin(), records.end());
  return records;
}

}  // namespace generator
