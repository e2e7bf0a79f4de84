#!/usr/bin/env bash
# Backup and restore with the programs, by exactly the commands that
# docs/operation.md gives.
set -euo pipefail
server=$1 ctl=$2 docs=$3
work=$(mktemp -d "${TEST_TMPDIR:-/tmp}/restore.XXXXXX")
# The path of a Unix socket has at most 107 bytes; that of a test's directory may be longer.
run=$(mktemp -d /tmp/restore.XXXXXX)
pid=
trap '[ -z "$pid" ] || kill "$pid" 2>/dev/null || true; rm -rf "$work" "$run"' EXIT
fail() { echo "FAILED: $*" >&2; exit 1; }

cat > "$work/config.textproto" <<'CONFIG'
credentials { credential_id: "main" access_token_file: "main.token" }
destinations {
  ad_account_id: "549755885175"
  credential_id: "main"
  identity_mapping { rows { source_namespace: "Email" kind: IDENTITY_KIND_EMAIL } }
}
CONFIG
profile() {
  echo '{"identityMap":{"Email":[{"id":"person'"$1"'@example.com"}]},"segmentMembership":{"ups":{"s-1":{"status":"realized"}}}}'
}
STATE=$work/state
DIR=$work/backups
mkdir -m 700 "$work/credentials"
socket=$run/s
start() {
  # Before the server is: what the one before said must not be read.
  : > "$work/out"
  "$server" --config="$work/config.textproto" --listen="unix:$socket" --state_dir="$STATE" \
    --credentials_dir="$work/credentials" --backup_dir="$DIR" \
    --pinterest_base_url=http://127.0.0.1:9/v5 --log_level=error > "$work/out" 2> "$work/err" &
  pid=$!
  for _ in $(seq 600); do
    grep -q '^listening' "$work/out" && return
    kill -0 "$pid" 2>/dev/null || fail "the server does not start: $(cat "$work/err")"
    sleep 0.1
  done
  fail "the server is not there after a minute"
}
stop() { kill "$pid"; wait "$pid" || fail "the server ended badly"; pid=; }
ctl() { "$ctl" --address="unix:$socket" "$@"; }
received() {
  ctl --json status 549755885175 | tr -d ' \n"' | grep -o 'received:[0-9]*' | head -1
}

start
profile 1 > "$work/one.jsonl"
ctl export --ad_account_id=549755885175 --state_dir="$work/ctl" "$work/one.jsonl" > /dev/null || fail "the export"
[ "$(received)" = received:1 ] || fail "one was received, not $(received)"
name=$(ctl backup)
[ -d "$DIR/$name/store" ] || fail "no backup $name"
profile 2 > "$work/two.jsonl"
ctl export --ad_account_id=549755885175 --state_dir="$work/ctl" "$work/two.jsonl" > /dev/null || fail "the second export"
[ "$(received)" = received:2 ] || fail "two were received, not $(received)"
stop

# The documented commands.
commands=$(grep -E '^    (mv STATE|cp -a DIR)' "$docs")
[ "$(echo "$commands" | wc -l)" = 2 ] || fail "the commands are not in the document"
commands=$(echo "$commands" | sed "s#backup-[0-9TZ]*#$name#; s#STATE#$STATE#g; s#DIR#$DIR#g")
bash -euxc "$commands"

start
[ "$(received)" = received:1 ] || fail "the backup held one, not $(received)"
[ ! -e "$STATE/store/restored" ] || fail "the mark is still there"
# The full export.
cat "$work/one.jsonl" "$work/two.jsonl" > "$work/full.jsonl"
ctl export --ad_account_id=549755885175 --state_dir="$work/ctl" "$work/full.jsonl" > /dev/null || fail "the full export"
[ "$(received)" = received:3 ] || fail "three were received, not $(received)"
stop

# A plain copy, marked by hand.
cp -a "$STATE" "$work/copy"
rm -rf "$STATE"
cp -a "$work/copy" "$STATE"
mark=$(grep -o 'touch STATE/store/restored' "$docs" | head -1)
bash -euxc "${mark//STATE/$STATE}"
start
[ ! -e "$STATE/store/restored" ] || fail "the mark by hand is still there"
[ "$(received)" = received:3 ] || fail "the copy held three, not $(received)"
stop
echo "restored by the documented commands"
