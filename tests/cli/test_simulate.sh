#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# sheaf simulate: results do not depend on threads or order, resume after a kill and after Ctrl-C, limits, wrong usage.
# shellcheck source=tests/cli/common.sh
. "$(dirname "$0")/common.sh"

for format in $formats; do
    s=$(suffix "$format")
    # The same store with 0, 1, 2 and 8 threads, and for any commits (but for the count of commits in sheaf.len).
    "$sheaf" simulate insurance "one.$s" -n 3000 --every 7 --dtype f32 --seed 5 --keep-last --threads 0 2>said
    grep -q 'sheaf: simulate: 3000 trajectories stored in one\..* (3000 now), .* s, peak .* MiB, .* bytes per trajectory$' said || fail "$(cat said)"
    "$sheaf" export "one.$s" one.csv --what all --quiet
    for options in "--threads 1 --commit-every 1000" "--threads 2 --commit-every 10ms" "--threads 8 --memory 64M --checkpoint-every 20ms"; do
        # shellcheck disable=SC2086
        "$sheaf" simulate insurance "other.$s" -n 3000 --every 7 --dtype f32 --seed 5 --keep-last --replace $options 2>/dev/null
        "$sheaf" export "other.$s" other.csv --what all --quiet
        cmp one.csv other.csv || fail "$format: $options make a difference"
        diff -r -x sheaf.len "one.$s" "other.$s" >/dev/null || fail "$format: $options make a difference in the files"
    done
    # By step the numbers are the same ones.
    "$sheaf" simulate gbm "steps.$s" -n 20 --steps 30 --every 4 --order step --seed 9 2>/dev/null
    "$sheaf" simulate gbm "paths.$s" -n 20 --steps 30 --every 4 --seed 9 --threads 3 2>/dev/null
    "$sheaf" show "steps.$s" price --csv | tail -n +2 | cut -d, -f2- | tr , '\n' | sort >steps.txt
    "$sheaf" show "paths.$s" price --csv | tail -n +2 | cut -d, -f2- | tr , '\n' | sort >paths.txt
    cmp steps.txt paths.txt || fail "$format: the order makes a difference"
    # Killed again and again, then resumed: as if it had never been.
    "$sheaf" simulate insurance "killed.$s" -n 10 --every 7 --dtype f32 --seed 5 --keep-last 2>/dev/null
    for delay in .05 .1 .15 .2 .25; do
        timeout -s KILL "$delay" "$sheaf" simulate insurance "killed.$s" -n 3000 --every 7 --dtype f32 --seed 5 --keep-last --commit-every 10 --resume \
            >/dev/null 2>&1 || true
    done
    "$sheaf" simulate insurance "killed.$s" -n 3000 --every 7 --dtype f32 --seed 5 --keep-last --resume 2>/dev/null
    "$sheaf" export "killed.$s" killed.csv --what all --quiet
    cmp one.csv killed.csv || fail "$format: a resumed run differs"
    # A run by step that is interrupted goes on where it was.
    "$sheaf" simulate ou "whole.$s" -n 50 --steps 400 --every 3 --keep-last --order step 2>/dev/null
    "$sheaf" simulate ou "halves.$s" -n 50 --steps 1 --every 3 --keep-last --order step 2>/dev/null
    for delay in .05 .1; do
        timeout -s INT "$delay" "$sheaf" simulate ou "halves.$s" -n 50 --steps 400 --every 3 --keep-last --order step --commit-every 1 --resume >/dev/null 2>&1 || true
    done
    "$sheaf" simulate ou "halves.$s" -n 50 --steps 400 --every 3 --keep-last --order step --resume >/dev/null 2>&1 || true
    "$sheaf" export "whole.$s" whole.csv --what x --quiet
    "$sheaf" export "halves.$s" halves.csv --what x --quiet
    cmp whole.csv halves.csv || fail "$format: an interrupted run by step differs"
    # Ctrl-C commits what is whole and says how to go on.
    "$sheaf" simulate insurance "stopped.$s" -n 100000000 --every 10 2>said &
    pid=$!
    sleep .4
    kill -INT $pid
    status=0
    wait $pid || status=$?
    [ "$status" = 1 ] || fail "$format: interrupted: status $status"
    grep -q "To go on: sheaf simulate insurance stopped.$s -n 100000000 --every 10 --resume" said || fail "$(cat said)"
    "$sheaf" info "stopped.$s" --json | grep -q '"writer": "none"' || fail "$format: interrupted: $("$sheaf" info "stopped.$s")"
    # What differs is refused by name.
    expect 1 'seed: 5 is stored, but 6 is asked for' simulate insurance "one.$s" --every 7 --dtype f32 --seed 6 --keep-last --resume
    expect 1 'interval: 7 is stored, but 8 is asked for' simulate insurance "one.$s" --every 8 --dtype f32 --seed 5 --keep-last --resume
    expect 1 'stored as float32, but float64 is asked for' simulate insurance "one.$s" --every 7 --seed 5 --keep-last --resume
    expect 1 'margin: .* is stored, but 0.08 is asked for' simulate insurance "one.$s" --every 7 --dtype f32 --seed 5 --keep-last --margin .08 --resume
    expect 1 'exists already (--replace removes it, --resume goes on with it)' simulate insurance "one.$s"
    # The disk limit: nothing is dropped silently.
    status=0
    "$sheaf" simulate insurance "full.$s" -n 100000 --disk 4M 2>said || status=$?
    [ "$status" = 4 ] || fail "$format: at the limit: status $status: $(cat said)"
    stored=$("$sheaf" info "full.$s" --json | sed -n 's/.*"trajectory": \([0-9]*\)}.*/\1/p')
    [ "$stored" -gt 1000 ] || fail "$format: only $stored trajectories at the limit"
    [ "$(du -s --block-size=1 "full.$s" | cut -f1)" -le 4404019 ] || fail "$format: $(du -s --block-size=1 "full.$s") at a limit of 4 MiB"
    if [ "$format" != npy ]; then # in npy every array grows with every record
        "$sheaf" simulate insurance "full.$s" -n 50000 --disk 40M --at-limit summaries --replace 2>said || fail "$format: $(cat said)"
        grep -q 'trajectories are stored as summaries only' said || fail "$format: $(cat said)"
        [ "$(du -s --block-size=1 "full.$s" | cut -f1)" -le 44040192 ] || fail "$format: $(du -s --block-size=1 "full.$s") at a limit of 40 MiB"
        "$sheaf" info "full.$s" --json | grep -q '"trajectory": 50000}' || fail "$format: summaries were lost at the limit"
        "$sheaf" info "full.$s" --json | grep -q 'sheaf_summaries_only_from_id' || fail "$format: the store does not say from where on"
        "$sheaf" export "full.$s" full.csv --quiet
        "$sheaf" simulate insurance "all.$s" -n 50000 2>/dev/null
        "$sheaf" export "all.$s" all.csv --quiet
        cmp full.csv all.csv || fail "$format: summaries at the limit differ"
    fi
    rm -rf ./*."$s"
done

expect 2 'unknown model "insurence" (did you mean insurance?' simulate insurence x.npyd
expect 2 'unknown option --step (did you mean --steps?)' simulate insurance x.npyd --step 5
expect 2 'is no parameter of the model gbm' simulate gbm x.npyd --retention 5
expect 2 '"ten" is not a whole number' simulate gbm x.npyd -n ten
expect 2 'at least 1' simulate gbm x.npyd --every 0
expect 2 'at least 1 step' simulate gbm x.npyd --steps 0
expect 2 'neither f32 nor f64' simulate gbm x.npyd --dtype i32
expect 2 'unknown codec "zip" (did you mean gzip?' simulate gbm x.npyd --codec zip
expect 2 'exclude each other' simulate gbm x.npyd --replace --resume
expect 2 'too few arguments' simulate gbm
expect 2 'unexpected argument' simulate gbm x.npyd y
expect 2 'known' simulate gbm x.nope
expect 2 'unknown format "hdf6" (did you mean hdf5? known: zarr' simulate gbm x --format hdf6
expect 1 'No such file' simulate gbm nowhere/x.npyd
[ -z "$(find . -name 'x*')" ] || fail "left behind: $(ls)"
# Memory does not grow with the number of trajectories.
peak() { "$sheaf" simulate gbm many.npyd -n "$1" --steps 2 --replace 2>&1 | sed -n 's/.*peak \([0-9]*\).*/\1/p'; }
small=$(peak 200000)
large=$(peak 1000000)
[ "$large" -le $((small + 2 + small / 10)) ] || fail "peak memory: $small MiB for 200,000 trajectories, $large MiB for 1,000,000"
echo "simulated in: $formats"
