#!/usr/bin/env bash
# Each scenario, small. Figures are not looked at, but everything that the benchmark checks is: members, exits, calls.
set -euo pipefail
json=$TEST_TMPDIR/figures.json
"$1" --scale=0.0004 --runs=1 --large_runs=1 --json="$json" | tee "$TEST_TMPDIR/table"
for id in durable latency_p99 accepted repeat repeat_calls people_durable_share acks large_memory \
  large_disk trickle_written start full_sync_memory; do
  grep -q "\"id\": \"$id\"" "$json" || { echo "no figure $id"; exit 1; }
done
grep -q '"by": "streams"' "$json" || { echo "no growth"; exit 1; }
# A repeated export makes no call, at any size.
grep -q 'calls that change a list |  | ≤ 0 | 0 | 0 | 0 | 1 | reached' "$TEST_TMPDIR/table"
