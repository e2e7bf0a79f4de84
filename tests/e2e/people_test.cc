// People through the built programs: an identity that vanishes from a profile
// leaves its lists, one that profiles share stays until the last of them goes,
// and a kill at any place changes nothing.
#include <algorithm>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <memory>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "audience_sync/v1/destination_service.grpc.pb.h"
#include "audience_sync/v1/export_service.grpc.pb.h"
#include "connector/base/crash_point.h"
#include "gtest/gtest.h"
#include "nlohmann/json.hpp"
#include "tests/e2e/system.h"
#include "tests/stress/crash_control.h"
#include "tests/stress/stream.h"

namespace e2e {
namespace {

namespace v1 = audience_sync::v1;
using stress::CrashControl;
using stress::Stream;
constexpr const char* kAccount = System::kAdAccount;

// A file that arms the crash points of a connector; each test process has one.
std::string ControlFile() {
  return absl::StrCat(std::getenv("TEST_TMPDIR"), "/people-control");
}

System::Options MakeOptions(bool crashing) {
  System::Options options;
  if (crashing) {
    // What is brought in is so all at once, when the test asks for it.
    options.delivery_policies[kAccount] = R"(
      max_delay { seconds: 3600 }
      creation_lookup_window { seconds: 1 })";
    options.connector = "tests/stress/crashing_connector";
    options.connector_environment = {{CrashControl::kVariable, ControlFile()}};
  }
  return options;
}

CrashControl* MakeControl() {
  CrashControl* control = stress::MapCrashControl(ControlFile(), true);
  control->start = absl::GetCurrentTimeNanos();
  control->speed = 1;
  return control;
}

class PeopleTest : public testing::Test {
 protected:
  explicit PeopleTest(bool crashing = false) : system_(MakeOptions(crashing)) {
    Connect();
  }

  void Connect() {
    auto channel = stress::MakeChannel(system_.address());
    exports_ = v1::ExportService::NewStub(channel);
    admin_ = v1::DestinationService::NewStub(channel);
  }

  static std::string Address(int i) {
    return absl::StrCat("person", i, "@example.com");
  }
  static std::string Key(int i) { return absl::StrCat("customer-key-", i); }

  // One profile of a batch: no key if it is 0.
  static void Add(v1::ExportBatch* batch, int key, std::vector<int> addresses,
                  const std::map<std::string, bool>& segments) {
    v1::ProfileExport* profile = batch->add_profile_exports();
    if (key != 0) profile->set_profile_key(Key(key));
    for (int address : addresses) {
      v1::Identity* identity = profile->add_identities();
      identity->set_source_namespace("Email");
      identity->set_value(Address(address));
    }
    for (const auto& [segment, member] : segments) {
      v1::SegmentMembership* membership = profile->add_segment_memberships();
      membership->mutable_segment()->set_segment_namespace("ups");
      membership->mutable_segment()->set_segment_id(segment);
      membership->set_status(member ? v1::MEMBERSHIP_STATUS_REALIZED
                                    : v1::MEMBERSHIP_STATUS_EXITED);
    }
  }

  // A batch without a number.
  grpc::Status Send(const v1::ExportBatch& batch, bool complete = true) {
    grpc::ClientContext context;
    v1::ExportProfilesRequest request;
    v1::ExportProfilesResponse response;
    request.set_ad_account_id(kAccount);
    request.set_identities_complete(complete);
    *request.mutable_batch() = batch;
    return exports_->ExportProfiles(&context, request, &response);
  }
  grpc::Status Send(int key, std::vector<int> addresses,
                    const std::map<std::string, bool>& segments,
                    bool complete = true) {
    v1::ExportBatch batch;
    Add(&batch, key, std::move(addresses), segments);
    return Send(batch, complete);
  }

  std::set<std::string> OnList(const std::string& segment) {
    const Output drained = system_.Ctl({"drain", kAccount, "--timeout=60s"});
    EXPECT_EQ(drained.exit_code, 0) << drained.text;
    const auto records = system_.Lists()[System::Name(segment)];
    return {records.begin(), records.end()};
  }
  static std::set<std::string> Records(const std::vector<int>& addresses) {
    std::set<std::string> records;
    for (int address : addresses) {
      records.insert(System::Sha256(Address(address)));
    }
    return records;
  }

