#!/usr/bin/env bash
# Each argument is a file with the targets that a folder depends on and must not.
set -u
status=0
for file in "$@"; do
  if [ -s "$file" ]; then
    echo "$(basename "$file") what it must not:"
    cat "$file"
    status=1
  fi
done
[ $# -ge 9 ] || { echo "only $# rules were checked"; status=1; }
exit $status
