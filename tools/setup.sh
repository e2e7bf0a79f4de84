#!/usr/bin/env bash
# Installs the Debian packages of tools/packages.txt that are missing.
set -euo pipefail
cd "$(dirname "$0")/.."
mapfile -t wanted < <(sed 's/#.*//' tools/packages.txt | xargs -n1)
exec tools/install.sh "${wanted[@]}"
