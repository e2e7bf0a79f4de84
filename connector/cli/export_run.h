#ifndef CONNECTOR_CLI_EXPORT_RUN_H_
#define CONNECTOR_CLI_EXPORT_RUN_H_

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "audience_sync/v1/destination_service.pb.h"
#include "connector/cli/command.h"
#include "connector/cli/export_input.h"
#include "connector/cli/progress.h"

namespace connector::cli {

// Reads the input to its end in batches, as ReadExport does.
using ExportReader = std::function<absl::Status(
    const ExportInput&, const ExportReading&,
    const std::function<absl::Status(std::unique_ptr<Batch>)>& send,
    const std::function<void(const absl::Status&)>& bad_line,
    ReadingTally& tally, bool& is_input_error)>;

// What `export` and `import` send.
struct ExportJob {
  ExportInput input;
  ProgressMode mode;
  // What decides the batches besides the content and the flags of batches.
  std::vector<std::string> key;
  ExportReader read;
  // Segments whose complete membership the input is.
  std::vector<audience_sync::v1::SegmentName> full_syncs;
};

// Checks the flags that both have; an exit code if one of them is wrong.
std::optional<int> CheckExportFlags(
    CommandContext& context, ProgressMode* mode,
    std::vector<audience_sync::v1::SegmentName>* full_syncs);

// Sends it all as one export, takes up an unfinished one of the same key and
// content, and reports. Returns the exit code.
int RunExport(CommandContext& context, ExportJob job);

}  // namespace connector::cli

#endif  // CONNECTOR_CLI_EXPORT_RUN_H_
