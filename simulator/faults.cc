#include "simulator/faults.h"

#include <regex>

#include "absl/strings/str_cat.h"
#include "simulator/record_set.h"

namespace simulator {
namespace {

using nlohmann::json;

absl::Status Wrong(absl::string_view path, absl::string_view rule) {
  return absl::InvalidArgumentError(absl::StrCat(path, ": ", rule));
}

// Every member reads one JSON value; false if it does not fit.
bool Read(const json& in, std::string* out) {
  if (!in.is_string()) return false;
  *out = in.get<std::string>();
  return true;
}

bool Read(const json& in, bool* out) {
  if (!in.is_boolean()) return false;
  *out = in.get<bool>();
  return true;
}

bool Read(const json& in, int64_t* out) {
  if (!in.is_number_integer()) return false;
  *out = in.get<int64_t>();
  return true;
}

bool ReadMillis(const json& in, absl::Duration* out) {
  if (!in.is_number() || in.get<double>() < 0) return false;
  *out = absl::Milliseconds(in.get<double>());
  return true;
}

bool ReadHeaders(const json& in, Headers* out) {
  if (!in.is_object()) return false;
  for (const auto& [name, value] : in.items()) {
    if (!value.is_string()) return false;
    out->emplace_back(name, value.get<std::string>());
  }
  return true;
}

bool ReadMatch(const std::string& name, const json& in, Fault::Match* match) {
  if (name == "method") return Read(in, &match->method);
  if (name == "path") return Read(in, &match->path);
  if (name == "operation") return Read(in, &match->operation);
  if (name == "ad_account") return Read(in, &match->ad_account);
  if (name == "list_id") return Read(in, &match->list_id);
  if (name == "operation_type") return Read(in, &match->operation_type);
  if (name == "contains_record") return Read(in, &match->contains_record);
  return false;
}

bool ReadStatus(const json& in, int* out) {
  int64_t status;
  if (!Read(in, &status) || status < 200 || status > 599) return false;
  *out = static_cast<int>(status);
  return true;
}

bool ReadAction(const std::string& name, const json& in,
                Fault::Action* action) {
  if (name == "status") return ReadStatus(in, &action->status);
  if (name == "body") {
    // A string goes out as it is, anything else as JSON.
    action->body = in.is_string() ? in.get<std::string>() : in.dump();
    return true;
  }
  if (name == "headers") return ReadHeaders(in, &action->headers);
  if (name == "applied") return Read(in, &action->applied);
  if (name == "drop_before") return Read(in, &action->drop_before);
  if (name == "drop_after") return Read(in, &action->drop_after);
  if (name == "reset") return Read(in, &action->reset);
  if (name == "delay_before_ms") return ReadMillis(in, &action->delay_before);
  if (name == "delay_after_ms") return ReadMillis(in, &action->delay_after);
  if (name == "apply_late_ms") {
    return ReadMillis(in, &action->apply_late.emplace());
  }
  if (name == "truncate_body") {
    return Read(in, &action->truncate_body.emplace()) &&
           *action->truncate_body >= 0;
  }
  if (name == "not_json") return Read(in, &action->not_json);
  if (name == "redirect") return Read(in, &action->redirect);
  if (name == "exceptions") {
    action->exceptions = in.dump();
    return true;
  }
  if (name == "counters_off") return Read(in, &action->counters_off);
  if (name == "ratelimit") {
    return Read(in, &action->ratelimit) &&
           (action->ratelimit.empty() || action->ratelimit == "exhausted" ||
            action->ratelimit == "none");
  }
  if (name == "ratelimit_reset_s") {
    if (!in.is_number()) return false;
    action->ratelimit_reset = absl::Seconds(in.get<double>());
    return true;
  }
  return false;
}

bool ContainsRecord(absl::string_view records, absl::string_view record) {
  for (size_t at = records.find(record); at != absl::string_view::npos;
       at = records.find(record, at + 1)) {
    size_t end = at + record.size();
    if ((at == 0 || records[at - 1] == ',') &&
        (end == records.size() || records[end] == ',')) {
      return true;
    }
  }
  return false;
}

}  // namespace

absl::StatusOr<Fault> ParseFault(const json& in) {
  constexpr char kRule[] = "unknown, or the value does not fit";
  if (!in.is_object()) return Wrong("fault", "an object is wanted");
  Fault fault;
  for (const auto& [name, value] : in.items()) {
    if (name == "match" && value.is_object()) {
      for (const auto& [key, item] : value.items()) {
        if (!ReadMatch(key, item, &fault.match)) {
          return Wrong(absl::StrCat("match.", key), kRule);
        }
      }
    } else if (name == "action" && value.is_object()) {
      for (const auto& [key, item] : value.items()) {
        if (!ReadAction(key, item, &fault.action)) {
          return Wrong(absl::StrCat("action.", key), kRule);
        }
      }
    } else if (name == "skip" && Read(value, &fault.skip) && fault.skip >= 0) {
    } else if (name == "times" && Read(value, &fault.times) &&
               fault.times >= -1) {
    } else if (name == "probability" && value.is_number() &&
               value.get<double>() >= 0 && value.get<double>() <= 1) {
      fault.probability = value.get<double>();
    } else {
      return Wrong(name, kRule);
    }
  }
  if (!in.contains("action")) return Wrong("action", "is required");
  return fault;
}

json ToJson(const Fault& fault) {
  json match = json::object();
  auto text = [](json* out, const char* name, const std::string& value) {
    if (!value.empty()) (*out)[name] = value;
  };
  auto flag = [](json* out, const char* name, bool value) {
    if (value) (*out)[name] = true;
  };
  auto millis = [](json* out, const char* name, absl::Duration value) {
    if (value > absl::ZeroDuration()) {
      (*out)[name] = absl::ToDoubleMilliseconds(value);
    }
  };
  text(&match, "method", fault.match.method);
  text(&match, "path", fault.match.path);
  text(&match, "operation", fault.match.operation);
  text(&match, "ad_account", fault.match.ad_account);
  text(&match, "list_id", fault.match.list_id);
  text(&match, "operation_type", fault.match.operation_type);
  text(&match, "contains_record", fault.match.contains_record);

  const Fault::Action& action = fault.action;
  json out = json::object();
  if (action.status != 0) out["status"] = action.status;
  if (action.body.has_value()) out["body"] = *action.body;
  if (!action.headers.empty()) {
    out["headers"] = json::object();
    for (const auto& [name, value] : action.headers) {
      out["headers"][name] = value;
    }
  }
  flag(&out, "applied", action.applied);
  flag(&out, "drop_before", action.drop_before);
  flag(&out, "drop_after", action.drop_after);
  flag(&out, "reset", action.reset);
  millis(&out, "delay_before_ms", action.delay_before);
  millis(&out, "delay_after_ms", action.delay_after);
  if (action.apply_late.has_value()) {
    out["apply_late_ms"] = absl::ToDoubleMilliseconds(*action.apply_late);
  }
  if (action.truncate_body.has_value()) {
    out["truncate_body"] = *action.truncate_body;
  }
  flag(&out, "not_json", action.not_json);
  text(&out, "redirect", action.redirect);
  if (!action.exceptions.empty()) {
    out["exceptions"] = json::parse(action.exceptions, nullptr, false);
  }
  if (action.counters_off != 0) out["counters_off"] = action.counters_off;
  if (!action.ratelimit.empty()) {
    out["ratelimit"] = action.ratelimit;
    out["ratelimit_reset_s"] = absl::ToDoubleSeconds(action.ratelimit_reset);
  }
  return {{"match", std::move(match)},
          {"action", std::move(out)},
          {"skip", fault.skip},
          {"times", fault.times},
          {"probability", fault.probability}};
}

absl::StatusOr<int64_t> Faults::Add(const Fault& fault) {
  Installed installed{next_id_, fault, nullptr};
  if (!fault.match.path.empty()) {
    try {
      installed.path_fits =
          [pattern = std::regex(fault.match.path)](absl::string_view path) {
            return std::regex_search(path.begin(), path.end(), pattern);
          };
    } catch (const std::regex_error&) {
      return Wrong("match.path", "not a regular expression");
    }
  }
  installed_.push_back(std::move(installed));
  return next_id_++;
}

bool Faults::Fits(const Installed& installed, const FaultRequest& request) {
  const Fault::Match& match = installed.fault.match;
  auto fits = [](const std::string& wanted, absl::string_view actual) {
    return wanted.empty() || wanted == actual;
  };
  return fits(match.method, request.method) &&
         fits(match.operation, request.operation) &&
         fits(match.ad_account, request.ad_account) &&
         fits(match.list_id, request.list_id) &&
         fits(match.operation_type, request.operation_type) &&
         (installed.path_fits == nullptr ||
          installed.path_fits(request.path)) &&
         (match.contains_record.empty() ||
          ContainsRecord(request.records, match.contains_record));
}

std::optional<Faults::Hit> Faults::Check(const FaultRequest& request) {
  for (Installed& installed : installed_) {
    const Fault& fault = installed.fault;
    if (!Fits(installed, request)) continue;
    ++installed.seen;
    if (installed.seen <= fault.skip) continue;
    if (fault.times >= 0 && installed.hits >= fault.times) continue;
    if (fault.probability < 1.0) {
      double unit = static_cast<double>(random_() >> 11) * 0x1.0p-53;
      if (unit >= fault.probability) continue;
    }
    ++installed.hits;
    return Hit{installed.id, fault.action};
  }
  return std::nullopt;
}

json Faults::Inspect() const {
  json all = json::array();
  for (const Installed& installed : installed_) {
    json item = ToJson(installed.fault);
    item["id"] = installed.id;
    item["seen"] = installed.seen;
    item["hits"] = installed.hits;
    all.push_back(std::move(item));
  }
  return all;
}

}  // namespace simulator
