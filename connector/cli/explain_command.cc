#include <string>
#include <vector>

#include "absl/flags/flag.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "connector/cli/ad_account_argument.h"
#include "connector/cli/commands.h"
#include "connector/cli/exit_code.h"
#include "connector/cli/flags.h"
#include "connector/cli/mapping_source.h"
#include "connector/cli/table.h"
#include "identity_mapping/mapping.h"
#include "nlohmann/json.hpp"

namespace connector::cli {
namespace {

using identity_mapping::MappedIdentity;
using identity_mapping::MappingTrace;
using identity_mapping::RecordView;
using identity_mapping::RejectionReason;
using identity_mapping::RejectionReasonName;
using identity_mapping::TracedForm;
using identity_mapping::TraceStep;
using nlohmann::ordered_json;

// Longer values are refused by the mapping, whatever they hold.
constexpr size_t kMaxValue = 64 << 10;

constexpr char kLostKind[] = "pinterest_audience";

std::string WireText(RecordView record) {
  std::string text;
  record.AppendWireText(&text);
  return text;
}

// A line of standard input without its line end.
std::string ReadValue(FILE* in) {
  std::string value;
  for (int c = fgetc(in); c != EOF && c != '\n' && value.size() < kMaxValue;
       c = fgetc(in)) {
    value.push_back(static_cast<char>(c));
  }
  if (!value.empty() && value.back() == '\r') value.pop_back();
  return value;
}

absl::string_view UseName(TracedForm::Use use) {
  switch (use) {
    case TracedForm::Use::kToday:
      return "today";
    case TracedForm::Use::kFormer:
      return "former mapping";
    case TracedForm::Use::kTwin:
      return "other case";
  }
  return "";
}

std::string StepsText(const std::vector<TraceStep>& steps) {
  std::string text;
  for (const TraceStep& step : steps) {
    absl::StrAppend(&text, "  ", step.rule);
    if (!step.text.empty()) {
      absl::StrAppend(&text, ": ", Printable(step.text));
    }
    text += '\n';
  }
  return text;
}

ordered_json StepsJson(const std::vector<TraceStep>& steps) {
  ordered_json json = ordered_json::array();
  for (const TraceStep& step : steps) {
    ordered_json out{{"rule", step.rule}};
    if (!step.text.empty()) out["value"] = step.text;
    json.push_back(std::move(out));
  }
  return json;
}

// What became of one value.
struct Explanation {
  std::string mapping;
  std::string source_namespace;
  bool has_row = true;
  // Only former mappings have a row for the namespace.
  bool retired = false;
  bool mapped = false;
  RejectionReason reason = RejectionReason::kEmpty;
  MappedIdentity identity;
  MappingTrace trace;
};

std::string OutcomeOf(const Explanation& e) {
  // As intake counts it: a namespace that only former mappings have is
  // excluded, whatever its value is.
  if (!e.has_row || e.retired) return "EXCLUDED";
  return e.mapped ? "MAPPED" : std::string(RejectionReasonName(e.reason));
}

// All that an exit removes, with what each is.
std::vector<std::pair<std::string, absl::string_view>> ExitForms(
    const Explanation& e) {
  std::vector<std::pair<std::string, absl::string_view>> forms;
  if (e.mapped) forms.emplace_back(WireText(e.identity.primary), "today's");
  for (const auto& record : e.identity.former_forms) {
    forms.emplace_back(WireText(record), "of a former mapping");
  }
  for (const auto& record : e.identity.twin_forms) {
    forms.emplace_back(WireText(record), "the same device id in another case");
  }
  return forms;
}

std::string TextOf(const Explanation& e) {
  std::string text = absl::StrCat("by ", e.mapping, ", namespace ",
                                  Printable(e.source_namespace), "\n");
  if (!e.has_row) {
    return absl::StrCat(text,
                        "EXCLUDED: the mapping has no row for the namespace; "
                        "that is counted, and no error\n");
  }
  absl::StrAppend(&text, "every value:\n", StepsText(e.trace.value_steps));
  for (const TracedForm& form : e.trace.forms) {
    absl::StrAppend(&text, UseName(form.use),
                    form.kind.empty() ? "" : absl::StrCat(", kind ", form.kind),
                    ":\n", StepsText(form.steps));
    if (form.record.has_value()) {
      absl::StrAppend(&text, "  record: ", WireText(*form.record),
                      form.repeated ? " (the same as above)" : "", "\n");
    } else {
      absl::StrAppend(&text, "  refused: ", RejectionReasonName(*form.reason),
                      "\n");
    }
  }
  absl::StrAppend(&text, OutcomeOf(e));
  if (e.retired) {
    text +=
        ": only a former mapping has a row for the namespace; a member event "
        "is counted, and no error\n";
  } else if (e.mapped) {
    absl::StrAppend(&text, ": a member event adds ",
                    WireText(e.identity.primary), "\n");
  } else {
    text += ": a member event is rejected\n";
  }
  const auto forms = ExitForms(e);
  text += forms.empty() ? "an exit removes nothing\n" : "an exit removes\n";
  for (const auto& [record, what] : forms) {
    absl::StrAppend(&text, "  ", record, "  ", what, "\n");
  }
  return text;
}

ordered_json JsonOf(const Explanation& e) {
  ordered_json json{{"mapping", e.mapping},
                    {"namespace", e.source_namespace},
                    {"outcome", OutcomeOf(e)}};
  if (e.mapped) json["record"] = WireText(e.identity.primary);
  json["steps"] = StepsJson(e.trace.value_steps);
  json["forms"] = ordered_json::array();
  for (const TracedForm& form : e.trace.forms) {
    ordered_json out{{"use", std::string(UseName(form.use))}};
    if (!form.kind.empty()) out["kind"] = form.kind;
    out["steps"] = StepsJson(form.steps);
    if (form.record.has_value()) {
      out["record"] = WireText(*form.record);
      out["repeated"] = form.repeated;
    } else {
      out["reason"] = std::string(RejectionReasonName(*form.reason));
    }
    json["forms"].push_back(std::move(out));
  }
  json["exitRemoves"] = ordered_json::array();
  for (const auto& [record, what] : ExitForms(e)) {
    json["exitRemoves"].push_back(record);
  }
  return json;
}

int Run(CommandContext& context) {
  const std::string ad_account_id = absl::GetFlag(FLAGS_ad_account_id);
  MappingSource source = DefaultMapping();
  if (!ad_account_id.empty()) {
    if (!IsAdAccountId(ad_account_id)) {
      return context.FailUsage(
          "--ad_account_id must be 1 to 18 digits, the first of them not 0");
    }
    absl::StatusOr<MappingSource> fetched =
        FetchMapping(context, ad_account_id);
    if (!fetched.ok()) return context.FailCall(fetched.status());
    source = *std::move(fetched);
  }
  Explanation e;
  e.mapping = source.name;
  e.source_namespace = absl::GetFlag(FLAGS_namespace);
  if (e.source_namespace.empty()) {
    if (source.rows.rows_size() == 1) {
      e.source_namespace = source.rows.rows(0).source_namespace();
    } else if (source.mapping->FindRow(kLostKind) >= 0) {
      // Tells the kinds apart by their form.
      e.source_namespace = kLostKind;
    } else {
      std::vector<std::string> names;
      for (const auto& row : source.rows.rows()) {
        names.push_back(row.source_namespace());
      }
      return context.FailUsage(
          absl::StrCat("--namespace must say which row is meant: ",
                       absl::StrJoin(names, ", ")));
    }
  }
  int row = source.mapping->FindRow(e.source_namespace);
  if (row < 0) {
    row = source.mapping->FindRetiredRow(e.source_namespace);
    e.retired = row >= 0;
  }
  e.has_row = row >= 0;
  const std::string value = context.arguments()[0] == "-"
                                ? ReadValue(context.environment().in)
                                : context.arguments()[0];
  if (e.has_row) {
    e.mapped =
        source.mapping->Explain(row, value, &e.identity, &e.reason, &e.trace);
  }
  if (context.json()) {
    context.PrintJson(JsonOf(e));
  } else {
    context.Print(TextOf(e));
  }
  return kExitOk;
}

}  // namespace

Command ExplainCommand() {
  return {"explain",
          "VALUE",
          "Shows step by step what becomes of an identity's value (- reads it "
          "from standard input); it is sent nowhere.",
          {"namespace", "ad_account_id"},
          1,
          1,
          Run};
}

}  // namespace connector::cli
