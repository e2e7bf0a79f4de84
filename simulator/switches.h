#ifndef CONNECTOR_SIMULATOR_SWITCHES_H_
#define CONNECTOR_SIMULATOR_SWITCHES_H_

#include <cstdint>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "nlohmann/json.hpp"

namespace simulator {

// How the simulator behaves where Pinterest's documentation is silent, and how
// fast things happen. The defaults are what was seen live, or what is harmless.
struct Switches {
  // A created list is missing from GET customer_lists for so long; by its id it
  // is there at once.
  absl::Duration list_visible_after = absl::ZeroDuration();

  // After its last change a list stays PROCESSING for so long.
  absl::Duration list_processing = absl::Seconds(10);

  // A new audience is INITIALIZING, then PROCESSING for so long; UPDATING after
  // a change of its list or rule.
  absl::Duration audience_initializing = absl::Seconds(5);
  absl::Duration audience_processing = absl::Seconds(10);
  absl::Duration audience_updating = absl::Seconds(5);

  // A created audience is missing from GET audiences for so long; by its id it
  // is there at once.
  absl::Duration audience_visible_after = absl::ZeroDuration();

  // The share of records that belong to a Pinterest account, 0 to 1.
  double match_rate = 1.0;

  // Not 0: PATCH of a list that is PROCESSING is answered with this status.
  int patch_refused_while_processing = 0;

  // Creating an audience on a list that is not READY is a 400.
  bool audience_needs_ready_list = false;

  // Creating an ACTALIKE audience on a seed that is not READY is a 400.
  bool actalike_needs_ready_seed = false;

  // An audience taken away by PATCH operation_type REMOVE is gone (404) instead
  // of ARCHIVED.
  bool removed_audience_gone = false;

  // A refresh token dies the moment it was used; otherwise it lives until it
  // expires.
  bool old_refresh_token_dead_at_once = false;

  // Code and refresh grants without continuous_refresh=true are a 400, as for
  // apps made before 2025-09-25.
  bool continuous_refresh_required = false;

  // Not 0: more records than this in one request get `too_large_status`.
  int64_t max_records_per_request = 0;

  // Not 0: a body above this gets `too_large_status`.
  int64_t max_body_bytes = 0;

  // 413 or 400.
  int too_large_status = 413;

  // A list cannot be created without records (the API description up to 5.23;
  // from 5.28 on the field is optional there).
  bool require_records_on_create = true;

  // Every record has to be a lower-case hex digest of 32, 40 or 64 digits.
  // Pinterest itself takes anything.
  bool strict_records = false;

  // With strict_records: plain lower-case e-mail addresses are fine too.
  bool strict_records_allow_email = false;

  // POST .../audiences/custom is there (API 5.8 to 5.18).
  bool legacy_audiences_custom = false;
};

// The switches under their names, durations in seconds
// ("list_visible_after_s").
nlohmann::json ToJson(const Switches& switches);

// Sets what `json` names and leaves the rest. INVALID_ARGUMENT, and no change
// at all, for an unknown name or a value that does not fit.
absl::Status Update(const nlohmann::json& json, Switches* switches);

}  // namespace simulator

#endif  // CONNECTOR_SIMULATOR_SWITCHES_H_
