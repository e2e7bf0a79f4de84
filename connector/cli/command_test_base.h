#ifndef CONNECTOR_CLI_COMMAND_TEST_BASE_H_
#define CONNECTOR_CLI_COMMAND_TEST_BASE_H_

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>

#include <fstream>
#include <functional>
#include <set>
#include <string>
#include <vector>

#include "absl/flags/reflection.h"
#include "absl/strings/str_cat.h"
#include "connector/base/fake_clock.h"
#include "connector/base/fake_random.h"
#include "connector/cli/command_line.h"
#include "connector/cli/fake_connector.h"
#include "gtest/gtest.h"
#include "nlohmann/json.hpp"

namespace connector::cli {

// What a run of audiencectl did.
struct Result {
  int exit_code;
  std::string out;
  std::string err;
  nlohmann::json json() const { return nlohmann::json::parse(out); }
};

// The whole of audiencectl against a connector in this process, with a
// directory of its own for each test.
class CommandTestBase : public testing::Test {
 protected:
  CommandTestBase() {
    directory_ = absl::StrCat(
        testing::TempDir(), "/",
        testing::UnitTest::GetInstance()->current_test_info()->name());
    system(("rm -rf '" + directory_ + "'; mkdir '" + directory_ + "'").c_str());
  }

  Result Run(const std::vector<std::string>& arguments) {
    // Flags are the process's; each run begins with their defaults.
    const absl::FlagSaver saver;
    char* texts[2] = {};
    size_t sizes[2] = {};
    CommandEnvironment environment;
    environment.in = in_;
    environment.out = open_memstream(&texts[0], &sizes[0]);
    environment.err = open_memstream(&texts[1], &sizes[1]);
    environment.connect = [this](const std::string& address) {
      addresses_.insert(address);
      return fake_.Connect();
    };
    environment.clock = &clock_;
    environment.random = &random_;
    environment.sleep = [this](absl::Duration delay) {
      clock_.Advance(delay);
      if (on_sleep_) on_sleep_();
    };
    Result result;
    result.exit_code = RunCommandLine(arguments, environment);
    fclose(environment.out);
    fclose(environment.err);
    result.out = std::string(texts[0], sizes[0]);
    result.err = std::string(texts[1], sizes[1]);
    free(texts[0]);
    free(texts[1]);
    return result;
  }

  std::string WriteFile(const std::string& name, const std::string& content) {
    const std::string path = directory_ + "/" + name;
    std::ofstream(path) << content;
    return path;
  }

  // An export of `count` profiles.
  static std::string Lines(int count) {
    std::string lines;
    for (int i = 0; i < count; ++i) {
      absl::StrAppend(&lines, R"({"identityMap":{"Email":[{"id":"person)", i,
                      R"(@example.com"}]},"segmentMembership":{"ups":{"s-1":)"
                      R"({"status":"realized"}}}})",
                      "\n");
    }
    return lines;
  }

  Result Export(const std::vector<std::string>& more) {
    std::vector<std::string> arguments = {
        "export", "--ad_account_id=549755885175", "--state_dir", StateDir()};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return Run(arguments);
  }

  std::string StateDir() const { return directory_ + "/state"; }

  int StateFiles() const {
    DIR* listing = opendir(StateDir().c_str());
    if (listing == nullptr) return 0;
    int count = 0;
    while (const dirent* entry = readdir(listing)) {
      count += entry->d_name[0] != '.' ? 1 : 0;
    }
    closedir(listing);
    return count;
  }

  // The first identity of each profile of the only export that was sent, in
  // order.
  std::vector<std::string> Received() const {
    std::vector<std::string> values;
    int sent = 0;
    for (const auto& [id, stored] : fake_.exports()) {
      sent += stored.batches.empty() ? 0 : 1;
      for (const auto& [number, batch] : stored.batches) {
        for (const auto& profile : batch.profile_exports()) {
          values.push_back(profile.identities(0).value());
        }
      }
    }
    EXPECT_EQ(sent, 1);
    return values;
  }

  std::string directory_;
  FakeConnector fake_;
  FakeClock clock_;
  FakeRandom random_{5};
  std::function<void()> on_sleep_;
  // Standard input of `explain -`.
  FILE* in_ = nullptr;
  std::set<std::string> addresses_;
};

}  // namespace connector::cli

#endif  // CONNECTOR_CLI_COMMAND_TEST_BASE_H_
