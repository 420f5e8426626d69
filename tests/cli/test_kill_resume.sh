#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# One simulation killed and resumed again and again: the exported CSV is byte-equal to that of the unbroken run.
# SHEAF_TEST_TRAJECTORIES (default 6000), SHEAF_TEST_RESUMES (kills for each format, default 4), SHEAF_TEST_SEED (of the moments).
set -eu
sheaf=${SHEAF:?}
n=${SHEAF_TEST_TRAJECTORIES:-6000}
kills=${SHEAF_TEST_RESUMES:-4}
RANDOM=${SHEAF_TEST_SEED:-1}
work=$(mktemp -d "${TMPDIR:-$([ -w /dev/shm ] && echo /dev/shm || echo /tmp)}/sheaf-test-XXXXXX")
trap 'rm -rf "$work"' EXIT
fail() { echo "$*" >&2; exit 1; }
suffix() { case $1 in zarr) echo zarr ;; hdf5) echo h5 ;; npy) echo npyd ;; esac; }
now() { echo $(($(date +%s%N) / 1000000)); }
for format in $("$sheaf" --version | sed -n "s/^formats://p"); do
    [ "$format" != mem ] || continue
    options=(-n "$n" --seed 11 --threads 2 --commit-every 100 --checkpoint-every 100ms --quiet)
    whole=$work/whole.$(suffix "$format")
    store=$work/killed.$(suffix "$format")
    begun=$(now)
    "$sheaf" simulate insurance "$whole" "${options[@]}" 2>/dev/null
    took=$(($(now) - begun))
    done=0 tries=0
    while [ $done -lt "$kills" ] && [ $tries -lt $((kills * 4)) ]; do
        tries=$((tries + 1))
        # From the making of the store on; short enough for all kills.
        wait_ms=$((RANDOM % 20 + took * (20 + RANDOM % 80) / (100 * (kills + 1))))
        "$sheaf" simulate insurance "$store" "${options[@]}" --resume >"$work/said" 2>&1 &
        child=$!
        sleep "$(printf '%d.%03d' $((wait_ms / 1000)) $((wait_ms % 1000)))"
        kill -KILL $child 2>/dev/null || true
        status=0
        wait $child 2>/dev/null || status=$?
        if [ $status = 0 ]; then break; fi
        [ $status = 137 ] || fail "$format: status $status of a resumed run: $(cat "$work/said")"
        done=$((done + 1))
    done
    [ $done -ge 1 ] || fail "$format: no run was killed"
    "$sheaf" simulate insurance "$store" "${options[@]}" --resume 2>"$work/said" || fail "$format: $(cat "$work/said")"
    "$sheaf" verify "$store" >"$work/said" 2>&1 || fail "$format: $(cat "$work/said")"
    "$sheaf" export "$whole" "$work/whole.csv" --what all --quiet
    "$sheaf" export "$store" "$work/killed.csv" --what all --quiet
    cmp "$work/whole.csv" "$work/killed.csv" || fail "$format: a run killed $done times differs"
    [ "$(find "$work" -name '*sheaf-new*' | wc -l)" = 0 ] || fail "$format: left behind: $(find "$work" -name '*sheaf-new*')"
    echo "$format: $n trajectories, killed $done times, the CSV of $(wc -c <"$work/killed.csv") bytes is equal"
    rm -rf "$whole" "$store" "$work/whole.csv" "$work/killed.csv"
done
