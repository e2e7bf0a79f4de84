#!/usr/bin/env bash
# The connector's parts beside the script that somebody would write instead: the same export, the same bodies (compared byte by
# byte), records per second of processor time. One run of each in turn; prints a line of JSON a run and the medians.
# usage: compare_bodies.sh BODIES SCRIPT [PROFILES [RUNS]]
set -euo pipefail
bodies=$1
script=$2
profiles=${3:-500000}
runs=${4:-5}
command -v node >/dev/null || { echo "node is not installed"; exit 75; }
directory=$(mktemp -d)
trap 'rm -rf "$directory"' EXIT

# An address with blanks and capitals, a GAID and an IDFA for each person, one segment.
awk -v n="$profiles" 'BEGIN {
  for (i = 0; i < n; ++i)
    printf "{\"identityMap\":{\"Email\":[{\"id\":\" Person%d@Example.com\"}],\"GAID\":[{\"id\":\"0F0E0D0C-1111-4222-8333-%012X\"}],\"IDFA\":[{\"id\":\"a1b2c3d4-aaaa-4bbb-8ccc-%012x\"}]},\"segmentMembership\":{\"ups\":{\"one\":{\"status\":\"realized\",\"lastQualificationTime\":\"2026-03-02T10:00:00Z\"}}}}\n", i, i, i
}' >"$directory/export.jsonl"

rate() { sed -E 's/.*"cpu_seconds": ?([0-9.e+-]+).*/\1/' | awk -v n="$((profiles * 3))" '{ printf "%.0f\n", n / $1 }'; }
median() { sort -n | awk '{ v[NR] = $1 } END { print v[int((NR + 1) / 2)] }'; }
for ((run = 0; run < runs; ++run)); do
  "$bodies" "$directory/export.jsonl" "$directory/ours" | tee -a "$directory/ours.runs"
  node "$script" "$directory/export.jsonl" "$directory/theirs" | tee -a "$directory/theirs.runs"
  cmp "$directory/ours" "$directory/theirs" || { echo "the bodies differ"; exit 1; }
  [ -s "$directory/ours" ] || { echo "there are no bodies"; exit 1; }
done
ours=$(rate <"$directory/ours.runs" | median)
theirs=$(rate <"$directory/theirs.runs" | median)
echo "the same $(wc -l <"$directory/ours") bodies, $((profiles * 3)) records"
echo "connector: $ours records per processor second (median of $runs)"
echo "script:    $theirs records per processor second (median of $runs)"
awk -v a="$ours" -v b="$theirs" 'BEGIN { printf "ratio:     %.1f\n", a / b }'
