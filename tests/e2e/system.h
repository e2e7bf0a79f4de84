#ifndef TESTS_E2E_SYSTEM_H_
#define TESTS_E2E_SYSTEM_H_

#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "nlohmann/json.hpp"
#include "tests/e2e/process.h"

namespace e2e {

// The built programs together: a simulated Pinterest, the connector, and the
// command line, in a directory of the test's own.
class System {
 public:
  static constexpr char kAdAccount[] = "549755885175";

  struct Options {
    // The destinations, all with one credential.
    std::vector<std::string> ad_accounts = {kAdAccount};
    int max_request_records = 10'000;
    // Where the credential's token comes from; the files are in credentials/.
    std::string token_source = "access_token_file: \"token\"";
    std::map<std::string, std::string> credential_files;
    std::vector<std::string> simulator_flags;
    std::vector<std::string> connector_flags;
    // The program, and what its environment holds besides; `directory` in a
    // value stands for the system's own.
    std::string connector = "connector/server/audience_connector";
    std::map<std::string, std::string> connector_environment;
    // The text of a destination's delivery policy in place of the usual one, by
    // ad account.
    std::map<std::string, std::string> delivery_policies;
    // The text of all destinations in place of the usual one.
    std::string destinations;
    // What stands in each destination besides.
    std::string destination_text =
        "audience_policy { no_customer_list_audiences: true }";
  };

  explicit System(Options options);
  System() : System(Options()) {}
  ~System();

  // The connector; on the same state when started again. A start that does not
  // come to serving fails the test.
  void StartConnector();
  // False instead.
  bool TryStartConnector();
  Process& connector() { return *connector_; }
  Process& simulator() { return *simulator_; }

  // audiencectl with these arguments.
  Output Ctl(std::vector<std::string> arguments);
  // The same in the background.
  std::unique_ptr<Process> StartCtl(std::vector<std::string> arguments,
                                    const std::string& output_file);
  // Exports lines of JSON and waits until all is delivered; fails the test if
  // that does not work.
  void ExportAndDrain(const std::string& file);
  // The same, but nothing is delivered before all is durable: on a slow machine
  // an export may otherwise be met by a pass half-way, which is right and costs
  // calls.
  void ExportAtOnceAndDrain(const std::string& file);
  // Writes lines of JSON to a file and returns its path.
  std::string WriteExport(const std::string& name,
                          const std::vector<nlohmann::json>& profiles);

  // The simulator: a GET or POST of its inspection.
  nlohmann::json Inspect(const std::string& path);
  void Control(const std::string& path, const nlohmann::json& body);
  // A request of somebody else's, below /v5.
  void PatchAtPinterest(const std::string& path, const nlohmann::json& body);
  // Records by list name; a second list of one name fails the test.
  std::map<std::string, std::vector<std::string>> Lists(
      const std::string& ad_account = kAdAccount);
  // Requests seen with this method.
  int RequestCount(const std::string& method);
  void ClearRequests();
  void ClearFaults();

  const std::string& directory() const { return directory_; }
  std::string state_directory() const { return directory_ + "/state"; }
  std::string base_url() const { return base_url_; }
  // Where the HTTP edge listens, if a flag asks for one.
  std::string http_address();
  // Where gRPC finds the connector.
  std::string address() const {
    return "unix:" + directory_ + "/run/connector.sock";
  }

  // A profile in the platform's own shape.
  static nlohmann::json Profile(
      const std::map<std::string, std::vector<std::string>>& identities,
      const std::map<std::string, std::string>& memberships);
  // The SHA-256 of a text, in hex: what an address becomes.
  static std::string Sha256(const std::string& text);
  static std::string Name(const std::string& segment) {
    return "cdp/ups/" + segment;
  }

 private:
  const Options options_;
  std::string directory_;
  std::string base_url_;
  int simulator_port_ = 0;
  std::unique_ptr<Process> simulator_;
  std::unique_ptr<Process> proxy_;
  std::unique_ptr<Process> connector_;
};

// A program or file of the project, as the test finds it.
std::string Runfile(const std::string& path);

}  // namespace e2e

#endif  // TESTS_E2E_SYSTEM_H_
