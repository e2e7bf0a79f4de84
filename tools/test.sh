#!/usr/bin/env bash
# Builds and runs all tests; ends with one line "N passed, N failed" that counts test cases.
# usage: tools/test.sh [BAZEL OPTION OR TARGET…]     (default target: //...)
set -euo pipefail
cd "$(dirname "$0")/.."

tools/setup.sh
targets=("$@")
case " $* " in *" //"*) ;; *) targets+=(//...) ;; esac

log=$(mktemp)
trap 'rm -f "$log"' EXIT
status=0
bazel test --keep_going --show_progress_rate_limit=10 --color=no --curses=no \
  --noshow_loading_progress --test_summary=short "${targets[@]}" 2>&1 | tee "$log" || status=$?

# A target's cases are in its test.xml; a target that did not get that far is one failure.
passed=0 failed=0
while read -r target result; do
  label=${target#//}
  xmls=$(find "bazel-testlogs/${label/://}" -name test.xml 2>/dev/null || true)
  cases=0 bad=0
  for xml in $xmls; do
    read -r c b < <(awk 'match($0, /<testsuites [^>]*/) { s = substr($0, RSTART, RLENGTH)
      match(s, /tests="[0-9]+"/); t = substr(s, RSTART + 7, RLENGTH - 8)
      match(s, /failures="[0-9]+"/); f = RSTART ? substr(s, RSTART + 10, RLENGTH - 11) : 0
      match(s, /errors="[0-9]+"/); e = RSTART ? substr(s, RSTART + 8, RLENGTH - 9) : 0
      print t + 0, f + e; exit }' "$xml") || { c=0 b=0; }
    cases=$((cases + c)) bad=$((bad + b))
  done
  case "$result" in
    PASSED) [ "$cases" -gt 0 ] || cases=1; passed=$((passed + cases)) ;;
    *) [ "$bad" -gt 0 ] || bad=1
       [ "$cases" -gt "$bad" ] && passed=$((passed + cases - bad))
       failed=$((failed + bad)) ;;
  esac
done < <(sed -nE 's/^(\/\/[^ ]+) +(\(cached\) )?(PASSED|FAILED TO BUILD|FAILED|TIMEOUT|NO STATUS|FLAKY|INCOMPLETE)\b.*/\1 \3/p' "$log" | sort -u)

# Something that is no test failed, or nothing ran at all.
[ "$status" -ne 0 ] && [ "$failed" -eq 0 ] && failed=1
[ "$passed" -eq 0 ] && [ "$failed" -eq 0 ] && failed=1
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
