#include "tests/benchmark/load.h"

#include <sys/resource.h>

#include <algorithm>
#include <memory>
#include <thread>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "audience_sync/v1/export_service.grpc.pb.h"
#include "grpcpp/create_channel.h"
#include "grpcpp/security/credentials.h"

namespace benchmark_load {
namespace {

namespace v1 = audience_sync::v1;

// A bijection, so that device ids look random and differ.
uint64_t Mix(uint64_t n) {
  n ^= n >> 31;
  n *= 0x9e3779b97f4a7c15ull;
  n ^= n >> 29;
  return n * 0xbf58476d1ce4e5b9ull;
}

void AppendHex(uint64_t value, int digits, std::string* out) {
  static constexpr char kDigits[] = "0123456789abcdef";
  for (int shift = 4 * (digits - 1); shift >= 0; shift -= 4) {
    out->push_back(kDigits[(value >> shift) & 15]);
  }
}

void SetEmail(int64_t person, std::string* value) {
  value->assign("person");
  AppendHex(static_cast<uint64_t>(person), 10, value);
  value->append("@example.com");
}

void SetDeviceId(int64_t person, std::string* value) {
  const uint64_t high = Mix(static_cast<uint64_t>(person));
  const uint64_t low = static_cast<uint64_t>(person);
  value->clear();
  AppendHex(high >> 32, 8, value);
  value->push_back('-');
  AppendHex(high >> 16, 4, value);
  value->append("-4000-8000-");
  AppendHex(low, 12, value);
}

// As in BatchMaker.
void SetFirstSegment(v1::Segment* segment) {
  segment->set_segment_namespace("ups");
  segment->set_segment_id("s0");
}

// The profiles are the parts of one message that is filled again and again:
// what a host spends on its own data is not what is measured.
class BatchMaker {
 public:
  explicit BatchMaker(const LoadOptions& options) : options_(options) {
    v1::ExportBatch* batch = frame_.mutable_batch();
    batch->add_source_namespaces("Email");
    batch->add_source_namespaces("GAID");
    for (int i = 0; i < options.segments; ++i) {
      v1::Segment* segment = batch->add_segments();
      segment->set_segment_namespace("ups");
      segment->set_segment_id(absl::StrCat("s", i));
    }
    const int64_t now = absl::ToUnixSeconds(absl::Now());
    for (int i = 0; i < options.batch_profiles; ++i) {
      v1::ProfileExport* profile = batch->add_profile_exports();
      profile->add_identities()->set_source_namespace_index(0);
      profile->add_identities()->set_source_namespace_index(1);
      v1::SegmentMembership* membership = profile->add_segment_memberships();
      membership->set_status(options.exited ? v1::MEMBERSHIP_STATUS_EXITED
                                            : v1::MEMBERSHIP_STATUS_REALIZED);
      membership->mutable_last_qualification_time()->set_seconds(now);
    }
  }

  // The people of places [from, to).
  const v1::ExportSegmentsRequest& Make(int64_t number, int64_t from,
                                        int64_t to) {
    v1::ExportBatch* batch = frame_.mutable_batch();
    batch->set_sequence_number(number);
    const int count = static_cast<int>(to - from);
    while (batch->profile_exports_size() > count) {
      batch->mutable_profile_exports()->RemoveLast();
    }
    for (int i = 0; i < count; ++i) {
      const int64_t person =
          options_.first_person + (from + i) * options_.stride;
      v1::ProfileExport* profile = batch->mutable_profile_exports(i);
      SetEmail(person, profile->mutable_identities(0)->mutable_value());
      SetDeviceId(person, profile->mutable_identities(1)->mutable_value());
      if (options_.complete) {
        std::string* key = profile->mutable_profile_key();
        key->assign("customer-");
        AppendHex(static_cast<uint64_t>(person), 12, key);
      }
      profile->mutable_segment_memberships(0)->set_segment_index(
          static_cast<uint32_t>(person % options_.segments));
    }
    return frame_;
  }

