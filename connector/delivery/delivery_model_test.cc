// Random histories of everything that can happen, on a store without a disk and
// a Pinterest of which each answer is written beforehand; what fails is cut
// down and printed as lines that can be run again.
//
//   HISTORIES=10000 SEED=1 STEPS=120   how many, from which seed, how long
//   THREADS=2                           at once; usually one a processor
//   HISTORY=file                       only this one, with all that happens
#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <map>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/clock.h"
#include "connector/delivery/forgetful_ledger.h"
#include "connector/delivery/history.h"
#include "connector/delivery/history_generator.h"
#include "connector/delivery/history_runner.h"
#include "connector/delivery/history_shrinker.h"
#include "gtest/gtest.h"

namespace connector::delivery {
namespace {

constexpr int kShrinkingRuns = 1'500;

int64_t FromEnvironment(const char* name, int64_t otherwise) {
  const char* value = std::getenv(name);
  return value == nullptr ? otherwise : std::atoll(value);
}

std::string ReadFile(const std::string& path) {
  std::ifstream file(path);
  EXPECT_TRUE(file.good()) << path;
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}

std::string Fails(const History& history, const HistoryOptions& options) {
  Coverage coverage;
  return RunHistory(history, options, &coverage);
}

// The smallest history that fails as this one does, and how, as text.
std::string Shrunk(const History& history, const HistoryOptions& options) {
  const History small = ShrinkHistory(
      history,
      [&](const History& each) { return !Fails(each, options).empty(); },
      kShrinkingRuns);
  return absl::StrCat("# ", Fails(small, options), "\n", FormatHistory(small));
}

// Runs histories on all processors; what fails first is cut down.
void RunHistories(uint64_t first, int64_t count, int steps,
                  const HistoryOptions& options, Coverage* coverage) {
  // It costs a fifth of the time here, and is what other tests are for.
  absl::SetMutexDeadlockDetectionMode(absl::OnDeadlockCycle::kIgnore);
  std::atomic<int64_t> next = 0;
  absl::Mutex mutex;
  std::map<int64_t, std::string> failures;
  const auto work = [&] {
    Coverage mine;
    for (int64_t i = next++; i < count; i = next++) {
      const std::string failure =
          RunHistory(GenerateHistory(first + i, steps), options, &mine);
      if (failure.empty()) continue;
      next = count;
      absl::MutexLock lock(&mutex);
      failures[i] = failure;
    }
    absl::MutexLock lock(&mutex);
    for (const auto& [name, times] : mine) (*coverage)[name] += times;
  };
  std::vector<std::thread> threads;
  const int64_t processors =
      std::max<int64_t>(std::thread::hardware_concurrency(), 1);
  for (int64_t i = FromEnvironment("THREADS", processors); i > 0; --i) {
    threads.emplace_back(work);
  }
  for (std::thread& thread : threads) thread.join();
  for (const auto& [i, failure] : failures) {
    FAIL() << "seed " << first + i << " fails " << failure
           << "\nCut down to what follows; a file of it is run again with "
              "HISTORY=file, or for ever in testdata/histories:\n"
           << Shrunk(GenerateHistory(first + i, steps), options);
  }
}

TEST(DeliveryModelTest, RandomHistoriesConverge) {
  HistoryOptions options;
  if (const char* file = std::getenv("HISTORY"); file != nullptr) {
    const auto history = ParseHistory(ReadFile(file));
    ASSERT_TRUE(history.ok()) << history.status();
    options.trace = [](const std::string& line) { std::cout << line << "\n"; };
    EXPECT_EQ(Fails(*history, options), "");
    return;
  }
  const int64_t count = FromEnvironment("HISTORIES", 1'000);
  Coverage coverage;
  const absl::Time start = absl::Now();
  RunHistories(FromEnvironment("SEED", 1), count,
               static_cast<int>(FromEnvironment("STEPS", 120)), options,
               &coverage);
  if (HasFailure()) return;
  const double seconds = absl::ToDoubleSeconds(absl::Now() - start);
  std::cout << absl::StrFormat("%d histories in %.1f s, %.0f a second\n", count,
                               seconds, static_cast<double>(count) / seconds);
  for (const auto& [name, times] : coverage) {
    std::cout << absl::StrFormat("%10d  %s\n", times, name);
  }
  if (count < 1'000) return;
  for (const std::string& name : WhatHistoriesReach()) {
    EXPECT_GT(coverage[name], 0) << name << " never happens";
  }
}

// The same on a RocksDB, in a share of the seeds.
TEST(DeliveryModelTest, RandomHistoriesConvergeOnRocksdb) {
  HistoryOptions options;
  options.backend = DeliveryWorld::Backend::kRocksdb;
  Coverage coverage;
  RunHistories(FromEnvironment("SEED", 1),
               FromEnvironment("ROCKSDB_HISTORIES", 10), 120, options,
               &coverage);
}

// Histories that once failed, and some that are worth being read.
TEST(DeliveryModelTest, KeptHistoriesPass) {
  int run = 0;
  for (const auto& entry :
       std::filesystem::directory_iterator("testdata/histories")) {
    if (entry.path().extension() != ".txt") continue;
    const auto history = ParseHistory(ReadFile(entry.path().string()));
    ASSERT_TRUE(history.ok()) << entry.path() << ": " << history.status();
    for (auto backend :
         {DeliveryWorld::Backend::kMemory, DeliveryWorld::Backend::kRocksdb}) {
      HistoryOptions options;
      options.backend = backend;
      EXPECT_EQ(Fails(*history, options), "") << entry.path();
    }
    ++run;
  }
  EXPECT_GT(run, 0);
}

TEST(DeliveryModelTest, AHistoryIsTheSameAfterItWasWrittenAndRead) {
  for (uint64_t seed = 1; seed <= 50; ++seed) {
    const std::string text = FormatHistory(GenerateHistory(seed, 100));
    const auto read = ParseHistory(text);
    ASSERT_TRUE(read.ok()) << read.status();
    EXPECT_EQ(FormatHistory(*read), text);
  }
  EXPECT_FALSE(ParseHistory("commit 0 a=1").ok());
  EXPECT_FALSE(ParseHistory("fault SOMETIMES ANY 0 1").ok());
  EXPECT_FALSE(ParseHistory("run").ok());
  EXPECT_FALSE(ParseHistory("run 1 2").ok());
}

// A connector that is broken on purpose is found out, and what shows it is cut
// down to a few steps.
class BrokenConnectorTest
    : public testing::TestWithParam<ForgetfulLedger::Fault> {};

TEST_P(BrokenConnectorTest, IsFoundAndCutDown) {
  ForgetfulLedger ledger(GetParam());
  HistoryOptions options;
  options.ledger_wrapper = [&](membership::Ledger* whole) {
    return ledger.Wrap(whole);
  };
  for (uint64_t seed = 1; seed <= 3'000; ++seed) {
    const History history = GenerateHistory(seed, 120);
    const std::string failure = Fails(history, options);
    if (failure.empty()) continue;
    const std::string text = Shrunk(history, options);
    std::cout << "found with seed " << seed << "; cut down from "
              << history.steps.size() << " steps:\n"
              << text;
    const auto small = ParseHistory(text);
    ASSERT_TRUE(small.ok()) << small.status();
    EXPECT_LE(small->steps.size(), 20);
    // It is the connector's fault, not the test's.
    EXPECT_EQ(Fails(*small, HistoryOptions()), "");
    EXPECT_NE(Fails(*small, options), "");
    return;
  }
  FAIL() << "nobody noticed";
}

INSTANTIATE_TEST_SUITE_P(
    Faults, BrokenConnectorTest,
    testing::Values(ForgetfulLedger::Fault::kNoDoubts,
                    ForgetfulLedger::Fault::kLosesExits,
                    ForgetfulLedger::Fault::kNoEchoes,
                    ForgetfulLedger::Fault::kCountsTwice,
                    ForgetfulLedger::Fault::kForgetsSettledRuns,
                    ForgetfulLedger::Fault::kForgetsExits,
                    ForgetfulLedger::Fault::kNetsTooMuch));

}  // namespace
}  // namespace connector::delivery
