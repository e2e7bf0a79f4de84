#include "simulator/operations.h"

#include <vector>

#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"

namespace simulator {
namespace {

constexpr Operation kOperations[] = {
    {"oauth/token", "POST", "oauth/token", "org_read", "", false},
    {"user_account/get", "GET", "user_account", "org_read",
     "user_accounts:read", false},
    {"ad_accounts/list", "GET", "ad_accounts", "ads_read", "ads:read", false},
    {"ad_accounts/get", "GET", "ad_accounts/{a}", "ads_read", "ads:read",
     false},
    {"customer_lists/list", "GET", "ad_accounts/{a}/customer_lists", "ads_read",
     "ads:read", true},
    {"customer_lists/create", "POST", "ad_accounts/{a}/customer_lists",
     "ads_write", "ads:write", true},
    {"customer_lists/get", "GET", "ad_accounts/{a}/customer_lists/{l}",
     "ads_read", "ads:read", false},
    {"customer_lists/update", "PATCH", "ad_accounts/{a}/customer_lists/{l}",
     "ads_write", "ads:write", true},
    {"audiences/list", "GET", "ad_accounts/{a}/audiences", "ads_read",
     "ads:read", false},
    {"audiences/create", "POST", "ad_accounts/{a}/audiences", "ads_write",
     "ads:write", true},
    {"audiences/get", "GET", "ad_accounts/{a}/audiences/{i}", "ads_read",
     "ads:read", false},
    {"audiences/update", "PATCH", "ad_accounts/{a}/audiences/{i}", "ads_write",
     "ads:write", true},
};

// The older API; tried before the others, as "custom" is no audience id.
constexpr Operation kCreateCustom = {"audiences/create_custom",
                                     "POST",
                                     "ad_accounts/{a}/audiences/custom",
                                     "ads_write",
                                     "ads:write",
                                     true};

using Parts = std::vector<absl::string_view>;

bool Fits(absl::string_view pattern, const Parts& parts, Route* route) {
  Parts wanted = absl::StrSplit(pattern, '/');
  if (wanted.size() != parts.size()) return false;
  Route found = *route;
  for (size_t i = 0; i < parts.size(); ++i) {
    if (wanted[i] == "{a}") {
      found.ad_account = std::string(parts[i]);
    } else if (wanted[i] == "{l}") {
      found.customer_list = std::string(parts[i]);
    } else if (wanted[i] == "{i}") {
      found.audience = std::string(parts[i]);
    } else if (wanted[i] != parts[i]) {
      return false;
    }
  }
  *route = std::move(found);
  return true;
}

}  // namespace

Route FindRoute(absl::string_view method, absl::string_view path,
                bool legacy_audiences_custom) {
  Route route;
  if (!absl::ConsumePrefix(&path, "/v5/")) return route;
  absl::ConsumeSuffix(&path, "/");
  Parts parts = absl::StrSplit(path, '/');
  if (parts.size() >= 5 && parts[0] == "ad_accounts" &&
      parts[2] == "customer_lists" && parts[4] == "uploads") {
    route.ad_account = std::string(parts[1]);
    route.customer_list = std::string(parts[3]);
    route.path_exists = true;
    route.closed_beta = true;
    return route;
  }
  if (legacy_audiences_custom && Fits(kCreateCustom.path, parts, &route)) {
    route.path_exists = true;
    if (method == kCreateCustom.method) route.operation = &kCreateCustom;
    return route;
  }
  for (const Operation& operation : kOperations) {
    Route found;
    if (!Fits(operation.path, parts, &found)) continue;
    route = std::move(found);
    route.path_exists = true;
    if (method == operation.method) {
      route.operation = &operation;
      break;
    }
  }
  return route;
}

bool TakesRecords(const Operation& operation) {
  return absl::string_view(operation.name) == "customer_lists/create" ||
         absl::string_view(operation.name) == "customer_lists/update";
}

}  // namespace simulator
