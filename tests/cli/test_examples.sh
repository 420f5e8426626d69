#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The examples that write and read stores, in every format of the build.
set -eu
bin=${SHEAF_BUILD:?}/examples
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

for suffix in zarr h5 npyd; do
    case $suffix in h5) "${SHEAF:?}" --version | grep -q hdf5 || continue ;; esac
    "$bin/example_write_trajectories" "$work/t.$suffix" 500 >"$work/out"
    grep -qxF "500 trajectories in $work/t.$suffix" "$work/out"
    "$bin/example_read_store" "$work/t.$suffix" >"$work/read"
    grep -q "^equity float32 (trajectory 500, time 5)$" "$work/read"
    grep -q "^equity_total float64 (trajectory 500)$" "$work/read"
    grep -q "^equity\[499\]: " "$work/read"
    "$bin/example_write_steps" "$work/s.$suffix" 101 >/dev/null
    "$bin/example_read_store" "$work/s.$suffix" >"$work/read"
    grep -q "^x float64 (time 11, d 1, trajectory 1000)$" "$work/read"
    "$SHEAF" verify "$work/t.$suffix" >/dev/null
    # A second run must not overwrite the first.
    if "$bin/example_write_steps" "$work/s.$suffix" 2>"$work/err"; then exit 1; fi
    grep -q "exists already" "$work/err"
done
if "$bin/example_read_store" "$work/none.zarr" 2>"$work/err"; then exit 1; fi
grep -q "there is no store at" "$work/err"
