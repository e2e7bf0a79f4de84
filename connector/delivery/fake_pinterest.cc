#include "connector/delivery/fake_pinterest.h"

#include <algorithm>
#include <memory>
#include <utility>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"

namespace connector::delivery {
namespace {

using identity_mapping::RecordView;
using pinterest::ApiError;
using pinterest::CustomerList;
using pinterest::ErrorClass;

ApiError MakeApiError(ErrorClass error_class, int http_status,
                      bool outcome_unknown) {
  ApiError error;
  error.error_class = error_class;
  error.outcome_unknown = outcome_unknown;
  error.message = "fault of a test";
  error.call.http_status = http_status;
  error.call.request_id = "rid-of-a-test";
  return error;
}

std::vector<std::string> WireTexts(absl::Span<const RecordView> records) {
  std::vector<std::string> texts;
  for (RecordView record : records) {
    texts.emplace_back();
    record.AppendWireText(&texts.back());
  }
  return texts;
}

bool Has(const std::string& ad_account_id,
         const struct FakePinterest::List& list) {
  return list.ad_account_id.empty() || list.ad_account_id == ad_account_id;
}

}  // namespace

void FakePinterest::SetFaults(std::function<Fault(const Call&)> faults) {
  absl::MutexLock lock(&mutex_);
  faults_ = std::move(faults);
}

const char* FakePinterest::FaultName(Fault fault) {
  switch (fault) {
    case Fault::kNone:
      return "NONE";
    case Fault::kNotSent:
      return "NOT_SENT";
    case Fault::kLostBefore:
      return "LOST_BEFORE";
    case Fault::kLostAfter:
      return "LOST_AFTER";
    case Fault::kAppliedLate:
      return "APPLIED_LATE";
    case Fault::kServerError:
      return "SERVER_ERROR";
    case Fault::kRateLimited:
      return "RATE_LIMITED";
    case Fault::kSpam:
      return "SPAM";
    case Fault::kUnauthorized:
      return "UNAUTHORIZED";
    case Fault::kForbidden:
      return "FORBIDDEN";
    case Fault::kNotFound:
      return "NOT_FOUND";
    case Fault::kTooLarge:
      return "TOO_LARGE";
    case Fault::kBadRequest:
      return "BAD_REQUEST";
    case Fault::kUnexpected:
      return "UNEXPECTED";
    case Fault::kUnreadable:
      return "UNREADABLE";
    case Fault::kExceptions:
      return "EXCEPTIONS";
    case Fault::kRateLimitedHint:
      return "RATE_LIMITED_HINT";
    case Fault::kBudgetUsedUp:
      return "BUDGET_USED_UP";
    case Fault::kWrongCounters:
      return "WRONG_COUNTERS";
  }
  return "";
}

void FakePinterest::SetBadRecord(std::string wire_record, bool removals_too) {
  absl::MutexLock lock(&mutex_);
  bad_records_[std::move(wire_record)] = removals_too;
}

void FakePinterest::ClearBadRecords() {
  absl::MutexLock lock(&mutex_);
  bad_records_.clear();
}

void FakePinterest::SetMaxRecords(size_t max_records) {
  absl::MutexLock lock(&mutex_);
  max_records_ = max_records;
}

void FakePinterest::SetListingDelay(absl::Duration delay) {
  absl::MutexLock lock(&mutex_);
  listing_delay_ = delay;
}

void FakePinterest::SetLateDelay(absl::Duration delay) {
  absl::MutexLock lock(&mutex_);
  late_delay_ = delay;
}

std::string FakePinterest::AddList(std::string name,
                                   std::set<std::string> records,
                                   std::string ad_account_id) {
  absl::MutexLock lock(&mutex_);
  const std::string id = absl::StrCat(++next_id_);
  const auto uploaded = static_cast<int64_t>(records.size());
  lists_[id] = {std::move(name),
                "EMAIL",
                absl::InfinitePast(),
                std::move(records),
                std::move(ad_account_id),
                true,
                uploaded,
                0,
                1};
  return id;
}

void FakePinterest::Edit(
    const std::string& list_id,
    const std::function<void(std::set<std::string>&)>& change) {
  absl::MutexLock lock(&mutex_);
  ApplyLate();
  change(lists_.at(list_id).records);
}

void FakePinterest::Vanish(const std::string& list_id) {
  absl::MutexLock lock(&mutex_);
  lists_.erase(list_id);
}

std::map<std::string, struct FakePinterest::List> FakePinterest::Lists() {
  absl::MutexLock lock(&mutex_);
  ApplyLate();
  return lists_;
}

std::set<std::string> FakePinterest::Records(const std::string& name) {
  std::set<std::string> records;
  int found = 0;
  for (const auto& [id, list] : Lists()) {
    if (list.name != name) continue;
    ++found;
    records = list.records;
  }
  EXPECT_EQ(found, 1) << "lists of the name " << name;
  return records;
}

std::vector<FakePinterest::Call> FakePinterest::Calls() {
  absl::MutexLock lock(&mutex_);
  return calls_;
}

std::vector<FakePinterest::Call> FakePinterest::CallsAfter(size_t skipped) {
  absl::MutexLock lock(&mutex_);
  return {calls_.begin() + static_cast<ptrdiff_t>(skipped), calls_.end()};
}

void FakePinterest::ClearCalls() {
  absl::MutexLock lock(&mutex_);
  calls_.clear();
}

bool FakePinterest::HasLateRequests() {
  absl::MutexLock lock(&mutex_);
  ApplyLate();
  return !late_.empty();
}

void FakePinterest::ApplyLate() {
  const absl::Time now = clock_->Now();
  while (!late_.empty() && late_.begin()->first <= now) {
    late_.begin()->second(late_.begin()->first);
    late_.erase(late_.begin());
  }
}

void FakePinterest::WriteForeign(const std::string& list_id, int64_t uploaded,
                                 int64_t removed) {
  absl::MutexLock lock(&mutex_);
  struct List& list = lists_.at(list_id);
  list.uploaded += uploaded;
  list.removed += removed;
  ++list.batches;
}

CustomerList FakePinterest::Describe(const std::string& id) {
  const struct List& list = lists_.at(id);
  CustomerList answer;
  answer.id = id;
  answer.name = list.name;
  answer.status = "PROCESSING";
  answer.num_uploaded_user_records = list.uploaded;
  answer.num_removed_user_records = list.removed;
  answer.num_batches = list.batches;
  return answer;
}

FakePinterest::Fault FakePinterest::Decide(const Call& call) {
  ApplyLate();
  if (faults_ != nullptr) {
    const Fault fault = faults_(call);
    if (fault != Fault::kNone) return fault;
  }
  if (max_records_ > 0 && call.records.size() > max_records_) {
    return Fault::kTooLarge;
  }
  if (bad_records_.empty()) return Fault::kNone;
  for (const std::string& record : call.records) {
    const auto bad = bad_records_.find(record);
    if (bad != bad_records_.end() && (bad->second || call.what != "REMOVE")) {
      return Fault::kBadRequest;
    }
  }
  return Fault::kNone;
}

pinterest::ApiResult<CustomerList> FakePinterest::Write(
    Call call, std::function<std::string(absl::Time)> apply) {
  mutex_.AssertHeld();
  const Fault fault = Decide(call);
  call.fault = fault;
  call.time = clock_->Now();
  calls_.push_back(call);
  switch (fault) {
    case Fault::kNone:
    case Fault::kExceptions:
    case Fault::kBudgetUsedUp:
    case Fault::kWrongCounters: {
      CustomerList answer = Describe(apply(call.time));
      pinterest::CallInfo info;
      if (fault == Fault::kExceptions) answer.exceptions_json = "[\"odd\"]";
      if (fault == Fault::kBudgetUsedUp) {
        pinterest::RateLimitWindow window;
        window.name = "ads_write_app_id_user_id";
        window.limit = 400;
        window.window = absl::Minutes(1);
        window.remaining = 0;
        window.reset_after = absl::Seconds(25);
        info.rate_limits.push_back(window);
      }
      if (fault == Fault::kWrongCounters) {
        answer.num_batches = 0;
        answer.num_uploaded_user_records = 1'000'000;
        answer.num_removed_user_records = 77;
      }
      return {answer, info};
    }
    case Fault::kNotSent:
      return MakeApiError(ErrorClass::kRetryable, 0, false);
    case Fault::kLostBefore:
      return MakeApiError(ErrorClass::kRetryable, 0, true);
    case Fault::kLostAfter:
      apply(call.time);
      return MakeApiError(ErrorClass::kRetryable, 0, true);
    case Fault::kAppliedLate:
      late_.emplace(clock_->Now() + late_delay_, apply);
      return MakeApiError(ErrorClass::kRetryable, 0, true);
    case Fault::kServerError:
      return MakeApiError(ErrorClass::kRetryable, 503, true);
    case Fault::kRateLimited:
      return MakeApiError(ErrorClass::kRateLimited, 429, false);
    case Fault::kRateLimitedHint: {
      ApiError error = MakeApiError(ErrorClass::kRateLimited, 429, false);
      error.call.retry_after = absl::Seconds(20);
      return error;
    }
    case Fault::kUnreadable:
      apply(call.time);
      return MakeApiError(ErrorClass::kUnexpected, 200, true);
    case Fault::kSpam:
      return MakeApiError(ErrorClass::kSpamBlocked, 429, false);
    case Fault::kUnauthorized:
      return MakeApiError(ErrorClass::kUnauthorized, 401, false);
    case Fault::kForbidden:
      return MakeApiError(ErrorClass::kForbidden, 403, false);
    case Fault::kNotFound:
      return MakeApiError(ErrorClass::kNotFound, 404, false);
    case Fault::kTooLarge:
      return MakeApiError(ErrorClass::kTooLarge, 413, false);
    case Fault::kBadRequest:
      return MakeApiError(ErrorClass::kBadRequest, 400, false);
    case Fault::kUnexpected:
      return MakeApiError(ErrorClass::kUnexpected, 409, false);
  }
  return MakeApiError(ErrorClass::kUnexpected, 0, false);
}

pinterest::ApiResult<CustomerList> FakePinterest::Create(
    absl::string_view ad_account_id, absl::string_view name,
    absl::string_view list_type, absl::Span<const RecordView> records) {
  absl::MutexLock lock(&mutex_);
  Call call;
  call.what = "CREATE";
  call.ad_account_id = std::string(ad_account_id);
  call.list_name = std::string(name);
  call.records = WireTexts(records);
  auto texts = call.records;
  return Write(std::move(call),
               [this, texts, name = std::string(name),
                list_type = std::string(list_type),
                account = std::string(ad_account_id)](absl::Time now)
                   ABSL_NO_THREAD_SAFETY_ANALYSIS {
                     const std::string id = absl::StrCat(++next_id_);
                     lists_[id] = {name,
                                   list_type,
                                   now + listing_delay_,
                                   {texts.begin(), texts.end()},
                                   account,
                                   false,
                                   static_cast<int64_t>(texts.size()),
                                   0,
                                   1};
                     return id;
                   });
}

pinterest::ApiResult<CustomerList> FakePinterest::Update(
    absl::string_view ad_account_id, absl::string_view customer_list_id,
    pinterest::Operation operation, absl::Span<const RecordView> records) {
  absl::MutexLock lock(&mutex_);
  Call call;
  const bool add = operation == pinterest::Operation::kAdd;
  call.what = add ? "ADD" : "REMOVE";
  call.ad_account_id = std::string(ad_account_id);
  call.list_id = std::string(customer_list_id);
  call.records = WireTexts(records);
  const auto list = lists_.find(call.list_id);
  if (list == lists_.end() || !Has(call.ad_account_id, list->second)) {
    return MakeApiError(ErrorClass::kNotFound, 404, false);
  }
  call.list_name = list->second.name;
  auto texts = call.records;
  return Write(std::move(call), [this, texts, add,
                                 id = std::string(customer_list_id)](
                                    absl::Time) ABSL_NO_THREAD_SAFETY_ANALYSIS {
    auto& list = lists_[id];
    (add ? list.uploaded : list.removed) += static_cast<int64_t>(texts.size());
    ++list.batches;
    auto& on_list = list.records;
    for (const std::string& text : texts) {
      if (add) {
        on_list.insert(text);
      } else {
        on_list.erase(text);
      }
    }
    return id;
  });
}

pinterest::ApiResult<CustomerList> FakePinterest::Get(
    absl::string_view, absl::string_view customer_list_id) {
  absl::MutexLock lock(&mutex_);
  auto found = lists_.find(std::string(customer_list_id));
  if (found == lists_.end()) {
    return MakeApiError(ErrorClass::kNotFound, 404, false);
  }
  return Describe(found->first);
}

pinterest::ApiResult<pinterest::CustomerListPage> FakePinterest::List(
    absl::string_view ad_account_id, absl::string_view bookmark, int,
    bool newest_first) {
  absl::MutexLock lock(&mutex_);
  Call call;
  call.what = "LIST";
  call.ad_account_id = std::string(ad_account_id);
  call.time = clock_->Now();
  call.fault = Decide(call);
  calls_.push_back(call);
  switch (call.fault) {
    case Fault::kNone:
    case Fault::kExceptions:
    case Fault::kBudgetUsedUp:
    case Fault::kWrongCounters:
      break;
    case Fault::kForbidden:
      return MakeApiError(ErrorClass::kForbidden, 403, false);
    case Fault::kNotFound:
      return MakeApiError(ErrorClass::kNotFound, 404, false);
    case Fault::kUnauthorized:
      return MakeApiError(ErrorClass::kUnauthorized, 401, false);
    case Fault::kRateLimited:
    case Fault::kRateLimitedHint:
      return MakeApiError(ErrorClass::kRateLimited, 429, false);
    case Fault::kSpam:
      return MakeApiError(ErrorClass::kSpamBlocked, 429, false);
    case Fault::kBadRequest:
      return MakeApiError(ErrorClass::kBadRequest, 400, false);
    case Fault::kUnexpected:
      return MakeApiError(ErrorClass::kUnexpected, 409, false);
    default:
      return MakeApiError(ErrorClass::kRetryable, 503, false);
  }
  std::vector<CustomerList> all;
  for (const auto& [id, list] : lists_) {
    if (list.visible_from > clock_->Now()) continue;
    if (!Has(call.ad_account_id, list)) continue;
    all.push_back(Describe(id));
  }
  if (newest_first) std::reverse(all.begin(), all.end());
  // Two a page, so that paging happens.
  pinterest::CustomerListPage page;
  size_t at = 0;
  if (!bookmark.empty()) at = std::stoul(std::string(bookmark));
  for (size_t i = at; i < std::min(at + 2, all.size()); ++i) {
    page.items.push_back(all[i]);
  }
  if (at + 2 < all.size()) page.bookmark = absl::StrCat(at + 2);
  return page;
}

pinterest::ApiResult<pinterest::AdAccount> FakePinterest::GetAdAccount(
    absl::string_view ad_account_id) {
  pinterest::AdAccount account;
  account.id = std::string(ad_account_id);
  return account;
}

absl::StatusOr<std::shared_ptr<pinterest::CustomerListClient>>
FakePinterest::ClientFor(absl::string_view) {
  return std::shared_ptr<pinterest::CustomerListClient>(
      this, [](pinterest::CustomerListClient*) {});
}

}  // namespace connector::delivery
