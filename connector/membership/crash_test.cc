#include <signal.h>
#include <sys/wait.h>

#include "connector/membership/crash_workload.h"
#include "connector/membership/store_fixture.h"

namespace connector::membership {
namespace {

// Lets the child work until it has acknowledged `batches` batches and then
// kills it wherever it is. Returns the newest number it acknowledged.
int64_t RunAndKill(const std::string& path, int batches) {
  int output[2];
  if (pipe(output) != 0) return -1;
  const std::string program = absl::StrCat(std::getenv("TEST_SRCDIR"), "/",
                                           std::getenv("TEST_WORKSPACE"),
                                           "/connector/membership/crash_child");
  const pid_t child = fork();
  if (child == 0) {
    dup2(output[1], STDOUT_FILENO);
    close(output[0]);
    execl(program.c_str(), program.c_str(), path.c_str(), nullptr);
    _exit(3);
  }
  close(output[1]);
  FILE* lines = fdopen(output[0], "r");
  long long acknowledged = -1;
  long long number = 0;
  for (int i = 0; i < batches && fscanf(lines, "%lld", &number) == 1; ++i) {
    acknowledged = number;
  }
  kill(child, SIGKILL);
  // What it still managed to say counts too.
  while (fscanf(lines, "%lld", &number) == 1) acknowledged = number;
  fclose(lines);
  int status = 0;
  waitpid(child, &status, 0);
  EXPECT_TRUE(WIFSIGNALED(status)) << "the child ended by itself: " << status;
  return acknowledged;
}

TEST(CrashTest, AKillLosesNothingThatWasAcknowledged) {
  TempDirectory directory;
  std::mt19937 generator(5);
  StoreOptions options;
  options.path = directory.path();
  options.memory_budget = 8 << 20;
  for (int round = 0; round < 8; ++round) {
    SCOPED_TRACE(absl::StrCat("round ", round));
    const int64_t acknowledged =
        RunAndKill(directory.path(), 1 + static_cast<int>(generator() % 40));
    ASSERT_GT(acknowledged, 0);
    CrashWorkload workload(options);
    ASSERT_TRUE(workload.ok()) << workload.status();
    MembershipStore& store = workload.store();
    auto report = store.Report(workload.segment().destination);
    ASSERT_TRUE(report.ok());
    ASSERT_EQ(report->exports.size(), 1);
    const ExportPosition& position = report->exports[0];
    EXPECT_GE(position.durable, acknowledged);
    // One that was written as the kill came.
    EXPECT_LE(position.durable, acknowledged + 1);

    const SegmentReport& segment = report->segments[0];
    EXPECT_EQ(segment.counts.intake.received,
              position.durable * CrashWorkload::kRecordsOfBatch);
    int64_t waiting = 0;
    for (Change change : {Change::kRemove, Change::kAdd}) {
      auto cursor =
          store.ReadRuns(workload.segment().list, change, 0, ~uint64_t{0});
      RunEntry entry;
      while ((*cursor)->Next(&entry)) ++waiting;
      EXPECT_TRUE((*cursor)->status().ok());
    }
    EXPECT_EQ(segment.counts.pending(), waiting);
    EXPECT_EQ(position.delivered * CrashWorkload::kRecordsOfBatch,
              segment.counts.settled.delivered);

    const auto expect_members = [&](int64_t members) {
      std::vector<Record> records;
      for (int i = 0; i < CrashWorkload::kRecords; ++i) {
        records.push_back(CrashWorkload::RecordOf(i));
      }
      auto cursor = store.ReadDelivered(workload.segment().list);
      int64_t there = 0;
      for (RecordView record : Sorted(records)) {
        auto found = (*cursor)->Find(record);
        ASSERT_TRUE(found.ok()) << found.status();
        there += found->state == DeliveredState::kThere;
      }
      EXPECT_EQ(there, members);
    };
    expect_members(segment.members);

    // A pass brings the list to where the last events want it.
    ASSERT_TRUE(workload.Pass());
    std::map<Record, Change> desired;
    for (int64_t number = 1; number <= position.durable; ++number) {
      for (int i = 0; i < CrashWorkload::kRecordsOfBatch; ++i) {
        desired[CrashWorkload::RecordOf(number * 7 + i)] =
            CrashWorkload::ChangeOf(number);
      }
    }
    auto cursor = store.ReadDelivered(workload.segment().list);
    for (const auto& [record, change] : desired) {
      EXPECT_EQ((*cursor)->Find(record)->state == DeliveredState::kThere,
                change == Change::kAdd);
    }
    EXPECT_EQ(store.Exports(workload.segment().destination)[0].delivered,
              position.durable);
  }
}

}  // namespace
}  // namespace connector::membership
