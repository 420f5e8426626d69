#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The command's frame: help, version, verbs that do not exist, and what they cost.
# shellcheck source=tests/cli/common.sh
. "$(dirname "$0")/common.sh"
"$sheaf" --help | grep -q '^usage: sheaf VERB'
"$sheaf" --version | grep -q '^formats:.* npy'
"$sheaf" --version | grep -q '^codecs:.* blosc'
status=0; "$sheaf" >/dev/null 2>&1 || status=$?; [ "$status" = 2 ] || fail "no verb: status $status"
expect 2 'unknown verb "frobnicate" (known:' frobnicate
expect 2 'unknown option "--verbose"' --verbose
status=0; "$sheaf" --version >/dev/full 2>/dev/null || status=$?; [ "$status" = 1 ] || fail "full output: status $status"
echo "help, version, unknown verbs"
