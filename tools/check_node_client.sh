#!/usr/bin/env bash
# Runs the example host in Node (examples/node) against the built connector, and kills both. Not a part of the normal tests,
# as it needs Node.js and npm's packages. Exit code 75: npm cannot fetch them here, so nothing was tested.
# usage: tools/check_node_client.sh [BAZEL OPTION…]
set -euo pipefail
cd "$(dirname "$0")/.."
tools/setup.sh
tools/install_node.sh
# What needs no packages.
(cd examples/node && node --test)
if ! out=$(bazel build --noshow_progress --ui_event_filters=-info @node_client_packages//:node_modules.tar 2>&1); then
  echo "$out" >&2
  echo "NOT TESTED: npm could not fetch the packages of examples/node" >&2
  exit 75
fi
bazel test --test_output=errors --test_env=PATH "$@" //tests/e2e:node_client_test
