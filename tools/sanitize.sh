#!/usr/bin/env bash
# Runs tests under sanitizers: "asan" is AddressSanitizer (with leaks) and UndefinedBehaviorSanitizer, "tsan" is
# ThreadSanitizer with Abseil built from source, so that its locks are understood. First makes sure that each sees a mistake
# and, for tsan, that it sees none where locks are used well (tests/sanitizers).
# usage: tools/sanitize.sh asan|tsan [TARGET OR BAZEL OPTION…]     (default: //...)
set -euo pipefail
cd "$(dirname "$0")/.."
kind=${1:-}
[ $# -gt 0 ] && shift
case "$kind" in
  asan) configs=(--config=asan --config=ubsan) mistakes=(use_after_free overflow) good=() ;;
  tsan) configs=(--config=tsan) mistakes=(data_race) good=(locked) ;;
  *) sed -n 's/^# usage: /usage: /p' "$0" >&2; exit 2 ;;
esac
tools/setup.sh

for name in "${good[@]}"; do
  bazel test --noshow_progress --ui_event_filters=-info "${configs[@]}" "//tests/sanitizers:$name" >/dev/null ||
    { echo "tests/sanitizers:$name is right and was reported" >&2; exit 1; }
done
for name in "${mistakes[@]}"; do
  bazel build --noshow_progress --ui_event_filters=-info "${configs[@]}" "//tests/sanitizers:$name"
  out=$(bazel test --noshow_progress "${configs[@]}" --test_output=all "//tests/sanitizers:$name" 2>&1) &&
    { echo "tests/sanitizers:$name is wrong and was not reported" >&2; exit 1; }
  grep -qE 'ERROR: AddressSanitizer|WARNING: ThreadSanitizer|runtime error:' <<<"$out" ||
    { echo "$out"; echo "tests/sanitizers:$name failed for another reason" >&2; exit 1; }
  echo "seen: tests/sanitizers:$name"
done
# Several times slower than a plain run.
exec tools/test.sh "${configs[@]}" --test_timeout=300,900,1800,3600 "$@"
