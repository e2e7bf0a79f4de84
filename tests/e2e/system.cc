#include "tests/e2e/system.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"
#include "absl/time/clock.h"
#include "gtest/gtest.h"
#include "httplib.h"
#include "openssl/evp.h"

namespace e2e {
namespace {

using nlohmann::json;

// Sockets have short names, and the test's own directory has a long one.
std::string MakeDirectory() {
  char name[] = "/tmp/e2e-XXXXXX";
  if (mkdtemp(name) == nullptr) std::abort();
  return name;
}

// A port that nobody listens on just now.
int FreePort() {
  const int fd = socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address = {};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  bind(fd, reinterpret_cast<sockaddr*>(&address), size);
  getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size);
  close(fd);
  return ntohs(address.sin_port);
}

}  // namespace

std::string Runfile(const std::string& path) {
  return absl::StrCat(std::getenv("TEST_SRCDIR"), "/",
                      std::getenv("TEST_WORKSPACE"), "/", path);
}

System::System(Options options)
    : options_(std::move(options)), directory_(MakeDirectory()) {
  std::vector<std::string> command = {Runfile("simulator/pinterest_simulator"),
                                      "--port=0", "--token=pina_e2e",
                                      "--rate_limits=off"};
  for (const std::string& flag : options_.simulator_flags) {
    command.push_back(flag);
  }
  simulator_ = Process::Start(command, directory_ + "/simulator.log");
  const std::string port = simulator_->AwaitLine("listening on 127.0.0.1:");
  EXPECT_NE(port, "") << ReadFile(directory_ + "/simulator.log");
  simulator_port_ = std::atoi(port.c_str());
  base_url_ = absl::StrCat("http://127.0.0.1:", port, "/v5");

  // A validating proxy in between, if asked for (tools/check_requests.sh).
  if (const char* prism = std::getenv("PRISM"); prism != nullptr) {
    const std::string proxy = absl::StrCat(FreePort());
    proxy_ = Process::Start(
        {"/bin/sh", "-c",
         absl::StrCat("exec ", prism, " proxy --errors -h 127.0.0.1 -p ", proxy,
                      " ", Runfile("testdata/pinterest/openapi.json"), " ",
                      base_url_)},
        directory_ + "/prism.log");
    const absl::Time deadline = absl::Now() + absl::Seconds(60);
    while (absl::Now() < deadline &&
           !absl::StrContains(ReadFile(directory_ + "/prism.log"),
                              "Prism is listening")) {
      absl::SleepFor(absl::Milliseconds(50));
    }
    EXPECT_TRUE(absl::StrContains(ReadFile(directory_ + "/prism.log"),
                                  "Prism is listening"));
    base_url_ = absl::StrCat("http://127.0.0.1:", proxy);
  }

  mkdir((directory_ + "/credentials").c_str(), 0700);
  mkdir((directory_ + "/run").c_str(), 0700);
  WriteFile(directory_ + "/credentials/token", "pina_e2e\n");
  chmod((directory_ + "/credentials/token").c_str(), 0600);
  for (const auto& [name, content] : options_.credential_files) {
    const std::string path = directory_ + "/credentials/" + name;
    WriteFile(path, content);
    chmod(path.c_str(), 0600);
  }
  std::string config = absl::StrCat(R"(
credentials {
  credential_id: "main"
  )",
                                    options_.token_source, R"(
  rate_limits { unlimited: true }
}
)");
  config += options_.destinations;
  for (const std::string& account : options_.ad_accounts) {
    if (!options_.destinations.empty()) break;
    const auto policy = options_.delivery_policies.find(account);
    absl::StrAppend(
        &config, "destinations {\n  ad_account_id: \"", account, R"("
  display_name: "End to end"
  credential_id: "main"
  delivery_policy {
)",
        policy != options_.delivery_policies.end()
            ? policy->second
            : absl::StrCat(
                  "    max_request_records: ", options_.max_request_records, R"(
    max_delay { nanos: 200000000 }
    creation_lookup_window { seconds: 1 }
)"),
        "  }\n", options_.destination_text, "\n}\n");
  }
  WriteFile(directory_ + "/config.textproto", config);
  StartConnector();
}

System::~System() {
  connector_.reset();
  proxy_.reset();
  simulator_.reset();
  if (!testing::Test::HasFailure()) {
    RunProgram({"/bin/rm", "-rf", directory_});
  } else {
    fprintf(stderr, "%s\n", ReadFile(directory_ + "/connector.log").c_str());
    fprintf(stderr, "kept: %s\n", directory_.c_str());
  }
}

void System::StartConnector() {
  EXPECT_TRUE(TryStartConnector()) << ReadFile(directory_ + "/connector.log");
}

bool System::TryStartConnector() {
  std::vector<std::string> command = {
      Runfile(options_.connector),
      "--config=" + directory_ + "/config.textproto",
      "--listen=unix:" + directory_ + "/run/connector.sock",
      "--state_dir=" + state_directory(),
      "--credentials_dir=" + directory_ + "/credentials",
      "--pinterest_base_url=" + base_url_};
  for (const std::string& flag : options_.connector_flags) {
    command.push_back(flag);
  }
  std::map<std::string, std::string> environment;
  for (const auto& [name, value] : options_.connector_environment) {
    environment[name] = absl::StrReplaceAll(value, {{"directory", directory_}});
  }
  connector_ =
      Process::Start(command, directory_ + "/connector.log", environment);
  return !connector_->AwaitLine("listening on ").empty();
}

