#include "simulator/switches.h"

#include <string>

#include "absl/strings/str_cat.h"

namespace simulator {
namespace {

using nlohmann::json;

absl::Status Wrong(absl::string_view name, absl::string_view rule) {
  return absl::InvalidArgumentError(absl::StrCat(name, ": ", rule));
}

// Lists every switch once, for reading and for writing.
template <typename S, typename Visitor>
void Visit(S& s, Visitor visit) {
  visit("list_visible_after_s", s.list_visible_after);
  visit("list_processing_s", s.list_processing);
  visit("audience_initializing_s", s.audience_initializing);
  visit("audience_processing_s", s.audience_processing);
  visit("audience_updating_s", s.audience_updating);
  visit("audience_visible_after_s", s.audience_visible_after);
  visit("match_rate", s.match_rate);
  visit("patch_refused_while_processing", s.patch_refused_while_processing);
  visit("audience_needs_ready_list", s.audience_needs_ready_list);
  visit("actalike_needs_ready_seed", s.actalike_needs_ready_seed);
  visit("removed_audience_gone", s.removed_audience_gone);
  visit("old_refresh_token_dead_at_once", s.old_refresh_token_dead_at_once);
  visit("continuous_refresh_required", s.continuous_refresh_required);
  visit("max_records_per_request", s.max_records_per_request);
  visit("max_body_bytes", s.max_body_bytes);
  visit("too_large_status", s.too_large_status);
  visit("require_records_on_create", s.require_records_on_create);
  visit("strict_records", s.strict_records);
  visit("strict_records_allow_email", s.strict_records_allow_email);
  visit("legacy_audiences_custom", s.legacy_audiences_custom);
}

struct Writer {
  json* out;
  void operator()(const char* name, absl::Duration value) const {
    (*out)[name] = absl::ToDoubleSeconds(value);
  }
  template <typename T>
  void operator()(const char* name, const T& value) const {
    (*out)[name] = value;
  }
};

// Takes the value of `name` out of `in`, if it is there.
struct Reader {
  json* in;
  absl::Status* status;

  void operator()(const char* name, absl::Duration& value) const {
    Read(name, [&](const json& j) {
      if (!j.is_number() || j.get<double>() < 0) return false;
      value = absl::Seconds(j.get<double>());
      return true;
    });
  }
  void operator()(const char* name, bool& value) const {
    Read(name, [&](const json& j) {
      if (!j.is_boolean()) return false;
      value = j.get<bool>();
      return true;
    });
  }
  void operator()(const char* name, double& value) const {
    Read(name, [&](const json& j) {
      if (!j.is_number() || j.get<double>() < 0 || j.get<double>() > 1) {
        return false;
      }
      value = j.get<double>();
      return true;
    });
  }
  void operator()(const char* name, int64_t& value) const {
    Read(name, [&](const json& j) {
      if (!j.is_number_integer() || j.get<int64_t>() < 0) return false;
      value = j.get<int64_t>();
      return true;
    });
  }
  // A status: 0 for off, or 400 to 599; true is short for 409.
  void operator()(const char* name, int& value) const {
    Read(name, [&](const json& j) {
      if (j.is_boolean()) {
        value = j.get<bool>() ? 409 : 0;
        return true;
      }
      if (!j.is_number_integer()) return false;
      int64_t number = j.get<int64_t>();
      if (number != 0 && (number < 400 || number > 599)) return false;
      value = static_cast<int>(number);
      return true;
    });
  }

 private:
  template <typename Parse>
  void Read(const char* name, Parse parse) const {
    auto it = in->find(name);
    if (it == in->end()) return;
    if (!parse(*it)) {
      status->Update(Wrong(name, "the value does not fit this switch"));
    }
    in->erase(it);
  }
};

}  // namespace

json ToJson(const Switches& switches) {
  json out = json::object();
  Visit(switches, Writer{&out});
  return out;
}

absl::Status Update(const json& json_in, Switches* switches) {
  if (!json_in.is_object()) {
    return Wrong("switches", "an object of switch names is wanted");
  }
  json rest = json_in;
  Switches changed = *switches;
  absl::Status status;
  Visit(changed, Reader{&rest, &status});
  if (!status.ok()) return status;
  if (!rest.empty()) return Wrong(rest.begin().key(), "no such switch");
  if (changed.too_large_status != 400 && changed.too_large_status != 413) {
    return Wrong("too_large_status", "400 or 413");
  }
  *switches = changed;
  return absl::OkStatus();
}

}  // namespace simulator
