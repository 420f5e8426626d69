#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The command's frame: help, version, verbs that do not exist, and what they cost.
set -eu
sheaf=${SHEAF:?}
fail() { echo "$*" >&2; exit 1; }
# expect STATUS PATTERN ARGS...: the exit status, and one line on stderr that matches.
expect() {
    local want=$1 pattern=$2 status=0 said
    shift 2
    said=$("$sheaf" "$@" 2>&1 >/dev/null) || status=$?
    [ "$status" = "$want" ] || fail "sheaf $*: status $status instead of $want: $said"
    [ "$(wc -l <<<"$said")" = 1 ] || fail "sheaf $*: more than one line: $said"
    grep -q -- "$pattern" <<<"$said" || fail "sheaf $*: \"$said\" does not match \"$pattern\""
}
"$sheaf" --help | grep -q '^usage: sheaf VERB'
"$sheaf" --version | grep -q '^formats:.* npy'
"$sheaf" --version | grep -q '^codecs:.* blosc'
status=0; "$sheaf" >/dev/null 2>&1 || status=$?; [ "$status" = 2 ] || fail "no verb: status $status"
expect 2 'unknown verb "frobnicate" (known:' frobnicate
expect 2 'unknown option "--verbose"' --verbose
status=0; "$sheaf" --version >/dev/full 2>/dev/null || status=$?; [ "$status" = 1 ] || fail "full output: status $status"
echo "help, version, unknown verbs"
