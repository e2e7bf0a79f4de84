#ifndef CONNECTOR_CLI_FLAGS_H_
#define CONNECTOR_CLI_FLAGS_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/flags/declare.h"
#include "absl/time/time.h"

// Of every command.
ABSL_DECLARE_FLAG(std::string, address);
ABSL_DECLARE_FLAG(bool, json);
ABSL_DECLARE_FLAG(bool, insecure_remote);
ABSL_DECLARE_FLAG(absl::Duration, call_timeout);

// Of single commands.
ABSL_DECLARE_FLAG(bool, offline);
ABSL_DECLARE_FLAG(bool, validate_only);
ABSL_DECLARE_FLAG(bool, force);
ABSL_DECLARE_FLAG(int32_t, limit);
ABSL_DECLARE_FLAG(std::vector<std::string>, record);
ABSL_DECLARE_FLAG(absl::Duration, timeout);

// Of `export`.
ABSL_DECLARE_FLAG(std::string, ad_account_id);
ABSL_DECLARE_FLAG(int32_t, batch_profiles);
ABSL_DECLARE_FLAG(int64_t, batch_bytes);
ABSL_DECLARE_FLAG(int64_t, max_unacknowledged_bytes);
ABSL_DECLARE_FLAG(std::string, profile_key_field);
ABSL_DECLARE_FLAG(bool, identities_complete);
ABSL_DECLARE_FLAG(bool, skip_bad_lines);
ABSL_DECLARE_FLAG(bool, wait);
ABSL_DECLARE_FLAG(bool, fail_on_rejection);
ABSL_DECLARE_FLAG(int32_t, show_rejections);
ABSL_DECLARE_FLAG(bool, resume);
ABSL_DECLARE_FLAG(std::string, state_dir);
ABSL_DECLARE_FLAG(absl::Duration, retry_for);
ABSL_DECLARE_FLAG(std::string, progress);
ABSL_DECLARE_FLAG(std::vector<std::string>, full_sync);
ABSL_DECLARE_FLAG(absl::Duration, full_sync_expire_after);
ABSL_DECLARE_FLAG(bool, allow_empty);

// Of `import`.
ABSL_DECLARE_FLAG(std::string, format);
ABSL_DECLARE_FLAG(std::vector<std::string>, columns);
ABSL_DECLARE_FLAG(std::string, delimiter);
ABSL_DECLARE_FLAG(std::string, header);
ABSL_DECLARE_FLAG(std::string, segment);
ABSL_DECLARE_FLAG(std::string, segment_name);
ABSL_DECLARE_FLAG(std::string, status);
ABSL_DECLARE_FLAG(std::string, status_column);
ABSL_DECLARE_FLAG(std::string, time_column);
ABSL_DECLARE_FLAG(std::string, profile_key_column);
ABSL_DECLARE_FLAG(int64_t, max_errors);
ABSL_DECLARE_FLAG(bool, dry_run);

// Of `forget`.
ABSL_DECLARE_FLAG(std::string, request_id);

// Of `import`, `explain` and `forget`.
ABSL_DECLARE_FLAG(std::string, namespace);

// Of `login`.
ABSL_DECLARE_FLAG(std::string, credentials_dir);
ABSL_DECLARE_FLAG(std::string, app_id);
ABSL_DECLARE_FLAG(std::string, app_secret_file);
ABSL_DECLARE_FLAG(std::string, credential_id);
ABSL_DECLARE_FLAG(std::string, refresh_token_file);
ABSL_DECLARE_FLAG(int32_t, redirect_port);
ABSL_DECLARE_FLAG(absl::Duration, login_timeout);
ABSL_DECLARE_FLAG(std::string, base_url);
ABSL_DECLARE_FLAG(std::string, consent_url);
ABSL_DECLARE_FLAG(std::string, ca_file);

#endif  // CONNECTOR_CLI_FLAGS_H_
