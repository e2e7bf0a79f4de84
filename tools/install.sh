#!/usr/bin/env bash
# Installs those of the given Debian packages that are missing. Quick when none is. Needs root, or sudo, only if something
# is missing. usage: tools/install.sh PACKAGE…
set -euo pipefail

missing=()
for package in "$@"; do
  state=$(dpkg-query -W -f '${db:Status-Abbrev}' "$package" 2>/dev/null || true)
  case "$state" in ii*) ;; *) missing+=("$package") ;; esac
done
[ ${#missing[@]} -eq 0 ] && exit 0

. /etc/os-release
if [ "${ID:-}" != debian ] || [ "${VERSION_ID:-}" != 12 ]; then
  echo "This project builds on Debian 12 (bookworm); this is ${PRETTY_NAME:-something else}." >&2
  echo "Missing packages: ${missing[*]}" >&2
  exit 1
fi
as_root=()
if [ "$(id -u)" -ne 0 ]; then
  command -v sudo >/dev/null || { echo "Packages are missing and neither root nor sudo is at hand: ${missing[*]}" >&2; exit 1; }
  as_root=(sudo)
fi
echo "Installing ${#missing[@]} Debian packages: ${missing[*]}"
export DEBIAN_FRONTEND=noninteractive
"${as_root[@]}" apt-get update -qq
"${as_root[@]}" apt-get install -y -qq --no-install-recommends -o Dpkg::Use-Pty=0 "${missing[@]}" 2>&1 |
  awk '/^(Get|Unpacking|Setting up)/ { n++; if (n % 50 == 0) { printf "  … %d steps\n", n; fflush() } } /^(E:|W:|dpkg: error)/ { print; fflush() }'
for package in "${missing[@]}"; do
  dpkg-query -W -f '${db:Status-Abbrev}' "$package" 2>/dev/null | grep -q '^ii' ||
    { echo "Package $package could not be installed." >&2; exit 1; }
done
