#include "tests/failures/failure_world.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <random>

#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/synchronization/notification.h"
#include "connector/base/error.h"
#include "gtest/gtest.h"
#include "identity_mapping/record.h"

namespace failures {
namespace {

using connector::delivery::DeliveryCondition;
using connector::membership::Change;
using identity_mapping::RecordView;

// The stored form of a person's record: 32 bytes that look like a digest.
std::string Encoded(int person) {
  std::string encoded(33, '\x01');
  std::mt19937_64 bytes(static_cast<uint64_t>(person));
  for (size_t i = 1; i < encoded.size(); ++i) {
    encoded[i] = static_cast<char>(bytes());
  }
  return encoded;
}

std::string MakeDirectory() {
  for (const std::string& place :
       {std::string("/dev/shm"), testing::TempDir()}) {
    std::string name = place + "/failures-XXXXXX";
    if (mkdtemp(name.data()) != nullptr) return name;
  }
  ADD_FAILURE() << "no place for a directory";
  return "";
}

}  // namespace

connector::pinterest::HttpResult FailureWorld::SteeredTransport::Perform(
    const connector::pinterest::HttpRequest& request) {
  if (!refuse || absl::StrContains(request.url, kOther)) {
    return curl->Perform(request);
  }
  connector::pinterest::HttpRequest other = request;
  EXPECT_TRUE(absl::StartsWith(other.url, origin));
  other.url = nobody + other.url.substr(origin.size());
  return curl->Perform(other);
}

FailureWorld::FailureWorld(const Options& options)
    : options_(options), directory_(MakeDirectory()) {
  simulator::Simulator::Options simulated;
  simulated.clock = &clock_;
  simulated.limits = simulator::RateLimits::kOff;
  auto started = simulator::Simulator::Start(simulated);
  EXPECT_TRUE(started.ok()) << started.status();
  pinterest_ = *std::move(started);

  mkdir((directory_ + "/credentials").c_str(), 0700);
  SetToken("token", "pina_main");
  SetToken("other-token", "pina_other");

  // A port that is taken and not listened on: connections are refused.
  unlistened_socket_ = socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address = {};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  bind(unlistened_socket_, reinterpret_cast<sockaddr*>(&address), size);
  getsockname(unlistened_socket_, reinterpret_cast<sockaddr*>(&address), &size);

  transport_ = std::make_unique<SteeredTransport>();
  transport_->curl = *connector::pinterest::CurlTransport::Create({});
  transport_->origin = pinterest_->origin();
  transport_->nobody =
      absl::StrCat("http://127.0.0.1:", ntohs(address.sin_port));

  for (const char* credential : {"main", "other"}) {
    auto* added = config_.add_credentials();
    added->set_credential_id(credential);
    added->set_access_token_file(
        absl::string_view(credential) == "main" ? "token" : "other-token");
    added->mutable_rate_limits()->set_unlimited(true);
  }
  for (const char* account : {kFirst, kSecond, kOther}) {
    auto* added = config_.add_destinations();
    added->set_ad_account_id(account);
    added->set_display_name("test");
    added->set_credential_id(absl::string_view(account) == kOther ? "other"
                                                                  : "main");
    added->mutable_delivery_policy()->set_max_request_records(
        options_.max_request_records);
    added->mutable_delivery_policy()->mutable_max_delay()->set_seconds(10);
  }
  Restart();
}

FailureWorld::~FailureWorld() {
  deliverer_.reset();
  registry_.reset();
  store_.reset();
  clients_.reset();
  close(unlistened_socket_);
  std::filesystem::remove_all(directory_);
}

void FailureWorld::Restart() {
  deliverer_.reset();
  registry_.reset();
  store_.reset();
  clients_.reset();
  connector::pinterest::TokenSources::Options token_options;
  token_options.credentials_dir = directory_ + "/credentials";
  token_options.tokens_dir = directory_ + "/tokens";
  token_options.base_url = pinterest_->base_url();
  token_options.transport = transport_.get();
  token_options.clock = &clock_;
  token_options.random = &random_;
  auto tokens = connector::pinterest::TokenSources::Create(token_options);
  ASSERT_TRUE(tokens.ok()) << tokens.status();
  tokens_ = *std::move(tokens);
  connector::pinterest::CredentialClients::Options client_options;
  client_options.tokens = tokens_.get();
  client_options.base_url = pinterest_->base_url();
  client_options.timeout = options_.call_timeout;
  client_options.transport = transport_.get();
  client_options.clock = &clock_;
  auto clients =
      connector::pinterest::CredentialClients::Create(client_options);
  ASSERT_TRUE(clients.ok()) << clients.status();
  clients_ = *std::move(clients);

  connector::membership::StoreOptions store_options;
  store_options.path = directory_ + "/store";
  store_options.clock = &clock_;
  store_options.random = &random_;
  auto store = connector::membership::OpenStore(store_options);
  ASSERT_TRUE(store.ok()) << store.status();
  store_ = *std::move(store);
  auto registry = connector::config::Registry::Load(store_.get(), config_);
  ASSERT_TRUE(registry.ok()) << registry.status();
  registry_ = *std::move(registry);

  connector::delivery::DelivererOptions delivery;
  delivery.ledger = store_.get();
  delivery.registry = registry_.get();
  delivery.clients = clients_.get();
  delivery.clock = &clock_;
  delivery.random = &random_;
  delivery.spill_directory = directory_ + "/spill";
  delivery.observer = [this](const connector::delivery::DeliveryEvent& event) {
    events_.push_back(event);
  };
  auto deliverer = connector::delivery::Deliverer::Create(std::move(delivery));
  ASSERT_TRUE(deliverer.ok()) << deliverer.status();
  deliverer_ = *std::move(deliverer);
}

void FailureWorld::SetToken(const std::string& file, const std::string& token) {
  const std::string path = directory_ + "/credentials/" + file;
  std::ofstream(path + ".new") << token << "\n";
  chmod((path + ".new").c_str(), 0600);
  std::filesystem::rename(path + ".new", path);
}

connector::membership::DestinationNumber FailureWorld::Destination(
    const std::string& ad_account) {
  return registry_->FindDestination(absl::string_view(ad_account))->number;
}

void FailureWorld::Commit(const std::string& ad_account,
                          const std::string& segment, int first, int last,
                          bool member) {
  connector::membership::Batch batch;
  batch.destination = Destination(ad_account);
  batch.max_backlog_bytes = int64_t{1} << 40;
  auto row = store_->EnsureSegment(batch.destination, "ups", segment, "", 1000);
  ASSERT_TRUE(row.ok()) << row.status();
  auto& changes = batch.segments.emplace_back();
  changes.segment = row->number;
  changes.list = row->list;
  for (int person = first; person <= last; ++person) {
    model_[{ad_account, segment}][person] = member;
    ++changes.counts.received;
    const std::string encoded = Encoded(person);
    changes.run.Add(member ? Change::kAdd : Change::kRemove,
                    *RecordView::FromEncoded(encoded), true);
  }
  absl::Notification done;
  absl::Status status;
  store_->Commit(
      std::move(batch),
      [&](absl::StatusOr<connector::membership::CommitOutcome> outcome) {
        status = outcome.status();
        done.Notify();
      });
  done.WaitForNotification();
  ASSERT_TRUE(status.ok()) << status;
}

bool FailureWorld::RunUntilQuiet(absl::Duration at_most) {
  const absl::Time end = clock_.Now() + at_most;
  while (true) {
    while (deliverer_->RunReadyStep()) {
    }
    const absl::Time next = deliverer_->NextStepTime();
    if (next == absl::InfiniteFuture()) return true;
    if (next > end) return false;
    clock_.Advance(std::max(next - clock_.Now(), absl::Milliseconds(1)));
    // What Pinterest does late, it does when its time has come.
    pinterest_->AdvanceClock(absl::ZeroDuration());
  }
}

void FailureWorld::RunFor(absl::Duration time) {
  const absl::Time end = clock_.Now() + time;
  RunUntilQuiet(time);
  if (clock_.Now() < end) clock_.Advance(end - clock_.Now());
  pinterest_->AdvanceClock(absl::ZeroDuration());
}

void FailureWorld::AddFault(const std::string& json) {
  auto added = pinterest_->AddFaultJson(json);
  ASSERT_TRUE(added.ok()) << added.status() << " " << json;
}

FailureWorld::Condition FailureWorld::Read(const DeliveryCondition& condition) {
  Condition read;
  if (condition.state == DeliveryCondition::State::kActive) return read;
  read.state = condition.state == DeliveryCondition::State::kBlocked
                   ? "BLOCKED"
                   : "RETRYING";
  read.reason = connector::GetErrorDetail(condition.reason).reason;
  return read;
}

FailureWorld::Condition FailureWorld::OfList(const std::string& ad_account,
                                             const std::string& segment) {
  auto row = store_->FindSegment(Destination(ad_account), "ups", segment);
  EXPECT_TRUE(row.has_value()) << segment;
  return row.has_value() ? Read(deliverer_->ListCondition(row->list))
                         : Condition();
}

FailureWorld::Condition FailureWorld::OfDestination(
    const std::string& ad_account) {
  return Read(deliverer_->DestinationCondition(Destination(ad_account)));
}

FailureWorld::Condition FailureWorld::OfCredential(
    const std::string& credential) {
  return Read(deliverer_->CredentialCondition(credential));
}

connector::membership::SyncCounts FailureWorld::Counts(
    const std::string& ad_account, const std::string& segment) {
  auto report = store_->Report(Destination(ad_account));
  EXPECT_TRUE(report.ok()) << report.status();
  if (report.ok()) {
    for (const auto& row : report->segments) {
      if (row.segment.segment_id == segment) return row.counts;
    }
  }
  ADD_FAILURE() << "no segment " << segment;
  return {};
}

std::string FailureWorld::ListId(const std::string& ad_account,
                                 const std::string& segment) {
  std::string id;
  for (const auto& list : pinterest_->Lists(ad_account)) {
    if (list.name != Name(segment)) continue;
    EXPECT_EQ(id, "") << "two lists of the name " << list.name;
    id = list.id;
  }
  return id;
}

std::set<int> FailureWorld::OnList(const std::string& ad_account,
                                   const std::string& segment) {
  std::map<std::string, int> people;
  for (const auto& [person, member] : model_[{ad_account, segment}]) {
    people[WireText(person)] = person;
  }
  std::set<int> on_list;
  const std::string id = ListId(ad_account, segment);
  if (id.empty()) return on_list;
  for (const auto& text : pinterest_->ListRecordsById(ad_account, id)) {
    auto found = people.find(text);
    on_list.insert(found == people.end() ? -1 : found->second);
  }
  return on_list;
}

void FailureWorld::ExpectConverged() {
  EXPECT_TRUE(store_->PendingLists().empty());
  for (const auto& [key, people] : model_) {
    const auto& [account, segment] = key;
    SCOPED_TRACE(absl::StrCat(account, " ", segment));
    std::set<int> expected;
    for (const auto& [person, member] : people) {
      if (member) expected.insert(person);
    }
    EXPECT_EQ(OnList(account, segment), expected);
    const auto counts = Counts(account, segment);
    EXPECT_EQ(counts.pending(), 0);
    EXPECT_EQ(counts.settled.refused, 0);
    EXPECT_EQ(OfList(account, segment), Condition());
    EXPECT_EQ(OfDestination(account), Condition());
  }
  EXPECT_EQ(OfCredential("main"), Condition());
  EXPECT_EQ(OfCredential("other"), Condition());
}

int FailureWorld::Calls(const std::string& operation,
                        const std::string& ad_account) {
  int calls = 0;
  for (const auto& request : pinterest_->Requests()) {
    calls += (operation.empty() || request.operation == operation) &&
             (ad_account.empty() || request.ad_account_id == ad_account);
  }
  return calls;
}

std::string FailureWorld::WireText(int person) {
  return absl::BytesToHexString(Encoded(person).substr(1));
}

}  // namespace failures
