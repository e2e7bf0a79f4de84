#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/strip.h"
#include "connector/cli/commands.h"
#include "connector/cli/exit_code.h"
#include "connector/cli/humanize.h"
#include "connector/cli/table.h"

namespace connector::cli {
namespace {

using audience_sync::v1::GetSpecRequest;
using audience_sync::v1::GetSpecResponse;

int Run(CommandContext& context) {
  GetSpecResponse spec;
  if (absl::Status s =
          context.Call(&CommandContext::Stub::GetSpec, GetSpecRequest(), spec);
      !s.ok()) {
    return context.FailCall(s);
  }
  if (context.json()) {
    context.PrintJson(spec);
    return kExitOk;
  }
  context.Print(Printable(absl::StrCat(spec.connector_name(), " ",
                                       spec.connector_version())) +
                "\n");
  context.Print(
      Printable(absl::StrCat("capabilities: ",
                             absl::StrJoin(spec.capabilities(), " "))) +
      "\n\n");
  Table table({{"NAMESPACE"}, {"KIND"}, {"FIELD"}, {"TRANSFORMATIONS"}});
  for (const auto& row : spec.mapping_specs()) {
    const std::string kind =
        audience_sync::v1::IdentityKind_Name(row.row().kind());
    table.AddRow({row.row().source_namespace(),
                  std::string(absl::StripPrefix(kind, "IDENTITY_KIND_")),
                  row.target_field(),
                  absl::StrJoin(row.transformations(), ", ")});
  }
  context.Print(table.Render());
  const auto& limits = spec.export_limits();
  context.Print(absl::StrCat(
      "\nlimits of an export: ", Grouped(limits.max_batch_profiles()),
      " profiles a batch, ", HumanBytes(limits.max_frame_bytes()), " a frame, ",
      HumanBytes(limits.max_unacknowledged_bytes()), " unacknowledged\n"));
  return kExitOk;
}

}  // namespace

Command SpecCommand() {
  return {"spec", "", "Shows what the connector is and can do.", {}, 0, 0, Run};
}

}  // namespace connector::cli
