#include "connector/cli/flags.h"

#include "absl/flags/flag.h"

ABSL_FLAG(std::string, address, "",
          "where the server listens: unix:PATH or HOST:PORT; empty: where it "
          "listens by default");
ABSL_FLAG(bool, json, false, "print one JSON document instead of text");
ABSL_FLAG(bool, insecure_remote, false,
          "allow an --address on another machine, unencrypted");
ABSL_FLAG(absl::Duration, call_timeout, absl::Seconds(60),
          "how long a call may take");

ABSL_FLAG(bool, offline, false,
          "check: skip the checks that call Pinterest; import --dry_run: use "
          "the default mapping and ask no server");
ABSL_FLAG(bool, validate_only, false,
          "let the server check everything and store nothing");
ABSL_FLAG(bool, force, false,
          "delete although changes wait for delivery; they are lost");
ABSL_FLAG(int32_t, limit, 100, "most rejections to list; 0: all that are kept");
ABSL_FLAG(
    std::vector<std::string>, record, {},
    "rejections: only these refused records, as they are listed, with commas "
    "between; forget: the record, as it stands on a list");
ABSL_FLAG(absl::Duration, timeout, absl::Minutes(10),
          "how long to wait for delivery");
ABSL_FLAG(std::string, request_id, "",
          "tells a repeat from a new request; empty: a new one. Without "
          "personal data: it is stored and shown");

ABSL_FLAG(std::string, format, "auto",
          "auto, csv, list (every field is an identifier) or jsonl");
ABSL_FLAG(std::vector<std::string>, columns, {},
          "the columns that hold identifiers, COLUMN:NAMESPACE with commas "
          "between; a column is a name in the header, or a number from 1");
ABSL_FLAG(std::string, delimiter, ",",
          "what stands between the fields: a character, or tab");
ABSL_FLAG(std::string, header, "auto",
          "whether the first record names the columns: yes, no, or auto: if a "
          "column is asked for by name");
ABSL_FLAG(
    std::string, segment, "",
    "the segment, NAMESPACE/SEGMENT_ID; with JSON Lines, of profiles that "
    "have none");
ABSL_FLAG(std::string, segment_name, "", "the segment's name for people");
ABSL_FLAG(std::string, status, "add", "add or remove");
ABSL_FLAG(std::string, status_column, "",
          "the column that says add or remove, line by line");
ABSL_FLAG(std::string, profile_key_column, "",
          "the column, or of JSON Lines the field at the top, with the "
          "profile's key; empty: none");
ABSL_FLAG(std::string, time_column, "",
          "the column with the qualification time");
ABSL_FLAG(int64_t, max_errors, -1,
          "bad lines beyond which the import stops; -1: 100, and none with "
          "--full_sync");
ABSL_FLAG(bool, dry_run, false,
          "count what would be sent, rejected and excluded, and send nothing");
ABSL_FLAG(std::string, namespace, "",
          "the source namespace of the values, such as Email");

ABSL_FLAG(std::string, ad_account_id, "", "the destination");
ABSL_FLAG(int32_t, batch_profiles, 1000, "most profiles in a batch");
ABSL_FLAG(int64_t, batch_bytes, 1 << 20,
          "most bytes in a batch; the server's own limit counts when lower");
ABSL_FLAG(int64_t, max_unacknowledged_bytes, 16 << 20,
          "most bytes that may be sent and not yet durable");
ABSL_FLAG(std::string, profile_key_field, "",
          "the field at the top of a line with the profile's key; empty: none");
ABSL_FLAG(bool, identities_complete, false,
          "each profile with a key carries all its identities: one that it had "
          "and has no more leaves its segments");
ABSL_FLAG(bool, skip_bad_lines, false,
          "count lines that are no profile and go on, instead of stopping");
ABSL_FLAG(bool, wait, false,
          "also wait until everything is delivered, or forgotten");
ABSL_FLAG(bool, fail_on_rejection, false,
          "end with an exit code of its own when something was rejected");
ABSL_FLAG(int32_t, show_rejections, 10,
          "how many rejections to name by file and line");
ABSL_FLAG(bool, resume, true,
          "take up an unfinished run of the same content; --noresume: never");
ABSL_FLAG(std::string, state_dir, "",
          "where unfinished runs are remembered; empty: "
          "$XDG_STATE_HOME/audiencectl or ~/.local/state/audiencectl");
ABSL_FLAG(absl::Duration, retry_for, absl::Minutes(5),
          "how long to try to reach the server again when the stream breaks");
ABSL_FLAG(std::string, progress, "auto",
          "auto, bar, plain or none; auto: a bar on a terminal, else plain, "
          "none with --json");

ABSL_FLAG(std::vector<std::string>, full_sync, {},
          "segments (NAMESPACE/SEGMENT_ID, with commas between) of which the "
          "files hold the complete membership: who is not in them is removed");
ABSL_FLAG(absl::Duration, full_sync_expire_after, absl::ZeroDuration(),
          "when an unfinished full sync is discarded; 0: after 24 hours");
ABSL_FLAG(
    bool, allow_empty, false,
    "commit a full sync even though no member was declared, which empties "
    "the list");

ABSL_FLAG(std::string, credentials_dir, "",
          "the server's credentials directory");
ABSL_FLAG(std::string, app_id, "", "the app's ID at Pinterest");
ABSL_FLAG(std::string, app_secret_file, "app-secret",
          "the file in the credentials directory that holds the app's secret");
ABSL_FLAG(std::string, credential_id, "main", "the credential");
ABSL_FLAG(std::string, refresh_token_file, "",
          "the file in the credentials directory to write; empty: the "
          "credential's ID with -refresh-token behind it");
ABSL_FLAG(int32_t, redirect_port, 8085,
          "the port on this machine that Pinterest sends the browser back to; "
          "0: any free one");
ABSL_FLAG(absl::Duration, login_timeout, absl::Minutes(10),
          "how long to wait for the browser");
ABSL_FLAG(std::string, base_url, "https://api.pinterest.com/v5",
          "Pinterest's API, with its path");
ABSL_FLAG(std::string, consent_url, "https://www.pinterest.com/oauth/",
          "Pinterest's page that asks for consent");
ABSL_FLAG(std::string, ca_file, "",
          "PEM file of the certificate authorities to trust for Pinterest "
          "instead of the system's");