 private:
  const LoadOptions& options_;
  v1::ExportSegmentsRequest frame_;
};

// One stream: this thread writes, another one reads.
class Stream {
 public:
  // The places [from, to) are this stream's.
  Stream(const LoadOptions& options, int number, int64_t from, int64_t to)
      : options_(options), number_(number), from_(from), to_(to) {}

  // Opens the stream and waits for the answer.
  absl::Status Open() {
    grpc::ChannelArguments arguments;
    // A connection of its own, as a host's process would have.
    arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
    arguments.SetMaxReceiveMessageSize(-1);
    stub_ = v1::ExportService::NewStub(grpc::CreateCustomChannel(
        options_.address, grpc::InsecureChannelCredentials(), arguments));
    stream_ = stub_->ExportSegments(&context_);
    v1::ExportSegmentsRequest open;
    open.mutable_open()->set_ad_account_id(options_.ad_account_id);
    open.mutable_open()->set_export_id(
        absl::StrCat(options_.export_id, "-", number_));
    open.mutable_open()->set_identities_complete(options_.complete);
    v1::ExportSegmentsResponse opened;
    if (!stream_->Write(open) || !stream_->Read(&opened)) return Finish();
    return absl::OkStatus();
  }

  absl::Status Send(absl::Time start) {
    const int64_t batches =
        (to_ - from_ + options_.batch_profiles - 1) / options_.batch_profiles;
    const double rate = options_.rate / options_.streams;
    const absl::Duration interval =
        rate > 0 ? absl::Seconds(2 * options_.batch_profiles / rate)
                 : absl::ZeroDuration();
    // Streams are not in step.
    const absl::Time first = start + interval * number_ / options_.streams;
    // The frame that begins a full sync is numbered, too.
    const int64_t before = options_.full_sync ? 1 : 0;
    std::thread reader([&] { ReadAcks(before, batches); });
    BatchMaker maker(options_);
    bool written = true;
    if (options_.full_sync) {
      v1::ExportSegmentsRequest begin;
      begin.mutable_begin_full_sync()->set_sequence_number(1);
      SetFirstSegment(begin.mutable_begin_full_sync()->mutable_segment());
      written = stream_->Write(begin);
    }
    for (int64_t n = 1; written && n <= batches; ++n) {
      absl::Time due = absl::Now();
      if (rate > 0) {
        due = first + interval * (n - 1);
        absl::SleepFor(due - absl::Now());
      }
      {
        absl::MutexLock lock(&mutex_);
        mutex_.Await(absl::Condition(this, &Stream::MaySend));
        if (broken_) break;
        if (rate <= 0) due = absl::Now();
        sent_.push_back(due);
      }
      const int64_t begin = from_ + (n - 1) * options_.batch_profiles;
      written = stream_->Write(
          maker.Make(before + n, begin,
                     std::min<int64_t>(begin + options_.batch_profiles, to_)));
    }
    int64_t last = before + batches;
    if (written && options_.full_sync) {
      v1::ExportSegmentsRequest commit;
      commit.mutable_commit_full_sync()->set_sequence_number(++last);
      SetFirstSegment(commit.mutable_commit_full_sync()->mutable_segment());
      written = stream_->Write(commit);
    }
    if (written) {
      v1::ExportSegmentsRequest end;
      end.mutable_end()->set_last_sequence_number(last);
      stream_->Write(end);
    }
    stream_->WritesDone();
    reader.join();
    const absl::Status status = Finish();
    if (status.ok() && static_cast<int64_t>(latencies_.size()) != batches) {
      return absl::DataLossError("not all batches were acknowledged");
    }
    return status;
  }

  const std::vector<float>& latencies() const { return latencies_; }
  absl::Time last_ack() const { return last_ack_; }

 private:
  bool MaySend() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    return broken_ ||
           static_cast<int64_t>(sent_.size()) - durable_ < options_.window;
  }

