#ifndef TESTDATA_GENERATOR_PROFILE_LINE_H_
#define TESTDATA_GENERATOR_PROFILE_LINE_H_

#include <string>
#include <vector>

namespace generator {

struct LineIdentity {
  std::string source_namespace;
  std::string value;
};

struct LineMembership {
  // Index of the segment.
  int segment = 0;
  // As it stands in the export: "realized".
  std::string status;
  // As it stands in the export.
  std::string time;
};

// One profile as one line of an export.
struct ProfileLine {
  std::vector<LineIdentity> identities;
  std::vector<LineMembership> memberships;
};

struct SegmentKey {
  std::string segment_namespace;
  std::string id;
  std::string name;
};

// The segment of an index: mostly of the platform's own service, each fourth
// uploaded, whose IDs are no UUIDs.
SegmentKey SegmentOf(int index);

// The line as JSON in the platform's shape, ended by a line feed, appended to
// `out`.
void AppendJson(const ProfileLine& line, std::string& out);

}  // namespace generator

#endif  // TESTDATA_GENERATOR_PROFILE_LINE_H_
