#!/usr/bin/env bash
# Runs benchmarks for a moment each. An argument is a program, "=", and a regular expression of the benchmarks to run.
set -euo pipefail
[ $# -gt 0 ]
for each in "$@"; do
  program=${each%%=*}
  filter=${each#*=}
  echo "== $program"
  "$program" --benchmark_min_time=0.01 --benchmark_filter="$filter" | tee "$TEST_TMPDIR/out"
  grep -qE '^[A-Za-z_]+[/ ].* ns|^[A-Za-z_]+[/ ].* us|^[A-Za-z_]+[/ ].* ms' "$TEST_TMPDIR/out" || { echo "nothing was measured"; exit 1; }
  ! grep -q 'ERROR OCCURRED' "$TEST_TMPDIR/out"
done
