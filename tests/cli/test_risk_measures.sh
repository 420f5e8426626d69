#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# examples/risk_measures.c on the numbers 1 to 100, whose measures are worked out by hand, and on no numbers at all.
set -eu
example=${SHEAF_BUILD:?}/examples/example_risk_measures
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

seq 100 -1 1 | "$example" >"$work/out"
for line in "count 100" "mean 50.5" "std 29.0115" "level 0.95: VaR 95.05, TVaR 98" "level 0.99: VaR 99.01, TVaR 100" "once in 2: 50.5" "once in 100: 99.01"; do
    grep -qxF "$line" "$work/out" || { echo "missing: $line"; cat "$work/out"; exit 1; }
done
status=0
"$example" </dev/null 2>"$work/err" || status=$?
[ "$status" -eq 1 ]
grep -q "at least one value" "$work/err"
