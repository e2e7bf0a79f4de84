#!/usr/bin/env bash
# The server on a disk that is nearly full, and on one that takes no more: what was acknowledged is there
# afterwards, once, and nothing else was acknowledged.
set -euo pipefail
server=$1 ctl=$2
work=$(mktemp -d "${TEST_TMPDIR:-/tmp}/disk.XXXXXX")
# The path of a Unix socket has at most 107 bytes; that of a test's directory may be longer.
run=$(mktemp -d /tmp/disk.XXXXXX)
pid=
trap '[ -z "$pid" ] || kill "$pid" 2>/dev/null || true; rm -rf "$work" "$run"' EXIT
fail() { echo "FAILED: $*" >&2; cat "$work/err" >&2 || true; exit 1; }

cat > "$work/config.textproto" <<'CONFIG'
credentials { credential_id: "main" access_token_file: "main.token" }
destinations {
  ad_account_id: "549755885175"
  credential_id: "main"
  identity_mapping { rows { source_namespace: "Email" kind: IDENTITY_KIND_EMAIL } }
}
CONFIG
mkdir -m 700 "$work/credentials"
people=60000
seq "$people" | sed 's/.*/{"identityMap":{"Email":[{"id":"person&@example.com"}]},"segmentMembership":{"ups":{"s-1":{"status":"realized"}}}}/' \
  > "$work/people.jsonl"

# Files of the server may have so many KiB.
size_limit=unlimited
start() {
  # Before the server is: what the one before said must not be read.
  : > "$work/out"
  # Ignored, the signal becomes an error of the write.
  (trap '' XFSZ; ulimit -f "$size_limit"
   exec "$server" --config="$work/config.textproto" --listen="unix:$run/s" --state_dir="$work/state" \
     --credentials_dir="$work/credentials" --pinterest_base_url=http://127.0.0.1:9/v5 --log_level=error \
     "$@" > "$work/out" 2> "$work/err") &
  pid=$!
  for _ in $(seq 600); do
    grep -q '^listening' "$work/out" 2>/dev/null && return
    kill -0 "$pid" 2>/dev/null || fail "the server does not start"
    sleep 0.1
  done
  fail "the server is not there after a minute"
}
stop() { kill "$pid"; wait "$pid" || fail "the server ended badly"; pid=; }
ctl() { "$ctl" --address="unix:$run/s" "$@"; }
export_people() { ctl export --ad_account_id=549755885175 --state_dir="$work/ctl" --progress=none "$@" "$work/people.jsonl"; }
received() { ctl --json status 549755885175 | tr -d ' \n"' | grep -o 'received:[0-9]*' | head -1; }

# A reserve that no disk has: refused with a reason, and taken once there is room.
start --disk_reserve_mb=1048576
export_people --retry_for=1s > "$work/refused" 2>&1 && fail "an export was taken below the reserve"
grep -q DISK_FULL "$work/refused" || { cat "$work/refused"; fail "the refusal does not say DISK_FULL"; }
[ "$(received)" = received:0 ] || fail "nothing was to be received, not $(received)"
stop

# A log that cannot grow: the process ends by itself.
size_limit=1024
start
export_people --retry_for=1s > "$work/broken" 2>&1 && fail "all was acknowledged on a disk that takes 1 MiB a file"
ended=0
wait "$pid" || ended=$?
pid=
[ "$ended" = 1 ] || fail "exit code $ended instead of 1"
grep -q 'cannot write' "$work/err" || fail "the server does not say why it ended"

# With room again: what was acknowledged is there, the rest is taken up, each once.
size_limit=unlimited
start
durable=$(ctl --json status 549755885175 | tr -d ' \n"' | grep -o 'durableSequenceNumber:[0-9]*' | cut -d: -f2 || true)
before=$(received)
export_people > "$work/done" || fail "the export that was taken up: $(cat "$work/done")"
[ "$(received)" = "received:$people" ] || fail "$people were to be received, not $(received)"
stop
echo "before the disk took no more: batch ${durable:-0}, $before; in the end received:$people"
