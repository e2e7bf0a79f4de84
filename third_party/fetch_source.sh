#!/usr/bin/env bash
# Unpacks the source (.orig) of Debian's PACKAGE VERSION into the current directory, if its digest is SHA256.
# Needs no root and changes nothing on the machine: apt gets a private state, cache and source list.
set -euo pipefail
package=$1 version=$2 sha256=$3

apt=$PWD/.apt
mkdir -p "$apt"/{state/lists/partial,cache/archives/partial,sources.list.d,download}
touch "$apt/sources.list" "$apt/state/status"

# The machine's Debian sources, asked for source packages. Others have no such package.
for file in /etc/apt/sources.list.d/debian.sources /etc/apt/sources.list.d/*.sources; do
  [ -e "$file" ] && grep -qi debian "$file" || continue
  name=$(basename "$file")
  [ -e "$apt/sources.list.d/$name" ] || sed 's/^Types:.*/Types: deb-src/I' "$file" > "$apt/sources.list.d/$name"
done
for file in /etc/apt/sources.list /etc/apt/sources.list.d/*.list; do
  [ -e "$file" ] || continue
  sed -n 's/^deb\(-src\)\?[[:space:]]/deb-src /p' "$file" | grep -E '/debian(-security)?/? ' >> "$apt/sources.list" || true
done
sort -u -o "$apt/sources.list" "$apt/sources.list"

options=(-o "Dir::State=$apt/state" -o "Dir::State::status=$apt/state/status" -o "Dir::Cache=$apt/cache"
  -o "Dir::Etc::SourceParts=$apt/sources.list.d" -o "Dir::Etc::SourceList=$apt/sources.list"
  -o "APT::Sandbox::User=" -o "Acquire::Retries=3" -o "Acquire::Languages=none")
apt-get "${options[@]}" update
(cd "$apt/download" && apt-get "${options[@]}" source --download-only "$package=$version")

tarball=$(echo "$apt"/download/*.orig.tar.*z)
echo "$sha256  $tarball" | sha256sum --check --status || { echo "$tarball does not have the expected digest" >&2; exit 1; }
tar -xf "$tarball" --strip-components=1
rm -rf "$apt"