std::unique_ptr<Process> System::StartCtl(std::vector<std::string> arguments,
                                          const std::string& output_file) {
  std::vector<std::string> command = {
      Runfile("connector/cli/audiencectl"),
      "--address=unix:" + directory_ + "/run/connector.sock"};
  for (std::string& argument : arguments) {
    command.push_back(std::move(argument));
  }
  return Process::Start(command, output_file,
                        {{"XDG_STATE_HOME", directory_ + "/ctl-state"}});
}

std::string System::http_address() {
  return connector_->AwaitLine("http listening on ");
}

Output System::Ctl(std::vector<std::string> arguments) {
  const std::string file =
      absl::StrCat(directory_, "/ctl-", absl::GetCurrentTimeNanos(), ".log");
  auto process = StartCtl(std::move(arguments), file);
  Output output;
  output.exit_code = process->Wait();
  output.text = ReadFile(file);
  return output;
}

void System::ExportAndDrain(const std::string& file) {
  Output exported =
      Ctl({"export", absl::StrCat("--ad_account_id=", kAdAccount), file});
  ASSERT_EQ(exported.exit_code, 0) << exported.text;
  Output drained = Ctl({"drain", kAdAccount, "--timeout=60s"});
  ASSERT_EQ(drained.exit_code, 0) << drained.text;
}

void System::ExportAtOnceAndDrain(const std::string& file) {
  ASSERT_EQ(Ctl({"pause", kAdAccount}).exit_code, 0);
  Output exported =
      Ctl({"export", absl::StrCat("--ad_account_id=", kAdAccount), file});
  ASSERT_EQ(exported.exit_code, 0) << exported.text;
  ASSERT_EQ(Ctl({"resume", kAdAccount}).exit_code, 0);
  Output drained = Ctl({"drain", kAdAccount, "--timeout=60s"});
  ASSERT_EQ(drained.exit_code, 0) << drained.text;
}

std::string System::WriteExport(const std::string& name,
                                const std::vector<json>& profiles) {
  const std::string path = directory_ + "/" + name;
  std::string lines;
  for (const json& profile : profiles) {
    absl::StrAppend(&lines, profile.dump(), "\n");
  }
  WriteFile(path, lines);
  return path;
}

json System::Inspect(const std::string& path) {
  httplib::Client client("127.0.0.1", simulator_port_);
  client.set_read_timeout(60);
  auto answer = client.Get(("/_simulator/" + path).c_str());
  if (!answer) {
    ADD_FAILURE() << "the simulator does not answer";
    return {};
  }
  EXPECT_EQ(answer->status, 200) << path << " " << answer->body;
  return json::parse(answer->body, nullptr, false);
}

void System::Control(const std::string& path, const json& body) {
  httplib::Client client("127.0.0.1", simulator_port_);
  auto answer = client.Post(("/_simulator/" + path).c_str(), body.dump(),
                            "application/json");
  ASSERT_TRUE(static_cast<bool>(answer));
  ASSERT_LT(answer->status, 300) << answer->body;
}

void System::PatchAtPinterest(const std::string& path, const json& body) {
  httplib::Client client("127.0.0.1", simulator_port_);
  const httplib::Headers headers = {{"Authorization", "Bearer pina_e2e"}};
  auto answer = client.Patch(("/v5" + path).c_str(), headers, body.dump(),
                             "application/json");
  ASSERT_TRUE(static_cast<bool>(answer));
  ASSERT_EQ(answer->status, 200) << answer->body;
}

std::map<std::string, std::vector<std::string>> System::Lists(
    const std::string& ad_account) {
  std::map<std::string, std::vector<std::string>> lists;
  const json body =
      Inspect(absl::StrCat("ad_accounts/", ad_account, "/customer_lists"));
  for (const json& list : body.at("customer_lists")) {
    const std::string name = list.at("name");
    EXPECT_EQ(lists.count(name), 0u) << "two lists of the name " << name;
    lists[name] = list.at("records").get<std::vector<std::string>>();
  }
  return lists;
}

int System::RequestCount(const std::string& method) {
  int count = 0;
  const json requests = Inspect("requests");
  for (const json& request : requests.at("requests")) {
    if (request.at("method") == method) ++count;
  }
  return count;
}

void System::ClearFaults() {
  httplib::Client client("127.0.0.1", simulator_port_);
  ASSERT_TRUE(static_cast<bool>(client.Delete("/_simulator/faults")));
}

void System::ClearRequests() {
  httplib::Client client("127.0.0.1", simulator_port_);
  ASSERT_TRUE(static_cast<bool>(client.Delete("/_simulator/requests")));
}

json System::Profile(
    const std::map<std::string, std::vector<std::string>>& identities,
    const std::map<std::string, std::string>& memberships) {
  json profile;
  for (const auto& [name, values] : identities) {
    for (const std::string& value : values) {
      profile["identityMap"][name].push_back({{"id", value}});
    }
  }
  for (const auto& [segment, status] : memberships) {
    profile["segmentMembership"]["ups"][segment] = {
        {"lastQualificationTime", "2026-03-02T10:00:00Z"}, {"status", status}};
  }
  return profile;
}

std::string System::Sha256(const std::string& text) {
  unsigned char digest[32];
  unsigned int size = 0;
  EVP_Digest(text.data(), text.size(), digest, &size, EVP_sha256(), nullptr);
  std::string hex;
  for (unsigned char byte : digest) {
    absl::StrAppend(&hex, absl::Hex(byte, absl::kZeroPad2));
  }
  return hex;
}

}  // namespace e2e
