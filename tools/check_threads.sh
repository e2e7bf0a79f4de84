#!/usr/bin/env bash
# Clang's thread-safety analysis over the sources that have to do with a lock: what is marked ABSL_GUARDED_BY and the like must be used under its lock.
# Fails on a finding. Before that it makes sure that it sees a mistake: tests/sanitizers/unguarded.cc must be found.
# usage: tools/check_threads.sh [--all | FILE.cc…]
#   default: sources that name a mutex, or whose own header does; --all: every source.
set -euo pipefail
cd "$(dirname "$0")/.."
tools/setup.sh
tools/install.sh clang-16
# The generated headers of the API.
bazel build --noshow_progress --ui_event_filters=-info //proto:audience_sync_cc //proto:google_rpc
bin=$(bazel info bazel-bin 2>/dev/null)
boringssl=$(bazel info output_base 2>/dev/null)/external/boringssl/src/include
[ -d "$boringssl" ] || bazel build --noshow_progress --ui_event_filters=-info //third_party:boringssl_crypto

cat >"${TMPDIR:-/tmp}/check_threads.$$" <<COMMAND
#!/bin/sh
include=''
case "\$1" in identity_mapping/digest.cc | connector/pinterest/seal.cc | connector/cli/content_digest.cc) include="-isystem $boringssl" ;; esac
exec clang-16 -fsyntax-only -std=c++20 -Wno-everything -Wthread-safety -Werror=thread-safety \
  -iquote . -isystem "$bin" -isystem "$bin/proto" \$include -DSPDLOG_SHARED_LIB -DSPDLOG_COMPILED_LIB -DSPDLOG_FMT_EXTERNAL \
  -DCPPHTTPLIB_OPENSSL_SUPPORT "\$1"
COMMAND
check="${TMPDIR:-/tmp}/check_threads.$$"
trap 'rm -f "$check"' EXIT
chmod +x "$check"

mistake=tests/sanitizers/unguarded.cc
if out=$("$check" $mistake 2>&1) || ! grep -q "requires holding mutex" <<<"$out"; then
  echo "$mistake: the mistake in it was not found" >&2
  exit 1
fi
files=("$@")
if [ ${#files[@]} -eq 0 ] || [ "${files[0]}" = --all ]; then
  mapfile -t all < <(git ls-files '*.cc' | grep -v "^$mistake$")
  [ "${files[0]:-}" = --all ] && files=("${all[@]}") || files=()
  for file in "${all[@]}"; do
    [ "${1:-}" = --all ] && break
    header=${file%.cc}.h
    [ -f "$header" ] || header=
    # shellcheck disable=SC2086
    if grep -qE 'utex|GUARDED_BY' "$file" $header; then files+=("$file"); fi
  done
fi
printf '%s\0' "${files[@]}" | xargs -0 -n 1 -P "$(nproc)" "$check"
echo "${#files[@]} files keep to their locks (and the seeded mistake was found)"
