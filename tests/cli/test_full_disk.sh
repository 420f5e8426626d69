#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# A disk that fills up while sheaf simulate writes: one clear line, what was committed stays readable and whole, and once there is room
# --resume goes on to the same end as a run that met no limit. Needs the right to mount a small file system; else skipped.
set -eu
sheaf=${SHEAF:?}
work=$(mktemp -d)
disk=$work/disk
mkdir "$disk"
trap 'umount "$disk" 2>/dev/null || true; rm -rf "$work"' EXIT
fail() { echo "$*" >&2; exit 1; }
mount -t tmpfs -o size=2m tmpfs "$disk" 2>/dev/null || { echo "SKIPPED: no right to mount a small disk"; exit 77; }
suffix() { case $1 in zarr) echo zarr ;; hdf5) echo h5 ;; npy) echo npyd ;; esac; }
n=4000
for format in $("$sheaf" --version | sed -n "s/^formats://p"); do
    [ "$format" != mem ] || continue
    store=$disk/full.$(suffix "$format")
    whole=$work/whole.$(suffix "$format")
    mount -o remount,size=2m "$disk"
    run() { "$sheaf" simulate insurance "$1" -n $n --seed 3 --threads 2 --commit-every 50 --quiet "${@:2}"; }
    run "$whole" 2>/dev/null
    status=0
    run "$store" 2>"$work/said" || status=$?
    [ $status = 1 ] || fail "$format: status $status on a full disk: $(cat "$work/said")"
    [ "$(grep -c 'No space left' "$work/said")" = 1 ] || fail "$format: said not once that there is no space: $(cat "$work/said")"
    [ "$(wc -l <"$work/said")" -le 2 ] || fail "$format: said too much: $(cat "$work/said")"
    # Committed before: some, readable, whole, equal.
    "$sheaf" verify "$store" >"$work/said" 2>&1 || fail "$format: damaged after a full disk: $(cat "$work/said")"
    "$sheaf" export "$store" "$work/part.csv" --what assets --quiet
    rows=$(wc -l <"$work/part.csv")
    [ "$rows" -gt 50 ] || fail "$format: only $rows rows were kept"
    "$sheaf" export "$whole" "$work/whole.csv" --what assets --quiet
    grep -v -x -F -f "$work/whole.csv" "$work/part.csv" >"$work/odd" && fail "$format: other values were kept: $(head -n 1 "$work/odd")"
    # Still full: resuming says so again and harms nothing.
    status=0
    run "$store" --resume >/dev/null 2>&1 || status=$?
    [ $status = 1 ] || fail "$format: status $status when resumed on a full disk"
    "$sheaf" verify "$store" >"$work/said" 2>&1 || fail "$format: damaged after resuming on a full disk: $(cat "$work/said")"
    mount -o remount,size=128m "$disk"
    run "$store" --resume 2>"$work/said" || fail "$format: cannot go on: $(cat "$work/said")"
    "$sheaf" verify "$store" >/dev/null || fail "$format: damaged after going on"
    "$sheaf" export "$store" "$work/part.csv" --what all --quiet
    "$sheaf" export "$whole" "$work/whole.csv" --what all --quiet
    cmp "$work/part.csv" "$work/whole.csv" || fail "$format: a run that met a full disk differs"
    echo "$format: $rows lines kept on the full disk, then $n trajectories"
    rm -rf "$store" "$whole"
done
