#!/usr/bin/env bash
# The main job, from a bare Debian 12 to lists in sync: builds, starts a simulated Pinterest and the connector, streams an
# export of 20,000 profiles in 5 segments through, then a second one with exits, shows what ended up on which list.
# Everything lives in a temporary directory and ends with the script. usage: tools/demo.sh [PROFILES]
set -euo pipefail
cd "$(dirname "$0")/.."
profiles=${1:-20000}
account=549755885175

step() { printf '\n== %s\n' "$*"; }

step "1/5 packages and build"
tools/setup.sh
started=$SECONDS
bazel build --color=no --curses=no --show_progress_rate_limit=10 --noshow_loading_progress \
  //connector/server:audience_connector //connector/cli:audiencectl \
  //simulator:pinterest_simulator //testdata/generator:generate_export 2>&1 |
  grep --line-buffered -vE '^(INFO: (Analyzed|Found|Invocation|Streaming|Options|Build option)|Loading:|Analyzing:|Target |  bazel-bin|$)' || true
bin=$(pwd)/bazel-bin
for program in connector/server/audience_connector connector/cli/audiencectl simulator/pinterest_simulator \
  testdata/generator/generate_export; do
  [ -x "$bin/$program" ] || { echo "$program was not built" >&2; exit 1; }
done
echo "built in $((SECONDS - started)) s"

work=$(mktemp -d)
simulator='' connector=''
finish() {
  for pid in $connector $simulator; do kill "$pid" 2>/dev/null || true; done
  for pid in $connector $simulator; do wait "$pid" 2>/dev/null || true; done
  rm -rf "$work"
}
trap finish EXIT

# Waits for the line "listening on …" in a file and prints what stands after it.
listening() {
  for _ in $(seq 600); do
    line=$(sed -n 's/^listening on //p' "$1" | head -n 1)
    [ -n "$line" ] && { echo "$line"; return; }
    kill -0 "$2" 2>/dev/null || break
    sleep 0.1
  done
  cat "$1" "$3" >&2
  return 1
}

step "2/5 a simulated Pinterest and the connector"
"$bin/simulator/pinterest_simulator" --port=0 --token=pina_demo >"$work/simulator.out" 2>"$work/simulator.log" &
simulator=$!
pinterest=$(listening "$work/simulator.out" "$simulator" "$work/simulator.log")
echo "simulator listening on $pinterest"

mkdir -m 700 "$work/credentials" "$work/run"
(umask 077; echo pina_demo >"$work/credentials/demo-token")
cat >"$work/config.textproto" <<CONFIG
credentials {
  credential_id: "demo"
  access_token_file: "demo-token"
}
destinations {
  ad_account_id: "$account"
  display_name: "Demo"
  credential_id: "demo"
  delivery_policy { max_delay { seconds: 2 } }
}
CONFIG
"$bin/connector/server/audience_connector" --config="$work/config.textproto" --listen="unix:$work/run/connector.sock" \
  --state_dir="$work/state" --credentials_dir="$work/credentials" --pinterest_base_url="http://$pinterest/v5" \
  >"$work/connector.out" 2>"$work/connector.log" &
connector=$!
echo "connector listening on $(listening "$work/connector.out" "$connector" "$work/connector.log")"

export XDG_STATE_HOME="$work/ctl"
ctl() { "$bin/connector/cli/audiencectl" --address="unix:$work/run/connector.sock" "$@"; }
ctl check "$account"

# Compares every segment's list with what the generator says must be on it.
compare() {
  python3 - "$1" "http://$pinterest/_simulator/ad_accounts/$account/customer_lists" <<'PYTHON'
import json, sys, urllib.request
segments = json.load(open(sys.argv[1]))["segments"]
lists = json.load(urllib.request.urlopen(sys.argv[2]))["customer_lists"]
in_sync = True
print("%-44s %9s %9s" % ("customer list", "expected", "on list"))
for segment in segments:
    name = "cdp/%s/%s" % (segment["namespace"], segment["id"])
    found = [l for l in lists if l["name"] == name]
    records = found[0]["records"] if found else []
    same = records == segment["records"] and len(found) <= 1
    in_sync = in_sync and same
    print("%-44s %9d %9d  %s" % (name, len(segment["records"]), len(records), "in sync" if same else "DIFFERS"))
print("all %d segments in sync" % len(segments) if in_sync else "NOT in sync")
sys.exit(0 if in_sync else 1)
PYTHON
}

generate() {
  "$bin/testdata/generator/generate_export" --seed=2026 --profiles="$profiles" --segments=5 --phase="$1" \
    --out="$work/$1.jsonl" --expected="$work/$1.expected.json"
}

step "3/5 an export of $profiles profiles"
generate initial
ctl export --ad_account_id="$account" "$work/initial.jsonl"
ctl drain "$account" --timeout=2m >/dev/null
compare "$work/initial.expected.json"

step "4/5 what changed since: exits, re-entries, new members"
generate changes
ctl export --ad_account_id="$account" "$work/changes.jsonl"
ctl drain "$account" --timeout=2m >/dev/null
compare "$work/changes.expected.json"

step "5/5 how it stands"
ctl status "$account"

cat <<NEXT

To go on with your own ad account:
  1. put an access token (scopes ads:read, ads:write) into a file of mode 0600 in a directory of its own;
  2. copy testdata/config/example.textproto, put in your ad account id and the token's file name;
  3. start   bazel-bin/connector/server/audience_connector --config=FILE --credentials_dir=DIR --state_dir=DIR
     and     bazel-bin/connector/cli/audiencectl check AD_ACCOUNT_ID
  README.md, "With your own ad account", tells the rest.
NEXT
