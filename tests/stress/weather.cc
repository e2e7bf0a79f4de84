#include "tests/stress/weather.h"

#include <algorithm>

#include "absl/strings/str_cat.h"

namespace stress {

using nlohmann::json;

std::vector<Weather::Kind> Weather::Kinds() {
  const std::vector<std::string> update = {"customer_lists/update"};
  const std::vector<std::string> create = {"customer_lists/create"};
  const std::vector<std::string> writes = {"customer_lists/update",
                                           "customer_lists/create"};
  const std::vector<std::string> all = {
      "customer_lists/update", "customer_lists/create", "customer_lists/list"};
  std::vector<Kind> kinds;
  for (int status : {408, 500, 502, 503, 504}) {
    kinds.push_back({absl::StrCat(status), {{"status", status}}, all});
    kinds.push_back({absl::StrCat(status, " and applied"),
                     {{"status", status}, {"applied", true}},
                     writes});
  }
  // Somebody has to do something, or so it looks: each stops a while.
  for (int status : {400, 401, 403, 404, 405, 409, 422}) {
    kinds.push_back(
        {absl::StrCat(status), {{"status", status}}, update, 1, 0.2});
  }
  kinds.push_back(
      {"401 to a lookup", {{"status", 401}}, {"customer_lists/list"}, 1, 0.5});
  kinds.push_back(
      {"429 with headers",
       {{"status", 429}, {"ratelimit", "exhausted"}, {"ratelimit_reset_s", 20}},
       all,
       2,
       0.2});
  kinds.push_back({"429 without a hint",
                   {{"status", 429}, {"ratelimit", "none"}},
                   all,
                   2,
                   0.2});
  kinds.push_back(
      {"429 of spam",
       {{"status", 429},
        {"body", {{"code", 8}, {"message", "This looks like spam."}}}},
       update,
       1,
       0.1});
  kinds.push_back({"no rate headers", {{"ratelimit", "none"}}, all});
  for (const bool reset : {false, true}) {
    const std::string how = reset ? "reset" : "closed";
    kinds.push_back(
        {how + " before", {{"drop_before", true}, {"reset", reset}}, all});
    kinds.push_back(
        {how + " after", {{"drop_after", true}, {"reset", reset}}, all});
  }
  kinds.push_back({"creation lost", {{"drop_after", true}}, create, 0, 0.3});
  // On the simulator's clock: well within the five minutes in which a request
  // that was given up is made good again.
  kinds.push_back({"applied late", {{"apply_late_ms", 60'000}}, update});
  kinds.push_back({"504 and applied late",
                   {{"apply_late_ms", 30'000}, {"status", 504}},
                   update});
  kinds.push_back({"slow before", {{"delay_before_ms", 40}}, all, 0, 0.1});
  kinds.push_back({"slow after", {{"delay_after_ms", 40}}, all, 0, 0.1});
  kinds.push_back({"answer cut", {{"truncate_body", 20}}, all});
  kinds.push_back({"not JSON", {{"not_json", true}}, update, 1, 0.2});
  kinds.push_back({"redirect",
                   {{"redirect", "http://127.0.0.1:9/elsewhere"}},
                   update,
                   1,
                   0.2});
  kinds.push_back({"exceptions of any shape",
                   {{"exceptions", {{"anything", {1, "two", nullptr}}}}},
                   writes,
                   0,
                   0.2});
  kinds.push_back({"counters off", {{"counters_off", 7}}, writes, 0, 0.2});
  return kinds;
}

void Weather::Change() {
  Clear();
  json faults = json::array();
  for (const std::string& record : bad_) {
    faults.push_back({{"match", {{"contains_record", record}}},
                      {"action", {{"status", 400}}}});
    installed_.push_back("400 for one bad record");
  }
  static const auto& kinds = *new std::vector<Kind>(Kinds());
  for (int i = 0; i < 6; ++i) {
    const Kind& kind = kinds[random_() % kinds.size()];
    for (const std::string& operation : kind.operations) {
      json fault = {{"match", {{"operation", operation}}},
                    {"action", kind.action},
                    {"probability", kind.probability}};
      if (kind.times > 0) fault["times"] = kind.times;
      faults.push_back(fault);
      installed_.push_back(kind.name);
    }
  }
  system_.Control("faults", {{"faults", faults}});
}

void Weather::Clear() {
  Count();
  system_.ClearFaults();
  installed_.clear();
}

void Weather::Count() {
  if (installed_.empty()) return;
  const json body = system_.Inspect("faults");
  size_t i = 0;
  for (const json& fault : body.at("faults")) {
    if (i == installed_.size()) break;
    const int64_t hits = fault.at("hits").get<int64_t>();
    if (hits > 0) hits_[installed_[i]] += hits;
    ++i;
  }
}

}  // namespace stress