  // Numbers up to `before` are no batches.
  void ReadAcks(int64_t before, int64_t batches) {
    latencies_.reserve(batches);
    v1::ExportSegmentsResponse response;
    while (stream_->Read(&response)) {
      if (!response.has_durable_ack()) {
        // What comes after the end is of no interest.
        if (response.has_ended()) context_.TryCancel();
        continue;
      }
      const absl::Time now = absl::Now();
      absl::MutexLock lock(&mutex_);
      const int64_t durable = std::min<int64_t>(
          response.durable_ack().durable_sequence_number() - before, batches);
      for (; durable_ < durable; ++durable_) {
        latencies_.push_back(static_cast<float>(
            absl::ToDoubleMilliseconds(now - sent_[durable_])));
        last_ack_ = now;
      }
    }
    absl::MutexLock lock(&mutex_);
    broken_ = true;
  }

  absl::Status Finish() {
    const grpc::Status status = stream_->Finish();
    if (status.ok() || status.error_code() == grpc::StatusCode::CANCELLED) {
      return absl::OkStatus();
    }
    return absl::Status(static_cast<absl::StatusCode>(status.error_code()),
                        status.error_message());
  }

  const LoadOptions& options_;
  const int number_;
  const int64_t from_;
  const int64_t to_;
  std::unique_ptr<v1::ExportService::Stub> stub_;
  grpc::ClientContext context_;
  std::unique_ptr<grpc::ClientReaderWriter<v1::ExportSegmentsRequest,
                                           v1::ExportSegmentsResponse>>
      stream_;
  absl::Mutex mutex_;
  // When each batch was sent, or was due.
  std::vector<absl::Time> sent_ ABSL_GUARDED_BY(mutex_);
  int64_t durable_ ABSL_GUARDED_BY(mutex_) = 0;
  bool broken_ ABSL_GUARDED_BY(mutex_) = false;
  // The reader's until it has ended.
  std::vector<float> latencies_;
  absl::Time last_ack_ = absl::InfinitePast();
};

double CpuSeconds() {
  rusage usage;
  getrusage(RUSAGE_SELF, &usage);
  return usage.ru_utime.tv_sec + usage.ru_stime.tv_sec +
         1e-6 * (usage.ru_utime.tv_usec + usage.ru_stime.tv_usec);
}

}  // namespace

absl::StatusOr<nlohmann::json> SendLoad(const LoadOptions& options) {
  if (options.full_sync && (options.streams != 1 || options.segments != 1)) {
    return absl::InvalidArgumentError("a full sync has one stream and segment");
  }
  std::vector<std::unique_ptr<Stream>> streams;
  for (int i = 0; i < options.streams; ++i) {
    streams.push_back(std::make_unique<Stream>(
        options, i, options.profiles * i / options.streams,
        options.profiles * (i + 1) / options.streams));
    if (absl::Status status = streams.back()->Open(); !status.ok()) {
      return status;
    }
  }
  const double cpu = CpuSeconds();
  const absl::Time start = absl::Now();
  std::vector<absl::Status> results(options.streams);
  std::vector<std::thread> threads;
  for (int i = 0; i < options.streams; ++i) {
    threads.emplace_back([&, i] { results[i] = streams[i]->Send(start); });
  }
  for (std::thread& thread : threads) thread.join();
  std::vector<float> latencies;
  absl::Time end = start;
  for (int i = 0; i < options.streams; ++i) {
    if (!results[i].ok()) return results[i];
    end = std::max(end, streams[i]->last_ack());
    latencies.insert(latencies.end(), streams[i]->latencies().begin(),
                     streams[i]->latencies().end());
  }
  if (latencies.empty()) return absl::InvalidArgumentError("no profiles");
  std::sort(latencies.begin(), latencies.end());
  const auto percentile = [&](double share) {
    return latencies[static_cast<size_t>(share * (latencies.size() - 1))];
  };
  return nlohmann::json({{"identities", 2 * options.profiles},
                         {"seconds", absl::ToDoubleSeconds(end - start)},
                         {"batches", latencies.size()},
                         {"latency_ms",
                          {{"p50", percentile(0.5)},
                           {"p99", percentile(0.99)},
                           {"max", latencies.back()}}},
                         {"cpu_seconds", CpuSeconds() - cpu}});
}

}  // namespace benchmark_load
