#ifndef TESTS_FAILURES_FAILURE_WORLD_H_
#define TESTS_FAILURES_FAILURE_WORLD_H_

#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <ostream>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "audience_sync/v1/destination.pb.h"
#include "connector/base/fake_clock.h"
#include "connector/base/fake_random.h"
#include "connector/config/registry.h"
#include "connector/delivery/deliverer.h"
#include "connector/membership/store.h"
#include "connector/pinterest/credential_clients.h"
#include "connector/pinterest/curl_transport.h"
#include "simulator/simulator.h"

namespace failures {

// Store, configuration, delivery and the client of Pinterest as in the server,
// in one process and on a clock that stands still, and the simulated Pinterest
// at the other end of real HTTP connections. Delivery runs step by step on the
// test's own thread.
//
// Three ad accounts: two with the credential "main", one with "other".
class FailureWorld {
 public:
  static constexpr char kFirst[] = "549755885175";
  static constexpr char kSecond[] = "549755885176";
  static constexpr char kOther[] = "549755885177";

  struct Options {
    int max_request_records = 100;
    // Real time that a call may take.
    absl::Duration call_timeout = absl::Seconds(10);
  };

  explicit FailureWorld(const Options& options);
  FailureWorld() : FailureWorld(Options()) {}
  ~FailureWorld();

  // Makes people members of a segment, or not, durably; updates the model.
  void Commit(const std::string& ad_account, const std::string& segment,
              int first, int last, bool member);

  // Runs steps and moves the clock to whatever is due next until nothing waits
  // (true) or `at_most` has passed.
  bool RunUntilQuiet(absl::Duration at_most = absl::Hours(24));
  // Runs for so long on the clock.
  void RunFor(absl::Duration time);

  // Ends everything but the simulator, and starts on the same state.
  void Restart();

  // Every list holds what the model says; no segment has two; nothing is
  // pending and nothing was refused; nobody is stopped.
  void ExpectConverged();

  // As the simulator takes them.
  void AddFault(const std::string& json);

  struct Condition {
    // "", "RETRYING" or "BLOCKED".
    std::string state;
    // Of the error's details: "PINTEREST_FORBIDDEN".
    std::string reason;
    bool operator==(const Condition& other) const {
      return state == other.state && reason == other.reason;
    }
    friend std::ostream& operator<<(std::ostream& out, const Condition& c) {
      return out << (c.state.empty() ? "ACTIVE" : c.state) << " " << c.reason;
    }
  };
  Condition OfList(const std::string& ad_account, const std::string& segment);
  Condition OfDestination(const std::string& ad_account);
  Condition OfCredential(const std::string& credential);

  connector::membership::SyncCounts Counts(const std::string& ad_account,
                                           const std::string& segment);
  std::string ListId(const std::string& ad_account, const std::string& segment);
  // People on the only list of the name; fails the test if there are two.
  std::set<int> OnList(const std::string& ad_account,
                       const std::string& segment);
  // Calls that the simulator saw since ClearRequests; `operation` empty: all.
  int Calls(const std::string& operation = "",
            const std::string& ad_account = "");

  void SetToken(const std::string& file, const std::string& token);
  // No connection can be made for the accounts of "main", from now on or no
  // longer.
  void RefuseConnections(bool refuse) { transport_->refuse = refuse; }

  static std::string WireText(int person);
  static std::string Name(const std::string& segment) {
    return "cdp/ups/" + segment;
  }

  connector::FakeClock& clock() { return clock_; }
  simulator::Simulator& pinterest() { return *pinterest_; }
  connector::membership::MembershipStore& store() { return *store_; }
  connector::delivery::Deliverer& deliverer() { return *deliverer_; }
  connector::membership::DestinationNumber Destination(
      const std::string& ad_account);
  const std::vector<connector::delivery::DeliveryEvent>& events() const {
    return events_;
  }

 private:
  // The real transport; at will to a port where nobody listens.
  struct SteeredTransport final : connector::pinterest::HttpTransport {
    connector::pinterest::HttpResult Perform(
        const connector::pinterest::HttpRequest& request) override;

    std::unique_ptr<connector::pinterest::CurlTransport> curl;
    std::string origin;
    std::string nobody;
    std::atomic<bool> refuse{false};
  };

  static Condition Read(
      const connector::delivery::DeliveryCondition& condition);

  const Options options_;
  const std::string directory_;
  connector::FakeClock clock_;
  connector::FakeRandom random_{7};
  std::unique_ptr<simulator::Simulator> pinterest_;
  std::unique_ptr<SteeredTransport> transport_;
  std::unique_ptr<connector::pinterest::TokenSources> tokens_;
  std::unique_ptr<connector::pinterest::CredentialClients> clients_;
  audience_sync::v1::ConnectorConfig config_;
  std::unique_ptr<connector::membership::MembershipStore> store_;
  std::unique_ptr<connector::config::Registry> registry_;
  std::unique_ptr<connector::delivery::Deliverer> deliverer_;
  std::vector<connector::delivery::DeliveryEvent> events_;
  // (ad account, segment) → person → member.
  std::map<std::pair<std::string, std::string>, std::map<int, bool>> model_;
  int unlistened_socket_ = -1;
};

}  // namespace failures

#endif  // TESTS_FAILURES_FAILURE_WORLD_H_
