#include "connector/cli/import_preview.h"

#include <algorithm>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "audience_sync/v1/profile_export.pb.h"
#include "connector/cli/humanize.h"
#include "connector/cli/table.h"
#include "nlohmann/json.hpp"

namespace connector::cli {
namespace {

using identity_mapping::FormsFor;
using identity_mapping::RejectionReason;
using identity_mapping::RejectionReasonName;

// Names that are told apart; a file may hold anything.
constexpr size_t kMaxNames = 1000;
constexpr char kOthers[] = "(others)";

std::string SegmentKey(absl::string_view segment_namespace,
                       absl::string_view id) {
  return absl::StrCat(segment_namespace, absl::string_view("\0", 1), id);
}

// The key's namespace and id.
std::pair<std::string, std::string> SegmentOf(const std::string& key) {
  const size_t zero = key.find('\0');
  return {key.substr(0, zero), key.substr(zero + 1)};
}

}  // namespace

ImportPreview::Namespace& ImportPreview::FindNamespace(absl::string_view name) {
  auto found = namespaces_.find(name);
  if (found != namespaces_.end()) return found->second;
  const bool known = source_.mapping->FindRow(name) >= 0;
  if (!known && namespaces_.size() >= kMaxNames) name = kOthers;
  Namespace& entry = namespaces_[std::string(name)];
  entry.row = source_.mapping->FindRow(name);
  for (const auto& row : source_.rows.rows()) {
    if (absl::EqualsIgnoreCase(row.source_namespace(), name)) {
      entry.kind = std::string(absl::StripPrefix(
          audience_sync::v1::IdentityKind_Name(row.kind()), "IDENTITY_KIND_"));
    }
  }
  return entry;
}

absl::string_view ImportPreview::Refusal(
    const ParsedMembership& membership) const {
  if (membership.status == audience_sync::v1::MEMBERSHIP_STATUS_UNSPECIFIED) {
    return "STATUS_INVALID";
  }
  const absl::string_view segment_namespace =
      membership.segment_namespace.empty()
          ? absl::string_view(source_.policy.default_segment_namespace)
          : membership.segment_namespace;
  if (segment_namespace.empty() || membership.segment_id.empty()) {
    return "SEGMENT_INVALID";
  }
  if (!source_.policy.TakesSegmentNamespace(segment_namespace)) {
    return "SEGMENT_NAMESPACE_FILTERED";
  }
  return {};
}

void ImportPreview::Add(const ParsedProfile& profile) {
  ++profiles_;
  identities_ += static_cast<int64_t>(profile.identities.size());
  memberships_ += static_cast<int64_t>(profile.memberships.size());
  int64_t mapped = 0;
  for (const ParsedIdentity& identity : profile.identities) {
    Namespace& entry = FindNamespace(identity.source_namespace);
    ++entry.values;
    if (entry.row < 0) continue;
    RejectionReason reason;
    if (source_.mapping->Map(entry.row, identity.value, &mapped_, &reason,
                             FormsFor::kMember)) {
      ++entry.mapped;
      ++mapped;
    } else {
      ++entry.rejected;
      ++entry.reasons[reason];
    }
  }
  for (const ParsedMembership& membership : profile.memberships) {
    const absl::string_view refusal = Refusal(membership);
    if (!refusal.empty()) {
      auto known = refused_memberships_.find(refusal);
      if (known == refused_memberships_.end()) {
        known = refused_memberships_.emplace(std::string(refusal), 0).first;
      }
      ++known->second;
      continue;
    }
    segment_key_.assign(membership.segment_namespace.data(),
                        membership.segment_namespace.size());
    segment_key_.push_back('\0');
    segment_key_.append(membership.segment_id.data(),
                        membership.segment_id.size());
    auto segment = segments_.find(segment_key_);
    if (segment == segments_.end()) {
      if (segments_.size() >= kMaxNames) segment_key_ = SegmentKey("", kOthers);
      segment = segments_.emplace(segment_key_, Segment()).first;
    }
    (membership.status == audience_sync::v1::MEMBERSHIP_STATUS_EXITED
         ? segment->second.removals
         : segment->second.additions) += mapped;
  }
}

std::string ImportPreview::Text(const ReadingTally& reading) const {
  std::string text =
      absl::StrCat("dry run by ", source_.name, ": nothing is sent\n");
  Table totals({{"WHAT"}, {"COUNT", true}});
  totals.AddRow({"profiles", Grouped(profiles_)});
  totals.AddRow({"identities", Grouped(identities_)});
  totals.AddRow({"memberships", Grouped(memberships_)});
  for (const auto& [rule, count] : refused_memberships_) {
    totals.AddRow({absl::StrCat("  rejected: ", rule), Grouped(count)});
  }
  totals.AddRow({"bad lines", Grouped(reading.bad_lines)});
  if (reading.unreadable_times > 0) {
    totals.AddRow({"unreadable times", Grouped(reading.unreadable_times)});
  }
  absl::StrAppend(&text, totals.Render(), "\n");

  Table table({{"NAMESPACE"},
               {"KIND"},
               {"VALUES", true},
               {"SENT", true},
               {"REJECTED", true},
               {"EXCLUDED", true}});
  const std::map<std::string, Namespace> sorted(namespaces_.begin(),
                                                namespaces_.end());
  for (const auto& [name, entry] : sorted) {
    table.AddRow({Printable(name), entry.row < 0 ? "no row" : entry.kind,
                  Grouped(entry.values), Grouped(entry.mapped),
                  Grouped(entry.rejected), Grouped(entry.excluded())});
    for (const auto& [reason, count] : entry.reasons) {
      table.AddRow({absl::StrCat("  ", RejectionReasonName(reason)), "", "", "",
                    Grouped(count), ""});
    }
  }
  absl::StrAppend(&text, table.Render(), "\n");

  Table segments({{"SEGMENT"}, {"ADDITIONS", true}, {"REMOVALS", true}});
  const std::map<std::string, Segment> by_name(segments_.begin(),
                                               segments_.end());
  for (const auto& [key, counts] : by_name) {
    const auto [segment_namespace, id] = SegmentOf(key);
    segments.AddRow({Printable(absl::StrCat(segment_namespace, "/", id)),
                     Grouped(counts.additions), Grouped(counts.removals)});
  }
  absl::StrAppend(&text, segments.Render());
  return text;
}

nlohmann::ordered_json ImportPreview::Json(const ReadingTally& reading) const {
  nlohmann::ordered_json json{
      {"dryRun", true},
      {"mapping", source_.name},
      {"profiles", profiles_},
      {"identities", identities_},
      {"memberships", memberships_},
      {"badLines", reading.bad_lines},
      {"unreadableTimes", reading.unreadable_times},
      {"rejectedMemberships", nlohmann::ordered_json::object()},
      {"namespaces", nlohmann::ordered_json::array()},
      {"segments", nlohmann::ordered_json::array()}};
  for (const auto& [rule, count] : refused_memberships_) {
    json["rejectedMemberships"][rule] = count;
  }
  const std::map<std::string, Namespace> sorted(namespaces_.begin(),
                                                namespaces_.end());
  for (const auto& [name, entry] : sorted) {
    nlohmann::ordered_json out{{"namespace", name},
                               {"kind", entry.kind},
                               {"values", entry.values},
                               {"sent", entry.mapped},
                               {"rejected", entry.rejected},
                               {"excluded", entry.excluded()},
                               {"byReason", nlohmann::ordered_json::object()}};
    for (const auto& [reason, count] : entry.reasons) {
      out["byReason"][std::string(RejectionReasonName(reason))] = count;
    }
    json["namespaces"].push_back(std::move(out));
  }
  const std::map<std::string, Segment> by_name(segments_.begin(),
                                               segments_.end());
  for (const auto& [key, counts] : by_name) {
    const auto [segment_namespace, id] = SegmentOf(key);
    json["segments"].push_back({{"segmentNamespace", segment_namespace},
                                {"segmentId", id},
                                {"additions", counts.additions},
                                {"removals", counts.removals}});
  }
  return json;
}

}  // namespace connector::cli