  void ExpectAccountsAddUp() {
    grpc::ClientContext context;
    v1::GetSyncStatusRequest request;
    v1::GetSyncStatusResponse response;
    request.set_ad_account_id(kAccount);
    ASSERT_TRUE(admin_->GetSyncStatus(&context, request, &response).ok());
    for (const auto& segment : response.status().segment_statuses()) {
      const v1::SyncCounters& counters = segment.counters();
      EXPECT_EQ(counters.pending(), 0) << segment.ShortDebugString();
      EXPECT_EQ(counters.received(),
                counters.delivered() + counters.already_there() +
                    counters.netted_out() + counters.superseded() +
                    counters.excluded() + counters.rejected())
          << segment.ShortDebugString();
    }
  }

  System system_;
  std::unique_ptr<v1::ExportService::Stub> exports_;
  std::unique_ptr<v1::DestinationService::Stub> admin_;
};

TEST_F(PeopleTest, AnIdentityThatVanishesLeavesEveryListOfItsProfile) {
  ASSERT_TRUE(Send(1, {10, 11}, {{"gold", true}, {"blue", true}}).ok());
  EXPECT_EQ(OnList("gold"), Records({10, 11}));
  // Another segment's event says enough.
  ASSERT_TRUE(Send(1, {11}, {{"red", true}}).ok());
  EXPECT_EQ(OnList("gold"), Records({11}));
  EXPECT_EQ(OnList("blue"), Records({11}));
  EXPECT_EQ(OnList("red"), Records({11}));
  // So does a profile without any event, and without any identity.
  ASSERT_TRUE(Send(1, {}, {}).ok());
  EXPECT_EQ(OnList("gold"), Records({}));
  EXPECT_EQ(OnList("red"), Records({}));
  ExpectAccountsAddUp();
}

TEST_F(PeopleTest, ASharedIdentityStaysUntilTheLastHolderLeaves) {
  ASSERT_TRUE(Send(1, {10, 11}, {{"gold", true}}).ok());
  ASSERT_TRUE(Send(2, {10}, {{"gold", true}}).ok());
  EXPECT_EQ(OnList("gold"), Records({10, 11}));
  ASSERT_TRUE(Send(1, {10, 11}, {{"gold", false}}).ok());
  EXPECT_EQ(OnList("gold"), Records({10}));
  ASSERT_TRUE(Send(2, {}, {}).ok());
  EXPECT_EQ(OnList("gold"), Records({}));
  ExpectAccountsAddUp();
}

TEST_F(PeopleTest, EventsWithoutAKeyAreOneMoreHolderAndTheirExitClearsAll) {
  ASSERT_TRUE(Send(0, {10, 11}, {{"gold", true}}, false).ok());
  EXPECT_EQ(OnList("gold"), Records({10, 11}));
  ASSERT_TRUE(Send(1, {10, 12}, {{"gold", true}}).ok());
  ASSERT_TRUE(Send(2, {12}, {{"gold", true}}).ok());
  ASSERT_TRUE(Send(1, {10, 12}, {{"gold", false}}).ok());
  // 10 was there before, and 2 has 12 as well.
  EXPECT_EQ(OnList("gold"), Records({10, 11, 12}));
  // A key means nothing where identities are not complete.
  ASSERT_TRUE(Send(2, {10, 12}, {{"gold", false}}, false).ok());
  EXPECT_EQ(OnList("gold"), Records({11}));
  ExpectAccountsAddUp();
}

TEST_F(PeopleTest, DeliveredWaitsForWhatStatementsLedTo) {
  const auto frame = [](int64_t number, int key, std::vector<int> addresses,
                        const std::map<std::string, bool>& segments) {
    v1::ExportSegmentsRequest request;
    request.mutable_batch()->set_sequence_number(number);
    Add(request.mutable_batch(), key, std::move(addresses), segments);
    return request;
  };
  Stream stream(exports_.get(), kAccount, "people",
                /*identities_complete=*/true);
  ASSERT_TRUE(stream.AwaitOpened().has_value());
  stream.Write(frame(1, 1, {10, 11}, {{"gold", true}}));
  stream.AwaitDelivered(1, absl::Seconds(60));
  ASSERT_EQ(stream.delivered(), 1);
  // It names no list, and yet one changes.
  stream.Write(frame(2, 1, {11}, {}));
  stream.AwaitDelivered(2, absl::Seconds(60));
  EXPECT_EQ(stream.delivered(), 2);
  EXPECT_EQ(system_.Lists()[System::Name("gold")],
            std::vector<std::string>{System::Sha256(Address(11))});
}

TEST_F(PeopleTest, AFullSyncIsRefused) {
  v1::ExportSegmentsRequest begin;
  begin.mutable_begin_full_sync()->set_sequence_number(1);
  begin.mutable_begin_full_sync()->mutable_segment()->set_segment_namespace(
      "ups");
  begin.mutable_begin_full_sync()->mutable_segment()->set_segment_id("gold");
  {
    Stream stream(exports_.get(), kAccount, "complete", true);
    ASSERT_TRUE(stream.AwaitOpened().has_value());
    stream.Write(begin);
    EXPECT_EQ(stream.Finish().error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  }
  ASSERT_TRUE(Send(1, {10}, {{"gold", true}}).ok());
  Stream stream(exports_.get(), kAccount, "other");
  ASSERT_TRUE(stream.AwaitOpened().has_value());
  stream.Write(begin);
  EXPECT_EQ(stream.Finish().error_code(),
            grpc::StatusCode::FAILED_PRECONDITION);
}

TEST_F(PeopleTest, FilesMayCarryKeys) {
  const std::string lines = system_.directory() + "/people.jsonl";
  std::ofstream(lines)
      << R"({"id":"customer-key-1","identityMap":{"Email":[)"
      << R"({"id":"person10@example.com"},{"id":"person11@example.com"}]},)"
      << R"("segmentMembership":{"ups":{"gold":{"status":"realized"}}}})"
      << "\n";
  Output output =
      system_.Ctl({"export", absl::StrCat("--ad_account_id=", kAccount),
                   "--identities_complete", "--profile_key_field=id", lines});
  ASSERT_EQ(output.exit_code, 0) << output.text;
  EXPECT_EQ(OnList("gold"), Records({10, 11}));
  const std::string table = system_.directory() + "/people.csv";
  std::ofstream(table) << "key,email\n"
                          "customer-key-1,person11@example.com\n"
                          "customer-key-2,person12@example.com\n";
  output = system_.Ctl({"import", absl::StrCat("--ad_account_id=", kAccount),
                        "--identities_complete", "--profile_key_column=key",
                        "--columns=email:Email", "--segment=ups/gold", table});
  ASSERT_EQ(output.exit_code, 0) << output.text;
  EXPECT_EQ(OnList("gold"), Records({11, 12}));
  // Where the key is must be said.
  output = system_.Ctl({"export", absl::StrCat("--ad_account_id=", kAccount),
                        "--identities_complete", lines});
  EXPECT_NE(output.exit_code, 0);
}

TEST_F(PeopleTest, NothingRawIsOnDisk) {
  for (int i = 1; i < 40; ++i) {
    ASSERT_TRUE(Send(i, {i, i + 1}, {{"gold", true}}).ok());
    ASSERT_TRUE(Send(i, {i + 1}, {{"gold", true}}).ok());
  }
  EXPECT_EQ(OnList("gold").size(), 39u);
  system_.connector().Signal(SIGTERM);
  EXPECT_EQ(system_.connector().Wait(), 0);
  int files = 0;
  for (const auto& entry :
       std::filesystem::recursive_directory_iterator(system_.directory())) {
    // The programs' own files; Pinterest's side has no addresses either.
    if (!entry.is_regular_file()) continue;
    std::ifstream file(entry.path(), std::ios::binary);
    std::stringstream content;
    content << file.rdbuf();
    EXPECT_FALSE(absl::StrContains(content.str(), "customer-key-"))
        << entry.path();
    EXPECT_FALSE(absl::StrContains(content.str(), "@example.com"))
        << entry.path();
    ++files;
  }
  EXPECT_GT(files, 5);
}

// Files of the state that hold the record of an address, in binary or in hex.
int FilesWith(const std::string& directory, const std::string& hex) {
  const std::string binary = absl::HexStringToBytes(hex);
  int found = 0;
  for (const auto& entry :
       std::filesystem::recursive_directory_iterator(directory)) {
    if (!entry.is_regular_file()) continue;
    std::ifstream file(entry.path(), std::ios::binary);
    std::stringstream content;
    content << file.rdbuf();
    found += absl::StrContains(content.str(), binary) ||
             absl::StrContains(content.str(), hex);
  }
  return found;
}

TEST_F(PeopleTest, WhoIsForgottenIsHeldByNobody) {
  v1::ExportBatch batch;
  for (int i = 1; i <= 600; ++i) Add(&batch, i, {i}, {{"gold", true}});
  ASSERT_TRUE(Send(batch).ok());
  ASSERT_TRUE(Send(601, {7}, {{"gold", true}, {"blue", true}}).ok());
  ASSERT_EQ(OnList("gold").size(), 600u);
  // Each record, so that names of blocks are met, too.
  for (int address : {7, 100, 300, 500}) {
    const std::string record = System::Sha256(Address(address));
    ASSERT_GT(FilesWith(system_.state_directory(), record), 0);
    const Output forgotten = system_.Ctl(
        {"forget", kAccount, "--namespace=Email", "--wait", Address(address)});
    ASSERT_EQ(forgotten.exit_code, 0) << forgotten.text;
    EXPECT_EQ(FilesWith(system_.state_directory(), record), 0) << address;
  }
  EXPECT_EQ(OnList("gold").size(), 596u);
  EXPECT_EQ(OnList("blue"), Records({}));
  // Later events are new decisions, and their profiles are followed again.
  ASSERT_TRUE(Send(601, {7, 1}, {{"gold", true}}).ok());
  EXPECT_EQ(OnList("gold").size(), 597u);
  ASSERT_TRUE(Send(601, {1}, {}).ok());
  EXPECT_EQ(OnList("gold").size(), 596u);
  // Nobody else was let go.
  ASSERT_TRUE(Send(8, {}, {}).ok());
  EXPECT_EQ(OnList("gold").size(), 595u);
  ExpectAccountsAddUp();
}

TEST_F(PeopleTest, WhatComesBeforeThePurgeStays) {
  ASSERT_TRUE(Send(1, {7, 8}, {{"gold", true}}).ok());
  ASSERT_TRUE(Send(2, {7}, {{"gold", true}}).ok());
  ASSERT_EQ(OnList("gold"), Records({7, 8}));
  system_.Control("faults", {{"faults", {{{"action", {{"status", 503}}}}}}});
  const Output asked = system_.Ctl(
      {"--json", "forget", kAccount, "--namespace=Email", Address(7)});
  ASSERT_EQ(asked.exit_code, 0) << asked.text;
  const std::string id = nlohmann::json::parse(asked.text).at("receiptId");
  // Profile 1 brings it in again; 2 does not.
  ASSERT_TRUE(Send(1, {7, 8}, {{"gold", true}}).ok());
  system_.ClearFaults();
  ASSERT_EQ(system_.Ctl({"resume", kAccount}).exit_code, 0);
  const absl::Time end = absl::Now() + absl::Seconds(100);
  std::string state;
  while (state != "FORGET_STATE_DONE" && absl::Now() < end) {
    const Output receipt =
        system_.Ctl({"--json", "forget-receipts", kAccount, id});
    ASSERT_EQ(receipt.exit_code, 0) << receipt.text;
    state = nlohmann::json::parse(receipt.text).at("state");
    absl::SleepFor(absl::Milliseconds(50));
  }
  ASSERT_EQ(state, "FORGET_STATE_DONE");
  EXPECT_EQ(OnList("gold"), Records({7, 8}));
  // 1 alone holds it now, and is followed.
  ASSERT_TRUE(Send(2, {7}, {{"gold", false}}).ok());
  EXPECT_EQ(OnList("gold"), Records({7, 8}));
  ASSERT_TRUE(Send(1, {8}, {}).ok());
  EXPECT_EQ(OnList("gold"), Records({8}));
  ExpectAccountsAddUp();
}

// The connector is killed when it reaches a place for the first time.
class PeopleKillTest : public PeopleTest,
                       public testing::WithParamInterface<const char*> {
 protected:
  PeopleKillTest() : PeopleKillTest(MakeControl()) {}
  explicit PeopleKillTest(CrashControl* control)
      : PeopleTest(/*crashing=*/true), control_(control) {}

  CrashControl* const control_;
};

TEST_P(PeopleKillTest, ChangesNothing) {
  // More than a piece of what is brought in holds.
  constexpr int kProfiles = 40'000;
  int point = -1;
  for (int i = 0; i < connector::kCrashPoints; ++i) {
    if (std::string(connector::kCrashPointNames[i]) == GetParam()) point = i;
  }
  ASSERT_GE(point, 0);
  control_->countdown[point] = 1;

  std::vector<v1::ExportSegmentsRequest> frames;
  const auto add_all = [&](bool again) {
    for (int i = 0; i < kProfiles; ++i) {
      if (i % 5'000 == 0) {
        frames.emplace_back().mutable_batch()->set_sequence_number(
            static_cast<int64_t>(frames.size()));
      }
      // The second time the even ones have lost their first address, and each
      // tenth has left.
      std::vector<int> addresses = {2 * i, 2 * i + 1};
      if (again && i % 2 == 0) addresses.erase(addresses.begin());
      Add(frames.back().mutable_batch(), i + 1, addresses,
          {{"gold", !(again && i % 10 == 0)}});
    }
  };
  add_all(false);
  add_all(true);
  const auto last = static_cast<int64_t>(frames.size());
  const absl::Time deadline = absl::Now() + absl::Seconds(200);
  const auto stand_up = [&] {
    // What a process leaves may be seen before it is seen to be gone.
    absl::SleepFor(absl::Milliseconds(20));
    if (system_.connector().Running()) return;
    system_.StartConnector();
    Connect();
  };
  bool durable = false;
  while (!durable && absl::Now() < deadline) {
    stand_up();
    Stream stream(exports_.get(), kAccount, "people", true);
    const auto opened = stream.AwaitOpened();
    if (!opened.has_value()) continue;
    for (int64_t i = opened->position().durable_sequence_number(); i < last;
         ++i) {
      stream.Write(frames[i]);
    }
    durable = stream.Finish().ok();
  }
  ASSERT_TRUE(durable);
  bool drained = false;
  while (!drained && absl::Now() < deadline) {
    drained = system_.Ctl({"drain", kAccount, "--timeout=60s"}).exit_code == 0;
    if (!drained) stand_up();
  }
  ASSERT_TRUE(drained);
  int64_t delivered = 0;
  while (delivered < last && absl::Now() < deadline) {
    Stream stream(exports_.get(), kAccount, "people", true);
    const auto opened = stream.AwaitOpened();
    if (opened.has_value()) {
      delivered = opened->position().delivered_sequence_number();
    }
  }
  ASSERT_EQ(delivered, last);
  EXPECT_EQ(control_->kills[point], 1);
  std::vector<int> expected;
  for (int i = 0; i < kProfiles; ++i) {
    if (i % 10 == 0) continue;
    if (i % 2 != 0) expected.push_back(2 * i);
    expected.push_back(2 * i + 1);
  }
  EXPECT_TRUE(OnList("gold") == Records(expected));
  ExpectAccountsAddUp();
}

INSTANTIATE_TEST_SUITE_P(Places, PeopleKillTest,
                         testing::Values("membership.people.piece_written",
                                         "membership.people.unwritten",
                                         "membership.people.written",
                                         "membership.holders.piece_written",
                                         "membership.holders.unwritten",
                                         "membership.holders.written",
                                         "membership.settle.written"),
                         [](const auto& info) {
                           std::string name;
                           for (char c : std::string(info.param)) {
                             name.push_back(c == '.' ? '_' : c);
                           }
                           return name;
                         });

}  // namespace
}  // namespace e2e
