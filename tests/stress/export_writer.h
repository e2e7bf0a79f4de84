#ifndef TESTS_STRESS_EXPORT_WRITER_H_
#define TESTS_STRESS_EXPORT_WRITER_H_

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "audience_sync/v1/export_service.grpc.pb.h"
#include "tests/stress/event.h"
#include "tests/stress/stream.h"

namespace stress {

// Of all writers of one ad account, for who watches them.
struct AccountBounds {
  // What surely is durable, and all that was ever sent.
  std::atomic<int64_t> durable{0};
  std::atomic<int64_t> sent{0};
  // How many small segments there are by now: each makes a list.
  std::atomic<int> small_segments{1};
};

// A host that exports random events of its own people, one export after the
// other, and does not rest until each is durable: streams, some of which are
// fenced by a newer one in the middle; unary batches, numbered or not; batches
// that are sent again. What was not durable when a stream opens may be other
// events from then on: were an older stream's batch to slip in, that would
// show.
class ExportWriter {
 public:
  struct Options {
    std::string address;
    std::string ad_account;
    std::string name;
    // Its people: first, first + step…
    int first_person = 0;
    int step = 1;
    int people = 1'000;
    // People whose records Pinterest refuses.
    std::vector<int> bad_people;
    // Begins with an export that brings all people to the first segment.
    bool bulk = false;
    uint64_t seed = 1;
    AccountBounds* bounds = nullptr;
  };
  struct Counts {
    int64_t exports = 0;
    int64_t batches = 0;
    int64_t events = 0;
    int64_t fenced = 0;
    int64_t repeats = 0;
    int64_t unary = 0;
    int64_t streams = 0;
    // Refused as they should be.
    int64_t wrong = 0;
  };

  explicit ExportWriter(Options options);

  // The first export, if it is to be a bulk.
  void RunBulk();
  // Everybody comes to a segment, or leaves it.
  void RunWave(const std::string& segment, bool member);
  // One more export, from its beginning to its end. Returns early, with a
  // failure of the test, when an answer breaks the protocol.
  void RunOne();

  const Model& model() const { return model_; }
  const Counts& counts() const { return counts_; }
  // What became durable, exactly; and what may have besides, as an unnumbered
  // batch was sent again.
  const Units& durable() const { return durable_; }
  int64_t maybe_more() const { return maybe_more_; }
  // To end early.
  void Stop() { stop_ = true; }

 private:
  struct Batch {
    std::vector<Event> events;
    Units units;
    audience_sync::v1::ExportBatch proto;
  };
  struct Export {
    std::string id;
    std::vector<Batch> batches;  // number n is at n - 1
    int profiles_per_batch = 0;
    bool with_end = false;
    bool end_sent = false;
    bool over = false;
    int64_t sent = 0;
    int64_t durable = 0;  // known
    int64_t delivered = 0;
    std::string history_id;
  };

  Batch RandomBatch(int64_t number, int profiles);
  void AddProfile(const Event& event, Batch* batch);
  void RunStreams(Export* run);
  // One attempt; over when it is durable.
  void Attempt(Export* run);
  // Takes in where the export stands.
  void TakePosition(const audience_sync::v1::ExportOpened& opened, Export* run);
  void MarkDurable(int64_t number, Export* run);
  void TakeFrames(Stream& stream, Export* run);
  void TakeEnd(const grpc::Status& status, Export* run);
  void RunUnary(bool numbered);
  // Until it is answered: the code, OK or one that is about the batch.
  grpc::Status SendUnary(const std::string& export_id, const Batch& batch,
                         audience_sync::v1::ExportProfilesResponse* response,
                         int64_t* unanswered);
  bool Chance(int one_in) { return random_() % one_in == 0; }
  static bool IsPassing(const grpc::Status& status);
  void Pause();

  const Options options_;
  std::mt19937_64 random_;
  std::unique_ptr<audience_sync::v1::ExportService::Stub> stub_;
  Model model_;
  Counts counts_;
  Units durable_;
  int64_t maybe_more_ = 0;
  int64_t next_export_ = 0;
  bool wave_members_ = false;
  std::string history_id_;
  std::atomic<bool> stop_{false};
};

}  // namespace stress

#endif  // TESTS_STRESS_EXPORT_WRITER_H_
