#!/usr/bin/env bash
# Makes sure that Node and npm are there, for the example host and its test. Quick when they are.
set -euo pipefail
cd "$(dirname "$0")/.."
if ! command -v node >/dev/null || ! command -v npm >/dev/null; then
  tools/install.sh nodejs npm
fi
