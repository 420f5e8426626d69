#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# A limit of the shell on the size of files (ulimit -f) is told in one line like a full disk: what was committed is whole, and without the limit
# --resume comes to the same end as a run that met none.
set -eu
sheaf=${SHEAF:?}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
fail() { echo "$*" >&2; exit 1; }
for format in $("$sheaf" --version | sed -n "s/^formats://p"); do
    # KiB; an HDF5 file has a hole of 64 MiB while it grows.
    case $format in
    zarr) suffix=zarr limit=2000 n=5000 ;;
    npy) suffix=npyd limit=2000 n=5000 ;;
    hdf5) suffix=h5 limit=100000 n=200000 ;;
    *) continue ;;
    esac
    store=$work/limit.$suffix whole=$work/whole.$suffix
    run() { "$sheaf" simulate gbm "$1" -n $n --steps 100 --seed 3 --threads 2 --commit-every 500 --quiet "${@:2}"; }
    run "$whole" 2>/dev/null
    status=0
    (ulimit -f $limit && run "$store") 2>"$work/said" || status=$?
    [ $status = 1 ] || fail "$format: status $status at the limit: $(cat "$work/said")"
    [ "$(grep -c 'File too large' "$work/said")" = 1 ] || fail "$format: said not once that the file is too large: $(cat "$work/said")"
    "$sheaf" verify "$store" >"$work/said" 2>&1 || fail "$format: damaged at the limit: $(cat "$work/said")"
    "$sheaf" info "$store" >"$work/said" || fail "$format: info fails on what is left"
    kept=$(sed -n 's/^trajectory: \([0-9]*\) committed/\1/p' "$work/said")
    { [ "$kept" -ge 500 ] && [ "$kept" -lt $n ]; } || fail "$format: $kept trajectories were kept"
    run "$store" --resume 2>"$work/said" || fail "$format: cannot go on: $(cat "$work/said")"
    "$sheaf" export "$store" "$work/a.csv" --what summaries --quiet
    "$sheaf" export "$whole" "$work/b.csv" --what summaries --quiet
    cmp "$work/a.csv" "$work/b.csv" || fail "$format: a run that met a limit differs"
    echo "$format: $kept trajectories kept at the limit of $limit KiB, then $n"
done
