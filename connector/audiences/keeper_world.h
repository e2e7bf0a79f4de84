#ifndef CONNECTOR_AUDIENCES_KEEPER_WORLD_H_
#define CONNECTOR_AUDIENCES_KEEPER_WORLD_H_

#include <algorithm>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "connector/audiences/audience_keeper.h"
#include "connector/audiences/fake_audiences.h"
#include "connector/base/fake_random.h"
#include "connector/delivery/delivery_world.h"
#include "gtest/gtest.h"

namespace connector::audiences {

// A store, delivery without threads, a fake Pinterest with lists and audiences,
// a keeper without threads, and a clock that stands still.
class KeeperWorld {
 public:
  explicit KeeperWorld(uint64_t seed = 1)
      : delivery(seed, delivery::DeliveryWorld::Backend::kMemory),
        audiences(&delivery.clock()),
        random_(seed) {
    auto* policy =
        delivery.config().mutable_destinations(0)->mutable_delivery_policy();
    policy->mutable_creation_lookup_window()->set_seconds(300);
  }

  audience_sync::v1::AudiencePolicy& policy() {
    return *delivery.config()
                .mutable_destinations(0)
                ->mutable_audience_policy();
  }

  // Starts on what the store holds; only the first `kept` of the writes that
  // were not synced are left of what ran before.
  void Open(size_t kept = SIZE_MAX) {
    keeper.reset();
    delivery.Close(kept);
    delivery.Open();
    told_ = delivery.events().size();
    AudienceKeeperOptions options;
    options.environment.catalog = &delivery.store();
    options.environment.ledger = &delivery.store();
    options.environment.audiences = &delivery.store();
    options.environment.counters = &delivery.store();
    options.environment.router = &delivery.deliverer();
    options.environment.clients = &audiences;
    options.environment.clock = &delivery.clock();
    options.environment.random = &random_;
    options.environment.observer = [this](const AudienceEvent& event) {
      events.push_back(event);
    };
    options.registry = &delivery.registry();
    keeper = std::make_unique<AudienceKeeper>(options);
  }

  // Puts a record on a segment's list.
  void Add(const std::string& segment, int record = 1) {
    delivery.Commit({{segment, record, membership::Change::kAdd}});
  }

  // Runs what is due, without moving the clock.
  void RunSteps(int at_most = 10'000) {
    for (int i = 0; i < at_most; ++i) {
      const bool delivered = delivery.deliverer().RunReadyStep();
      Tell();
      if (!delivered && !keeper->RunReadyStep()) return;
    }
    ADD_FAILURE() << "it turns in a circle";
  }

  // Moves the clock on, running whatever is due on the way.
  void RunFor(absl::Duration duration) {
    const absl::Time end = delivery.clock().Now() + duration;
    while (true) {
      RunSteps();
      const absl::Time next =
          std::min(delivery.deliverer().NextStepTime(), keeper->NextStepTime());
      const absl::Time now = delivery.clock().Now();
      if (next >= end) {
        delivery.clock().Advance(end - now);
        RunSteps();
        return;
      }
      delivery.clock().Advance(std::max(next - now, absl::Milliseconds(1)));
    }
  }

  membership::SegmentRow Segment(const std::string& id) {
    auto row = delivery.store().FindSegment(delivery.destination(), "ups", id);
    EXPECT_TRUE(row.has_value()) << id;
    return row.value_or(membership::SegmentRow());
  }
  membership::AudienceRow Row(const std::string& segment) {
    membership::AudienceKey key;
    key.destination = delivery.destination();
    key.segment = Segment(segment).number;
    return delivery.store().FindAudience(key).value_or(
        membership::AudienceRow());
  }
  membership::AudienceRow Declared(const std::string& type,
                                   const std::string& name) {
    membership::AudienceKey key;
    key.destination = delivery.destination();
    key.type = type;
    key.name = name;
    return delivery.store().FindAudience(key).value_or(
        membership::AudienceRow());
  }
  std::string ListId(const std::string& segment) {
    return delivery.store().GetList(Segment(segment).list)->customer_list_id;
  }
  int Events(AudienceEvent::Kind kind) const {
    return static_cast<int>(
        std::count_if(events.begin(), events.end(),
                      [&](const auto& event) { return event.kind == kind; }));
  }

  delivery::DeliveryWorld delivery;
  FakeAudiences audiences;
  std::unique_ptr<AudienceKeeper> keeper;
  std::vector<AudienceEvent> events;

 private:
  // Tells the keeper of new lists, as the server does.
  void Tell() {
    using Kind = delivery::DeliveryEvent::Kind;
    for (; told_ < delivery.events().size(); ++told_) {
      const auto& event = delivery.events()[told_];
      if (event.kind == Kind::kListCreated ||
          event.kind == Kind::kListAdopted) {
        keeper->OnListChanged(event.list);
      }
    }
  }

  FakeRandom random_;
  size_t told_ = 0;
};

}  // namespace connector::audiences

#endif  // CONNECTOR_AUDIENCES_KEEPER_WORLD_H_
