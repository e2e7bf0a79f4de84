// Exports of random additions and exits while the connector is killed at random
// moments and the simulated Pinterest fails at random; at the end each list is
// compared with a model kept outside. KILLS, RECORDS and SEED make longer runs
// and repeat one.
#include <algorithm>
#include <cstdlib>
#include <iterator>
#include <map>
#include <memory>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "gtest/gtest.h"
#include "tests/e2e/system.h"

namespace e2e {
namespace {

using nlohmann::json;

int64_t FromEnvironment(const char* name, int64_t otherwise) {
  const char* value = std::getenv(name);
  return value == nullptr ? otherwise : std::atoll(value);
}

// (ad account, segment) → person → on the list.
using Model =
    std::map<std::pair<std::string, std::string>, std::map<int, bool>>;

std::string Address(int person) {
  return absl::StrCat("person", person, "@example.com");
}

class Stress {
 public:
  Stress(int64_t kills, int records, uint64_t seed)
      : kills_(kills),
        records_(records),
        random_(seed),
        system_(MakeOptions(seed)) {}

  void Run() {
    system_.Control("faults", json::parse(R"({"faults": [
      {"match": {"operation": "customer_lists/update"}, "probability": 0.05,
       "action": {"drop_after": true}},
      {"match": {"operation": "customer_lists/update"}, "probability": 0.05,
       "action": {"drop_before": true}},
      {"match": {"operation": "customer_lists/update"}, "probability": 0.03,
       "action": {"status": 503}},
      {"match": {"operation": "customer_lists/create"}, "probability": 0.3,
       "action": {"drop_after": true}},
      {"match": {"operation": "customer_lists/list"}, "probability": 0.1,
       "action": {"status": 500}}]})"));
    while (killed_ < kills_ && !testing::Test::HasFailure()) {
      for (const std::string& account : Accounts()) {
        ExportUnderFire(account);
        if (testing::Test::HasFailure()) return;
      }
    }
    system_.ClearFaults();
    for (const std::string& account : Accounts()) {
      Output drained = system_.Ctl({"drain", account, "--timeout=120s"});
      ASSERT_EQ(drained.exit_code, 0) << drained.text;
      Compare(account);
      CheckCounters(account);
    }
    std::printf("%d kills, %d exports, %lld events, %lld restarts\n", killed_,
                exports_, static_cast<long long>(events_),
                static_cast<long long>(restarts_));
  }

 private:
  static const std::vector<std::string>& Accounts() {
    static const auto& accounts =
        *new std::vector<std::string>{"549755885175", "549755885176"};
    return accounts;
  }

  static System::Options MakeOptions(uint64_t seed) {
    System::Options options;
    options.ad_accounts = Accounts();
    options.max_request_records = 500;
    options.simulator_flags = {absl::StrCat("--seed=", seed)};
    return options;
  }

  // One export of random events; the connector is killed while it runs, and the
  // export is repeated until it is durable.
  void ExportUnderFire(const std::string& account) {
    static const char* const kSegments[] = {"gold", "silver", "bronze"};
    std::vector<json> profiles;
    const int size = 500 + static_cast<int>(random_() % 3'000);
    for (int i = 0; i < size; ++i) {
      const int person = static_cast<int>(random_() % records_);
      const std::string segment = kSegments[random_() % 3];
      const bool member = random_() % 3 != 0;
      profiles.push_back(
          System::Profile({{"Email", {Address(person)}}},
                          {{segment, member ? "realized" : "exited"}}));
      model_[{account, segment}][person] = member;
      ++events_;
    }
    ++exports_;
    const std::string file = system_.WriteExport("stress.jsonl", profiles);
    const std::string log = system_.directory() + "/export.log";
    while (true) {
      auto run =
          system_.StartCtl({"export", "--ad_account_id=" + account,
                            "--batch_profiles=50", "--retry_for=0s", file},
                           log);
      if (killed_ < kills_ && random_() % 4 != 0) {
        absl::SleepFor(absl::Microseconds(random_() % 400'000));
        system_.connector().Kill();
        ++killed_;
        ++restarts_;
        run->Wait();
        system_.StartConnector();
        // At times the kill comes when all was sent and delivery is at work.
      }
      if (run->Wait() == 0) return;
      ASSERT_LT(++attempts_, 20 * (kills_ + 10)) << ReadFile(log);
    }
  }

  void Compare(const std::string& account) {
    auto lists = system_.Lists(account);
    for (const auto& [key, people] : model_) {
      if (key.first != account) continue;
      std::set<std::string> expected;
      for (const auto& [person, member] : people) {
        if (member) expected.insert(System::Sha256(Address(person)));
      }
      const auto& records = lists[System::Name(key.second)];
      const std::set<std::string> found(records.begin(), records.end());
      std::vector<std::string> differing;
      std::set_symmetric_difference(expected.begin(), expected.end(),
                                    found.begin(), found.end(),
                                    std::back_inserter(differing));
      EXPECT_EQ(differing.size(), 0u) << account << " " << key.second;
    }
    EXPECT_LE(lists.size(), 3u) << "extra lists";
  }

  // received = delivered + already there + … + pending, and nothing pending.
  void CheckCounters(const std::string& account) {
    Output output = system_.Ctl({"--json", "status", account});
    ASSERT_EQ(output.exit_code, 0) << output.text;
    const json body = json::parse(output.text);
    const json& status = body.contains("status") ? body.at("status") : body;
    const json& counters = status.at("counters");
    const auto value = [&](const char* name) {
      return counters.contains(name)
                 ? std::stoll(counters.at(name).get<std::string>())
                 : 0;
    };
    EXPECT_EQ(value("received"), value("delivered") + value("alreadyThere") +
                                     value("nettedOut") + value("superseded") +
                                     value("excluded") + value("rejected") +
                                     value("pending"));
    EXPECT_EQ(value("pending"), 0);
    EXPECT_GT(value("received"), 0);
  }

  const int64_t kills_;
  const int records_;
  std::mt19937_64 random_;
  System system_;
  Model model_;
  int killed_ = 0;
  int exports_ = 0;
  int64_t events_ = 0;
  int64_t restarts_ = 0;
  int64_t attempts_ = 0;
};

TEST(CrashStressTest, KilledAtRandomTheListsEndUpAsTheModelSays) {
  Stress stress(FromEnvironment("KILLS", 15),
                static_cast<int>(FromEnvironment("RECORDS", 5'000)),
                static_cast<uint64_t>(FromEnvironment("SEED", 1)));
  stress.Run();
}

}  // namespace
}  // namespace e2e
