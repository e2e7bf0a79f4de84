#!/usr/bin/env bash
# Each crash point of the table stands in the code exactly once.
# usage: crash_point_places_test.sh TABLE SOURCE…
set -u
table=$1
shift
status=0
points=$(sed -nE 's/^ *POINT\((k[A-Za-z]+), "[a-z_.]+"\).*/\1/p' "$table")
count=0
for point in $points; do
  count=$((count + 1))
  # Across line ends, as the formatter may break a line.
  places=$(cat "$@" | tr -d ' \n' | grep -o "ReachCrashPoint(CrashPoint::$point)" | wc -l)
  if [ "$places" -ne 1 ]; then
    echo "$point stands in the code $places times"
    status=1
  fi
done
all=$(cat "$@" | tr -d ' \n' | grep -o "ReachCrashPoint(" | wc -l)
if [ "$all" -ne "$count" ]; then
  echo "$all places for $count points"
  status=1
fi
[ "$count" -ge 50 ] || { echo "only $count points were found in the table"; status=1; }
exit $status
