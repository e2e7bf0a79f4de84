#include "testdata/generator/profile_line.h"

#include <cstdio>

namespace generator {
namespace {

void AppendString(const std::string& text, std::string& out) {
  out += '"';
  for (char c : text) {
    const unsigned char byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (byte < 0x20) {
      char escape[8];
      snprintf(escape, sizeof(escape), "\\u%04x", byte);
      out += escape;
    } else {
      out += c;
    }
  }
  out += '"';
}

// Groups what belongs to one key, in the order of the keys' first use.
template <typename Item, typename KeyOf>
std::vector<std::string> KeysOf(const std::vector<Item>& items, KeyOf key_of) {
  std::vector<std::string> keys;
  for (const Item& item : items) {
    const std::string key = key_of(item);
    bool known = false;
    for (const std::string& other : keys) known = known || other == key;
    if (!known) keys.push_back(key);
  }
  return keys;
}

}  // namespace

SegmentKey SegmentOf(int index) {
  char id[64];
  SegmentKey key;
  if (index % 4 == 3) {
    key.segment_namespace = "CustomerAudienceUpload";
    snprintf(id, sizeof(id), "upload-%d", index);
  } else {
    key.segment_namespace = "ups";
    snprintf(id, sizeof(id), "b6e0c1d2-0a1b-4c3d-8e4f-%012d", index);
  }
  key.id = id;
  key.name = "Segment " + std::to_string(index);
  return key;
}

void AppendJson(const ProfileLine& line, std::string& out) {
  out += "{\"segmentMembership\":{";
  const auto namespace_of = [](const LineMembership& membership) {
    return SegmentOf(membership.segment).segment_namespace;
  };
  bool first_namespace = true;
  for (const std::string& name : KeysOf(line.memberships, namespace_of)) {
    if (!first_namespace) out += ',';
    first_namespace = false;
    AppendString(name, out);
    out += ":{";
    bool first = true;
    for (const LineMembership& membership : line.memberships) {
      const SegmentKey segment = SegmentOf(membership.segment);
      if (segment.segment_namespace != name) continue;
      if (!first) out += ',';
      first = false;
      AppendString(segment.id, out);
      out += ":{\"lastQualificationTime\":";
      AppendString(membership.time, out);
      out += ",\"name\":";
      AppendString(segment.name, out);
      out += ",\"status\":";
      AppendString(membership.status, out);
      out += '}';
    }
    out += '}';
  }
  out += "},\"identityMap\":{";
  const auto source_of = [](const LineIdentity& identity) {
    return identity.source_namespace;
  };
  bool first_source = true;
  for (const std::string& name : KeysOf(line.identities, source_of)) {
    if (!first_source) out += ',';
    first_source = false;
    AppendString(name, out);
    out += ":[";
    bool first = true;
    for (const LineIdentity& identity : line.identities) {
      if (identity.source_namespace != name) continue;
      if (!first) out += ',';
      first = false;
      out += "{\"id\":";
      AppendString(identity.value, out);
      out += '}';
    }
    out += ']';
  }
  out += "},\"attributes\":{}}\n";
}

}  // namespace generator
