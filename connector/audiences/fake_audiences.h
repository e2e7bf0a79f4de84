#ifndef CONNECTOR_AUDIENCES_FAKE_AUDIENCES_H_
#define CONNECTOR_AUDIENCES_FAKE_AUDIENCES_H_

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "connector/base/clock.h"
#include "connector/pinterest/audience_client.h"

namespace connector::audiences {

// The audiences of Pinterest in memory, with everything that can go wrong with
// a call. Not thread-safe.
class FakeAudiences final : public pinterest::AudienceClient,
                            public pinterest::AudienceClientProvider {
 public:
  using Audience = pinterest::Audience;
  using ApiError = pinterest::ApiError;
  using ErrorClass = pinterest::ErrorClass;

  enum class Fault {
    kNone,
    kNotSent,
    kLostBefore,   // not applied, and the caller cannot know
    kLostAfter,    // applied, and the caller cannot know
    kAppliedLate,  // applied `late_delay` later, and the caller cannot know
    kServerError,  // 503, not applied, and the caller cannot know
    kUnreadable,   // applied; a 2xx whose body is something else
    kRateLimited,
    kSpam,
    kUnauthorized,
    kForbidden,
    kNotFound,
    kBadRequest,
  };

  struct Call {
    std::string what;  // "CREATE", "CUSTOM", "UPDATE", "REMOVE", "GET", "LIST"
    std::string ad_account_id;
    std::string id;
    std::string name;
    std::string rule;
    absl::Time time;
  };
  struct Kept {
    Audience audience;
    std::string ad_account_id;
    absl::Time visible_from;
  };

  explicit FakeAudiences(Clock* clock) : clock_(clock) {}

  std::function<Fault(const Call&)> faults;
  absl::Duration listing_delay;
  absl::Duration late_delay = absl::Minutes(1);
  // The status of what is created.
  std::string first_status = "INITIALIZING";
  int page_size = 2;
  std::vector<Call> calls;
  std::map<std::string, Kept> kept;

  std::string Add(const std::string& ad_account_id, const std::string& type,
                  const std::string& name, const std::string& rule,
                  const std::string& status = "READY") {
    return Insert(ad_account_id, type, name, "", rule, clock_->Now(), status);
  }
  int Count(const std::string& what) const {
    int count = 0;
    for (const Call& call : calls) count += call.what == what;
    return count;
  }
  // Those that live, by type.
  std::vector<Audience> Living(const std::string& type) {
    ApplyLate();
    std::vector<Audience> found;
    for (const auto& [id, each] : kept) {
      if (each.audience.audience_type == type &&
          each.audience.status != "ARCHIVED") {
        found.push_back(each.audience);
      }
    }
    return found;
  }
  void SetStatus(const std::string& id, const std::string& status,
                 std::optional<int64_t> size = std::nullopt) {
    kept.at(id).audience.status = status;
    kept.at(id).audience.size = size;
  }

  pinterest::ApiResult<Audience> Create(
      absl::string_view account,
      const pinterest::AudienceDraft& draft) override {
    return CreateAs("CREATE", account, draft, draft.audience_type,
                    draft.description);
  }
  pinterest::ApiResult<Audience> CreateCustom(
      absl::string_view account, const pinterest::AudienceDraft& draft,
      const pinterest::CustomAudienceTerms&) override {
    return CreateAs("CUSTOM", account, draft, draft.audience_type, "");
  }
  pinterest::ApiResult<Audience> Update(
      absl::string_view account, absl::string_view id,
      const pinterest::AudienceChange& change) override {
    Call call{change.remove ? "REMOVE" : "UPDATE",
              std::string(account),
              std::string(id),
              change.name.value_or(""),
              change.rule_json.value_or(""),
              clock_->Now()};
    return Write(call,
                 [this, change, id = std::string(id)](
                     absl::Time) -> std::optional<std::string> {
                   auto found = kept.find(id);
                   if (found == kept.end()) return std::nullopt;
                   Audience& audience = found->second.audience;
                   if (change.name.has_value()) audience.name = *change.name;
                   if (change.description.has_value()) {
                     audience.description = *change.description;
                   }
                   if (change.rule_json.has_value())
                     SetRule(*change.rule_json, &audience);
                   if (change.remove) audience.status = "ARCHIVED";
                   return id;
                 });
  }
  pinterest::ApiResult<Audience> Get(absl::string_view account,
                                     absl::string_view id) override {
    Call call{"GET", std::string(account), std::string(id), "",
              "",    clock_->Now()};
    if (auto error = ReadFault(call)) return *error;
    auto found = kept.find(std::string(id));
    if (found == kept.end()) return Error(ErrorClass::kNotFound, 404, false);
    return Good(found->second.audience);
  }
  pinterest::ApiResult<pinterest::AudiencePage> List(absl::string_view account,
                                                     absl::string_view bookmark,
                                                     int) override {
    Call call{"LIST", std::string(account), "", "", "", clock_->Now()};
    if (auto error = ReadFault(call)) return *error;
    std::vector<Audience> all;
    for (auto it = kept.rbegin(); it != kept.rend(); ++it) {
      if (it->second.ad_account_id == account &&
          it->second.visible_from <= clock_->Now()) {
        all.push_back(it->second.audience);
      }
    }
    size_t at = bookmark.empty() ? 0 : std::stoul(std::string(bookmark));
    pinterest::AudiencePage page;
    const size_t end = at + static_cast<size_t>(page_size);
    for (; at < std::min(end, all.size()); ++at) page.items.push_back(all[at]);
    if (end < all.size()) page.bookmark = absl::StrCat(end);
    pinterest::CallInfo info;
    info.http_status = 200;
    return {page, info};
  }
  absl::StatusOr<std::shared_ptr<pinterest::AudienceClient>> AudienceClientFor(
      absl::string_view) override {
    return std::shared_ptr<pinterest::AudienceClient>(
        this, [](pinterest::AudienceClient*) {});
  }

 private:
  using Apply = std::function<std::optional<std::string>(absl::Time)>;

  static ApiError Error(ErrorClass error_class, int status, bool unknown) {
    ApiError error;
    error.error_class = error_class;
    error.outcome_unknown = unknown;
    error.message = "fault of a test";
    error.call.http_status = status;
    return error;
  }
  static pinterest::ApiResult<Audience> Good(const Audience& audience) {
    pinterest::CallInfo info;
    info.http_status = 200;
    return {audience, info};
  }
  static void SetRule(const std::string& rule, Audience* audience) {
    audience->rule_json = rule;
    audience->customer_list_id.clear();
    const std::string key = "\"customer_list_id\":\"";
    if (const size_t at = rule.find(key); at != std::string::npos) {
      const size_t begin = at + key.size();
      audience->customer_list_id =
          rule.substr(begin, rule.find('"', begin) - begin);
    }
  }
  std::string Insert(const std::string& account, const std::string& type,
                     const std::string& name, const std::string& description,
                     const std::string& rule, absl::Time now,
                     const std::string& status) {
    const std::string id = absl::StrCat(++next_id_);
    Kept& each = kept[id];
    each.audience.id = id;
    each.audience.name = name;
    each.audience.description = description;
    each.audience.audience_type = type;
    each.audience.status = status;
    each.audience.size = 0;
    SetRule(rule, &each.audience);
    each.ad_account_id = account;
    each.visible_from = now + listing_delay;
    return id;
  }
  pinterest::ApiResult<Audience> CreateAs(const std::string& what,
                                          absl::string_view account,
                                          const pinterest::AudienceDraft& draft,
                                          const std::string& type,
                                          const std::string& description) {
    Call call{what,       std::string(account), "",
              draft.name, draft.rule_json,      clock_->Now()};
    return Write(
        call,
        [this, draft, type, description, account = std::string(account)](
            absl::Time now) -> std::optional<std::string> {
          return Insert(account, type, draft.name, description, draft.rule_json,
                        now, first_status);
        });
  }
  void ApplyLate() {
    const absl::Time now = clock_->Now();
    while (!late_.empty() && late_.begin()->first <= now) {
      late_.begin()->second(late_.begin()->first);
      late_.erase(late_.begin());
    }
  }
  Fault Decide(const Call& call) {
    ApplyLate();
    calls.push_back(call);
    return faults == nullptr ? Fault::kNone : faults(call);
  }
  // What the fault of a call that was not applied comes to.
  static std::optional<ApiError> Refusal(Fault fault, bool write) {
    switch (fault) {
      case Fault::kNotSent:
        return Error(ErrorClass::kRetryable, 0, false);
      case Fault::kLostBefore:
        return Error(ErrorClass::kRetryable, 0, write);
      case Fault::kServerError:
        return Error(ErrorClass::kRetryable, 503, write);
      case Fault::kRateLimited:
        return Error(ErrorClass::kRateLimited, 429, false);
      case Fault::kSpam:
        return Error(ErrorClass::kSpamBlocked, 429, false);
      case Fault::kUnauthorized:
        return Error(ErrorClass::kUnauthorized, 401, false);
      case Fault::kForbidden:
        return Error(ErrorClass::kForbidden, 403, false);
      case Fault::kNotFound:
        return Error(ErrorClass::kNotFound, 404, false);
      case Fault::kBadRequest:
        return Error(ErrorClass::kBadRequest, 400, false);
      default:
        return std::nullopt;
    }
  }
  std::optional<ApiError> ReadFault(const Call& call) {
    const Fault fault = Decide(call);
    if (fault == Fault::kNone) return std::nullopt;
    if (auto error = Refusal(fault, /*write=*/false)) return error;
    return Error(ErrorClass::kRetryable, 0, false);
  }
  pinterest::ApiResult<Audience> Write(const Call& call, Apply apply) {
    const Fault fault = Decide(call);
    if (auto error = Refusal(fault, /*write=*/true)) return *error;
    if (fault == Fault::kAppliedLate) {
      late_.emplace(clock_->Now() + late_delay, std::move(apply));
      return Error(ErrorClass::kRetryable, 0, true);
    }
    const std::optional<std::string> id = apply(clock_->Now());
    if (fault == Fault::kLostAfter) {
      return Error(ErrorClass::kRetryable, 0, true);
    }
    if (fault == Fault::kUnreadable) {
      return Error(ErrorClass::kUnexpected, 200, true);
    }
    if (!id.has_value()) return Error(ErrorClass::kNotFound, 404, false);
    return Good(kept.at(*id).audience);
  }

  Clock* const clock_;
  std::multimap<absl::Time, Apply> late_;
  int next_id_ = 2000;
};

}  // namespace connector::audiences

#endif  // CONNECTOR_AUDIENCES_FAKE_AUDIENCES_H_
