#!/usr/bin/env bash
# Runs the fuzz targets of tests/fuzz with libFuzzer, AddressSanitizer and UndefinedBehaviorSanitizer, one after another;
# stops with an error at the first finding and says where its input lies. Installs clang 16 if it is missing.
# usage: tools/fuzz.sh [--keep] [SECONDS PER TARGET (60)] [TARGET…]
# What is found on the way (the corpus, logs, inputs of findings) stays in $FUZZ_DIR, outside the tree, and is used again.
# --keep: afterwards renews testdata/fuzz/TARGET with the smallest set of inputs that reaches the same code.
set -euo pipefail
cd "$(dirname "$0")/.."
keep=''
[ "${1:-}" = --keep ] && { keep=1; shift; }
seconds=60
case "${1:-}" in [0-9]*) seconds=$1; shift ;; esac

tools/setup.sh
tools/install.sh clang-16 libclang-rt-16-dev llvm-16
targets=("$@")
[ ${#targets[@]} -gt 0 ] ||
  mapfile -t targets < <(sed -n 's/^    name = "\(.*\)",$/\1/p' tests/fuzz/BUILD.bazel)
dir=${FUZZ_DIR:-${XDG_CACHE_HOME:-$HOME/.cache}/audience-connector/fuzz}
# Outputs of its own (--platform_suffix), so that the next plain build has nothing to do again.
bazel build --config=fuzz --noshow_progress "${targets[@]/#///tests/fuzz:}"
bin=$(bazel info --config=fuzz bazel-bin 2>/dev/null)/tests/fuzz

# Debian's libraries are not instrumented, and some hand containers over.
export ASAN_OPTIONS=detect_container_overflow=0:detect_odr_violation=0:abort_on_error=0
export UBSAN_OPTIONS=print_stacktrace=1
for candidate in /usr/bin/llvm-symbolizer-16; do export ASAN_SYMBOLIZER_PATH=$candidate; done

for target in "${targets[@]}"; do
  work=$dir/$target kept=testdata/fuzz/$target
  mkdir -p "$work/corpus" "$work/findings"
  options=(-rss_limit_mb=2048 -timeout=20 -max_len=8192 -artifact_prefix="$work/findings/")
  [ -e "tests/fuzz/$target.dict" ] && options+=(-dict="tests/fuzz/$target.dict")
  if ! "$bin/$target" "${options[@]}" -max_total_time="$seconds" -print_final_stats=1 "$work/corpus" "$kept" \
    >"$work/log" 2>&1; then
    tail -n 60 "$work/log" >&2
    echo "FINDING in $target; its input is in $work/findings (run: $bin/$target FILE)" >&2
    exit 1
  fi
  awk -v target="$target" -v seconds="$seconds" '
    / cov: / { for (i = 1; i < NF; i++) { if ($i == "cov:") cov = $(i+1); if ($i == "ft:") ft = $(i+1); if ($i == "corp:") corpus = $(i+1) } }
    /^stat::number_of_executed_units:/ { runs = $2 } /^stat::peak_rss_mb:/ { rss = $2 }
    END { printf "%-18s %4d s  %10d runs  %6d edges  %6d features  corpus %s  %d MB  no finding\n", target, seconds, runs, cov, ft, corpus, rss }' "$work/log"
  if [ -n "$keep" ]; then
    rm -rf "$work/small" && mkdir "$work/small"
    "$bin/$target" "${options[@]}" -set_cover_merge=1 -use_counters=0 "$work/small" "$kept" "$work/corpus" >"$work/merge.log" 2>&1
    # Names given by hand stay; of the others the 40 largest, which reach most.
    find "$kept" -type f -regextype posix-extended -regex '.*/[0-9a-f]{40}' -delete
    (cd "$work/small" && find . -type f -size -4k -printf '%s %P\n' | sort -rn | head -n 40 | cut -d' ' -f2) |
      while read -r name; do cp "$work/small/$name" "$kept"; done
    echo "$kept: $(find "$kept" -type f | wc -l) inputs"
  fi
done
