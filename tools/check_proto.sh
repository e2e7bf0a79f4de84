#!/usr/bin/env bash
# Lints the API (buf, STANDARD + COMMENTS). Needs npm and a download the first time; not a part of the normal tests.
set -euo pipefail
cd "$(dirname "$0")/.."
command -v npm >/dev/null || { echo "npm is needed (Debian packages nodejs and npm)" >&2; exit 1; }
buf=${BUF_DIR:-${XDG_CACHE_HOME:-$HOME/.cache}/audience-connector/buf}
[ -x "$buf/node_modules/.bin/buf" ] || npm install --silent --no-fund --no-audit --prefix "$buf" @bufbuild/buf@1

# buf wants the imported files beside the others.
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cp -r proto/. "$work"
mkdir -p "$work/google/rpc"
cp /usr/share/gocode/src/github.com/gogo/googleapis/google/rpc/{status,error_details}.proto "$work/google/rpc/"
(cd "$work" && "$buf/node_modules/.bin/buf" lint)
echo "proto/ is lint clean"
