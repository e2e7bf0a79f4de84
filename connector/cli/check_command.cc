#include <vector>

#include "absl/flags/flag.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "connector/cli/ad_account_argument.h"
#include "connector/cli/commands.h"
#include "connector/cli/config_file.h"
#include "connector/cli/exit_code.h"
#include "connector/cli/flags.h"
#include "connector/cli/rpc_error.h"
#include "connector/cli/table.h"
#include "nlohmann/json.hpp"

namespace connector::cli {
namespace {

using audience_sync::v1::CheckDestinationRequest;
using audience_sync::v1::CheckDestinationResponse;
using audience_sync::v1::CheckResult;

std::string OutcomeName(audience_sync::v1::CheckOutcome outcome) {
  const std::string name = audience_sync::v1::CheckOutcome_Name(outcome);
  return std::string(absl::StripPrefix(name, "CHECK_OUTCOME_"));
}

// What is to be checked: the stored destination, or those of a file.
absl::StatusOr<std::vector<CheckDestinationRequest>> Requests(
    const std::string& argument) {
  std::vector<CheckDestinationRequest> requests;
  if (IsAdAccountId(argument)) {
    requests.emplace_back().set_ad_account_id(argument);
  } else {
    auto destinations = ReadDestinationsFile(argument);
    if (!destinations.ok()) return destinations.status();
    for (auto& destination : *destinations) {
      *requests.emplace_back().mutable_destination() = std::move(destination);
    }
    if (requests.empty()) {
      return absl::InvalidArgumentError(
          absl::StrCat(argument, ": has no destination to check"));
    }
  }
  for (CheckDestinationRequest& request : requests) {
    request.set_offline(absl::GetFlag(FLAGS_offline));
  }
  return requests;
}

int Run(CommandContext& context) {
  auto requests = Requests(context.arguments()[0]);
  if (!requests.ok()) return context.Fail(kExitUsage, requests.status());
  bool failed = false;
  nlohmann::ordered_json documents = nlohmann::ordered_json::array();
  for (const CheckDestinationRequest& request : *requests) {
    CheckDestinationResponse response;
    if (absl::Status s = context.Call(&CommandContext::Stub::CheckDestination,
                                      request, response);
        !s.ok()) {
      return context.FailCall(s);
    }
    const std::string& id = request.has_destination()
                                ? request.destination().ad_account_id()
                                : request.ad_account_id();
    Table table({{"CHECK"}, {"OUTCOME"}, {"WHY"}});
    for (const CheckResult& result : response.results()) {
      failed =
          failed || result.outcome() == audience_sync::v1::CHECK_OUTCOME_FAILED;
      table.AddRow({result.check_id(), OutcomeName(result.outcome()),
                    ErrorLine(result.status())});
    }
    if (context.json()) {
      nlohmann::ordered_json document = ToJson(response);
      document["adAccountId"] = id;
      documents.push_back(std::move(document));
    } else {
      context.Print(absl::StrCat("destination ", Printable(id), "\n",
                                 table.Render(), "\n"));
    }
  }
  if (context.json()) {
    context.PrintJson(nlohmann::ordered_json{{"passed", !failed},
                                             {"destinations", documents}});
  } else {
    context.Print(failed ? "a check failed\n" : "all checks passed\n");
  }
  return failed ? kExitCheckFailed : kExitOk;
}

}  // namespace

Command CheckCommand() {
  return {"check",
          "AD_ACCOUNT_ID | FILE",
          "Runs named checks against a stored destination, or against those of "
          "a file (a Destination or a ConnectorConfig, protobuf text or JSON).",
          {"offline"},
          1,
          1,
          Run};
}

}  // namespace connector::cli
