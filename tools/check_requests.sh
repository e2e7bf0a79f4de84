#!/usr/bin/env bash
# Holds every request that the connector sends in the end-to-end tests against Pinterest's API description: a validating
# proxy (Prism, from npm) stands between the connector and the simulator and refuses what the description does not allow.
# Lists, uploads, audiences and the life of segments; the description does not have the older call for audiences.
# Not a part of the normal tests, as it needs Node.js and a download.
set -euo pipefail
cd "$(dirname "$0")/.."
command -v npm >/dev/null || { echo "npm is needed (Debian packages nodejs and npm)" >&2; exit 1; }
prism=${PRISM_DIR:-${XDG_CACHE_HOME:-$HOME/.cache}/audience-connector/prism}
[ -x "$prism/node_modules/.bin/prism" ] || npm install --silent --no-fund --no-audit --prefix "$prism" @stoplight/prism-cli@5
bazel test --test_output=errors --test_env=PATH --nocache_test_results \
  --test_env=PRISM="$prism/node_modules/.bin/prism" \
  --test_filter='-*OlderApi*' //tests/e2e:main_job_test //tests/e2e:audiences_test //tests/e2e:segments_test
echo "every request was valid against testdata/pinterest/openapi.json"
