#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The storage dispatch example: 48 runs (modes, batches, executors, strategies) with one checksum.
set -eu
program=${SHEAF_BUILD:?}/examples/example_storage_dispatch
[ -x "$program" ] || { echo "the examples are not built"; exit 77; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
awk 'BEGIN { for (t = 0; t < 505; t++) { line = ""; for (s = 0; s < 3; s++) line = line (s ? " " : "") (t * 37 + s * 11) % 500; print line } }' >"$work/wind.2030.txt"
"$program" "$work" wind.2030 >"$work/out"
grep -q '^3 scenarios x 505 hours in 4 weeks$' "$work/out"
grep -q '^all results are identical$' "$work/out"
[ "$(grep -cE '^(sequential|parallel) ' "$work/out")" = 48 ] || { cat "$work/out"; exit 1; }
[ "$(awk '/^(sequential|parallel) / { print $NF }' "$work/out" | sort -u | wc -l)" = 1 ] || { cat "$work/out"; exit 1; }
status=0; "$program" "$work" none >/dev/null 2>"$work/said" || status=$?
if [ "$status" != 1 ] || ! grep -q 'neither none.parquet' "$work/said"; then cat "$work/said"; exit 1; fi
echo "storage dispatch: 48 runs, one checksum"
